"""A program that torch 2.13 exported, as a zip that a test has changed: `schema_8.program.json` holds its texts,
without the places of the code that was exported."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

TEXT = Path(__file__).with_name("schema_8.program.json").read_text(encoding="utf-8")
MODEL = "models/model.json"


def texts() -> dict[str, Any]:
    """Return the program's texts by their names in the zip, each as values of one's own."""
    found: dict[str, Any] = json.loads(TEXT)
    return found


def write(path: Path, found: dict[str, Any] | None = None, *, packed: bool = False) -> None:
    """Write texts, or what stands for one, as a zip."""
    with ZipFile(path, "w", ZIP_DEFLATED if packed else ZIP_STORED) as archive:
        for name, value in (texts() if found is None else found).items():
            archive.writestr(f"net/{name}", value if isinstance(value, str | bytes) else json.dumps(value))

"""Results as JSON: one object a line where there are many, keys in a stable order, exact integers."""

import json
from typing import Any

from archprof.analysis.document import SCHEMA, plain


def to_json(document: Any, page: object = None) -> str:
    """Return a result as a JSON text that reads and diffs well: lists of objects have one object a line, everything
    else stays short."""
    lines = []
    for key, value in {"schema": SCHEMA, **plain(document)}.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n".join(f"    {_compact(item)}" for item in value)
            lines.append(f"  {_compact(key)}: [\n{inner}\n  ]")
        else:
            lines.append(f"  {_compact(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

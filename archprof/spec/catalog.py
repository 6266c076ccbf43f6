"""The specs that ship with archprof: which there are, and where a name or alias leads."""

import os
import re
from functools import cache
from pathlib import Path

from archprof.errors import Location, did_you_mean, problem
from archprof.spec.git import is_git
from archprof.spec.nodes import shorten

_ALIASES = re.compile(r"^aliases: *\[(.*)\] *$", re.MULTILINE)


def root() -> Path:
    """Return the folder of specs: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


@cache
def portable(file: str) -> str:
    """Return the name of a file as results keep it: one of the catalog's is `specs/…` on every machine."""
    folder = f"{root()}{os.sep}"
    return f"specs/{file.removeprefix(folder)}".replace(os.sep, "/") if file.startswith(folder) else file


@cache
def files() -> dict[str, Path]:
    """Return every spec of the catalog by its name, which is its file's stem, sorted by family and name."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root()):
        folders.sort()
        found.extend(Path(folder, name) for name in sorted(names) if name.endswith(".yaml"))
    return {path.stem: path for path in found}


def aliases() -> dict[str, str]:
    """Return the name behind each alias, read off the one line that lists a spec's aliases."""
    found: dict[str, str] = {}
    for name, path in files().items():
        line = _ALIASES.search(path.read_text(encoding="utf-8"))
        for alias in line[1].split(",") if line else ():
            found[alias.strip()] = name
    return found


def is_path(target: str) -> bool:
    """Tell whether a target names a file (or standard input) rather than a network of the catalog."""
    return target == "-" or is_git(target) or "/" in target or "\\" in target or target.endswith((".yaml", ".yml"))


def reference_of(model: object) -> str | None:
    """Return the name or the path of a network as it is typed, given either or an object that is a path; None for
    anything else."""
    if isinstance(model, str):
        return model
    path = os.fspath(model) if isinstance(model, os.PathLike) else None
    if not isinstance(path, str):
        return None
    return path if is_path(path) else f"./{path}"


def find(name: str, location: Location | None = None) -> Path:
    """Return the file of a network of the catalog, by name or alias.

    Raises SpecError, with the nearest names, when there is none.
    """
    known = files()
    if name in known:
        return known[name]
    if not name:
        raise problem(
            "a network without a name",
            location,
            help="name one of the catalog, or a file; `archprof list` shows the catalog",
        )
    other = aliases()
    if name in other:
        return known[other[name]]
    folded = {word.lower(): word for word in (*known, *other)}
    if name.lower() in folded:
        return find(folded[name.lower()], location)
    advice = "a setting is written `name@width=0.75`;" if "@" in name else did_you_mean(name[:100], [*known, *other])
    listed = "`archprof list` shows the catalog; the path of a file ends with `.yaml`"
    raise problem(f"there is no network `{shorten(name)}`", location, help=f"{advice} {listed}".strip())

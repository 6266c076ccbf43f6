"""The specs that ship with archprof: which there are, and where a name or alias leads."""

import os
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from archprof.errors import Location, problem, usage_error
from archprof.inputs import begins, read_own
from archprof.limits import MAX_BYTES
from archprof.spec.nodes import shorten

# How the file of a lock ends, that of a program of torch.export, and that of an ONNX file; and how those two begin, as
# no text does.
LOCK = ".lock.json"
PROGRAM = ".pt2"
ONNX = ".onnx"
# How what names a file at a revision begins.
GIT = "git:"
_PROGRAM_BEGINS = b"PK\x03\x04"
_ONNX_BEGINS = b"\x08"
# Compiled only for a name that is no file's.
_ALIASES = r"^aliases: *\[(.*)\] *$"
_SEPARATORS = str.maketrans("", "", "-_. ")
# Compiled only for a name that is spelled otherwise.
_DECIMAL = "(?<=[0-9])[-_. ](?=[0-9])"


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
    return {name: Path(path) for name, path in paths().items()}


@cache
def paths() -> dict[str, str]:
    """Return what `files` does as texts."""
    return {
        name.removesuffix(".yaml"): f"{folder}{os.sep}{name}"
        for folder in _folders()
        for name in sorted(os.listdir(folder))
        if name.endswith(".yaml")
    }


def _folders() -> list[str]:
    top = str(root())
    return [top, *sorted(folder.path for folder in os.scandir(top) if folder.is_dir())]


def _named(name: str) -> str | None:
    """Return the file of a network by its very name, without listing all that there are: most commands want one."""
    file = f"{name}.yaml"
    for folder in _folders():
        path = f"{folder}{os.sep}{file}"
        if os.path.isfile(path) and file in os.listdir(folder):  # some file systems find it in any case
            return path
    return None


def aliases() -> dict[str, str]:
    """Return the name behind each alias, read off the one line that lists a spec's aliases."""
    found: dict[str, str] = {}
    for name, file in paths().items():
        line = re.search(_ALIASES, read_own(file, MAX_BYTES).decode(), re.MULTILINE)
        for alias in line[1].split(",") if line else ():
            found[alias.strip()] = name
    return found


def tables() -> list[str]:
    """Return the networks that stand in a table of their own, and extend no other."""
    return [name for name, path in files().items() if "\nextends:" not in path.read_text(encoding="utf-8")]


def is_lock(target: str) -> bool:
    """Tell whether a target names a captured graph, in a file or at a revision, rather than a spec."""
    return target.endswith(LOCK)


def is_program(target: str) -> bool:
    """Tell whether a target names a program of torch.export, in a file, at a revision or from standard input."""
    return target.endswith(PROGRAM) or begins(target, _PROGRAM_BEGINS)


def is_onnx(target: str) -> bool:
    """Tell whether a target names an ONNX file, here, at a revision or from standard input."""
    return target.endswith(ONNX) or begins(target, _ONNX_BEGINS)


def is_git(target: str) -> bool:
    """Tell whether a target names a file at a revision."""
    return target.startswith(GIT)


def check_lock_name(path: str) -> None:
    """Raise UsageError for a file that would not be known as a lock."""
    if not path.endswith(LOCK):
        raise usage_error(f"`{path}` would not be known as a lock", help=f"its name ends with `{LOCK}`")


def is_path(target: str) -> bool:
    """Tell whether a target names a file (or standard input) rather than a network of the catalog."""
    return (
        target in ("-", ".", "..")
        or is_git(target)
        or "/" in target
        or "\\" in target
        or target.endswith((".yaml", ".yml", LOCK, PROGRAM, ONNX))
    )


def reference_of(model: object) -> str | None:
    """Return the name or the path of a network as it is typed, given either or an object that is a path; None for
    anything else."""
    if isinstance(model, str):
        return model
    path = os.fspath(model) if isinstance(model, os.PathLike) else None
    if not isinstance(path, str):
        return None
    return path if is_path(path) else f"./{path}"


def is_pattern(target: str) -> bool:
    """Tell whether a target may mean several networks: `mobilenet*`."""
    return any(sign in target for sign in "*?[")


def spellings() -> list[tuple[str, str]]:
    """Return every name and alias, each with the name that it stands for."""
    return [*((name, name) for name in files()), *aliases().items()]


def matching(pattern: str, words: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of those *words* that a pattern matches in any case, or, without such signs, that hold it;
    separators are looked over where nothing has those that were typed."""
    listed = [(word.lower(), name) for word, name in words]
    wanted = pattern.lower() if is_pattern(pattern) else f"*{pattern.lower()}*"
    found = [name for word, name in listed if fnmatchcase(word, wanted)]
    if not found and "[" not in wanted:  # in brackets, a `-` is no separator
        found = [name for word, name in listed if fnmatchcase(letters(word), letters(wanted))]
    return list(dict.fromkeys(found))


def find(name: str, location: Location | None = None) -> Path:
    """Return the file of a network of the catalog, by name or alias; one that is spelled otherwise, `MobileNetV2`, is
    found where it can be only one.

    Raises SpecError, with the nearest names, when there is none, and with all of them where there are several.
    """
    if file := _named(name):
        return Path(file)
    if not name:
        raise problem(
            "a network without a name",
            location,
            help="name one of the catalog, or a file; `archprof list` shows the catalog",
        )
    known, other = paths(), aliases()
    if name in other:
        return Path(known[other[name]])
    alike = spelled(name, (*known, *other))
    found = list(dict.fromkeys(other.get(one, one) for one in alike))
    if len(found) > 1:
        raise problem(f"`{shorten(name)}` may be `{'` or `'.join(alike)}`", location, help="say which one")
    if found:
        return Path(known[found[0]])
    advice = "a setting is written `name@width=0.75`;" if "@" in name else _nearest(name[:100], (*known, *other))
    listed = "`archprof list` shows the catalog; the path of a file ends with `.yaml`"
    raise problem(f"there is no network `{shorten(name)}`", location, help=f"{advice} {listed}".strip())


def spelled(name: str, known: Iterable[str]) -> list[str]:
    """Return the names that differ in case and separators alone; a separator between two digits, a decimal point, tells
    them apart where it was typed."""
    found = [one for one in known if letters(one) == letters(name)]
    if len(found) > 1 and re.search(_DECIMAL, name):
        wanted = letters(re.sub(_DECIMAL, ",", name))
        return [one for one in found if letters(re.sub(_DECIMAL, ",", one)) == wanted]
    return found


def letters(name: str) -> str:
    """Return a name without what people write in many ways: case, and separators."""
    return name.lower().translate(_SEPARATORS)


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean `resnet34` or `resnet50`?", with names that begin so, the shortest first, else with the name
    of the nearest family that is most alike, or two that are equally so; empty where none is near."""
    from difflib import SequenceMatcher, get_close_matches

    known = list(known)
    begun = sorted((one for one in known if letters(one).startswith(letters(name))), key=len)
    if begun and letters(name):
        return f"did you mean `{'` or `'.join(begun[:2])}`?"
    families: dict[str, list[str]] = {}
    for one in known:
        families.setdefault(_family(one), []).append(one)
    family = get_close_matches(_family(name), families, n=1, cutoff=0.7)
    if not family:
        return ""

    alike = {one: SequenceMatcher(None, letters(name), letters(one)).ratio() for one in families[family[0]]}
    nearest = [one for one, ratio in alike.items() if ratio == max(alike.values())]
    nearest.sort(key=lambda one: abs(_number(one) - _number(name)))
    return f"did you mean `{'` or `'.join(nearest[:2])}`?"


def _family(name: str) -> str:
    """Return what stands before the first digit: `resnet`, `efficientnetb`."""
    return re.split("[0-9]", letters(name), maxsplit=1)[0]


def _number(name: str) -> int:
    """Return the first number in a name, 0 without one."""
    digits = re.search("[0-9]+", name)
    return int(digits[0]) if digits else 0

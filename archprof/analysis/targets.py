"""Which networks a check is about: names, paths and patterns → files and settings."""

import os
from collections.abc import Iterable
from glob import glob
from pathlib import Path

from archprof.errors import Location, problem
from archprof.inputs import is_stream, real_path, real_paths
from archprof.named_tuple import NamedTuple
from archprof.spec import catalog
from archprof.spec.config import NAMES, check_inside
from archprof.spec.nodes import shorten
from archprof.spec.variant import Setting, parse_reference, settings_text


class Target(NamedTuple):
    """A network at some settings: how it is named, the file that is read, and its *place*, which is equal where two
    names mean the same file; whether a pattern *matched* it, which may be a file of blocks alone."""

    name: str
    file: str
    place: str
    settings: tuple[Setting, ...] = ()
    matched: bool = False

    @property
    def label(self) -> str:
        """The name with the settings behind it."""
        return f"{self.name}@{settings_text(self.settings)}" if self.settings else self.name

    def at(self, settings: tuple[Setting, ...]) -> "Target":
        return self._replace(settings=(*self.settings, *settings))

    def key(self, folder: Path) -> str:
        """Return the name in a baseline of *folder*: a path counts from there, so that it is the same wherever the
        check runs."""
        if not catalog.is_path(self.name) or self.file == "-" or catalog.is_git(self.file):
            return self.label
        return self._replace(name=Path(os.path.relpath(self.file, folder)).as_posix()).label


def find_targets(
    pattern: str, folder: Path = Path(), location: Location | None = None, *, allow_empty: bool = False
) -> list[Target]:
    """Return the networks that a name, a path or a pattern means; relative paths count from *folder*.

    Raises SpecError for a pattern that matches nothing (unless *allow_empty*), for a name that there is not, and for a
    stream that a configuration, at *location*, names.
    """
    target, settings = parse_reference(pattern, location)
    if location is not None and is_stream(target):
        advice = "name it on the command line"
        raise problem("a configuration cannot name standard input", location, help=advice)
    if not catalog.is_path(target):
        found = _of_catalog(target, location)
    elif target == "-" or catalog.is_git(target):
        found = [(target, target)]
    else:
        paths = _paths(target, folder)
        if location is not None:
            check_inside(paths, folder, location)
        found = [(path, path) for path in paths]
    if not found and not allow_empty:
        raise problem(
            f"`{shorten(target)}` matches nothing",
            location,
            help="a path counts from the folder of the file that names it; `--allow-empty` lets it pass",
        )
    files = [file for _, file in found]
    places = files if target == "-" or catalog.is_git(target) else real_paths(files)
    matched = catalog.is_pattern(target)
    return [Target(name, file, place, settings, matched) for (name, file), place in zip(found, places, strict=True)]


def references(models: Iterable[str]) -> list[str]:
    """Return models as they are typed, each pattern among them as what it matches, with its settings behind each.

    Raises SpecError for a pattern that matches nothing.
    """
    found: dict[str, None] = {}
    for model in models:
        if catalog.is_pattern(parse_reference(model).target):
            targets = find_targets(model, allow_empty=True)
            if not targets:
                raise problem(f"`{shorten(model)}` matches nothing", help="`archprof list` shows the catalog")
            found.update((target.label, None) for target in targets)
        else:
            found[model] = None
    return list(found)


def _of_catalog(name: str, location: Location | None) -> list[tuple[str, str]]:
    if not catalog.is_pattern(name):
        file = catalog.find(name, location)
        return [(file.stem, str(file))]
    return [(known, str(catalog.files()[known])) for known in catalog.matching(name, catalog.spellings())]


def _paths(pattern: str, folder: Path) -> list[str]:
    """Return the files that a pattern matches, as paths from the current folder; a file of that very name is taken
    literally.

    The configuration is no network.
    """
    whole = os.path.join(folder, pattern)
    if not catalog.is_pattern(pattern) or os.path.exists(whole):
        return [pattern] if os.path.isabs(pattern) else _short([whole])
    matching = glob(pattern, root_dir=folder, recursive=True)
    # Patterns such as `nets/*` are of specs, which every command takes.
    kinds = {".json": catalog.LOCK, catalog.PROGRAM: catalog.PROGRAM, catalog.ONNX: catalog.ONNX}
    graphs = kinds.get(Path(pattern).suffix)
    suffixes = (".yaml", ".yml") if graphs is None else (graphs,)
    # Of a file's names its own comes first: a baseline and a revision have it under that one.
    found = sorted(
        (path for path in matching if path.endswith(suffixes) and os.path.basename(path) not in NAMES),
        key=lambda path: (_is_linked(os.path.join(folder, path)), path),
    )
    return found if os.path.isabs(pattern) else _short(os.path.join(folder, path) for path in found)


def _is_linked(path: str) -> bool:
    """Tell whether a path leads through a link."""
    return real_path(path) != os.path.abspath(path)


def _short(paths: Iterable[str]) -> list[str]:
    """Return paths from the current folder, still such that no name of the catalog can be one."""
    folders: dict[str, str] = {}
    found = []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.relpath(folder or os.curdir)
        shown = os.path.normpath(os.path.join(folders[folder], name))
        found.append(shown if catalog.is_path(shown) else f"./{shown}")
    return found

"""What `archprof check` is to check: `archprof.yaml`, or `[tool.archprof]` of a pyproject.toml."""

import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archprof.errors import Location, Problem, Problems, SpecError, problem, usage_error
from archprof.inputs import is_below, is_stream, real_paths, repository_root
from archprof.named_tuple import NamedTuple
from archprof.spec.budget import Budget, budget_schema, read_budget
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe
from archprof.spec.reader import parse, read_file
from archprof.spec.values import mapping, scalar, sequence

NAMES = ("archprof.yaml", "archprof.yml")
PROJECT = "pyproject.toml"
KEYS = ("baseline", "budgets")
_FORM = "as in `budgets: [{model: mobilenet_v2, macs: 301M}]`"


class BudgetEntry(NamedTuple):
    """A budget and the networks that it is for: names, paths and patterns, as typed."""

    models: tuple[Scalar, ...]
    budget: Budget


class Config(NamedTuple):
    """A config file: its budgets, the baseline that relative limits count from, the folder that its paths count from,
    and what is wrong with it."""

    file: str
    folder: Path
    entries: tuple[BudgetEntry, ...] = ()
    baseline: str = ""
    problems: tuple[Problem, ...] = ()


def find_config(folder: Path) -> Config | None:
    """Return the config of a folder or of the nearest one above that has one, up to the root of its repository; None
    where there is none. Raises SpecError as `read_config` does, UsageError where one stands under both names."""
    for place in (folder, *folder.parents):
        # Unlike Path.is_file, no error for a folder that nobody may enter.
        found = [str(_shown(place / name, folder)) for name in NAMES if os.path.isfile(place / name)]
        if len(found) > 1:
            raise usage_error(f"`{found[0]}` and `{found[1]}` side by side", help="budgets stand in one of them")
        if found:
            return read_config(found[0])
        project = place / PROJECT
        if os.path.isfile(project) and (config := _of_project(str(_shown(project, folder)))):
            return config
        if os.path.exists(place / ".git"):
            return None
    return None


def read_config(path: str) -> Config:
    """Return the config that a file holds: the budgets that can be read, and what is wrong with the others.

    Raises SpecError for a file that cannot be read at all, UsageError for a pyproject.toml without budgets.
    """
    if not path.endswith(".toml"):
        return _config(parse(read_file(path), path, _FORM), path)
    config = _of_project(path)
    if config is None:
        raise usage_error(f"`{path}` has no `[tool.archprof]`", help="budgets stand there, or in archprof.yaml")
    return config


def _shown(path: Path, folder: Path) -> Path:
    """Return a path as messages have it: from the folder where it can be."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _of_project(path: str) -> Config | None:
    content = read_file(path)
    if "archprof" not in content:
        return None
    start = Location(path, 1, 1)
    try:
        table = tomllib.loads(content).get("tool", {}).get("archprof")
        root = None if table is None else _Located(content, path).node(table)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, str(error)) from None
    except (RecursionError, ValueError) as error:  # an integer that Python does not turn into text, or text into
        deep = isinstance(error, RecursionError)
        raise problem("this is nested too deeply" if deep else "a number of thousands of digits", start) from None
    return None if root is None else _config(root, path)


def _no_toml(path: str, message: str) -> SpecError:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    place = Location(path, int(found[1]), int(found[2])) if found else Location(path, 1, 1)
    return problem("this is not valid TOML", place, help=message.partition(" (at ")[0].lower())


class _Located:
    """TOML values → nodes. tomllib keeps no places: a key stands in the next line that names it."""

    def __init__(self, content: str, file: str) -> None:
        self._file = file
        self._lines = content.splitlines()
        starts = (
            number for number, line in enumerate(self._lines) if re.match(r"\s*\[+\s*tool\s*\.\s*archprof\b", line)
        )
        self._line = next(starts, 0)

    def node(self, value: Any) -> Node:
        """Return the node of a value, in or behind the line that was reached."""
        if isinstance(value, dict):
            start = self._line
            return Map({key: self._entry(key, item) for key, item in value.items()}, self._file, start + 1, 1)
        if isinstance(value, list):
            return Seq(tuple(self.node(item) for item in value), self._file, self._line + 1, 1)
        written = str(value).lower() if isinstance(value, bool) else str(value)
        return Scalar(written, self._file, self._line + 1, self._column(written))

    def _entry(self, key: str, value: Any) -> tuple[Scalar, Node]:
        named = re.compile(rf"""(^|[\s,{{.\["']){re.escape(key)}["']?\s*[=\]]""")
        for number in range(self._line, len(self._lines)):
            if named.search(self._lines[number]):
                self._line = number
                break
        return Scalar(key, self._file, self._line + 1, self._column(key)), self.node(value)

    def _column(self, word: str) -> int:
        return max(self._lines[self._line].find(word), 0) + 1 if self._lines else 1


def _config(root: Node, path: str) -> Config:
    problems, entries = Problems(), []
    baseline = ""
    fields = root if isinstance(root, Map) else Map({})
    with problems:
        mapping(root, "the configuration", KEYS, "keys: baseline, budgets, as in `budgets: [{model: v2, macs: 301M}]`")
    with problems:
        baseline = _file(node, Path(path).parent) if (node := fields.get("baseline")) else ""
    budgets = fields.get("budgets")
    with problems:
        for item in sequence(budgets, "a list of budgets", _FORM) if budgets else ():
            with problems:
                entries.append(_entry(item))
    return Config(path, Path(path).parent, tuple(entries), baseline, tuple(problems.found))


def _file(node: Node, folder: Path) -> str:
    path = scalar(node, "a file").text
    if is_stream(path):
        raise problem("a configuration cannot name standard input", node.location, help="name a file")
    check_inside([str(folder / path)], folder, node.location)
    return path


def check_inside(paths: Sequence[str], folder: Path, location: Location) -> None:
    """Raise SpecError, at *location*, for a path that leads out of the repository of a configuration's folder."""
    root = repository_root(folder)
    for path, real in zip(paths, real_paths(paths), strict=True):
        if not is_below(real, root):
            message = f"`{path}` is not in {root}"
            raise problem(message, location, help="a configuration names what is in its repository, links followed")


def _entry(node: Node) -> BudgetEntry:
    if not isinstance(node, Map):
        raise problem(
            f"expected a budget, not {describe(node)}", node.location, help="as in `{model: mobilenet_v2, macs: 301M}`"
        )
    problems = Problems()
    models: tuple[Scalar, ...] = ()
    with problems:
        model = node.get("model")
        if model is None:
            raise problem(
                "a budget without `model`",
                node.location,
                help="a name, a path or a pattern such as `specs/**/*.yaml`; a list for several",
            )
        models = tuple(scalar(item, "a model") for item in (model.items if isinstance(model, Seq) else (model,)))
        if not models:
            raise problem("a budget for no network", model.location, help="leave it out, or name one in `model`")
    budget = None
    with problems:
        budget = read_budget(node, ("model",))
    problems.raise_any()
    assert budget is not None
    return BudgetEntry(models, budget)


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of archprof.yaml."""
    models = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    budget = budget_schema({"model": models})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "archprof check",
        "type": "object",
        "properties": {
            "baseline": {"type": "string"},
            "budgets": {"type": "array", "items": {**budget, "required": ["model"]}},
        },
        "additionalProperties": False,
    }

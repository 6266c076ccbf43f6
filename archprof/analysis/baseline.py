"""What networks cost once: the snapshots that relative budgets count from, and the JSON file that keeps them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from archprof.costs.metrics import DERIVED
from archprof.costs.report import Report
from archprof.errors import InputError, Location, Problem, Problems, UsageError, printable, usage_error

SCHEMA = 1
MAX_BYTES = 1 << 26
_LARGEST = 1 << 62
_COUNTS = ("params", "trainable", "macs", "activations")
_KEYS = ("archprof", "commit", "convention", "input", "layers", "rows", "totals")


class BaselineRow(NamedTuple):
    """One operator's counts; *weighted* says that it multiplies, and so is a layer."""

    path: str
    kind: str
    stage: int
    params: int
    trainable: int
    macs: int
    activations: int
    weighted: bool


class Snapshot(NamedTuple):
    """A network's rows and how they were counted: by which convention and version of archprof, at which input, at which
    commit."""

    parts: tuple[BaselineRow, ...]
    convention: str
    input: tuple[int, ...]
    archprof: str = ""
    commit: str = ""

    @property
    def counted_as(self) -> tuple[str, tuple[int, ...]]:
        return self.convention, self.input


def snapshot(report: Report, version: str = "", commit: str = "") -> Snapshot:
    """Return what a report counts, row by row."""
    parts = []
    for row in report.rows:
        cost = row.cost
        parts.append(
            BaselineRow(
                row.path,
                row.kind,
                row.stage,
                cost.params,
                cost.trainable,
                cost.macs,
                cost.activations,
                row.operator.weighted,
            )
        )
    return Snapshot(tuple(parts), str(report.convention), report.input, version, commit)


def total_of(parts: Iterable[BaselineRow], metric: str) -> int:
    """Return the sum of a metric over rows: FLOPs are 2 × MACs, sizes 4, 2 or 1 bytes a parameter."""
    if metric == "layers":
        return sum(part.weighted for part in parts)
    column, factor = (DERIVED[metric].of, DERIVED[metric].factor) if metric in DERIVED else (metric, 1)
    counts: list[int] = [getattr(part, column) for part in parts]
    return factor * sum(counts)


def to_text(models: Mapping[str, Snapshot]) -> str:
    """Return the baseline file: networks by name, a line for each row, nothing that changes unless a count does."""
    blocks = ",\n".join(f"    {_json(name)}: {_model(models[name])}" for name in sorted(models))
    return f'{{\n  "schema": {SCHEMA},\n  "models": {{\n{blocks}\n  }}\n}}\n'


def _model(kept: Snapshot) -> str:
    rows = ",\n".join(f"        {_json(part._asdict())}" for part in kept.parts)
    totals = {metric: total_of(kept.parts, metric) for metric in _COUNTS}
    facts = {
        "archprof": kept.archprof,
        "commit": kept.commit,
        "convention": kept.convention,
        "input": list(kept.input),
        "layers": total_of(kept.parts, "layers"),
        "totals": totals,
    }
    lines = [f"      {_json(key)}: {_json(value)}" for key, value in facts.items()]
    return "{\n" + ",\n".join([*lines, f'      "rows": [\n{rows}\n      ]']) + "\n    }"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def merged(old: Mapping[str, Snapshot], new: Mapping[str, Snapshot]) -> dict[str, Snapshot]:
    """Return the old networks with the new ones on top; one whose counts are the same stays as it was, commit and
    version included."""
    kept = dict(old)
    for name, found in new.items():
        before = old.get(name)
        if before is None or (before.parts, before.counted_as) != (found.parts, found.counted_as):
            kept[name] = found
    return kept


def read_baseline(path: str) -> dict[str, Snapshot]:
    """Return the networks of a baseline file. Raises UsageError, with the place, for a file that is none or was made
    otherwise."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        advice = f"`archprof check --write-baseline {printable(path)}` makes one"
        raise usage_error(f"cannot read the baseline `{printable(path)}`: {reason}", help=advice) from None
    return _BaselineReader(path, data).read()


class _BaselineReader:
    """A baseline file, of which nothing is believed: a hand may have edited it, a merge mangled it."""

    def __init__(self, file: str, data: bytes) -> None:
        self._file = file
        self._data = data
        self._text = ""
        self._problems = Problems()

    def read(self) -> dict[str, Snapshot]:
        document = self._parse()
        if (
            not isinstance(document, dict)
            or document.get("schema") != SCHEMA
            or isinstance(document.get("schema"), bool)
        ):
            found = document.get("schema") if isinstance(document, dict) else None
            said = (
                f"baseline schema {printable(str(found)[:20])} is not known here"
                if found is not None
                else "this is no baseline"
            )
            raise self._wrong(f"{said}: there is schema {SCHEMA}", '"schema"')
        models = document.get("models")
        if not isinstance(models, dict) or document.keys() - {"schema", "models"}:
            raise self._wrong("a baseline has `schema` and `models`, and nothing else", '"models"')
        found = {}
        for name, model in models.items():
            with self._problems:
                found[name] = self._model(name, model)
        if self._problems.found:
            raise UsageError(self._problems.found)
        return found

    def _parse(self) -> Any:
        if len(self._data) > MAX_BYTES:
            raise self._wrong("a baseline of more than 64 MiB")
        try:
            self._text = self._data.decode("utf-8")
            return json.loads(self._text, object_pairs_hook=self._pairs, parse_constant=self._refused)
        except json.JSONDecodeError as error:
            message = f"this is not valid JSON: {error.msg.lower()}"
            raise self._located(message, Location(self._file, error.lineno, error.colno)) from None
        except UnicodeDecodeError:
            raise self._wrong("the file is not UTF-8 text") from None
        except (RecursionError, ValueError) as error:
            said = "too deeply nested" if isinstance(error, RecursionError) else printable(str(error)).lower()
            raise self._wrong(f"this is no baseline: {said}") from None

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
            raise self._wrong(f"`{printable(twice[:60])}` stands there twice", _json(twice))
        return found

    def _refused(self, word: str) -> Any:
        raise self._wrong(f"{word} is no count", word)

    def _model(self, name: str, model: Any) -> Snapshot:
        if not isinstance(model, dict) or sorted(model) != sorted(_KEYS):
            raise self._wrong(f"a network has {', '.join(_KEYS)}", _json(name), f"models.{printable(name[:60])}")
        texts = [model[key] for key in ("archprof", "commit", "convention")]
        rows, sizes = model["rows"], model["input"]
        plain = all(isinstance(value, str) for value in texts) and isinstance(rows, list)
        if not plain or not isinstance(sizes, list) or len(sizes) != 3 or not all(map(_is_count, sizes)):
            raise self._wrong(
                "an entry of another type than archprof writes", _json(name), f"models.{printable(name[:60])}"
            )
        parts = tuple(self._part(name, number, row) for number, row in enumerate(rows))
        stated = {**model["totals"], "layers": model["layers"]} if isinstance(model["totals"], dict) else {}
        if stated != {metric: total_of(parts, metric) for metric in (*_COUNTS, "layers")}:
            raise self._wrong(
                "the totals are not the sums of the rows", _json(name), f"models.{printable(name[:60])}.totals"
            )
        return Snapshot(parts, texts[2], tuple(sizes), texts[0], texts[1])

    def _part(self, name: str, number: int, row: Any) -> BaselineRow:
        if isinstance(row, dict) and tuple(row) == BaselineRow._fields:
            part = BaselineRow(**row)
            counts = (part.stage, part.params, part.trainable, part.macs, part.activations)
            if (
                isinstance(part.path, str)
                and isinstance(part.kind, str)
                and isinstance(part.weighted, bool)
                and all(map(_is_count, counts))
            ):
                return part
        raise self._wrong(
            "this is no row as archprof writes them", _json(name), f"models.{printable(name[:60])}.rows[{number}]"
        )

    def _wrong(self, message: str, near: str = "", where: str = "") -> InputError:
        """Return the error for something that stands where *near* first does."""
        at = max(self._text.find(near), 0) if near else 0
        line = self._text.count("\n", 0, at) + 1
        return self._located(
            message, Location(self._file, line, at - self._text.rfind("\n", 0, at) if at else 1), where
        )

    def _located(self, message: str, place: Location, where: str = "") -> InputError:
        advice = "take the file from git again, or remove it and write a new one with `--write-baseline`"
        return UsageError([Problem(message, place, where, advice)])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST

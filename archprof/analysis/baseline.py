"""What networks cost once: the snapshots that relative budgets count from, and the JSON file that keeps them."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from archprof.analysis.document import Tensor, entries, omitted, plain, tensors
from archprof.analysis.summary import Stage, not_counted, stage_of
from archprof.costs.metrics import NAMES, Counts, total_of
from archprof.costs.report import Report, Row
from archprof.errors import Problems, UsageError, usage_error
from archprof.inputs import read_bytes
from archprof.json_text import FileKind, JsonText
from archprof.limits import MAX_DIGITS
from archprof.named_tuple import NamedTuple

SCHEMA = 2
MAX_BYTES = 1 << 26
_ROW_KEYS = ("path", "kind", "stage", *NAMES, "weighted")
_KIND = FileKind(
    "baseline",
    MAX_BYTES,
    "take the file from git again, or remove it and write a new one with `--write-baseline`",
)
# Larger integers are decimal strings, as in all JSON of ours.
_EXACT = 1 << 53


class BaselineRow(NamedTuple):
    """One operator's counts; *weighted* says that it multiplies, and so is a layer."""

    path: str
    kind: str
    stage: Stage
    cost: Counts
    weighted: bool


class Snapshot(NamedTuple):
    """A network's rows and how they were counted: by which convention and version of archprof, at which input, at which
    commit. Where operators are *not_counted*, by name with how often they run, its MACs are at least so many."""

    parts: tuple[BaselineRow, ...]
    convention: str
    inputs: Mapping[str, Tensor]
    archprof: str = ""
    commit: str = ""
    not_counted: Mapping[str, int] | None = None

    @property
    def counted_as(self) -> tuple[str, Mapping[str, Tensor]]:
        """By which convention, and at which inputs."""
        return self.convention, self.inputs

    def same(self, other: "Snapshot") -> bool:
        """Tell whether both have the same counts, whatever version and commit they are of."""
        return self._replace(archprof="", commit="") == other._replace(archprof="", commit="")


class Entry(NamedTuple):
    """A network in a baseline file: which archprof counted it, at which commit, by which convention; its sums and its
    rows. Where operators are *not_counted*, by name with how often they run, its MACs are at least so many."""

    archprof: str
    commit: str
    convention: str
    inputs: Mapping[str, Tensor]
    weighted_layers: int
    totals: Counts
    layers: tuple[BaselineRow, ...]
    not_counted: Mapping[str, int] | None = None


_ENTRY_KEYS = {*Entry._fields} - omitted(Entry)


class Baseline(NamedTuple):
    """A baseline file: networks by name."""

    models: Mapping[str, Entry]


def snapshot(report: Report, version: str = "", commit: str = "") -> Snapshot:
    """Return what a report counts, row by row."""
    parts = tuple(_row(row) for row in report.rows)
    return Snapshot(parts, str(report.convention), tensors(report.inputs), version, commit, not_counted(report))


def _row(row: Row) -> BaselineRow:
    return BaselineRow(row.path, row.kind, stage_of(row), row.cost, row.operator.weighted)


def counted(parts: Iterable[BaselineRow], metric: str) -> int:
    """Return what rows have of a metric, derived ones and `layers` included."""
    if metric == "layers":
        return sum(part.weighted for part in parts)
    return total_of(metric, lambda name: [part.cost[name] for part in parts])


def to_text(models: Mapping[str, Snapshot]) -> str:
    """Return the baseline file: networks by name, a line for each row, nothing that changes unless a count does.

    Raises UsageError for a name that is no UTF-8, as that of a file may be.
    """
    blocks = ",\n".join(f"    {_json(_encoded(name))}: {_model(models[name])}" for name in sorted(models))
    return f'{{\n  "schema": {SCHEMA},\n  "models": {{\n{blocks}\n  }}\n}}\n'


def _encoded(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise usage_error(f"the name `{name}` is not UTF-8", help="a baseline is: rename the file") from None
    return name


def _model(kept: Snapshot) -> str:
    totals = Counts((name, counted(kept.parts, name)) for name in NAMES)
    weighted_layers = counted(kept.parts, "layers")
    facts = (kept.archprof, kept.commit, kept.convention, kept.inputs, weighted_layers, totals)
    entry = Entry(*facts, (), kept.not_counted)
    lines = [f"      {_json(key)}: {_json(value)}" for key, value in entries(entry) if key != "layers"]
    layers = ",\n".join(f"        {_json(part)}" for part in kept.parts)
    return "{\n" + ",\n".join([*lines, f'      "layers": [\n{layers}\n      ]']) + "\n    }"


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def merged(old: Mapping[str, Snapshot], new: Mapping[str, Snapshot]) -> dict[str, Snapshot]:
    """Return the old networks with the new ones on top; one whose counts are the same stays as it was, commit and
    version included."""
    kept = dict(old)
    for name, found in new.items():
        before = old.get(name)
        if before is None or not before.same(found):
            kept[name] = found
    return kept


def read_baseline(path: str) -> dict[str, Snapshot]:
    """Return the networks of a baseline file. Raises UsageError, with the place, for a file that is none or was made
    otherwise."""
    try:
        data = read_bytes(path, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        advice = f"`archprof check --write-baseline {path}` makes one"
        raise usage_error(f"cannot read the baseline `{path}`: {reason}", help=advice) from None
    return _BaselineReader(path, data).read()


class _BaselineReader:
    """A baseline file, of which nothing is believed."""

    def __init__(self, file: str, data: bytes) -> None:
        self._text = JsonText(file, data, _KIND)
        self._problems = Problems()

    def read(self) -> dict[str, Snapshot]:
        document = self._text.parse()
        if (
            not isinstance(document, dict)
            or document.get("schema") != SCHEMA
            or isinstance(document.get("schema"), bool)
        ):
            found = document.get("schema") if isinstance(document, dict) else None
            said = (
                f"baseline schema {str(found)[:20]} is not known here" if found is not None else "this is no baseline"
            )
            raise self._text.wrong(f"{said}: there is schema {SCHEMA}", '"schema"')
        models = document.get("models")
        if not isinstance(models, dict) or document.keys() - {"schema", "models"}:
            raise self._text.wrong("a baseline has `schema` and `models`, and nothing else", '"models"')
        found = {}
        for name, model in models.items():
            with self._problems:
                found[name] = self._model(name, model)
        if self._problems.found:
            raise UsageError(self._problems.found)
        return found

    def _model(self, name: str, model: Any) -> Snapshot:
        where = f"models.{name[:60]}"
        if not isinstance(model, dict) or model.keys() - omitted(Entry) != _ENTRY_KEYS:
            raise self._text.wrong(f"a network has {', '.join(sorted(_ENTRY_KEYS))}", _json(name), where)
        texts = [model[key] for key in ("archprof", "commit", "convention")]
        layers, inputs = model["layers"], _inputs(model["inputs"])
        missing = _calls(model.get("not_counted", {}))
        known = isinstance(layers, list) and bool(inputs) and missing is not None
        if not known or not all(isinstance(value, str) for value in texts):
            raise self._text.wrong("an entry of another type than archprof writes", _json(name), where)
        parts = tuple(self._part(name, f"{where}.layers[{number}]", row) for number, row in enumerate(layers))
        totals = model["totals"] if isinstance(model["totals"], dict) else {}
        stated = {**totals, "layers": model["weighted_layers"]}
        found = {metric: counted(parts, metric) for metric in (*NAMES, "layers")}
        if {metric: _count(value) for metric, value in stated.items()} != found:
            raise self._text.wrong("the totals are not the sums of the layers", _json(name), f"{where}.totals")
        return Snapshot(parts, texts[2], inputs, texts[0], texts[1], missing or None)

    def _part(self, name: str, where: str, row: Any) -> BaselineRow:
        if isinstance(row, dict) and tuple(row) == _ROW_KEYS:
            path, kind, stage, weighted = (row[key] for key in ("path", "kind", "stage", "weighted"))
            counts = [(name, count) for name in NAMES if (count := _count(row[name])) is not None]
            known = isinstance(stage, str) or _count(stage) is not None
            texts = isinstance(path, str) and isinstance(kind, str) and isinstance(weighted, bool)
            if texts and known and len(counts) == len(NAMES):
                return BaselineRow(path, kind, stage, Counts(counts), weighted)
        raise self._text.wrong("this is no layer as archprof writes them", _json(name), where)


def _inputs(found: Any) -> dict[str, Tensor]:
    """Return the inputs of an entry; none where they are not as archprof writes them."""
    if not isinstance(found, dict):
        return {}
    inputs = {}
    for name, one in found.items():
        if not isinstance(one, dict) or tuple(one) != Tensor._fields:
            return {}
        shape, dtype = one.values()
        sizes = [size for one in shape if (size := _count(one)) is not None] if isinstance(shape, list) else []
        if not isinstance(shape, list) or len(sizes) != len(shape) or not isinstance(dtype, str):
            return {}
        inputs[name] = Tensor(tuple(sizes), dtype)
    return inputs


def _calls(found: Any) -> dict[str, int] | None:
    """Return names with how often each; None for anything else."""
    calls = {name: _count(times) for name, times in found.items()} if isinstance(found, dict) else {"": None}
    return {name: times for name, times in calls.items() if times} if all(calls.values()) else None


def _count(value: Any) -> int | None:
    """Return a count, large ones from their digits; None for anything else."""
    if isinstance(value, str) and len(value) <= MAX_DIGITS and re.fullmatch("[1-9][0-9]{15,}", value, re.ASCII):
        return int(value) if int(value) > _EXACT else None
    plain = isinstance(value, int) and not isinstance(value, bool)
    return value if plain and 0 <= value <= _EXACT else None

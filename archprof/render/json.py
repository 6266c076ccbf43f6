"""A report as JSON: every row whatever the view, exact integers, one row a line, keys in a stable order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archprof.spec import catalog

if TYPE_CHECKING:
    from archprof.costs.convention import Convention
    from archprof.costs.report import Report, Row

SCHEMA = 1


def to_json(document: Mapping[str, Any]) -> str:
    """Return a JSON text that reads and diffs well: lists of objects have one object a line, everything else stays
    short."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n".join(f"    {_compact(item)}" for item in value)
            lines.append(f"  {_compact(key)}: [\n{inner}\n  ]")
        else:
            lines.append(f"  {_compact(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def head(report: "Report") -> dict[str, Any]:
    """Return what every document about a network starts with."""
    spec = report.origin
    return {
        "schema": SCHEMA,
        "model": spec.variant,
        "title": spec.title,
        "source": {key: value for key, value in spec.source._asdict().items() if value},
        "input": list(report.input),
        "outputs": {name: list(value.shape) for name, value in report.outputs.items()},
        "convention": {"name": report.convention.name, "version": report.convention.version},
    }


def summary_document(report: "Report", conventions: "Sequence[Convention]" = ()) -> dict[str, Any]:
    """Return the document that docs/reference/json.md describes and `archprof schema summary` prints the schema of."""
    document: dict[str, Any] = {
        **head(report),
        "totals": dict(report.totals),
        "layers": [_layer(row) for row in report.rows],
    }
    if conventions:
        _add_counts(document, report, conventions)
    if report.measured:
        found = {key: value for key, value in report.measured._asdict().items() if value is not None}
        found.pop("rows")
        document["measured"] = found
    return document


def _layer(row: "Row") -> dict[str, Any]:
    layer: dict[str, Any] = {
        "path": row.path,
        "op": row.op,
        "kind": row.kind,
        "block": row.block,
        "block_type": row.block_type,
        "stage": row.stage or "head",
        "inputs": [list(dims) for dims in row.inputs],
        "output": list(row.output),
        "kernel": _list(row.kernel),
        "stride": _list(row.stride),
        "padding": _list(row.padding),
        "groups": row.groups,
        "dilation": _list(row.dilation),
        **row.cost,
        "location": _location(row),
    }
    if row.measured:
        layer["measured"] = {key: value for key, value in row.measured._asdict().items() if value is not None}
    return layer


def _location(row: "Row") -> str | None:
    place = row.location
    return None if place is None else str(place._replace(file=catalog.portable(place.file)))


def _add_counts(document: dict[str, Any], report: "Report", conventions: "Sequence[Convention]") -> None:
    """Add what other conventions count, in all and in every layer, each under its own name."""
    from archprof.costs.convention import convention_row

    document["counts"] = counts_of(report, conventions)
    for layer, row in zip(document["layers"], report.rows, strict=True):
        layer["counts"] = {rule.name: convention_row(row, rule) for rule in conventions}


def counts_of(report: "Report", conventions: "Sequence[Convention]") -> dict[str, Any]:
    """Return what other conventions count in all, each under its name, with the version of its tool and its unit."""
    from archprof.costs.convention import convention_total

    return {
        rule.name: {"version": rule.version, "unit": rule.unit, "total": convention_total(report, rule)}
        for rule in conventions
    }


def _list(values: Iterable[int] | None) -> list[int] | None:
    return None if values is None else list(values)


_INT = {"type": "integer", "minimum": 0}
_SHAPE = {"type": "array", "items": {"type": "integer", "minimum": 1}}
_PAIR = {"type": ["array", "null"], "items": {"type": "integer", "minimum": 0}}
_TEXT = {"type": "string"}
_COSTS = dict.fromkeys(("params", "trainable", "buffers", "macs", "activations"), _INT)


def _object(properties: Mapping[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [key for key in properties if key not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def summary_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `archprof summary --format json`."""
    measured_row = _object(
        {"params": _INT, "macs": {"type": "integer"}, "macs_torch": {"type": "integer"}}, ("macs_torch",)
    )
    layer = {
        "path": _TEXT,
        "op": _TEXT,
        "kind": _TEXT,
        "block": _TEXT,
        "block_type": _TEXT,
        "stage": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "head"}]},
        "inputs": {"type": "array", "items": _SHAPE},
        "output": _SHAPE,
        "kernel": _PAIR,
        "stride": _PAIR,
        "padding": _PAIR,
        "groups": {"type": ["integer", "null"], "minimum": 1},
        "dilation": _PAIR,
        **_COSTS,
        "location": _TEXT,
        "counts": {"type": "object", "additionalProperties": _INT},
        "measured": measured_row,
    }
    count = _object({"version": {"type": ["integer", "string"]}, "unit": {"enum": ["MACs", "FLOPs"]}, "total": _INT})
    measured = {
        "counter": {"enum": ["fvcore", "torch", "both"]},
        "torch": _TEXT,
        "params": _INT,
        "macs": _INT,
        "macs_torch": _INT,
        "agree": {"type": "boolean"},
    }
    top = {
        "schema": {"const": SCHEMA},
        "model": _TEXT,
        "title": _TEXT,
        "source": {"type": "object", "additionalProperties": _TEXT},
        "input": _SHAPE,
        "outputs": {"type": "object", "additionalProperties": _SHAPE},
        "convention": _object({"name": _TEXT, "version": _INT}),
        "totals": _object(_COSTS),
        "layers": {"type": "array", "items": _object(layer, ("counts", "measured"))},
        "counts": {"type": "object", "additionalProperties": count},
        "measured": _object(measured, ("macs_torch",)),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "archprof summary",
        **_object(top, ("counts", "measured")),
    }

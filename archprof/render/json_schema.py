"""The JSON Schema (draft 2020-12) of a result, read off the types of its records."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from archprof.analysis.document import MERGED, SCHEMA, omitted
from archprof.costs.metrics import NAMES, Counts
from archprof.errors import Location

_TEXT = {"type": "string"}
# Above 2⁵³ integers are decimal strings.
_INTEGER = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^-?[0-9]+$"}]}
_PLAIN: Mapping[Any, dict[str, Any]] = {
    str: _TEXT,
    Location: _TEXT,
    bool: {"type": "boolean"},
    float: {"type": "number"},
    Fraction: {"type": "number"},
    int: _INTEGER,
    NoneType: {"type": "null"},
    object: {},
}


def result_schema(command: str, record: type, derived: Sequence[str] = ()) -> dict[str, Any]:
    """Return the schema of what a command prints, whose result is such a record; *derived* metrics may stand beside its
    counts."""
    found = _object(record, derived)
    found["properties"] = {"schema": {"const": SCHEMA}, **found["properties"]}
    found["required"] = ["schema", *found["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"archprof {command}", **found}


def _object(record: type, derived: Sequence[str]) -> dict[str, Any]:
    """Return the schema of a record; a field that has a default may be left out."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    others: dict[str, Any] | bool = False
    for name, kind in get_type_hints(record).items():
        if name in MERGED:
            inner = _schema(kind, derived)
            properties |= inner.get("properties", {})
            required += inner.get("required", [])
            others = others or inner["additionalProperties"]
            continue
        properties[name] = _schema(_without_none(kind) if name in omitted(record) else kind, derived)
        if name not in omitted(record):
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": others}


def _schema(kind: Any, derived: Sequence[str]) -> dict[str, Any]:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is Counts:
        properties = dict.fromkeys((*NAMES, *derived), _INTEGER)
        return {"type": "object", "properties": properties, "required": list(NAMES), "additionalProperties": False}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(one, derived) for one in arguments]}
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return {"type": "array", "items": _schema(arguments[0], derived)}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_schema(one, derived) for one in arguments], "items": False}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1], derived)}
    return _object(kind, derived)


def _without_none(kind: Any) -> Any:
    rest = [one for one in get_args(kind) if one is not NoneType]
    return rest[0] if len(rest) == 1 else kind

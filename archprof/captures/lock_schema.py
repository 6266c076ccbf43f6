"""The JSON Schema (draft 2020-12) of a lock: what programs may rely on, later fields allowed."""

from collections.abc import Sequence
from typing import Any

from archprof.captures.lock_text import FORMS, SCHEMA, Captured
from archprof.ir.graph import HELD
from archprof.ir.operators.base import KINDS

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_COUNTS = {"type": "object", "additionalProperties": _COUNT}
# A call and which of its outputs; null is the network, and which of its inputs.
_EDGE = {"type": "array", "prefixItems": [{"type": ["string", "null"]}, _COUNT], "items": False}
# Which of a call's inputs, behind them its outputs; or a parameter, a buffer, a constant.
_PLACE = {"anyOf": [_COUNT, {"const": HELD}]}


def lock_schema() -> dict[str, Any]:
    """Return the schema of the file that `archprof lock` writes."""
    texts = {name: _TEXT for name in Captured._fields if name != "inputs"}
    captured = _record({**texts, "inputs": {"type": "array", "items": _TEXT}}, ("how",))
    node = {"$ref": "#/$defs/node"}
    # Of a call that is the same in evaluation, the name alone.
    training = _record(_graph({"anyOf": [_TEXT, node]}), ("single_batch", "storages", "modules"))
    properties = {"schema": {"const": SCHEMA}, "captured": captured, **_graph(node), "training": training}
    draft = "https://json-schema.org/draft/2020-12/schema"
    record = _record(properties, ("single_batch", "storages", "modules", "training"))
    return {"$schema": draft, "title": "archprof lock", **record, "$defs": {"node": _node()}}


def _graph(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "single_batch": {"type": "boolean"},
        "storages": {"type": "boolean"},
        "inputs": {"type": "object", "minProperties": 1, "additionalProperties": _tensor()},
        "outputs": {"type": "object", "additionalProperties": _EDGE},
        "nodes": {"type": "array", "items": node},
        "modules": {"type": "object", "additionalProperties": _TEXT},
    }


def _record(properties: dict[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _tensor() -> dict[str, Any]:
    """Return the schema of a tensor: channels and batch are in front, of floats, unless it says otherwise."""
    sizes = {"type": "array", "items": _COUNT}
    axis = {"type": ["integer", "null"], "minimum": 0}
    # Of a pair, the second is by how much the stride grows with every further image.
    stride = {"anyOf": [_COUNT, {"type": "array", "prefixItems": [_COUNT, _COUNT], "minItems": 2, "items": False}]}
    properties = {"shape": sizes, "channel": axis, "batch": {"anyOf": [axis, sizes]}, "dtype": _TEXT}
    properties["strides"] = {"type": "array", "items": stride}
    return _record(properties, ("channel", "batch", "dtype", "strides"))


def _node() -> dict[str, Any]:
    """Return the schema of a call: of an operator of ours, with attributes, or of one that was recorded."""
    macs = {"type": ["integer", "null"], "minimum": 0}
    facts = {"target": _TEXT, "kind": {"enum": [*KINDS]}, "macs": macs, "parameters": _COUNTS, "buffers": _COUNTS}
    unusual = {"divides": {"type": ["integer", "null"], "minimum": 1}, "bounded": {"type": "boolean"}}
    unusual |= {"counted": {"type": "boolean"}, "activations": _COUNT}
    properties = {
        "path": _TEXT,
        "call": {"type": "integer", "minimum": 1},
        "op": _TEXT,
        "attributes": {"type": "object"},
        "recorded": _record(facts | unusual, ("parameters", "buffers", *unusual)),
        "form": {"enum": [*FORMS]},
        "inputs": {"type": "array", "items": _EDGE},
        "outputs": {"type": "array", "minItems": 1, "items": _tensor()},
        "block": _TEXT,
        "block_type": _TEXT,
        "trainable": {"type": "boolean"},
        "frozen": {"type": "array", "items": _TEXT},
        "parameters": {"type": "object", "additionalProperties": _TEXT},
        "folds_norm": {"type": "boolean"},
        "aliases": {"type": "array", "items": {"anyOf": [_PLACE, {"type": "null"}]}},
        "aliases_of_many": {"type": "array", "items": {"anyOf": [_PLACE, {"type": "null"}]}},
        "writes": {"type": "array", "items": _PLACE},
        "dtypes": {"type": "object", "additionalProperties": _TEXT},
        "slots": {"type": "array", "items": _COUNT},
        "outlives": {"type": "array", "items": _COUNT},
        "detached": {"type": "boolean"},
        "checkpoint": {"type": "integer", "minimum": 1},
        "reentrant": {"type": "boolean"},
    }
    always = ("path", "inputs", "outputs", "block", "block_type")
    ways = [{"required": ["op", "attributes"]}, {"required": ["recorded"]}]
    return {**_record(properties, [name for name in properties if name not in always]), "oneOf": ways}

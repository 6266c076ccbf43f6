"""A JSON Schema as text: what it says more than once stands once, under `$defs`; one definition or key a line."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from archprof.render.json import json_text

Schema = Mapping[str, Any]

# Below that a reference is no shorter.
_SHORT = 48
# The keywords behind which schemas stand: one, a list of them, or some under names.
_ONE = ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_NAMED = ("properties", "$defs")


def schema_text(schema: Schema) -> str:
    """Return a schema as JSON of few bytes, in which each key and each definition has its line."""
    parts = []
    for key, value in once(schema).items():
        if key in _NAMED and value:
            lines = ",\n".join(f"    {json_text(name)}: {json_text(one)}" for name, one in value.items())
            parts.append(f"  {json_text(key)}: {{\n{lines}\n  }}")
        else:
            parts.append(f"  {json_text(key)}: {json_text(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def once(schema: Schema) -> dict[str, Any]:
    """Return the same schema, in which what stands in several places is a reference to one.

    Definitions that it has stay where they are: others point into them.
    """
    counted: Counter[str] = Counter()

    def count(part: Schema) -> Schema:
        counted[_text(part)] += 1
        return part if counted[_text(part)] > 1 else _within(part, count)

    _within(schema, lambda part: _within(part, count))
    shared = [text for text, number in counted.items() if number > 1 and len(text) > _SHORT]
    names = {text: f"shared.{number}" for number, text in enumerate(shared, 1)}

    def refer(part: Schema) -> Schema:
        name = names.get(_text(part))
        return {"$ref": f"#/$defs/{name}"} if name else _within(part, refer)

    found = _within(schema, lambda part: _within(part, refer))
    definitions = {name: _within(json.loads(text), refer) for text, name in names.items()}
    return {**found, "$defs": {**found.get("$defs", {}), **definitions}} if definitions else found


def _within(schema: Schema, change: Callable[[Schema], Schema]) -> dict[str, Any]:
    """Return a schema with each schema directly in it changed."""
    return {key: _changed(key, value, change) for key, value in schema.items()}


def _changed(key: str, value: Any, change: Callable[[Schema], Schema]) -> Any:
    if key in _ONE and isinstance(value, Mapping):
        return change(value)
    if key in _LISTS:
        return [change(one) for one in value]
    if key in _NAMED:
        return {name: change(one) for name, one in value.items()}
    return value


def _text(schema: Schema) -> str:
    return json.dumps(schema, ensure_ascii=False)

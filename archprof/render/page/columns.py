"""Documents with many alike objects, made small: lists of objects as columns, in which equal values stand once."""

from collections.abc import Sequence
from typing import Any

# Shorter lists stay as they are.
_MANY = 8
# In place of a key that an object does not have.
_ABSENT = -1


def as_columns(document: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON document without its long lists of objects, and these as `tables`: each with the keys that lead to
    it, the number of its objects, and a column for each key of theirs: `[values, places]`, values once each and where
    each object has its own, -1 where it lacks the key; one value an object, in order, where there are no places."""
    tables: list[dict[str, Any]] = []
    return {"document": _without_tables(document, (), tables), "tables": tables}


def _without_tables(value: Any, place: tuple[str | int, ...], tables: list[dict[str, Any]]) -> Any:
    """Return a value without long lists of objects, which are added to *tables*."""
    if isinstance(value, dict):
        return {key: _without_tables(inner, (*place, key), tables) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) < _MANY or not all(isinstance(one, dict) for one in value):
        return [_without_tables(one, (*place, index), tables) for index, one in enumerate(value)]
    keys = dict.fromkeys(key for one in value for key in one)
    tables.append({"place": place, "count": len(value), "columns": {key: _column(value, key) for key in keys}})
    return []


def _column(objects: Sequence[dict[str, Any]], key: str) -> list[Any]:
    """Return the values that objects have under a key."""
    values: list[Any] = []
    numbers: dict[str, int] = {}  # by how a value is written: `1`, `1.0` and `true` differ
    places = []
    for one in objects:
        if key not in one:
            places.append(_ABSENT)
            continue
        number = numbers.setdefault(repr(one[key]), len(values))
        if number == len(values):
            values.append(one[key])
        places.append(number)
    return [values] if len(values) == len(objects) else [values, places]

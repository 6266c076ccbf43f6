"""What the fields of a JSON file may hold: each reader returns the value, or raises `Refused` with what is wrong."""

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from typing import Any

from archprof.errors import printable

Reader = Callable[[Any], Any]

# Of products of several of these, Python still makes floats and texts.
MOST_SIZE = 1 << 31
MOST_COUNT = 1 << 53
MOST_RANK = 64
_MOST_TEXT = 1000
_MISSING = object()


class Refused(ValueError):
    """What a field holds and may not."""


def field(record: Mapping[str, Any], key: str, read: Reader, default: Any = _MISSING) -> Any:
    """Return what a record has under a key. Raises Refused, with the key, for what it may not be."""
    if key not in record:
        if default is _MISSING:
            raise Refused(f"`{key}` is missing")
        return default
    try:
        return read(record[key])
    except Refused as error:
        raise Refused(f"`{key}`: {error}") from None


def shown(value: Any) -> str:
    """Return a value as a message quotes it."""
    import json

    text = json.dumps(value, ensure_ascii=False)
    return f"`{text[:40]}{'…' if len(text) > 40 else ''}`"


def expected(what: str, value: Any) -> Refused:
    return Refused(f"expected {what}, not {shown(value)}")


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise expected("an object", value)
    return value


def items(value: Any, sizes: Collection[int] | None = None) -> list[Any]:
    """Return a list, of one of some lengths where they are given."""
    if not isinstance(value, list) or (sizes is not None and len(value) not in sizes):
        many = f" of {' or '.join(map(str, sizes))}" if sizes is not None and len(sizes) < MOST_RANK - 1 else ""
        raise expected(f"a list{many}", value)
    return value


def text(value: Any) -> str:
    """Return a text that a table can print: no line of it is a command to a terminal or a runner."""
    if not isinstance(value, str) or len(value) > _MOST_TEXT or not _is_plain(value):
        raise expected("a plain text", value)
    return value


def _is_plain(value: str) -> bool:
    return printable(value) == value == value.strip() and not value.startswith("::")


def integer(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise expected(f"an integer from {low} to {high:,}", value)
    return value


def count(value: Any) -> int:
    """Return a number of elements, or of multiply-accumulates."""
    return integer(value, 0, MOST_COUNT)


def number(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value) or abs(value) > MOST_SIZE:
        raise expected("a number", value)
    return float(value)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise expected("true or false", value)
    return value


def one_of(*words: str) -> Reader:
    """Return the reader of a text that is one of some."""

    def read(value: Any) -> Any:
        if value not in words:
            raise expected(f"one of {', '.join(words)}", value)
        return value

    return read


def integers(value: Any, sizes: Collection[int], low: int) -> tuple[int, ...]:
    """Return so many sizes."""
    return tuple([integer(size, low, MOST_SIZE) for size in items(value, sizes)])


def texts(value: Any) -> tuple[str, ...]:
    return tuple(map(text, items(value)))


def names(value: Any) -> dict[str, str]:
    """Return texts by text."""
    return {text(key): text(name) for key, name in mapping(value).items()}

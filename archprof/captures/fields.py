"""What the fields of a lock may hold: each reader returns the value, or raises `Refused` with what is wrong."""

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from typing import Any

from archprof.errors import printable
from archprof.ir.dims import Shape, product
from archprof.ir.values import BatchAxis, Strides, Value

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


def _expected(what: str, value: Any) -> Refused:
    return Refused(f"expected {what}, not {shown(value)}")


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _expected("an object", value)
    return value


def items(value: Any, sizes: Collection[int] | None = None) -> list[Any]:
    """Return a list, of one of some lengths where they are given."""
    if not isinstance(value, list) or (sizes is not None and len(value) not in sizes):
        many = f" of {' or '.join(map(str, sizes))}" if sizes is not None and len(sizes) < MOST_RANK - 1 else ""
        raise _expected(f"a list{many}", value)
    return value


def text(value: Any) -> str:
    """Return a text that a table can print: no line of it is a command to a terminal or a runner."""
    if not isinstance(value, str) or len(value) > _MOST_TEXT or not _is_plain(value):
        raise _expected("a plain text", value)
    return value


def _is_plain(value: str) -> bool:
    return printable(value) == value == value.strip() and not value.startswith("::")


def integer(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _expected(f"an integer from {low} to {high:,}", value)
    return value


def count(value: Any) -> int:
    """Return a number of elements, or of multiply-accumulates."""
    return integer(value, 0, MOST_COUNT)


def number(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value) or abs(value) > MOST_SIZE:
        raise _expected("a number", value)
    return float(value)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _expected("true or false", value)
    return value


def one_of(*words: str) -> Reader:
    """Return the reader of a text that is one of some."""

    def read(value: Any) -> Any:
        if value not in words:
            raise _expected(f"one of {', '.join(words)}", value)
        return value

    return read


def integers(value: Any, sizes: Collection[int], low: int) -> tuple[int, ...]:
    """Return so many sizes."""
    return tuple([integer(size, low, MOST_SIZE) for size in items(value, sizes)])


def extents(value: Any, low: int) -> tuple[int, ...]:
    """Return the sizes of axes, of which all elements can still be counted."""
    found = integers(value, range(MOST_RANK), low)
    if product(found) > MOST_COUNT:
        raise Refused(f"{shown(list(found))} has too many elements")
    return found


def texts(value: Any) -> tuple[str, ...]:
    return tuple(map(text, items(value)))


def names(value: Any) -> dict[str, str]:
    """Return texts by text."""
    return {text(key): text(name) for key, name in mapping(value).items()}


def counts(value: Any) -> tuple[tuple[str, int], ...]:
    """Return elements by the names of tensors."""
    return tuple([(text(key), count(elements)) for key, elements in mapping(value).items()])


def tensor(value: Any) -> Value:
    """Return a tensor's shape, channels, batch, type and strides."""
    record = mapping(value)
    shape = field(record, "shape", lambda found: integers(found, range(MOST_RANK), 0))
    if product(shape) > MOST_COUNT:
        raise Refused(f"a tensor of {shown(list(shape))} has too many elements")
    rank = len(shape)
    channel = field(record, "channel", lambda found: None if found is None else integer(found, 0, rank - 1), 0)
    if channel == rank == 0:
        raise Refused("a number has no channels: `channel` is null")
    batch: BatchAxis = field(record, "batch", lambda found: _batch(found, rank), 0)
    whole = rank + isinstance(batch, int)
    strides: Strides | None = field(record, "strides", lambda found: _strides(found, whole), None)
    dtype: str = field(record, "dtype", element_type, "float32")
    found = Value(shape, channel, batch, dtype, strides)
    if strides and _reach(found.at_batch(1), strides) >= MOST_COUNT:
        raise Refused("`strides`: they lead out of any memory")
    return found


def _reach(shape: Shape, strides: Strides) -> int:
    """Return how many elements lie between the first and the last of a tensor."""
    steps = [sum(one) if isinstance(one, tuple) else one for one in strides]
    return sum((size - 1) * step for size, step in zip(shape, steps, strict=True) if size)


def tensors(value: Any) -> tuple[Value, ...]:
    return tuple(map(tensor, items(value)))


def _batch(value: Any, rank: int) -> BatchAxis:
    if value is None:
        return None
    return integers(value, (rank,), 0) if isinstance(value, list) else integer(value, 0, rank)


def _strides(value: Any, rank: int) -> Strides:
    return tuple([_stride(one) for one in items(value, (rank,))])


def _stride(value: Any) -> Any:
    return tuple(map(count, items(value, (2,)))) if isinstance(value, list) else count(value)


def element_type(value: Any) -> str:
    found = text(value)
    if not found.isidentifier():
        raise _expected("a type of elements", value)
    return found

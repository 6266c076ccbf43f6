"""What the fields of a lock may hold beside plain values: tensors, and sizes of which elements can be counted."""

from typing import Any

from archprof.ir.dims import Shape, product
from archprof.ir.values import BatchAxis, Strides, Value
from archprof.json_fields import (
    MOST_COUNT,
    MOST_RANK,
    Refused,
    count,
    expected,
    field,
    integer,
    integers,
    items,
    mapping,
    shown,
    text,
)


def extents(value: Any, low: int) -> tuple[int, ...]:
    """Return the sizes of axes, of which all elements can still be counted."""
    found = integers(value, range(MOST_RANK), low)
    if product(found) > MOST_COUNT:
        raise Refused(f"{shown(list(found))} has too many elements")
    return found


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
        raise expected("a type of elements", value)
    return found

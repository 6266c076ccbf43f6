"""Padding around a map: (height, width), or (top, bottom, left, right) where opposite sides differ; of maps of one or
three dimensions so much on each side; nothing yet where it is `same`, which the size of the map tells."""

from archprof.ir.columns import CAUSAL, SAME, EachSide
from archprof.ir.dims import Dim
from archprof.ir.footprint import Run
from archprof.ir.operators.base import ShapeError
from archprof.ir.values import Value, show_shape
from archprof.units import plural

Sides = tuple[int, int, int, int]
Padding = tuple[int, int] | Sides
_WORDS = {SAME: "the padding `same`", CAUSAL: "the padding `causal`"}
# What sizes of maps of so many dimensions look like.
_FORMS = {
    1: "one number, of the length",
    2: "one number for both sides, or height × width",
    3: "one number for all sides, or frames × height × width",
}


def shortest(padding: tuple[int, ...]) -> Padding:
    """Return padding as (height, width) where it is the same on opposite sides, as torch's own modules pad."""
    if len(padding) == 2:
        return padding[0], padding[1]
    top, bottom, left, right = all_sides(padding)
    return (top, left) if (top, left) == (bottom, right) else (top, bottom, left, right)


def all_sides(padding: tuple[int, ...]) -> Sides:
    """Return padding as (top, bottom, left, right). Raises ShapeError for one of another kind of map, and for `same`
    and `causal` where they are not known."""
    if len(padding) == 2:
        return padding[0], padding[0], padding[1], padding[1]
    if padding == CAUSAL:
        raise _of_sequences(2, ("p", "padding"))
    if len(padding) != 4:
        what = _WORDS.get(padding) or f"a padding of {show_shape(padding)}"
        raise ShapeError(f"{what} around a map of 2 dimensions", "`1`, `0x3` or four sides", ("p", "padding"))
    return padding[0], padding[1], padding[2], padding[3]


def at_rank(sizes: tuple[int, ...], rank: int, column: str, what: str = "a size") -> tuple[int, ...]:
    """Return sizes for each of so many dimensions: one number is that of all. Raises ShapeError where they are of
    others, and for a padding in words."""
    if sizes == CAUSAL:
        raise _of_sequences(rank, (column,))
    if len(sizes) == rank:
        return tuple(sizes)
    if isinstance(sizes, EachSide) or any(size != sizes[0] for size in sizes):
        message = f"{what} of {show_shape(sizes)} on a map of {plural(rank, 'dimension')}"
        raise ShapeError(message, _FORMS[rank], (column,))
    return sizes[:1] * rank


def _of_sequences(rank: int, columns: tuple[str, ...]) -> ShapeError:
    message = f"{_WORDS[CAUSAL]} on a map of {plural(rank, 'dimension')}"
    return ShapeError(message, "it is one of convolutions of sequences, `conv` and `conv1d`", columns)


def rank_of(value: Value) -> int:
    """Return how many dimensions a map has whose channels come first; 2 of anything else, which is no map then."""
    rank = len(value.shape) - 1
    return rank if value.channel == 0 and rank in (1, 3) else 2


def ends(padding: tuple[int, ...], axis: int) -> tuple[int, int]:
    """Return the padding in front of and behind the map along an axis: of two, 0 for the height, 1 for the width."""
    if len(padding) != 4:
        return padding[axis], padding[axis]
    top, bottom, left, right = padding
    return (left, right) if axis else (top, bottom)


def padded(value: Value, padding: Padding) -> Value:
    """Return a map (C, H, W) with its padding around it."""
    channels, height, width = value.shape
    top, bottom, left, right = all_sides(padding)
    return value.with_shape((channels, height + top + bottom, width + left + right))


def around(run: Run, padding: Padding) -> Dim | None:
    """Return the bytes of a call's input with its padding, a map of its own where opposite sides differ; None where the
    kernel pads."""
    return None if len(padding) != 4 else run.bytes(padded(run.inputs[0], padding))


def torch_order(padding: Padding) -> Sides:
    """Return padding as torch's `pad` takes it: (left, right, top, bottom)."""
    top, bottom, left, right = all_sides(padding)
    return left, right, top, bottom

"""Padding around a map: (height, width), or (top, bottom, left, right) where opposite sides differ."""

from archprof.ir.dims import Dim
from archprof.ir.footprint import Run
from archprof.ir.values import Value

Sides = tuple[int, int, int, int]
Padding = tuple[int, int] | Sides


def shortest(padding: Padding) -> Padding:
    """Return padding as (height, width) where it is the same on opposite sides, as torch's own modules pad."""
    if len(padding) == 2:
        return padding
    top, bottom, left, right = padding
    return (top, left) if (top, left) == (bottom, right) else padding


def all_sides(padding: Padding) -> Sides:
    """Return padding as (top, bottom, left, right)."""
    return (padding[0], padding[0], padding[1], padding[1]) if len(padding) == 2 else padding


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
    return None if len(padding) == 2 else run.bytes(padded(run.inputs[0], padding))


def torch_order(padding: Padding) -> Sides:
    """Return padding as torch's `pad` takes it: (left, right, top, bottom)."""
    top, bottom, left, right = all_sides(padding)
    return left, right, top, bottom

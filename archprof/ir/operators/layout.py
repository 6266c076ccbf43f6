"""How tensors lie in memory where that was recorded, and which of them torch copies to multiply them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from archprof.ir.dims import Dim
from archprof.ir.footprint import Run
from archprof.ir.values import Value


def sizes_and_strides(value: Value, images: int) -> tuple[list[Dim], list[Dim]]:
    """Return the whole shape at a batch size, and how far apart the places along each axis lie."""
    shape = list(value.at_batch(images))
    if value.strides is None:
        return shape, contiguous(shape)
    return shape, [one if not isinstance(one, tuple) else one[0] + one[1] * (images - 1) for one in value.strides]


def contiguous(shape: Sequence[Dim]) -> list[Dim]:
    """Return the strides of a tensor whose elements lie in their order."""
    strides: list[Dim] = []
    span: Dim = 1
    for size in reversed(shape):
        strides.insert(0, span)
        span = span * size
    return strides


def folds(sizes: Sequence[Dim], strides: Sequence[Dim]) -> bool:
    """Tell whether axes can be seen as a single one, without a copy."""
    axes = [(size, stride) for size, stride in zip(sizes, strides, strict=True) if size != 1]
    return all(outer == inner * size for (_, outer), (size, inner) in pairwise(axes))


def lies_folded(value: Value, images: int, behind: int) -> bool:
    """Tell whether all axes but some *behind* can be seen as a single one, without a copy."""
    if value.strides is None:
        return True
    sizes, strides = sizes_and_strides(value, images)
    if len(sizes) <= behind:
        return True
    return folds(sizes[:-behind], strides[:-behind])


def folds_anew(value: Value, images: int, behind: int) -> bool:
    """Tell the same of what an elementwise function makes of a tensor: without gaps, its axes in the same order."""
    if value.strides is None:
        return True
    sizes, strides = sizes_and_strides(value, images)
    order = sorted(range(len(sizes)), key=lambda axis: strides[axis], reverse=True)
    dense = dict(zip(order, contiguous([sizes[axis] for axis in order]), strict=True))
    return folds(sizes[:-behind], [dense[axis] for axis in range(len(sizes) - behind)])


def lies_stretched(value: Value, around: Sequence[Dim], images: int) -> bool:
    """Tell whether matrices can be seen as a single stack without a copy, once the axes in front of them are stretched
    to these sizes."""
    sizes, strides = sizes_and_strides(value, images)
    sizes, strides = sizes[:-2], strides[:-2]
    more = len(around) - len(sizes)
    known = zip(sizes, around[more:], strides, strict=True)
    return folds(around, [0] * more + [0 if size != wide else one for size, wide, one in known])


def copied_in_order(run: Run) -> Dim:
    """Return the bytes of the copy that a GPU's kernel takes of an input that it reads in order, where it does not lie
    so."""
    in_order = run.setup.kernels != "cuda" or lies_in_order(run.inputs[0], run.setup.batch)
    return 0 if in_order else run.bytes(run.inputs[0])


def lies_in_order(value: Value, images: int) -> bool:
    """Tell whether a tensor is contiguous."""
    if value.strides is None:
        return True
    sizes, strides = sizes_and_strides(value, images)
    return folds([*sizes, 2], [*strides, 1])

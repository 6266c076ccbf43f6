"""A larger map, by a factor or to a size, of one to three dimensions. It costs no MACs by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import FLAG, SIDES, Column, one_of
from archprof.ir.operators.base import Operator, ShapeError, Sizes, Word, map_axis, operator
from archprof.ir.operators.padding import at_rank, rank_of
from archprof.ir.strides import Stride, stride_between, stride_of_growth
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch

_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


@operator
class Upsample(Operator):
    """A map that is brought to a *size*, or grows by a *factor*: each position the nearest one, or a mean of those
    around it."""

    factor: Sizes = ()
    size: Sizes = ()
    mode: Word = "nearest"
    align_corners: bool = False

    name: ClassVar[str] = "upsample"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("factor", SIDES, "by how much the map grows along each axis", ("scale_factor",)),
        Column("size", SIDES, "the size that it gets instead"),
        Column("mode", one_of("nearest", "bilinear", "bicubic"), "`nearest` unless given; `bilinear` at any rank"),
        Column("align_corners", FLAG, "whether the corners of both maps are at the same places"),
    )

    @classmethod
    def of(
        cls,
        *inputs: Value,
        factor: tuple[int, ...] = (),
        size: tuple[int, ...] = (),
        mode: str = "nearest",
        align_corners: bool = False,
    ) -> Upsample:
        if bool(factor) == bool(size):
            raise ShapeError("a map grows by a `factor`, or to a `size`", "give one of the two", ("factor", "size"))
        rank = rank_of(inputs[0])
        if mode == "nearest" and align_corners:
            raise ShapeError("the nearest position has no corners to align", columns=("align_corners",))
        if mode == "bicubic" and rank != 2:
            raise ShapeError(f"bicubic means over a map of {rank} dimensions", columns=("mode",))
        how = _LINEAR[rank] if mode == "bilinear" else mode
        grown = at_rank(factor, rank, "factor") if factor else ()
        return cls(grown, at_rank(size, rank, "size") if size else (), how, align_corners)

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], len(self.factor or self.size), "a larger map")
        shape = inputs[0].shape
        sizes = self.size or tuple([side * more for side, more in zip(shape[at + 1 :], self.factor, strict=True)])
        return inputs[0].with_shape((*shape[: at + 1], *sizes), at)

    def stride_factor(self, *inputs: Value) -> Stride | None:
        return stride_of_growth(self.factor) if self.factor else stride_between(inputs[0].space, self.size)

    def module(self) -> torch.nn.Module:
        from torch import nn

        corners = None if self.mode == "nearest" else self.align_corners
        grown = tuple(map(float, self.factor)) or None
        return nn.Upsample(self.size or None, grown, self.mode, corners)

    def describe(self) -> str:
        return f"upsample {self.mode}"

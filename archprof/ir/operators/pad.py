"""Zeros around a map, and behind its channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import PLAIN_PADDING, Column
from archprof.ir.dims import Dim, ceil_div
from archprof.ir.operators.base import Operator, ShapeError, feature_map, operator
from archprof.ir.operators.conv import C, Pair, S
from archprof.ir.operators.join import Function
from archprof.ir.operators.padding import Padding, Sides, all_sides, torch_order
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class Pad(Operator):
    """Zeros around a map: (top, bottom, left, right)."""

    padding: Sides

    name: ClassVar[str] = "pad"
    category: ClassVar[str] = "shape"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("p", PLAIN_PADDING, "padding", ("padding",), required=True),)

    @classmethod
    def of(cls, *inputs: Value, p: Padding) -> Pad:
        return cls(all_sides(p))

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "padding").shape
        top, bottom, left, right = self.padding
        return inputs[0].with_shape((channels, height + top + bottom, width + left + right))

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.ZeroPad2d(torch_order(self.padding))


@operator
class PadShortcut(Function):
    """A shortcut without parameters (He et al. 2016, option A): every s-th position, and zeros for the channels that
    are new."""

    stride: Pair
    channels: Dim

    name: ClassVar[str] = "pad_shortcut"
    category: ClassVar[str] = "shape"
    columns: ClassVar[tuple[Column, ...]] = (C, S)

    @classmethod
    def of(cls, *inputs: Value, c: Dim, s: Pair = (1, 1)) -> PadShortcut:
        return cls(s, c)

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "a shortcut").shape
        if channels > self.channels:
            message = f"a shortcut of kind A from {channels} to {self.channels} channels"
            raise ShapeError(message, "zeros can add channels, not remove them", ("shortcut",))
        sizes = (ceil_div(height, self.stride[0]), ceil_div(width, self.stride[1]))
        return inputs[0].with_shape((self.channels, *sizes))

    def stride_factor(self, *inputs: Value) -> int | None:
        return max(self.stride)

    def expression(self, *tensors: str) -> str:
        kept = f"{tensors[0]}[:, :, ::{self.stride[0]}, ::{self.stride[1]}]"
        return f"functional.pad({kept}, (0, 0, 0, 0, 0, {self.channels} - {tensors[0]}.shape[1]))"

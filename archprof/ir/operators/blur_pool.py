"""Pooling by a fixed binomial filter, which keeps a map from aliasing (Zhang 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import SIZE, Column, one_of
from archprof.ir.dims import Dim, conv_out
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Operator, ShapeError, Word, feature_map, operator
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.padding import padded
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class BlurPool2d(Operator):
    """A depthwise convolution by a binomial filter that is not learned, of a map reflected at its border (Zhang 2019),
    or with zeros around it: counted as the convolution that it is."""

    num_features: Dim
    kernel_size: Pair = (3, 3)
    stride: Pair = (2, 2)
    border: Word = "reflect"

    name: ClassVar[str] = "blur_pool"
    tried: ClassVar[str] = "installed"
    formula: ClassVar[str] = "K²·M·F²"
    buffers_formula: ClassVar[str] = "K²·M"
    category: ClassVar[str] = "pool"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("s", SIZE, "stride; 2 unless given", ("stride",)),
        Column("k", SIZE, "size of the filter; 3 unless given", ("kernel_size",)),
        Column("border", one_of("reflect", "zeros"), "what stands around the map; its reflection unless given"),
    )

    @classmethod
    def of(cls, *inputs: Value, k: Pair = (3, 3), s: Pair = (2, 2), border: Word = "reflect") -> BlurPool2d:
        return cls(inputs[0].channels, k, s, border)

    @property
    def kind(self) -> str:
        return "depthwise"

    @property
    def padding(self) -> Pair:
        """Pixels around the map: as many as a convolution of that size and stride has."""
        (height, width), (down, across) = self.kernel_size, self.stride
        return (down + height) // 2 - 1, (across + width) // 2 - 1

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "blurring").shape
        down, across = self.padding
        if self.border == "reflect" and (height <= down or width <= across):
            message = f"a border of {down}×{across} reflected in a map of {height}×{width}"
            raise ShapeError(message, "a larger map, or a smaller filter", ("k", "s"))
        rows = conv_out(height, self.kernel_size[0], self.stride[0], (down, down), 1)
        columns = conv_out(width, self.kernel_size[1], self.stride[1], (across, across), 1)
        return inputs[0].with_shape((channels, rows, columns))

    def buffers(self) -> Mapping[str, Terms]:
        return {"filt": term(self.num_features * prod(self.kernel_size))}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.num_features * prod(self.kernel_size), outputs[0].space)

    def activations(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(outputs[0].channels, outputs[0].space)

    def footprint(self, run: Run) -> Footprint:
        around = run.bytes(padded(run.inputs[0], self.padding))
        return Footprint(scratch=around, own=around, known=False)  # not held against torch

    def stride_factor(self, *inputs: Value) -> int | None:
        return max(self.stride)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import BlurPool2d as Module

        return Module(self.num_features, self.kernel_size, self.stride, self.padding, self.border)

    def describe(self) -> str:
        return "blur pool"

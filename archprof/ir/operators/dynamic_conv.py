"""A convolution whose kernel is computed: it comes in beside the map."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import Column, optional
from archprof.ir.dims import Dim, same
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.operators.conv import C, Conv2d, D, G, K, P, Pair, S
from archprof.ir.operators.conv_same import Conv2dSame
from archprof.ir.operators.padding import Padding
from archprof.ir.terms import Terms
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


@operator
class DynamicConv2d(Operator):
    """A convolution of a map by the features of a second input, N·(M/g)·K² of them, as a linear layer mixes them out of
    experts (Yang et al. 2019): its kernel is another one for each image. Counted as the convolution that it is."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: Dim = 1
    by_size: bool = False  # as many zeros around the map as its size asks for

    name: ClassVar[str] = "dynamic_conv"
    formula: ClassVar[str] = "K²·(M/g)·N·F²"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    weighted: ClassVar[bool] = True
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "half"
    decreasing: ClassVar[tuple[str, ...]] = ("groups",)
    columns: ClassVar[tuple[Column, ...]] = (C, K, S, P._replace(kind=optional(P.kind)), D, G)

    @classmethod
    def of(
        cls,
        *inputs: Value,
        c: Dim,
        k: Pair,
        s: Pair = (1, 1),
        p: Padding | None = None,
        d: Pair = (1, 1),
        g: Any = 1,
    ) -> DynamicConv2d:
        static = Conv2d.of(inputs[0], c=c, k=k, s=s, p=p, d=d, g=g, bias=False)
        if len(static.padding) != 2:
            raise ShapeError("a dynamic convolution is padded alike on opposite sides", columns=("p",))
        by_size = isinstance(static, Conv2dSame)
        return cls(static.in_channels, c, k, s, static.padding, d, static.groups, by_size)

    @property
    def kind(self) -> str:
        return self._static.kind

    @property
    def _static(self) -> Conv2d:
        """The convolution that it would be with a kernel of its own."""
        sizes = (self.kernel_size, self.stride, self.padding, self.dilation)
        return (Conv2dSame if self.by_size else Conv2d)(self.in_channels, self.out_channels, *sizes, self.groups)

    def output(self, *inputs: Value) -> Value:
        output = self._static.output(inputs[0])
        features = self._static.weights
        if len(inputs[1].shape) != 1 or not same(inputs[1].shape[0], features):
            given = show_shape(inputs[1].shape)
            raise ShapeError(f"a dynamic convolution needs a kernel of {features} features, not {given}")
        return output

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return self._static.macs(inputs, outputs)

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        return self.macs(inputs, outputs) * sum(wanted)

    def footprint(self, run: Run) -> Footprint:
        # What is convolved, and kept, is the map with zeros around it; the kernel is kept as it came.
        return self._static.footprint(run)._replace(inputs=(1,)) if self.by_size else Operator.footprint(self, run)

    def stride_factor(self, *inputs: Value) -> int | None:
        return max(self.stride)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import DynamicConv2d as Module

        sizes = (self.kernel_size, self.stride, self.padding, self.dilation)
        return Module(self.out_channels, *sizes, self.groups, self.by_size)

    def describe(self) -> str:
        return f"dynamic {self._static.describe()}"

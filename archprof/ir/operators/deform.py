"""Deformable convolution: a convolution whose taps sample where a second input says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import Dim, same
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.operators.conv import Conv2d, Pair
from archprof.ir.terms import Terms
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


@operator
class DeformConv2d(Operator):
    """Deformable convolution (Dai et al. 2017), modulated (Zhu et al. 2019) or plain, of a map and its offsets.

    Counted as the convolution that it replaces: K²·M/g·N multiply-accumulates a position; sampling is not counted. The
    offsets come in as a map of 2·K² channels (dy, dx for each tap) for each deformable group, and K² more, before their
    sigmoid, where it is modulated; a captured one has those factors in a third input, where it is *masked*.
    """

    in_channels: Dim
    out_channels: Dim
    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: Dim = 1
    deformable_groups: int = 1
    modulated: bool = False
    masked: bool = False
    bias: bool = False

    name: ClassVar[str] = "deform_conv2d"
    formula: ClassVar[str] = "K²·(M/g)·N·F²"
    params_formula: ClassVar[str] = "K²·(M/g)·N"
    joins: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False
    weighted: ClassVar[bool] = True
    drawn_as: ClassVar[str] = "conv"
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "half"
    overwritable: ClassVar[bool] = True
    decreasing: ClassVar[tuple[str, ...]] = ("groups",)

    @property
    def kind(self) -> str:
        return self._replaced.kind

    @property
    def _replaced(self) -> Conv2d:
        """The convolution that this one replaces."""
        sizes = (self.kernel_size, self.stride, self.padding, self.dilation)
        return Conv2d(self.in_channels, self.out_channels, *sizes, self.groups, self.bias)

    def output(self, *inputs: Value) -> Value:
        output = self._replaced.output(inputs[0])
        taps = self.kernel_size[0] * self.kernel_size[1]
        self._check_beside(inputs[1:2], taps * (3 if self.modulated else 2), output, "offsets")
        if self.masked:
            self._check_beside(inputs[2:3], taps, output, "a mask")
        if self.in_channels % self.deformable_groups != 0:
            groups = f"{self.deformable_groups} deformable groups"
            raise ShapeError(
                f"{self.in_channels} channels are not divisible by {groups}", columns=("deformable_groups",)
            )
        return output

    def _check_beside(self, given: tuple[Value, ...], channels: int, output: Value, what: str) -> None:
        """Raise ShapeError unless what comes in beside the map has so many channels for each deformable group."""
        expected = (self.deformable_groups * channels, *output.space)
        if not given or len(given[0].shape) != 3 or not all(map(same, given[0].shape, expected)):
            raise ShapeError(f"a deformable convolution needs {what} of {show_shape(expected)}")

    def parameters(self) -> Mapping[str, Terms]:
        return self._replaced.parameters()

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return self._replaced.macs(inputs, outputs)

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        # The gradient of what was sampled leads to the map, the offsets and the factors.
        return self.macs(inputs, outputs) * (any(wanted) + ("weight" in learned))

    def stride_factor(self, *inputs: Value) -> int | None:
        return max(self.stride)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import DeformConv2d as Module

        sizes = (self.kernel_size, self.stride, self.padding, self.dilation)
        return Module(self.in_channels, self.out_channels, *sizes, self.groups, self.deformable_groups, self.modulated)

    def describe(self) -> str:
        return "deform conv"

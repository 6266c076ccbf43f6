"""Convolution with the padding of TensorFlow, which depends on the size of the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import Dim, ceil_div, maximum
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import operator
from archprof.ir.operators.conv import Conv2d, Pair, same_padding

if TYPE_CHECKING:
    import torch


@operator
class Conv2dSame(Conv2d):
    """A convolution with `p: same`, whose output is 1/s as large as its input, rounded up: max((⌈n/s⌉ − 1)·s + d(k − 1)
    + 1 − n, 0) zeros stand around it along each axis, the odd one behind."""

    tried: ClassVar[str] = "installed"

    @classmethod
    def at(cls, channels: Dim, c: Dim, kernel: Pair, stride: Pair, dilation: Pair, groups: Dim, bias: bool) -> Conv2d:
        """Return the convolution, an ordinary one where every size of the map has the same padding."""
        if stride == (1, 1) and all(d * (k - 1) % 2 == 0 for k, d in zip(kernel, dilation, strict=True)):
            return Conv2d(channels, c, kernel, stride, same_padding(kernel, dilation), dilation, groups, bias)
        return cls(channels, c, kernel, stride, (0, 0), dilation, groups, bias)

    def _slide(self, axis: int, size: Dim) -> Dim:
        return ceil_div(size, self.stride[axis])

    def _around(self, run: Run) -> Dim:
        """Return the bytes of a call's input with zeros around it."""
        value = run.inputs[0]
        sizes = []
        for axis, size in enumerate(value.shape[1:]):
            extent = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            sizes.append(maximum((ceil_div(size, self.stride[axis]) - 1) * self.stride[axis] + extent, size))
        return run.bytes(value.with_shape((value.shape[0], *sizes)))

    def footprint(self, run: Run) -> Footprint:
        with_zeros = self._around(run)
        return Footprint(scratch=with_zeros, own=with_zeros)

    def gradients(self, run: Run) -> Gradients:
        return Conv2d.gradients(self, run)._replace(around=self._around(run))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import SameConv2d

        sizes = self.in_channels, self.out_channels, self.kernel_size, self.stride
        return SameConv2d(*sizes, 0, self.dilation, self.groups, self.bias)

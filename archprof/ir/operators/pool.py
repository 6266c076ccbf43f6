"""Pooling by a window that slides over each channel. It costs no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column
from archprof.ir.footprint import INDEX, Footprint, Gradients, Run
from archprof.ir.operators.base import operator
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.padding import Padding, around, shortest, torch_order
from archprof.ir.operators.window import WINDOW, Window
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class MaxPool2d(Window):
    """The largest element of each window."""

    kernel_size: Pair
    stride: Pair
    padding: Padding = (0, 0)
    ceil: bool = False

    name: ClassVar[str] = "max_pool"
    columns: ClassVar[tuple[Column, ...]] = (WINDOW[0]._replace(required=True), *WINDOW[1:])

    @classmethod
    def of(cls, *inputs: Value, k: Pair, s: Pair | None = None, p: Padding = (0, 0), ceil: bool = False) -> MaxPool2d:
        return cls(k, k if s is None else s, shortest(p), ceil)

    def footprint(self, run: Run) -> Footprint:
        # Where each largest element stood.
        places = INDEX * run.elements(run.outputs[0])
        with_zeros = around(run, self.padding)
        if with_zeros is None:
            return Footprint(scratch=places, inputs=(0,), own=places)
        return Footprint(scratch=with_zeros + places, own=with_zeros + places)

    def gradients(self, run: Run) -> Gradients:
        return _gradients(run, self.padding)

    def module(self) -> torch.nn.Module:
        if len(self.padding) == 4:
            from archprof.ir.modules import PaddedMaxPool2d

            return PaddedMaxPool2d(self.kernel_size, self.stride, torch_order(self.padding), ceil_mode=self.ceil)
        from torch import nn

        return nn.MaxPool2d(self.kernel_size, self.stride, self.padding, ceil_mode=self.ceil)


@operator
class AvgPool2d(Window):
    """The mean of each window; *count_padding* says whether padded zeros take part in it."""

    kernel_size: Pair
    stride: Pair
    padding: Padding = (0, 0)
    ceil: bool = False
    count_padding: bool = True

    name: ClassVar[str] = "avg_pool"

    @classmethod
    def of(
        cls,
        *inputs: Value,
        k: Pair,
        s: Pair | None = None,
        p: Padding = (0, 0),
        ceil: bool = False,
        count_padding: bool = True,
    ) -> AvgPool2d:
        return cls(k, k if s is None else s, shortest(p), ceil, count_padding)

    def footprint(self, run: Run) -> Footprint:
        with_zeros = around(run, self.padding)
        if with_zeros is None:
            return Footprint(inputs=(0,))
        if self.count_padding:
            return Footprint(scratch=with_zeros, own=with_zeros)
        # How many elements each window holds is a mean of its own, of ones with zeros around them.
        ones, means = run.bytes(run.inputs[0]), run.bytes(run.outputs[0])
        twice = with_zeros if run.setup.train else 0
        return Footprint(scratch=ones + with_zeros + twice + means, own=with_zeros, divisor=means)

    def gradients(self, run: Run) -> Gradients:
        found = _gradients(run, self.padding)
        return found._replace(divided=found.around is not None and not self.count_padding)

    def module(self) -> torch.nn.Module:
        options = {"ceil_mode": self.ceil, "count_include_pad": self.count_padding}
        if len(self.padding) == 4:
            from archprof.ir.modules import PaddedAvgPool2d

            return PaddedAvgPool2d(self.kernel_size, self.stride, torch_order(self.padding), **options)
        from torch import nn

        return nn.AvgPool2d(self.kernel_size, self.stride, self.padding, **options)


def _gradients(run: Run, padding: Padding) -> Gradients:
    copied = run.bytes(run.outputs[0]) if run.setup.kernels == "cuda" else 0
    return Gradients((False,), strided=copied, around=around(run, padding))

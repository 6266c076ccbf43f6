"""Pooling by a window that slides over each channel. It costs no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import SIDES, Column
from archprof.ir.footprint import INDEX, Footprint, Gradients, Run
from archprof.ir.operators import class_of
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.padding import Padding, around, at_rank, rank_of, shortest, torch_order
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
    dilation: Pair = (1, 1)

    name: ClassVar[str] = "max_pool"
    columns: ClassVar[tuple[Column, ...]] = (
        WINDOW[0]._replace(required=True),
        *WINDOW[1:],
        Column("d", SIDES, "dilation; 1 unless given", ("dilation",)),
    )

    @classmethod
    def of(
        cls,
        *inputs: Value,
        k: tuple[int, ...],
        s: tuple[int, ...] | None = None,
        p: tuple[int, ...] = (0, 0),
        ceil: bool = False,
        d: tuple[int, ...] = (1, 1),
    ) -> Operator:
        """Return the largest element of each window of a map of any number of dimensions."""
        if rank_of(inputs[0]) != 2:
            return pool(inputs[0], "max", k, s, p, ceil, d)
        kernel, stride, dilation = pair(k, "k"), pair(k if s is None else s, "s"), pair(d, "d")
        return cls(kernel, stride, shortest(p), ceil, dilation)

    @property
    def steps(self) -> tuple[int, ...]:
        return self.dilation

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

            sides = torch_order(self.padding)
            return PaddedMaxPool2d(self.kernel_size, self.stride, sides, self.dilation, ceil_mode=self.ceil)
        from torch import nn

        return nn.MaxPool2d(self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil)


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
        k: tuple[int, ...],
        s: tuple[int, ...] | None = None,
        p: tuple[int, ...] = (0, 0),
        ceil: bool = False,
        count_padding: bool = True,
    ) -> Operator:
        """Return the mean of each window of a map of any number of dimensions."""
        if rank_of(inputs[0]) != 2:
            return pool(inputs[0], "avg", k, s, p, ceil, (1, 1), count_padding)
        return cls(pair(k, "k"), pair(k if s is None else s, "s"), shortest(p), ceil, count_padding)

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


def pair(sizes: tuple[int, ...], column: str) -> Pair:
    """Return sizes of a map of two dimensions. Raises ShapeError for those of another one."""
    height, width = at_rank(sizes, 2, column)
    return height, width


def pool(
    value: Value,
    function: str,
    k: tuple[int, ...],
    s: tuple[int, ...] | None,
    p: tuple[int, ...],
    ceil: bool,
    d: tuple[int, ...],
    count_padding: bool = True,
) -> Operator:
    """Return pooling over a map of one or three dimensions."""
    rank = rank_of(value)
    if not p:
        raise ShapeError("pooling has no padding `same`", columns=("p",))
    kernel, stride = at_rank(k, rank, "k"), at_rank(k if s is None else s, rank, "s")
    padding, dilation = at_rank(p, rank, "p", "a padding"), at_rank(d, rank, "d")
    found: Operator = class_of("Pool")(function, kernel, stride, padding, ceil, count_padding, dilation)
    return found


def _gradients(run: Run, padding: Padding) -> Gradients:
    copied = run.bytes(run.outputs[0]) if run.setup.kernels == "cuda" else 0
    return Gradients((False,), strided=copied, around=around(run, padding))

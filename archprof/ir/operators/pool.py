"""Pooling by a window that slides over each channel. It costs no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column
from archprof.ir.operators.base import operator
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.padding import Padding, shortest, torch_order
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

    def module(self) -> torch.nn.Module:
        options = {"ceil_mode": self.ceil, "count_include_pad": self.count_padding}
        if len(self.padding) == 4:
            from archprof.ir.modules import PaddedAvgPool2d

            return PaddedAvgPool2d(self.kernel_size, self.stride, torch_order(self.padding), **options)
        from torch import nn

        return nn.AvgPool2d(self.kernel_size, self.stride, self.padding, **options)

"""Pooling over one and three dimensions, and to a fixed size there. It costs no MACs by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import Dim
from archprof.ir.footprint import INDEX, Footprint, Run
from archprof.ir.operators.base import ShapeError, Sizes, Word, operator
from archprof.ir.operators.global_pool import Adaptive
from archprof.ir.operators.window import Window
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class Pool(Window):
    """The largest element of each window, or its mean, over one or three dimensions."""

    function: Word
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    ceil: bool = False
    count_padding: bool = True
    dilation: tuple[int, ...] = ()

    name: ClassVar[str] = "pool"
    as_layer: ClassVar[bool] = False
    tried: ClassVar[str] = "installed"

    @property
    def steps(self) -> tuple[int, ...]:
        return self.dilation or (1,) * len(self.kernel_size)

    def _slide(self, axis: int, size: Dim) -> Dim:
        windows = Window._slide(self, axis, size)
        # Of means over three dimensions torch has no window that is larger than the map without its zeros.
        kernel = self.kernel_size[axis]
        if self.function == "avg" and len(self.kernel_size) == 3 and size < kernel:
            raise ShapeError(f"a window of {kernel} is larger than the input of {size}", columns=("k",))
        return windows

    def footprint(self, run: Run) -> Footprint:
        return _footprint(self.function, run)

    def stride_factor(self, *inputs: Value) -> int | None:
        return self.stride[-1]

    def module(self) -> torch.nn.Module:
        from torch import nn

        made: torch.nn.Module
        sizes, rank = (self.kernel_size, self.stride, self.padding), len(self.kernel_size)
        if self.function == "max":
            made = getattr(nn, f"MaxPool{rank}d")(*sizes, self.steps, ceil_mode=self.ceil)
        else:
            made = getattr(nn, f"AvgPool{rank}d")(*sizes, self.ceil, self.count_padding)
        return made

    def describe(self) -> str:
        return f"{self.function} pool {len(self.kernel_size)}d"


@operator
class AdaptivePool(Adaptive):
    """The largest element of equal parts, or their mean, over one or three dimensions."""

    function: Word
    size: Sizes

    name: ClassVar[str] = "adaptive_pool"
    as_layer: ClassVar[bool] = False
    tried: ClassVar[str] = "installed"

    def footprint(self, run: Run) -> Footprint:
        # The mean over all needs nothing but its size.
        return Footprint() if self.function == "avg" and set(self.size) == {1} else _footprint(self.function, run)

    def module(self) -> torch.nn.Module:
        from torch import nn

        kind = {"max": "Max", "avg": "Avg"}[self.function]
        made: torch.nn.Module = getattr(nn, f"Adaptive{kind}Pool{len(self.size)}d")(self.size)
        return made

    def describe(self) -> str:
        return f"{self.function} pool {len(self.size)}d"


def _footprint(function: str, run: Run) -> Footprint:
    """Return what pooling keeps: its input, and where each largest element stood."""
    places = INDEX * run.elements(run.outputs[0]) if function == "max" else 0
    return Footprint(scratch=places, inputs=(0,), own=places)

"""Pooling over one and three dimensions, and to a fixed size there. It costs no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.footprint import INDEX, Footprint, Run
from archprof.ir.operators.base import Sizes, Word, operator
from archprof.ir.operators.global_pool import Adaptive
from archprof.ir.operators.window import Window
from archprof.ir.values import Value


@operator
class Pool(Window):
    """The largest element of each window, or its mean, over one or three dimensions."""

    function: Word
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    ceil: bool = False
    count_padding: bool = True

    name: ClassVar[str] = "pool"
    as_layer: ClassVar[bool] = False

    def footprint(self, run: Run) -> Footprint:
        return _footprint(self.function, run)

    def stride_factor(self, *inputs: Value) -> int | None:
        return self.stride[-1]

    def describe(self) -> str:
        return f"{self.function} pool {len(self.kernel_size)}d"


@operator
class AdaptivePool(Adaptive):
    """The largest element of equal parts, or their mean, over one or three dimensions."""

    function: Word
    size: Sizes

    name: ClassVar[str] = "adaptive_pool"
    as_layer: ClassVar[bool] = False

    def footprint(self, run: Run) -> Footprint:
        # The mean over all needs nothing but its size.
        return Footprint() if self.function == "avg" and set(self.size) == {1} else _footprint(self.function, run)

    def describe(self) -> str:
        return f"{self.function} pool {len(self.size)}d"


def _footprint(function: str, run: Run) -> Footprint:
    """Return what pooling keeps: its input, and where each largest element stood."""
    places = INDEX * run.elements(run.outputs[0]) if function == "max" else 0
    return Footprint(scratch=places, inputs=(0,), own=places)

"""Pooling to a fixed size, whatever the input's. It costs no MACs by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import FLAG, SIDES, Column, one_of
from archprof.ir.dims import is_array
from archprof.ir.footprint import INDEX, Footprint, Run
from archprof.ir.operators import class_of
from archprof.ir.operators.base import Operator, ShapeError, map_axis, operator
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.padding import at_rank, rank_of
from archprof.ir.operators.window import WINDOW
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch

_FORM = "as a module or as a call in forward: the same result, priced differently by some tools"


class Adaptive(Operator):
    """Pooling to a fixed size, whatever the input's."""

    __slots__ = ()
    category: ClassVar[str] = "pool"
    keeps_channels: ClassVar[bool] = True
    size: tuple[int, ...]

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], len(self.size), "pooling")
        return inputs[0].with_shape((*inputs[0].shape[: at + 1], *self.size), at)

    def stride_factor(self, *inputs: Value) -> int | None:
        if set(self.size) == {1}:
            return None
        height, side = inputs[0].shape[-len(self.size)], self.size[0]
        return 1 if is_array(height) else max(1, height // side)


@operator
class AdaptiveAvgPool2d(Adaptive):
    """The mean over equal parts of the map; to 1×1 it is global average pooling (Lin et al. 2013)."""

    size: Pair = (1, 1)
    form: str = "module"

    name: ClassVar[str] = "avg_pool"
    columns: ClassVar[tuple[Column, ...]] = (
        WINDOW[0]._replace(instead=("form",)),
        *WINDOW[1:],
        Column(
            "size",
            SIDES,
            "the output's size, of adaptive pooling; 1, global pooling, where neither `k` nor `size` is given",
        ),
        Column(
            "count_padding",
            FLAG,
            "whether padded zeros take part in the mean of a window",
            ("count_include_pad",),
            needs="k",
        ),
        Column("form", one_of("module", "function"), _FORM),
    )

    @classmethod
    def of(cls, *inputs: Value, size: tuple[int, ...] | None = None, form: str = "module", **window: Any) -> Operator:
        """Return average pooling by windows of `k`, or to a *size*; global where neither is given."""
        if "k" not in window:
            return _adaptive(AdaptiveAvgPool2d, inputs[0], size or (1, 1), form)
        if size is not None:
            raise ShapeError(
                "average pooling by a window `k` and to a `size` at once", "give one of the two", ("size",)
            )
        by_window: Operator = class_of("AvgPool2d").of(*inputs, **window)
        return by_window

    def footprint(self, run: Run) -> Footprint:
        # The mean over all of a map needs nothing but its size.
        return Footprint(inputs=() if self.size == (1, 1) else (0,))

    def module(self) -> torch.nn.Module | None:
        from torch import nn

        return nn.AdaptiveAvgPool2d(self.size) if self.form == "module" else None

    def expression(self, *tensors: str) -> str:
        return f"functional.adaptive_avg_pool2d({tensors[0]}, {self.size})"


@operator
class AdaptiveMaxPool2d(Adaptive):
    """The largest element of equal parts of the map."""

    size: Pair = (1, 1)

    name: ClassVar[str] = "adaptive_max_pool"
    columns: ClassVar[tuple[Column, ...]] = (Column("size", SIDES, "the output's size; 1 unless given"),)

    @classmethod
    def of(cls, *inputs: Value, size: tuple[int, ...] = (1, 1)) -> Operator:
        return _adaptive(cls, inputs[0], size)

    def footprint(self, run: Run) -> Footprint:
        places = INDEX * run.elements(run.outputs[0])
        return Footprint(scratch=places, inputs=(0,), own=places)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.AdaptiveMaxPool2d(self.size)


def _adaptive(
    cls: type[AdaptiveAvgPool2d] | type[AdaptiveMaxPool2d], value: Value, size: tuple[int, ...], *form: str
) -> Operator:
    """Return pooling to a size, of a map of any number of dimensions."""
    rank = rank_of(value)
    sizes = at_rank(size, rank, "size")
    if rank == 2:
        return cls((sizes[0], sizes[1]), *form)
    found: Operator = class_of("AdaptivePool")("max" if cls is AdaptiveMaxPool2d else "avg", sizes)
    return found

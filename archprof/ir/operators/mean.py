"""The mean over a map, as a call. It costs no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import FLAG, Column
from archprof.ir.operators.base import Operator, ShapeError, feature_map, operator
from archprof.ir.values import Value, show_shape


@operator
class Mean(Operator):
    """The mean of each channel over the map, as a function; (C, H, W) to (C,), or (C, 1, 1) with *keep*. Of tokens, or
    of a map whose channels are last, over all *positions*: (L, C) to (C,)."""

    keep: bool = False
    positions: int = 0  # axes in front of the channels

    name: ClassVar[str] = "mean"
    category: ClassVar[str] = "pool"
    keeps_channels: ClassVar[bool] = True
    form: ClassVar[str] = "function"
    columns: ClassVar[tuple[Column, ...]] = (Column("keep", FLAG, "keep the map's axes, with size 1", ("keepdim",)),)

    @classmethod
    def of(cls, *inputs: Value, keep: bool = False) -> Mean:
        rank = len(inputs[0].shape)
        return cls(keep, rank - 1 if rank > 1 and inputs[0].channel == rank - 1 else 0)

    def output(self, *inputs: Value) -> Value:
        if self.positions:
            return self._of_positions(inputs[0])
        channels, _, _ = feature_map(inputs[0], "the mean over a map").shape
        return inputs[0].with_shape((channels, 1, 1) if self.keep else (channels,))

    def _of_positions(self, value: Value) -> Value:
        if self.keep or len(value.shape) != self.positions + 1:
            advice = "leave `keep` out where the channels are the last axis"
            raise ShapeError(f"the mean over {self.positions} axes of {show_shape(value.shape)}", advice, ("keep",))
        return value.with_shape((value.channels,))

    def stride_factor(self, *inputs: Value) -> int | None:
        return None

    def expression(self, *tensors: str) -> str:
        if self.positions:
            return f"{tensors[0]}.mean({tuple(range(1, self.positions + 1))})"
        return f"{tensors[0]}.mean((2, 3), keepdim={self.keep})"

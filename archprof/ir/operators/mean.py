"""The mean over a map, as a call. It costs no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import FLAG, Column
from archprof.ir.operators.base import Operator, ShapeError, map_of_rank, operator, rank_of_map
from archprof.ir.values import Value, show_shape


@operator
class Mean(Operator):
    """The mean of each channel over the map, as a function; (C, H, W) to (C,), or (C, 1, 1) with *keep*; likewise of
    a sound (C, L) or a clip (C, T, H, W). Of tokens, or of a map whose channels are last, over all *positions*: (L, C)
    to (C,)."""

    keep: bool = False
    positions: int = 0  # axes in front of the channels
    rank: int = 2  # axes behind them

    name: ClassVar[str] = "mean"
    category: ClassVar[str] = "pool"
    keeps_channels: ClassVar[bool] = True
    form: ClassVar[str] = "function"
    columns: ClassVar[tuple[Column, ...]] = (Column("keep", FLAG, "keep the map's axes, with size 1", ("keepdim",)),)

    @classmethod
    def of(cls, *inputs: Value, keep: bool = False) -> Mean:
        axes = len(inputs[0].shape)
        if axes > 1 and inputs[0].channel == axes - 1:
            return cls(keep, axes - 1)
        return cls(keep, rank=rank_of_map(inputs[0]))

    def output(self, *inputs: Value) -> Value:
        if self.positions:
            return self._of_positions(inputs[0])
        channels = map_of_rank(inputs[0], self.rank, "the mean over a map").channels
        return inputs[0].with_shape((channels, *(1,) * self.rank) if self.keep else (channels,))

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
        return f"{tensors[0]}.mean({tuple(range(2, 2 + self.rank))}, keepdim={self.keep})"

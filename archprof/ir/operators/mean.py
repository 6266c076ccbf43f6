"""The mean over a map, as a call. It costs no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import FLAG, Column
from archprof.ir.operators.base import Operator, feature_map, operator
from archprof.ir.values import Value


@operator
class Mean(Operator):
    """The mean of each channel over the map, as a function; (C, H, W) to (C,), or (C, 1, 1) with *keep*."""

    keep: bool = False

    name: ClassVar[str] = "mean"
    category: ClassVar[str] = "pool"
    keeps_channels: ClassVar[bool] = True
    form: ClassVar[str] = "function"
    columns: ClassVar[tuple[Column, ...]] = (Column("keep", FLAG, "keep the map's axes, with size 1", ("keepdim",)),)

    def output(self, *inputs: Value) -> Value:
        channels, _, _ = feature_map(inputs[0], "the mean over a map").shape
        return inputs[0].with_shape((channels, 1, 1) if self.keep else (channels,))

    def stride_factor(self, *inputs: Value) -> int | None:
        return None

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.mean((2, 3), keepdim={self.keep})"

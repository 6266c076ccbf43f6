"""Maps as patches: the positions at one place of all patches in a row, and back (Mehta & Rastegari 2022); sums of rows.
They cost no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import Column, count
from archprof.ir.dims import same
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import ShapeError, feature_map, operator
from archprof.ir.operators.derivatives import footprint_of, gradients_of
from archprof.ir.operators.join import Function
from archprof.ir.values import Value, show_shape

_SIZE = Column("size", count(1, 255), "side of a patch", ("patch_size",), required=True)


@operator
class Unfold(Function):
    """A map of patches of p×p, (C, H, W), to (C, p², H·W/p²): a row has the positions at one place of all patches."""

    size: int

    name: ClassVar[str] = "unfold"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "shape"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (_SIZE,)

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "unfolding").shape
        if not same(height % self.size, 0) or not same(width % self.size, 0):
            message = f"patches of {self.size}×{self.size} in {show_shape(inputs[0].shape)}"
            raise ShapeError(message, "they divide the map's sides", ("size",))
        return inputs[0].with_shape((channels, self.size**2, (height // self.size) * (width // self.size)))

    def expression(self, *tensors: str) -> str:
        cut = f"{tensors[0]}.unflatten(3, (-1, {self.size})).unflatten(2, (-1, {self.size}))"
        return f"{cut}.permute(0, 1, 3, 5, 2, 4).flatten(4).flatten(2, 3)"


@operator
class Fold(Function):
    """What was unfolded, (C, p², N), as a map again, which is as large as a second one."""

    size: int

    name: ClassVar[str] = "fold"
    tried: ClassVar[str] = "none"
    category: ClassVar[str] = "shape"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (_SIZE,)

    @classmethod
    def of(cls, *inputs: Value, size: int) -> Fold:
        return cls(size)

    def output(self, *inputs: Value) -> Value:
        channels, rows, positions = feature_map(inputs[0], "folding").shape
        height, width = feature_map(inputs[1], "folding").space
        if not same(rows, self.size**2) or not same(rows * positions, height * width):
            message = f"{show_shape(inputs[0].shape)} as a map of {show_shape((height, width))}"
            raise ShapeError(message, columns=("size",))
        return inputs[0].with_shape((channels, height, width))

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False, False))

    def expression(self, *tensors: str) -> str:
        cut = f"{tensors[0]}.unflatten(3, ({tensors[1]}.shape[2] // {self.size}, -1)).unflatten(2, ({self.size}, -1))"
        return f"{cut}.permute(0, 1, 4, 2, 5, 3).flatten(4).flatten(2, 3)"


class RowSum(Function):
    """The sum of each row of a map: (C, H, W) to (C, H, 1)."""

    __slots__ = ()
    name: ClassVar[str] = "row_sum"
    tried: ClassVar[str] = "none"
    category: ClassVar[str] = "pool"
    keeps_channels: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        channels, height, _ = feature_map(inputs[0], "sums of rows").shape
        return inputs[0].with_shape((channels, height, 1))

    def footprint(self, run: Run) -> Footprint:
        return footprint_of("sum", run)

    def gradients(self, run: Run) -> Gradients:
        return gradients_of("sum", run)

    def stride_factor(self, *inputs: Value) -> int | None:
        return 1

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.sum(3, keepdim=True)"

"""Operators that hand on every element: flattening, its inverse, the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import SIDES, Column
from archprof.ir.dims import Shape, product
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.operators.join import Function
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


class Flatten(Operator):
    """(C, H, W) to (C·H·W,)."""

    __slots__ = ()
    name: ClassVar[str] = "flatten"
    numbers: ClassVar[str] = "any"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        return inputs[0].with_shape((inputs[0].elements,))

    def stride_factor(self, *inputs: Value) -> int | None:
        return None

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Flatten()


@operator
class Unflatten(Function):
    """(C,) to (C, 1, 1), so that it can gate a map, in blocks on sounds and clips to as many axes as those have; to a
    *size* (C·H·W,) to (C, H, W), of which a decoder makes a larger map."""

    space: Shape = (1, 1)

    name: ClassVar[str] = "unflatten"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("size", SIDES, "that of the map; 1×1 unless given"),)

    @property
    def keeps_channels(self) -> bool:  # type: ignore[override]
        return set(self.space) == {1}

    @classmethod
    def of(cls, *inputs: Value, size: tuple[int, ...] = (1,)) -> Unflatten:
        return cls(size * 2 if len(size) == 1 else size)

    def output(self, *inputs: Value) -> Value:
        if len(inputs[0].shape) != 1:
            raise ShapeError(f"`unflatten` needs features (C), not {show_shape(inputs[0].shape)}")
        features, places = inputs[0].shape[0], product(self.space)
        if features % places != 0:
            message = f"{features} features are not divisible by {places} positions, {show_shape(self.space)}"
            raise ShapeError(message, columns=("size",))
        return inputs[0].with_shape((features // places, *self.space))

    def expression(self, *tensors: str) -> str:
        if self.keeps_channels:
            return f"{tensors[0]}[:, :{', None' * len(self.space)}]"
        return f"torch.unflatten({tensors[0]}, 1, (-1, {', '.join(map(str, self.space))}))"


class Identity(Operator):
    """What comes in goes out."""

    __slots__ = ()
    name: ClassVar[str] = "identity"
    numbers: ClassVar[str] = "any"
    view: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Identity()

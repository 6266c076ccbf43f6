"""Operators that hand on every element: flattening, its inverse, the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

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
    """(C,) to (C, 1, 1), so that it can gate a map; in blocks on sounds and clips, to as many axes as those have."""

    rank: int = 2

    name: ClassVar[str] = "unflatten"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        if len(inputs[0].shape) != 1:
            raise ShapeError(f"`unflatten` needs features (C), not {show_shape(inputs[0].shape)}")
        return inputs[0].with_shape((inputs[0].shape[0], *(1,) * self.rank))

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}[:, :{', None' * self.rank}]"


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

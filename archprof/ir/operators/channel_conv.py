"""A convolution along the channels: of a gate whose entry for a channel is computed from its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column, count
from archprof.ir.dims import same
from archprof.ir.operators.base import Operator, ShapeError, map_of_rank, operator, rank_of_map
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


@operator
class ChannelConv(Operator):
    """A one-dimensional convolution along the channels of (C, 1, 1), (C, 1) or (C, 1, 1, 1), with one kernel for all
    (Wang et al. 2020)."""

    kernel_size: tuple[int]
    rank: int = 2

    name: ClassVar[str] = "channel_conv"
    tried: ClassVar[str] = "installed"
    formula: ClassVar[str] = "K·M"
    params_formula: ClassVar[str] = "K"
    category: ClassVar[str] = "conv"
    keeps_channels: ClassVar[bool] = True
    weighted: ClassVar[bool] = True
    drawn_as: ClassVar[str] = "conv"
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "half"
    columns: ClassVar[tuple[Column, ...]] = (Column("k", count(1, 99), "kernel size, an odd number", required=True),)

    @classmethod
    def of(cls, *inputs: Value, k: int) -> ChannelConv:
        return cls((k,), rank_of_map(inputs[0]))

    @property
    def kind(self) -> str:
        return "depthwise"

    def output(self, *inputs: Value) -> Value:
        space = map_of_rank(inputs[0], self.rank, "a convolution along channels").space
        if not all(same(side, 1) for side in space):
            message = f"a convolution along the channels of {show_shape(inputs[0].shape)}"
            raise ShapeError(message, f"it stands behind a mean over the map, on C{'×1' * self.rank}")
        if self.kernel_size[0] % 2 == 0:
            message = f"a kernel of {self.kernel_size[0]} along the channels"
            raise ShapeError(message, "an odd one keeps their number", ("k",))
        return inputs[0]

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.kernel_size[0])}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.kernel_size[0] * inputs[0].channels)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import ChannelConv as Module

        return Module(self.kernel_size[0], self.rank)

    def describe(self) -> str:
        return "conv along channels"

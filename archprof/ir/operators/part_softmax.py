"""A softmax among parts of the channels: which of several maps each channel is taken from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column, count
from archprof.ir.operators.base import Elementwise, ShapeError, feature_map, operator
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class PartSoftmax(Elementwise):
    """The channels of (C, 1, 1) in equal *parts*, and among those at the same place of each a softmax (Li et al. 2019);
    of *groups* each of which has all the parts, what comes out has part by part (Zhang et al. 2020)."""

    parts: int
    groups: int = 1

    name: ClassVar[str] = "part_softmax"
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "act"
    saves: ClassVar[str] = "output"
    as_layer: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("parts", count(2), "how many parts of the channels", required=True),
        Column("g", count(), "groups of channels, each of all parts", ("groups",)),
    )

    @classmethod
    def of(cls, *inputs: Value, parts: int, g: int = 1) -> PartSoftmax:
        return cls(parts, g)

    def output(self, *inputs: Value) -> Value:
        feature_map(inputs[0], "a softmax of parts")
        if inputs[0].channels % (self.parts * self.groups) != 0:
            message = f"{inputs[0].channels} channels in {self.parts * self.groups} parts"
            raise ShapeError(message, "parts and groups divide the channels", ("parts", "g"))
        return inputs[0]

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import PartSoftmax as Module

        return Module(self.parts, self.groups)

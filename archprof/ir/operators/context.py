"""What a map holds, looked at where scores say: its positions' mean, weighted by a softmax (Cao et al. 2019)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import same_shape
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Operator, ShapeError, feature_map, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


@operator
class ContextPool(Operator):
    """The mean of a map (C, H, W) over its positions, each weighted by the softmax of its score in (1, H, W):
    (C, 1, 1) comes of a product of C·H·W (Cao et al. 2019, Figure 4)."""

    name: ClassVar[str] = "context_pool"
    formula: ClassVar[str] = "M·F²"
    category: ClassVar[str] = "attention"
    tried: ClassVar[str] = "none"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    keeps_channels: ClassVar[bool] = True
    autocast: ClassVar[str] = "half"

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "a pool by scores").shape
        if not same_shape(inputs[1].shape, (1, height, width)):
            message = f"scores of {show_shape(inputs[1].shape)} for a map of {show_shape(inputs[0].shape)}"
            raise ShapeError(message, "there is one for each position: `from: [x, scores]`")
        return inputs[0].with_shape((channels, 1, 1))

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(inputs[0].channels, inputs[0].space)

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        return term(inputs[0].channels * sum(wanted), inputs[0].space)

    def footprint(self, run: Run) -> Footprint:
        weights = run.bytes(run.inputs[1])
        return Footprint(scratch=weights, inputs=(0,), own=weights)

    def stride_factor(self, *inputs: Value) -> int | None:
        return None

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import ContextPool as Module

        return Module()

    def describe(self) -> str:
        return "context pool"

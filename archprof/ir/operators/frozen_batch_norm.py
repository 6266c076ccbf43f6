"""Frozen batch normalisation. It costs no MACs by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import Column, ratio
from archprof.ir.dims import Dim
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Elementwise, channels_first, check_channels, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class FrozenBatchNorm2d(Elementwise):
    """Batch normalisation whose weight, bias, mean and variance are fixed: four buffers a channel, no parameters."""

    num_features: Dim
    eps: float = 0.0
    rank: int = 2  # of the map; 0 of features (C,)

    name: ClassVar[str] = "frozen_batch_norm"
    buffers_formula: ClassVar[str] = "4·N"
    category: ClassVar[str] = "norm"
    overwritable: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("eps", ratio(0, 1), "added to the variance"),)

    @classmethod
    def of(cls, *inputs: Value, **options: Any) -> FrozenBatchNorm2d:
        value = channels_first(inputs[0], "frozen batch norm")
        return cls(value.channels, rank=len(value.shape) - 1, **options)

    def output(self, *inputs: Value) -> Value:
        return check_channels(self.num_features, inputs[0], "frozen batch norm")

    def buffers(self) -> Mapping[str, Terms]:
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), term(self.num_features))

    def footprint(self, run: Run) -> Footprint:
        # x · scale + bias: the product is there beside the sum; a gradient needs the scale.
        scale = run.width * self.num_features
        return Footprint(scratch=run.bytes(run.outputs[0]) + 2 * scale, own=scale)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import FrozenBatchNorm2d as Module

        return Module(self.num_features, self.eps, self.rank)

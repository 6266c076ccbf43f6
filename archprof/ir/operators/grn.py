"""Global response normalisation (Woo et al. 2023). It costs no MACs by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column, ratio
from archprof.ir.dims import Dim
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import Elementwise, ShapeError, check_channels, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


@operator
class GlobalResponseNorm(Elementwise):
    """x + β + γ·x·n: of each channel the length of its map, over the mean of all channels' (Woo et al. 2023, equations
    1 to 3)."""

    num_features: Dim
    eps: float = 1e-6
    channels_last: bool = False

    name: ClassVar[str] = "global_response_norm"
    tried: ClassVar[str] = "installed"
    params_formula: ClassVar[str] = "2·N"
    category: ClassVar[str] = "norm"
    columns: ClassVar[tuple[Column, ...]] = (Column("eps", ratio(0, 1), "added to the mean of lengths"),)

    @classmethod
    def of(cls, *inputs: Value, eps: float = 1e-6) -> GlobalResponseNorm:
        return cls(inputs[0].channels, eps, inputs[0].channel == 2)

    def output(self, *inputs: Value) -> Value:
        value = inputs[0]
        if len(value.shape) != 3 or value.channel != (2 if self.channels_last else 0):
            raise ShapeError(f"a global response norm needs a map, not {show_shape(value.shape)}")
        return check_channels(self.num_features, value, "a global response norm")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.num_features), "bias": term(self.num_features)}

    def footprint(self, run: Run) -> Footprint:
        # x·n, of which the factors learn; the lengths, their mean and the quotient of both are kept beside it.
        whole, mean = run.bytes(run.outputs[0]), run.width * run.setup.batch
        lengths = 2 * mean * self.num_features
        kept = whole + lengths + mean
        return Footprint(scratch=whole + kept if run.learns else whole + lengths, inputs=(0,), own=kept)

    def gradients(self, run: Run) -> Gradients:
        lengths = run.width * run.setup.batch * self.num_features
        return Gradients((True,), 2 * run.bytes(run.outputs[0]) + lengths)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import GlobalResponseNorm as Module

        return Module(self.num_features, self.eps, self.channels_last)

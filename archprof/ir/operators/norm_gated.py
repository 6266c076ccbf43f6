"""Norms that bring their own activation, with a learned gate or threshold for each channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import FLAG, Column, count, ratio
from archprof.ir.dims import Dim
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Elementwise, ShapeError, check_channels, feature_map, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


class _Gated(Elementwise):
    """A norm with weight and bias, and with what its activation learns."""

    __slots__ = ()
    category: ClassVar[str] = "norm"
    tried: ClassVar[str] = "installed"
    learned: ClassVar[str] = ""
    # So many maps are there at once beside the output.
    steps: ClassVar[int] = 3
    num_features: Dim
    act: bool

    def output(self, *inputs: Value) -> Value:
        what = self.name.replace("_", " ")
        return check_channels(self.num_features, feature_map(inputs[0], what), what)

    def parameters(self) -> Mapping[str, Terms]:
        each = term(self.num_features)
        affine = {"weight": each, "bias": each}
        return {**affine, self.learned: each} if self.act else affine

    def footprint(self, run: Run) -> Footprint:
        # The input over its deviation, the gate, and their product, step by step.
        one = run.bytes(run.outputs[0])
        return Footprint(scratch=self.steps * one, inputs=(0,), own=3 * one, known=False)


@operator
class EvoNorm(_Gated):
    """EvoNorm-S0 (Liu et al. 2020): x·sigmoid(v·x) over the deviation of groups of channels; without its *act*, x over
    it."""

    num_features: Dim
    groups: int = 32
    eps: float = 1e-5
    act: bool = True

    name: ClassVar[str] = "evo_norm"
    params_formula: ClassVar[str] = "3·N"
    learned: ClassVar[str] = "v"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("groups", count(), "groups of channels; 32 unless given"),
        Column("group_size", count(), "channels of each group, instead of a number of groups"),
        Column("eps", ratio(0, 1), "added to the variance"),
        Column("act", FLAG, "whether it has its activation"),
    )

    @classmethod
    def of(cls, *inputs: Value, group_size: int | None = None, **options: Any) -> EvoNorm:
        channels = inputs[0].channels
        if group_size is None:
            return cls(channels, **options)
        if channels % group_size != 0:
            raise ShapeError(f"{channels} channels are not divisible by {group_size}, the size of the norm's groups")
        return cls(channels, channels // group_size, **options)

    def output(self, *inputs: Value) -> Value:
        if self.num_features % self.groups != 0:
            message = f"{self.num_features} channels are not divisible by {self.groups} groups of the norm"
            raise ShapeError(message, "fewer groups, or their size: `{evo_norm: {group_size: 8}}`", ("norm", "c"))
        return _Gated.output(self, *inputs)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import EvoNorm as Module

        return Module(self.num_features, self.groups, self.eps, self.act)


@operator
class FilterResponseNorm(_Gated):
    """Each map over its root mean square; its activation is the larger of that and a learned threshold (Singh &
    Krishnan 2020)."""

    num_features: Dim
    eps: float = 1e-5
    act: bool = True

    name: ClassVar[str] = "filter_response_norm"
    params_formula: ClassVar[str] = "3·N"
    learned: ClassVar[str] = "tau"
    steps: ClassVar[int] = 2  # over the root, and times the weight; then that, and plus the bias
    columns: ClassVar[tuple[Column, ...]] = (
        Column("eps", ratio(0, 1), "added to the mean square"),
        Column("act", FLAG, "whether it has its activation"),
    )

    @classmethod
    def of(cls, *inputs: Value, **options: Any) -> FilterResponseNorm:
        return cls(inputs[0].channels, **options)

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import FilterResponseNorm as Module

        return Module(self.num_features, self.eps, self.act)

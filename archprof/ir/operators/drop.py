"""Dropout and stochastic depth: the identity in inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column, ratio
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import Elementwise, operator
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class Dropout(Elementwise):
    """Zeroes elements with probability p in training (Srivastava et al. 2014); the identity in inference."""

    p: float = 0.5

    name: ClassVar[str] = "dropout"
    category: ClassVar[str] = "dropout"
    columns: ClassVar[tuple[Column, ...]] = (Column("rate", ratio(0, 1), "probability", ("p",)),)

    @classmethod
    def of(cls, *inputs: Value, rate: float = 0.5) -> Dropout:
        return cls(rate)

    def footprint(self, run: Run) -> Footprint:
        if self._rests(run):
            return Footprint(shares=0)
        # Which elements are kept: a byte each by a GPU's kernel, elsewhere and in place a factor of the map's own type.
        bytes = run.setup.kernels == "cuda" and not run.in_place
        kept = run.elements(run.inputs[0]) * (1 if bytes else run.width)
        return Footprint(0 if run.in_place else None, scratch=kept, own=kept)

    def _rests(self, run: Run) -> bool:
        """Tell whether it is the identity."""
        return _drops_nothing(self.p, run) or (run.aliased and not run.in_place)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((self._rests(run),))

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Dropout(self.p)


@operator
class StochasticDepth(Elementwise):
    """Zeroes whole maps of a batch with probability p in training, scales the others by 1/(1 − p) (Huang et al. 2016);
    the identity in inference."""

    p: float = 0.0

    name: ClassVar[str] = "stochastic_depth"
    category: ClassVar[str] = "dropout"
    columns: ClassVar[tuple[Column, ...]] = (Column("p", ratio(0, 1), "probability", ("rate",)),)

    def footprint(self, run: Run) -> Footprint:
        if _drops_nothing(self.p, run):
            return Footprint(shares=0)
        # A factor for each image, drawn and then scaled.
        factors = run.width * run.setup.batch
        return Footprint(scratch=2 * factors if self.p < 1 else factors, own=factors)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((_drops_nothing(self.p, run),))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import StochasticDepth as Module

        return Module(self.p)


def _drops_nothing(p: float, run: Run) -> bool:
    """Tell whether elements or maps that are dropped with probability p are all kept."""
    return not run.setup.train or not p

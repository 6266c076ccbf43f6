"""Dropout and stochastic depth: the identity in inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column, ratio
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

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import StochasticDepth as Module

        return Module(self.p)

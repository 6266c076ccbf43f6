"""Activations that few networks have. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column, ratio
from archprof.ir.dims import Dim
from archprof.ir.operators.act import Activation
from archprof.ir.operators.base import check_channels, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class PReLU(Activation):
    """max(x, 0) + a·min(x, 0), where a is learned for each channel (He et al. 2015)."""

    num_features: Dim

    name: ClassVar[str] = "prelu"
    tried: ClassVar[bool] = False
    inplace: ClassVar[bool] = False
    params_formula: ClassVar[str] = "N"
    autocast: ClassVar[str] = "promote"

    @classmethod
    def of(cls, *inputs: Value) -> PReLU:
        return cls(inputs[0].channels)

    def output(self, *inputs: Value) -> Value:
        return check_channels(self.num_features, inputs[0], "PReLU")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.num_features)}

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.PReLU(self.num_features)


@operator
class ELU(Activation):
    """x above 0, α·(e^x − 1) below (Clevert et al. 2016)."""

    alpha: float = 1.0

    name: ClassVar[str] = "elu"
    tried: ClassVar[bool] = False
    saves: ClassVar[str] = "output"
    columns: ClassVar[tuple[Column, ...]] = (Column("alpha", ratio(0, 100), "the depth below 0; 1 unless given"),)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.ELU(self.alpha)


class Mish(Activation):
    """x · tanh(log(1 + e^x)) (Misra 2019)."""

    __slots__ = ()
    name: ClassVar[str] = "mish"
    tried: ClassVar[bool] = False
    torch_name: ClassVar[str] = "Mish"


class GELUTanh(Activation):
    """x · Φ(x) with tanh in the place of the normal distribution's Φ (Hendrycks & Gimpel 2016, section 2)."""

    __slots__ = ()
    name: ClassVar[str] = "gelu_tanh"
    tried: ClassVar[bool] = False
    inplace: ClassVar[bool] = False

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.GELU(approximate="tanh")

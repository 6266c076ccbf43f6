"""Activations that few networks have. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import FLAG, Column, ratio
from archprof.ir.dims import Dim
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.act import Activation
from archprof.ir.operators.base import channels_first, check_channels, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class PReLU(Activation):
    """max(x, 0) + a·min(x, 0), where a is learned, for each channel or, *shared*, one for all (He et al. 2015)."""

    num_features: Dim
    shared: bool = False

    name: ClassVar[str] = "prelu"
    tried: ClassVar[str] = "installed"
    inplace: ClassVar[bool] = False
    params_formula: ClassVar[str] = "N"
    autocast: ClassVar[str] = "promote"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("shared", FLAG, "one slope for all channels; each has its own unless given"),
    )

    @classmethod
    def of(cls, *inputs: Value, shared: bool = False) -> PReLU:
        return cls(1 if shared else channels_first(inputs[0], "PReLU").channels, shared)

    def output(self, *inputs: Value) -> Value:
        return inputs[0] if self.shared else check_channels(self.num_features, inputs[0], "PReLU")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.num_features)}

    def gradients(self, run: Run) -> Gradients:
        # That of the slopes is as large as the map before it is summed over it.
        return Gradients((False,), scratch=run.bytes(run.inputs[0]))

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.PReLU(self.num_features)


@operator
class ELU(Activation):
    """x above 0, α·(e^x − 1) below (Clevert et al. 2016)."""

    alpha: float = 1.0

    name: ClassVar[str] = "elu"
    tried: ClassVar[str] = "installed"
    saves: ClassVar[str] = "output"
    columns: ClassVar[tuple[Column, ...]] = (Column("alpha", ratio(0, 100), "the depth below 0; 1 unless given"),)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.ELU(self.alpha)


class Mish(Activation):
    """x · tanh(log(1 + e^x)) (Misra 2019)."""

    __slots__ = ()
    name: ClassVar[str] = "mish"
    tried: ClassVar[str] = "installed"
    torch_name: ClassVar[str] = "Mish"


class Softplus(Activation):
    """log(1 + e^x) (Dugas et al. 2001), above 0: a scale, a rate, a deviation."""

    __slots__ = ()
    name: ClassVar[str] = "softplus"
    tried: ClassVar[str] = "installed"
    torch_name: ClassVar[str] = "Softplus"
    inplace: ClassVar[bool] = False
    autocast: ClassVar[str] = "full"


class GELUTanh(Activation):
    """x · Φ(x) with tanh in the place of the normal distribution's Φ (Hendrycks & Gimpel 2016, section 2)."""

    __slots__ = ()
    name: ClassVar[str] = "gelu_tanh"
    tried: ClassVar[str] = "installed"
    inplace: ClassVar[bool] = False

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.GELU(approximate="tanh")


class QuickGELU(Activation):
    """x · sigmoid(1.702x), near to GELU (Hendrycks & Gimpel 2016, section 2)."""

    __slots__ = ()
    name: ClassVar[str] = "quick_gelu"
    tried: ClassVar[str] = "installed"
    inplace: ClassVar[bool] = False

    def footprint(self, run: Run) -> Footprint:
        # The argument of the sigmoid is there until it is taken, the sigmoid itself beside the product.
        sigmoid = run.bytes(run.inputs[0])
        return Footprint(scratch=sigmoid, inputs=(0,), own=sigmoid)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,), scratch=run.bytes(run.inputs[0]))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import QuickGELU as Module

        return Module()


class StarReLU(Activation):
    """s·max(x, 0)² + b with one learned s and b (Yu et al. 2022), which start from 0.8944 and −0.4472."""

    __slots__ = ()
    name: ClassVar[str] = "star_relu"
    tried: ClassVar[str] = "installed"
    params_formula: ClassVar[str] = "2"
    inplace: ClassVar[bool] = False

    def parameters(self) -> Mapping[str, Terms]:
        return {"scale": term(1), "bias": term(1)}

    def footprint(self, run: Run) -> Footprint:
        # What is squared and its square are kept, beside the product with s.
        one = run.bytes(run.inputs[0])
        return Footprint(scratch=3 * one if run.learns else one, own=2 * one, pieces=2)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,), scratch=run.bytes(run.inputs[0]))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import StarReLU as Module

        return Module()

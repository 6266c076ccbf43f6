"""Activations. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import Column, one_of, ratio
from archprof.ir.operators.base import Elementwise, Word, operator

if TYPE_CHECKING:
    import torch


class Activation(Elementwise):
    """A function of each element; torch has a module for it, of the name `torch_name`."""

    __slots__ = ()
    category: ClassVar[str] = "act"
    torch_name: ClassVar[str] = ""
    inplace: ClassVar[bool] = True
    saves: ClassVar[str] = "inputs"

    def module(self) -> torch.nn.Module:
        from torch import nn

        built: torch.nn.Module = getattr(nn, self.torch_name)()
        return built


class ReLU(Activation):
    """max(x, 0)."""

    __slots__ = ()
    name: ClassVar[str] = "relu"
    torch_name: ClassVar[str] = "ReLU"
    saves: ClassVar[str] = "output"


class ReLU6(Activation):
    """min(max(x, 0), 6) (Krizhevsky 2010)."""

    __slots__ = ()
    name: ClassVar[str] = "relu6"
    torch_name: ClassVar[str] = "ReLU6"


class Hardswish(Activation):
    """x · ReLU6(x + 3)/6 (Howard et al. 2019, section 5.2)."""

    __slots__ = ()
    name: ClassVar[str] = "hardswish"
    torch_name: ClassVar[str] = "Hardswish"


class Hardsigmoid(Activation):
    """ReLU6(x + 3)/6 (Howard et al. 2019, section 5.2)."""

    __slots__ = ()
    name: ClassVar[str] = "hardsigmoid"
    torch_name: ClassVar[str] = "Hardsigmoid"


class SiLU(Activation):
    """x · sigmoid(x), computed by torch in one step: it may differ from `swish` in the last bit."""

    __slots__ = ()
    name: ClassVar[str] = "silu"
    torch_name: ClassVar[str] = "SiLU"


class Sigmoid(Activation):
    """1/(1 + e^−x)."""

    __slots__ = ()
    name: ClassVar[str] = "sigmoid"
    torch_name: ClassVar[str] = "Sigmoid"
    inplace: ClassVar[bool] = False
    saves: ClassVar[str] = "output"


@operator
class GELU(Activation):
    """x · Φ(x), with the normal distribution's Φ (Hendrycks & Gimpel 2016), or by its tanh as they approximate it."""

    approximate: Word = "none"

    name: ClassVar[str] = "gelu"
    torch_name: ClassVar[str] = "GELU"
    inplace: ClassVar[bool] = False
    columns: ClassVar[tuple[Column, ...]] = (
        Column("approximate", one_of("none", "tanh"), "`tanh`: computed by its approximation"),
    )

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.GELU(self.approximate)


class Tanh(Activation):
    """(e^x − e^−x)/(e^x + e^−x)."""

    __slots__ = ()
    name: ClassVar[str] = "tanh"
    torch_name: ClassVar[str] = "Tanh"
    inplace: ClassVar[bool] = False
    saves: ClassVar[str] = "output"


@operator
class LeakyReLU(Activation):
    """max(x, 0) + slope·min(x, 0) (Maas et al. 2013)."""

    slope: float = 0.01

    name: ClassVar[str] = "leaky_relu"
    tried: ClassVar[str] = "installed"
    saves: ClassVar[str] = "output"
    columns: ClassVar[tuple[Column, ...]] = (Column("slope", ratio(0, 1), "of what is below 0; 0.01 unless given"),)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.LeakyReLU(self.slope)

"""Activations, dropout and stochastic depth. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.graph.columns import FLAG, Column, ratio
from archprof.graph.dims import Dim, Shape
from archprof.graph.operators.base import Operator, operator

if TYPE_CHECKING:
    import torch


class Activation(Operator):
    """A function of each element; torch has a module for it, of the name `torch_name`."""

    __slots__ = ()
    category: ClassVar[str] = "act"
    torch_name: ClassVar[str] = ""
    # Whether the module may write over its input, where nothing else reads that.
    inplace: ClassVar[bool] = True

    def module(self) -> torch.nn.Module:
        from torch import nn

        built: torch.nn.Module = getattr(nn, self.torch_name)()
        return built


class ReLU(Activation):
    """max(x, 0)."""

    __slots__ = ()
    name: ClassVar[str] = "relu"
    spellings: ClassVar[tuple[str, ...]] = ("RE", "ReLU")
    torch_name: ClassVar[str] = "ReLU"


class ReLU6(Activation):
    """min(max(x, 0), 6) (Krizhevsky 2010)."""

    __slots__ = ()
    name: ClassVar[str] = "relu6"
    spellings: ClassVar[tuple[str, ...]] = ("RE6", "ReLU6")
    torch_name: ClassVar[str] = "ReLU6"


class Hardswish(Activation):
    """x · ReLU6(x + 3)/6 (Howard et al. 2019, section 5.2)."""

    __slots__ = ()
    name: ClassVar[str] = "hardswish"
    spellings: ClassVar[tuple[str, ...]] = ("HS", "h-swish", "h_swish", "hswish", "Hardswish")
    torch_name: ClassVar[str] = "Hardswish"


class Hardsigmoid(Activation):
    """ReLU6(x + 3)/6 (Howard et al. 2019, section 5.2)."""

    __slots__ = ()
    name: ClassVar[str] = "hardsigmoid"
    spellings: ClassVar[tuple[str, ...]] = ("h-sigmoid", "h_sigmoid", "hsigmoid", "Hardsigmoid")
    torch_name: ClassVar[str] = "Hardsigmoid"


class SiLU(Activation):
    """x · sigmoid(x), computed by torch in one step: it may differ from `swish` in the last bit."""

    __slots__ = ()
    name: ClassVar[str] = "silu"
    spellings: ClassVar[tuple[str, ...]] = ("SiLU",)
    torch_name: ClassVar[str] = "SiLU"


class Sigmoid(Activation):
    """1/(1 + e^−x)."""

    __slots__ = ()
    name: ClassVar[str] = "sigmoid"
    spellings: ClassVar[tuple[str, ...]] = ("Sigmoid",)
    torch_name: ClassVar[str] = "Sigmoid"
    inplace: ClassVar[bool] = False


class GELU(Activation):
    """x · Φ(x), with the normal distribution's Φ (Hendrycks & Gimpel 2016)."""

    __slots__ = ()
    name: ClassVar[str] = "gelu"
    spellings: ClassVar[tuple[str, ...]] = ("GELU",)
    torch_name: ClassVar[str] = "GELU"
    inplace: ClassVar[bool] = False


class Tanh(Activation):
    """(e^x − e^−x)/(e^x + e^−x)."""

    __slots__ = ()
    name: ClassVar[str] = "tanh"
    spellings: ClassVar[tuple[str, ...]] = ("Tanh",)
    torch_name: ClassVar[str] = "Tanh"
    inplace: ClassVar[bool] = False


@operator
class Swish(Activation):
    """x · sigmoid(βx) (Ramachandran et al. 2017), as a product; β is 1, or one learned parameter that starts there."""

    learnable: bool = False

    name: ClassVar[str] = "swish"
    spellings: ClassVar[tuple[str, ...]] = ("Swish",)
    params_formula: ClassVar[str] = "1"
    columns: ClassVar[tuple[Column, ...]] = (Column("learnable", FLAG, "whether β is learned"),)
    inplace: ClassVar[bool] = False

    @property
    def params(self) -> Dim:
        return 1 if self.learnable else 0

    def module(self) -> torch.nn.Module:
        from archprof.runtime.modules import Swish as Module

        return Module(self.learnable)


@operator
class Dropout(Operator):
    """Zeroes elements with probability p in training (Srivastava et al. 2014); the identity in inference."""

    p: float = 0.5

    name: ClassVar[str] = "dropout"
    category: ClassVar[str] = "dropout"
    columns: ClassVar[tuple[Column, ...]] = (Column("rate", ratio(0, 1), "probability", ("p",)),)

    @classmethod
    def of(cls, *inputs: Shape, rate: float = 0.5) -> Dropout:
        return cls(rate)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Dropout(self.p)


@operator
class StochasticDepth(Operator):
    """Zeroes whole maps of a batch with probability p in training, scales the others by 1/(1 − p) (Huang et al. 2016);
    the identity in inference."""

    p: float = 0.0

    name: ClassVar[str] = "stochastic_depth"
    category: ClassVar[str] = "dropout"
    columns: ClassVar[tuple[Column, ...]] = (Column("p", ratio(0, 1), "probability", ("rate",)),)

    def module(self) -> torch.nn.Module:
        from archprof.runtime.modules import StochasticDepth as Module

        return Module(self.p)

"""Functions of each element that are called in forward. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.footprint import Gradients, Run
from archprof.ir.operators.base import Elementwise


class _Called(Elementwise):
    """A function of torch of the operator's own name."""

    __slots__ = ()
    tried: ClassVar[str] = "installed"
    category: ClassVar[str] = "pointwise"

    @property
    def form(self) -> str:
        return "function"

    def expression(self, *tensors: str) -> str:
        return f"torch.{self.name}({tensors[0]})"


class Abs(_Called):
    """|x|: of a difference, how far two vectors lie apart in each feature."""

    __slots__ = ()
    name: ClassVar[str] = "abs"
    saves: ClassVar[str] = "inputs"

    def gradients(self, run: Run) -> Gradients:
        # The signs, by which the output's gradient is multiplied.
        return Gradients((False,), scratch=run.bytes(run.inputs[0]))


class Exp(_Called):
    """e^x: of half the logarithm of a variance, the deviation (Kingma & Welling 2014, Appendix B)."""

    __slots__ = ()
    name: ClassVar[str] = "exp"
    saves: ClassVar[str] = "output"
    autocast: ClassVar[str] = "full"

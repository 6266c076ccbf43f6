"""Swish as a product, with a slope that can be learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import FLAG, Column
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.act import Activation
from archprof.ir.operators.base import operator
from archprof.ir.terms import Terms, term

if TYPE_CHECKING:
    import torch


@operator
class Swish(Activation):
    """x · sigmoid(βx) (Ramachandran et al. 2017), as a product; β is 1, or one learned parameter that starts there."""

    learnable: bool = False

    name: ClassVar[str] = "swish"
    params_formula: ClassVar[str] = "1"
    columns: ClassVar[tuple[Column, ...]] = (Column("learnable", FLAG, "whether β is learned"),)
    inplace: ClassVar[bool] = False

    def footprint(self, run: Run) -> Footprint:
        # The sigmoid is there beside the product.
        sigmoid = run.bytes(run.inputs[0])
        return Footprint(scratch=sigmoid, inputs=(0,), own=sigmoid)

    def gradients(self, run: Run) -> Gradients:
        # That of the second factor, before both are summed.
        return Gradients((False,), scratch=run.bytes(run.inputs[0]))

    def parameters(self) -> Mapping[str, Terms]:
        return {"beta": term(1)} if self.learnable else {}

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import Swish as Module

        return Module(self.learnable)

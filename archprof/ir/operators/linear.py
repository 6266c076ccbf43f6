"""The linear layer, on features or at every position of a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import Dim, same
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.operators.layout import lies_folded, lies_in_order
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


@operator
class Linear(Operator):
    """A fully connected layer from M to N features of the last axis: M·N MACs at every position of the others."""

    in_features: Dim
    out_features: Dim
    bias: bool = True

    name: ClassVar[str] = "linear"
    formula: ClassVar[str] = "M·N"
    params_formula: ClassVar[str] = "M·N + N"
    category: ClassVar[str] = "linear"
    weighted: ClassVar[bool] = True
    drawn_as: ClassVar[str] = "linear"
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "half"
    overwritable: ClassVar[bool] = True
    viewed_gradients: ClassVar[frozenset[str]] = frozenset({"weight"})  # a product's, turned around

    def output(self, *inputs: Value) -> Value:
        *positions, features = inputs[0].shape
        if not same(features, self.in_features):
            advice = "flatten or pool the map first" if positions else ""
            message = f"a linear layer of {self.in_features} features on {show_shape(inputs[0].shape)}"
            raise ShapeError(message, advice)
        return inputs[0].with_shape((*positions, self.out_features), len(positions))

    def parameters(self) -> Mapping[str, Terms]:
        weight = term(self.in_features * self.out_features)
        return {"weight": weight, "bias": term(self.out_features)} if self.bias else {"weight": weight}

    def footprint(self, run: Run) -> Footprint:
        # One matrix goes in: what does not lie so is copied.
        if lies_folded(run.inputs[0], run.setup.batch, behind=1):
            return Footprint(inputs=(0,) if run.learns else ())
        copied = run.bytes(run.inputs[0])
        return Footprint(scratch=copied, own=copied if run.learns else None)

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.in_features * self.out_features, outputs[0].space)

    def gradients(self, run: Run) -> Gradients:
        from archprof.ir.operators.gpu import column_sums

        summed = self.bias and run.setup.kernels == "cuda"
        sums = column_sums(run.elements(run.outputs[0]) // self.out_features, self.out_features) if summed else 0
        # What does not lie in order is multiplied first, and the bias added: its gradient is that of a sum.
        added = not lies_in_order(run.inputs[0], run.setup.batch)
        return Gradients((False,), sums, strided=0 if added else sums, contiguous=True)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Linear(self.in_features, self.out_features, bias=self.bias)

"""The bilinear layer: a linear one on the outer product of two features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import Dim, same, same_shape
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class Bilinear(Operator):
    """x·W·y of features M and P for each of N outputs: M·P·N multiply-accumulates at every position."""

    in1_features: Dim
    in2_features: Dim
    out_features: Dim
    bias: bool = True

    name: ClassVar[str] = "bilinear"
    formula: ClassVar[str] = "M·P·N"
    params_formula: ClassVar[str] = "M·P·N + N"
    category: ClassVar[str] = "linear"
    joins: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False
    weighted: ClassVar[bool] = True
    drawn_as: ClassVar[str] = "linear"
    saves: ClassVar[str] = "inputs"
    autocast: ClassVar[str] = "half"

    def output(self, *inputs: Value) -> Value:
        wanted = (self.in1_features, self.in2_features)
        fits = len(inputs) == 2 and all(value.shape for value in inputs)
        if not fits or not all(same(value.shape[-1], size) for value, size in zip(inputs, wanted, strict=True)):
            raise ShapeError(f"a bilinear layer needs two tensors of {wanted[0]} and {wanted[1]} features")
        positions = inputs[0].shape[:-1]
        if not same_shape(positions, inputs[1].shape[:-1]):
            raise ShapeError("a bilinear layer needs two tensors of the same positions")
        return inputs[0].with_shape((*positions, self.out_features), len(positions))

    @property
    def _weights(self) -> Dim:
        return self.in1_features * self.in2_features * self.out_features

    def parameters(self) -> Mapping[str, Terms]:
        weight = term(self._weights)
        return {"weight": weight, "bias": term(self.out_features)} if self.bias else {"weight": weight}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self._weights, outputs[0].space)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Bilinear(*self._values())

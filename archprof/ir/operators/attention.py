"""Scaled dot-product attention, of several heads, of queries to keys and values that may be another sequence's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from archprof.ir.dims import Dim, same
from archprof.ir.operators.base import ShapeError, operator
from archprof.ir.operators.join import Function
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape


@operator
class Attention(Function):
    """softmax(Q·Kᵀ)·V (Vaswani et al. 2017) of queries (h, L, E), keys (h, S, E) and values (h, S, V) for h heads.

    Counted are the two products, h·L·S·(E + V), whatever a mask leaves out. Of grouped queries (Ainslie et al. 2023)
    several heads share the keys and values of one of *kv_heads*. A mask comes in fourth.
    """

    heads: Dim
    kv_heads: Dim
    causal: bool = False

    name: ClassVar[str] = "attention"
    formula: ClassVar[str] = "h·L·S·(E + V)"
    category: ClassVar[str] = "attention"
    joins: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False

    def output(self, *inputs: Value) -> Value:
        if len(inputs) < 3 or any(len(value.shape) < 2 for value in inputs[:3]):
            raise ShapeError("attention needs queries, keys and values of positions and features")
        queries, keys, values = (value.shape for value in inputs[:3])
        self._check_heads(queries, self.heads)
        self._check_heads(keys, self.kv_heads)
        self._check_heads(values, self.kv_heads)
        beside = all(map(same, keys[:-1], values[:-1])) and all(map(same, queries[:-3], keys[:-3]))
        if not (len(queries) == len(keys) == len(values) and beside and same(queries[-1], keys[-1])):
            shapes = ", ".join(map(show_shape, (queries, keys, values)))
            raise ShapeError(f"queries, keys and values of {shapes} do not meet")
        if self.heads % self.kv_heads != 0:
            raise ShapeError(f"{self.heads} heads are not divisible among {self.kv_heads} of keys and values")
        return inputs[0].with_shape((*queries[:-1], values[-1]), len(queries) - 1)

    def _check_heads(self, shape: tuple[Dim, ...], heads: Dim) -> None:
        found = shape[-3] if len(shape) > 2 else 1
        if not same(found, heads):
            raise ShapeError(f"attention of {heads} heads on {found}")

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        *around, length, features = inputs[0].shape
        return term(features + outputs[0].shape[-1], (*around, length, inputs[1].shape[-2]))

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        # The gradient of the weights dP = dO·Vᵀ is on the way to queries, keys and a mask; dV = Pᵀ·dO; then dQ = dS·K
        # and dK = dSᵀ·Q. That fused kernels compute the weights a second time is not counted.
        *around, length, features = inputs[0].shape
        queries, keys, values, *mask = wanted
        summed = outputs[0].shape[-1] * (any((queries, keys, *mask)) + values) + features * (queries + keys)
        return term(summed, (*around, length, inputs[1].shape[-2]))

    def expression(self, *tensors: str) -> str:
        grouped = ", enable_gqa=True" if self.heads != self.kv_heads else ""
        given = f"{', '.join(tensors)}, is_causal={self.causal}{grouped}"
        return f"functional.scaled_dot_product_attention({given})"

    def describe(self) -> str:
        heads = "1 head" if self.heads == 1 else f"{self.heads} heads"
        return f"attention {heads}" if self.heads == self.kv_heads else f"attention {heads}, {self.kv_heads} shared"

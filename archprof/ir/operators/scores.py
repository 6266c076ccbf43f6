"""Attention in its two products, for what networks have in between: scores of queries and keys, and what they make of
values. Scores are a map, of a channel for each head, which convolutions can mix (Shazeer et al. 2020)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import FLAG, Column, count
from archprof.ir.dims import Dim, product, same, same_shape
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Operator, ShapeError, feature_map, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch

_HEADS = Column("heads", count(), "heads", ("num_heads",), required=True)


class _Product(Operator):
    """A product of two maps' positions, of which each is needed for the gradients of the other."""

    __slots__ = ()
    tried: ClassVar[str] = "none"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    category: ClassVar[str] = "attention"
    autocast: ClassVar[str] = "half"

    def backward_macs(
        self, inputs: Sequence[Value], outputs: Sequence[Value], wanted: Sequence[bool], learned: Collection[str]
    ) -> Terms:
        return self.macs(inputs, outputs) * sum(wanted)

    def footprint(self, run: Run) -> Footprint:
        return Footprint(inputs=tuple(range(len(run.inputs))), own=0, known=False)

    def stride_factor(self, *inputs: Value) -> int | None:
        return 1


@operator
class AttentionScores(_Product):
    """Q·Kᵀ/√E of the heads of two maps, queries and keys of h·E channels: (h, L, S). To it a learned bias for each
    distance of two positions may be added, of a map of *size* (Graham et al. 2021)."""

    heads: Dim
    key_dim: Dim
    size: tuple[Dim, ...] = ()

    name: ClassVar[str] = "attention_scores"
    formula: ClassVar[str] = "h·L·S·E"
    params_formula: ClassVar[str] = "h·S"
    columns: ClassVar[tuple[Column, ...]] = (_HEADS, Column("distance", FLAG, "with a learned bias for each distance"))

    @classmethod
    def of(cls, *inputs: Value, heads: Dim, distance: bool = False) -> AttentionScores:
        queries, keys = inputs[0].space, inputs[1].space
        if distance and not same_shape(queries, keys):
            message = f"a bias for each distance on maps of {show_shape(queries)} and {show_shape(keys)}"
            raise ShapeError(message, "queries and keys stand on maps of one size there", ("distance",))
        return cls(heads, inputs[0].channels // heads, keys if distance else ())

    def output(self, *inputs: Value) -> Value:
        for value in inputs:
            if not same(feature_map(value, "a product of positions").channels, self.heads * self.key_dim):
                message = f"{self.heads} heads of {self.key_dim} features in {show_shape(value.shape)}"
                raise ShapeError(message, columns=("heads",))
        return inputs[0].with_shape((self.heads, product(inputs[0].space), product(inputs[1].space)))

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.heads, self.size)} if self.size else {}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.heads * self.key_dim, (*inputs[0].space, *inputs[1].space))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_scores import AttentionScores as Module

        return Module(self.heads, self.size)


@operator
class AttendedValues(_Product):
    """The values of a map (h·V, H, W), weighed by what the scores of its positions, (h, H·W, H·W), have become."""

    heads: Dim

    name: ClassVar[str] = "attended_values"
    formula: ClassVar[str] = "h·L²·V"

    @classmethod
    def of(cls, *inputs: Value, **options: Any) -> AttendedValues:
        return cls(inputs[0].shape[0])

    def output(self, *inputs: Value) -> Value:
        weights, values = inputs[0].shape, feature_map(inputs[1], "weighed values")
        length = product(values.space)
        if len(weights) != 3 or not same(weights[1], length) or not same(weights[2], length):
            raise ShapeError(f"scores of {show_shape(weights)} for the positions of {show_shape(values.shape)}")
        if values.channels % self.heads != 0:
            raise ShapeError(f"{values.channels} channels are not divisible by {self.heads} heads")
        return values

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(inputs[1].channels, (*inputs[1].space, *inputs[1].space))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_scores import AttendedValues as Module

        return Module()

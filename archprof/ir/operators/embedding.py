"""Embeddings: rows of a table, by their number, alone or put together. They cost no MACs by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import CHANNELS, Column, count
from archprof.ir.dims import Dim
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import Operator, ShapeError, operator
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch


@operator
class Embedding(Operator):
    """The row of a table of (R, N) for each number that comes in: a word, a position."""

    num_embeddings: Dim
    embedding_dim: Dim

    name: ClassVar[str] = "embedding"
    numbers: ClassVar[str] = "any"
    params_formula: ClassVar[str] = "R·N"
    saves: ClassVar[str] = "inputs"
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("size", count(), "rows of the table: words of a vocabulary", ("num_embeddings",), required=True),
        Column("c", CHANNELS, "features of a row", ("embedding_dim", "dim"), required=True),
    )

    @classmethod
    def of(cls, *inputs: Value, size: Dim, c: Any) -> Embedding:
        return cls(size, getattr(c, "channels", c))

    def output(self, *inputs: Value) -> Value:
        shape, dtype = inputs[0].shape, inputs[0].dtype
        if dtype not in ("int64", "int32"):
            advice = "an input of numbers of words is `input: 128:int64`"
            raise ShapeError(f"`{self.name}` of {dtype} numbers, which name no row of its table", advice)
        return inputs[0].with_shape((*shape, self.embedding_dim), len(shape))._replace(dtype="float32")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.num_embeddings * self.embedding_dim)}

    def rows_read(self, run: Run) -> Dim | None:
        return run.elements(run.inputs[0]) * self.embedding_dim * run.width

    def module(self) -> torch.nn.Module:
        from torch import nn

        made: torch.nn.Module = getattr(nn, type(self).__name__)(self.num_embeddings, self.embedding_dim)
        return made


@operator
class EmbeddingBag(Embedding):
    """The sum, mean or maximum of the rows of a table of (R, N) for the numbers of each bag."""

    name: ClassVar[str] = "embedding_bag"
    as_layer: ClassVar[bool] = False

    def footprint(self, run: Run) -> Footprint:
        return Operator.footprint(self, run)._replace(known=not run.learns)  # the bag of each number is kept too

    def output(self, *inputs: Value) -> Value:
        if len(inputs[0].shape) != 1:
            raise ShapeError("an embedding bag needs the numbers of one bag")
        return inputs[0].with_shape((self.embedding_dim,), 0)._replace(dtype="float32")

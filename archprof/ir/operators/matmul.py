"""Products of two activations: of matrices, of stacks of them, and of rows that each meet the matrix of their group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import Dim, Shape, product, same
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import ShapeError, operator
from archprof.ir.operators.derivatives import footprint_of
from archprof.ir.operators.join import Function, stretched
from archprof.ir.operators.layout import lies_folded, lies_stretched
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


class MatMul(Function):
    """The product of (…, L, M) and (…, M, N), the axes in front stretched over each other: L·M·N multiply-accumulates
    for each pair of matrices."""

    __slots__ = ()
    name: ClassVar[str] = "matmul"
    formula: ClassVar[str] = "L·M·N"
    category: ClassVar[str] = "matmul"
    joins: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False
    overwritable: ClassVar[bool] = True
    autocast: ClassVar[str] = "half"

    def output(self, *inputs: Value) -> Value:
        if len(inputs) != 2 or not all(value.shape for value in inputs):
            raise ShapeError("a product needs two tensors with axes")
        left, right = inputs[0].shape, inputs[1].shape
        if not same(left[-1], right[-2] if len(right) > 1 else right[0]):
            message = f"{show_shape(left)} and {show_shape(right)} have no common length to multiply along"
            raise ShapeError(message, "a product is of (L, M) and (M, N): `transpose` one of them")
        shape = (*stretched(left[:-2], right[:-2]), *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))
        return inputs[0].with_shape(shape, len(shape) - 1 if shape else None)

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(inputs[0].shape[-1], outputs[0].shape)

    def footprint(self, run: Run) -> Footprint:
        # Stacks of matrices are multiplied as a single one: what does not lie so is copied.
        return of_two(run, copies(run))

    def expression(self, *tensors: str) -> str:
        return " @ ".join(tensors)


class Product(MatMul):
    """The product of (…, L, M) and (…, M, N), the axes in front stretched over each other, as a layer of a spec: in a
    module of its own, where counters find it."""

    __slots__ = ()
    as_layer: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    numbers: ClassVar[str] = "floats"
    tried: ClassVar[str] = "none"

    def output(self, *inputs: Value) -> Value:
        if len({len(value.shape) for value in inputs}) > 1 or len(inputs[0].shape) < 2:
            shapes = " and ".join(show_shape(value.shape) for value in inputs)
            raise ShapeError(f"a product of {shapes}: images are an axis in front of both", "as many axes in both")
        return MatMul.output(self, *inputs)

    @property
    def form(self) -> str:
        return "module"

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules_attention import Product as Module

        return Module()


def of_two(run: Run, copied: Sequence[Dim]) -> Footprint:
    """Return what a product of two factors keeps: each for the gradient of the other, or the bytes that were copied of
    it, where any were."""
    needed = (run.wanted[1], run.wanted[0]) if run.wanted else (False, False)
    kept = tuple([place for place, one in enumerate(needed) if one and copied[place] is None])
    own = sum(size for size, one in zip(copied, needed, strict=True) if one and size)
    return Footprint(scratch=sum(size or 0 for size in copied), inputs=kept, own=own)


def copies(run: Run) -> tuple[Dim | None, Dim | None]:
    """Return the bytes of the copy of each factor that is made to multiply stacks of matrices; None where it goes in as
    it lies."""
    left, right = run.inputs
    if left.strides is None and right.strides is None and len(left.shape) == len(right.shape):
        return None, None
    images = run.setup.batch
    ranks = [len(value.at_batch(images)) for value in run.inputs]
    if max(ranks) < 3:
        return None, None
    # Of a stack and a matrix, the stack goes in as one matrix.
    larger = 0 if ranks[0] >= ranks[1] else 1
    if ranks[1 - larger] < 3:
        as_one = lies_folded(run.inputs[larger], images, behind=1)
        if as_one or larger == 0 or any(run.wanted[:1]):
            size = None if as_one else run.bytes(run.inputs[larger])
            return (size, None) if larger == 0 else (None, size)
    around = stretched(*(value.at_batch(images)[:-2] for value in run.inputs))
    return _copy(run, left, around), _copy(run, right, around)


def _copy(run: Run, value: Value, around: Shape) -> Dim | None:
    """Return the bytes of a stack of matrices whose axes in front are stretched; None where it can lie as it does."""
    if lies_stretched(value, around, run.setup.batch):
        return None
    return product((*around, *value.at_batch(run.setup.batch)[-2:])) * run.setup.width(value.dtype)


class LearnedProduct(Function):
    """A product of two tensors, or of one and a learned *weight*."""

    __slots__ = ()
    joins: ClassVar[bool] = True
    as_layer: ClassVar[bool] = False
    autocast: ClassVar[str] = "half"
    weight: tuple[int, ...]

    @property
    def kind(self) -> str:
        return "linear" if self.weight else "matmul"

    @property
    def weighted(self) -> bool:  # type: ignore[override]
        return bool(self.weight)


@operator
class GroupedMatMul(LearnedProduct):
    """The product of rows (T, M), in groups one behind the other, with the matrix (M, N) of their group: T·M·N
    multiply-accumulates, however the rows are shared out. Mixtures of experts run so.

    The matrices come in second, or are a learned *weight* of (M, N) for each group; where the groups end comes in last.
    """

    groups: Dim
    weight: tuple[int, ...] = ()

    name: ClassVar[str] = "grouped_matmul"
    formula: ClassVar[str] = "T·M·N"
    params_formula: ClassVar[str] = "g·M·N"

    def output(self, *inputs: Value) -> Value:
        rows = inputs[0].shape
        matrices = (self.groups, *self.weight) if self.weight else inputs[1].shape
        if len(rows) != 2 or len(matrices) != 3 or not same(matrices[0], self.groups):
            raise ShapeError(f"a grouped product needs rows, and a matrix for each of {self.groups} groups")
        if not same(rows[1], matrices[1]):
            raise ShapeError(f"rows of {rows[1]} features meet matrices of {matrices[1]}")
        return inputs[0].with_shape((rows[0], matrices[2]), 1)

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(self.groups * product(self.weight))} if self.weight else {}

    def footprint(self, run: Run) -> Footprint:
        return footprint_of("_grouped_mm", run)

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(inputs[0].shape[1] * outputs[0].shape[1], inputs[0].shape[:1])

    def describe(self) -> str:
        return f"{'grouped linear' if self.weight else 'grouped matmul'} {self.groups} groups"

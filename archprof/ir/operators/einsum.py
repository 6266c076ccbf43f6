"""Sums of products along letters, as in `bhid,bhjd->bhij`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, NamedTuple

from archprof.ir.dims import Dim, Shape, product, same
from archprof.ir.operators.base import ShapeError, Word, operator
from archprof.ir.operators.matmul import LearnedProduct
from archprof.ir.terms import NOTHING, Terms, term
from archprof.ir.values import Value


class Subscripts(NamedTuple):
    """The letters of each operand's axes, and those of the output's."""

    operands: tuple[str, ...]
    output: str

    def __str__(self) -> str:
        return f"{','.join(self.operands)}->{self.output}"


def subscripts(equation: str, ranks: Sequence[int]) -> Subscripts:
    """Return the letters of an equation for operands of these ranks, digits for the axes of an ellipsis.

    Raises ShapeError where it has not as many operands or axes.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(ranks):
        raise ShapeError(f"`{equation}` is for {len(parts)} tensors, not {len(ranks)}")
    around = max(rank - len(part.replace("...", "")) for part, rank in zip(parts, ranks, strict=True))
    digits = "0123456789"[: max(around, 0)]
    operands = tuple(_spelled(part, rank, digits) for part, rank in zip(parts, ranks, strict=True))
    if not arrow:
        counted = Counter(left.replace("...", "").replace(",", ""))
        right = ("..." if "..." in left else "") + "".join(sorted(one for one in counted if counted[one] == 1))
    return Subscripts(operands, right.replace("...", digits))


def _spelled(part: str, rank: int, digits: str) -> str:
    more = rank - len(part.replace("...", ""))
    spelled = part.replace("...", digits[len(digits) - more :] if more else "")
    if len(spelled) != rank:
        raise ShapeError(f"`{part}` is not for a tensor of {rank} axes")
    return spelled


def sizes_of(operands: Sequence[str], shapes: Sequence[Shape]) -> Mapping[str, Dim]:
    """Return the size of each letter; raises ShapeError where two axes of one letter differ."""
    sizes: dict[str, Dim] = {}
    for letters, shape in zip(operands, shapes, strict=True):
        for letter, size in zip(letters, shape, strict=True):
            known = sizes.get(letter, 1)
            if not (same(known, size) or same(known, 1) or same(size, 1)):
                raise ShapeError(f"sizes of {known} and {size} for `{letter}`")
            sizes[letter] = size if same(known, 1) else known
    return sizes


def multiplied(first: str, second: str, kept: Collection[str]) -> set[str]:
    """Return the letters over which two operands are multiplied and accumulated: all but those that one of them sums by
    itself; none where no letter is summed over both, which is a product of elements."""
    both = set(first) & set(second)
    if both <= set(kept):
        return set()
    return both | (set(first) | set(second)) & set(kept)


@operator
class Einsum(LearnedProduct):
    """A sum of products along letters, of two tensors or of one and a learned *weight* behind it: all letters that both
    sum or the output keeps multiply, as L·M·N of `lm,mn->ln`. The *equation* is without the batch."""

    equation: Word
    weight: tuple[int, ...] = ()

    name: ClassVar[str] = "einsum"
    formula: ClassVar[str] = "L·M·N"
    params_formula: ClassVar[str] = "M·N"

    def _read(self, inputs: Sequence[Value]) -> tuple[Subscripts, Mapping[str, Dim]]:
        shapes = [*(value.shape for value in inputs), *([self.weight] if self.weight else [])]
        letters = subscripts(self.equation, [len(shape) for shape in shapes])
        if len(shapes) != 2:
            raise ShapeError("a sum of products is of two tensors here")
        return letters, sizes_of(letters.operands, shapes)

    def letter_sizes(self, inputs: Sequence[Value]) -> Mapping[str, Dim]:
        """Return the size of each letter."""
        return self._read(inputs)[1]

    def output(self, *inputs: Value) -> Value:
        letters, sizes = self._read(inputs)
        if not set(letters.output) <= set(sizes):
            raise ShapeError(f"`{self.equation}` returns letters that no tensor has")
        shape = tuple(sizes[letter] for letter in letters.output)
        return inputs[0].with_shape(shape, len(shape) - 1 if shape else None)

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(product(self.weight))} if self.weight else {}

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        letters, sizes = self._read(inputs)
        first, second = letters.operands
        along = multiplied(first, second, letters.output)
        return term(product(tuple(sizes[letter] for letter in along))) if along else NOTHING

    def describe(self) -> str:
        return f"einsum {self.equation}"

"""Sums of products along letters, as in `bhid,bhjd->bhij`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from archprof.ir.dims import Dim, Shape, product, same
from archprof.ir.footprint import Footprint, Run
from archprof.ir.operators.base import ShapeError, Word, operator
from archprof.ir.operators.layout import folds, sizes_and_strides
from archprof.ir.operators.matmul import LearnedProduct, of_two
from archprof.ir.terms import NOTHING, Terms, term
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple


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

    def footprint(self, run: Run) -> Footprint:
        copied = [self._copy(run, place) for place in range(2)]
        if not self.weight:
            return of_two(run, copied)
        # The learned factor is seen otherwise, or copied; the other is kept where it learns.
        kept = (0,) if run.learns and copied[0] is None else ()
        own = (copied[0] or 0) * run.learns + (copied[1] or 0) * any(run.wanted)
        return Footprint(scratch=(copied[0] or 0) + (copied[1] or 0), inputs=kept, own=own)

    def _copy(self, run: Run, place: int) -> Dim | None:
        """Return the bytes of the copy that is made of a factor, None where it is multiplied as it lies: as a stack of
        matrices, of letters that both have and the output keeps, of its own, and of those that are summed."""
        letters, _ = self._read(run.inputs)
        values = [*run.inputs, Value(self.weight, None, (0,) * len(self.weight))][:2]
        written = [_whole(one, value) for one, value in zip(letters.operands, values, strict=True)]
        mine, other = written[place], written[1 - place]
        sizes, strides = sizes_and_strides(values[place], run.setup.batch)
        at = {letter: (size, one) for letter, size, one in zip(mine, sizes, strides, strict=True)}
        output = letters.output + (_BATCH if _BATCH in "".join(written) else "")
        both = [one for one in mine if one in other]
        groups = ([one for one in both if one in output], [one for one in mine if one not in other],
                  [one for one in both if one not in output])  # fmt: skip
        if all(folds(*zip(*(at[one] for one in group), strict=True)) for group in groups if group):
            return None
        return run.bytes(values[place])

    def describe(self) -> str:
        return f"einsum {self.equation}"


# Stands for the batch, which the equation leaves out.
_BATCH = "·"


def _whole(letters: str, value: Value) -> str:
    """Return the letters of a whole shape, with the batch's."""
    return f"{letters[: value.batch]}{_BATCH}{letters[value.batch :]}" if isinstance(value.batch, int) else letters

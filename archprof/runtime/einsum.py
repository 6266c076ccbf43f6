"""Multiply-accumulates of an einsum, contracted pair by pair as torch does."""

from collections import Counter
from collections.abc import Sequence
from math import prod

Sizes = Sequence[int]
# An operand: the size of each of its axes, by label.
Operand = dict[str, int]


def einsum_macs(equation: str, shapes: Sequence[Sizes], path: Sequence[int] | None = None) -> int:
    """Count output elements × summed elements of every matrix product; a pair that shares no summed axis is multiplied
    element by element.

    *path* holds the places of each pair, as torch computes it where opt_einsum is installed; without one, operands are
    taken from the left.
    """
    terms, result = _labels(equation.replace(" ", ""), shapes)
    operands = [dict(zip(labels, shape, strict=True)) for labels, shape in zip(terms, shapes, strict=True)]
    pairs = iter(path or ())
    macs = 0
    while len(operands) > 1:
        places = sorted((next(pairs), next(pairs))) if path else (0, 1)
        second, first = operands.pop(places[1]), operands.pop(places[0])
        kept = {label for operand in operands for label in operand}.union(result)
        sizes, product = _contracted(first, second, kept)
        macs += product
        operands.insert(len(operands) if path else 0, sizes)
    return macs


def _contracted(first: Operand, second: Operand, kept: set[str]) -> tuple[Operand, int]:
    """Return what a pair becomes where the labels in *kept* stay, and its MACs."""
    # An axis of one operand alone is summed before they meet.
    left, right = (
        {label: size for label, size in one.items() if label in kept or other.get(label, 1) != 1}
        for one, other in ((first, second), (second, first))
    )
    sizes = {label: max(left.get(label, 1), right.get(label, 1)) for label in (*left, *right)}
    summed = [label for label in sizes if label not in kept and sizes[label] != 1]
    return {label: size for label, size in sizes.items() if label in kept}, prod(sizes.values()) if summed else 0


def _labels(equation: str, shapes: Sequence[Sizes]) -> tuple[list[list[str]], set[str]]:
    """Return the labels of each operand's axes and of the result; the axes of an ellipsis are numbered from the
    right."""
    inputs, arrow, output = equation.partition("->")
    terms = [_term(term, len(shape)) for term, shape in zip(inputs.split(","), shapes, strict=True)]
    if arrow:
        return terms, {*output.replace("...", ""), *(label for term in terms for label in term if len(label) > 1)}
    met = Counter(label for term in terms for label in term)
    return terms, {label for label, times in met.items() if times == 1 or len(label) > 1}


def _term(term: str, axes: int) -> list[str]:
    before, dots, after = term.partition("...")
    stretched = axes - len(before) - len(after) if dots else 0
    return [*before, *(f"..{place}" for place in range(stretched, 0, -1)), *after]

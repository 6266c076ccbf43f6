"""What is kept of a sweep: within limits, on the Pareto front, among the first."""

import numpy as np
from numpy.typing import NDArray

from archprof.ir.arrays import Integers
from archprof.sweep.pareto import front
from archprof.sweep.plan import Selection


def within(selection: Selection, costs: Integers) -> NDArray[np.bool_]:
    """Tell which variants are within the limits."""
    kept = np.ones(costs.shape[1], bool)
    for limit in selection.limits:
        line = costs[selection.names.index(limit.of)]
        kept &= line <= limit.value if limit.most else line >= limit.value
    return kept


def reduce(selection: Selection, costs: Integers) -> Integers:
    """Return the places of the variants that are on the Pareto front and among the first, in the order of their
    numbers."""
    kept = np.arange(costs.shape[1])
    if selection.pareto:
        kept = kept[front(_objectives(selection, costs, selection.pareto))]
    if selection.top is not None:
        kept = kept[np.sort(order(selection, costs[:, kept])[: selection.top])]
    return kept


def order(selection: Selection, costs: Integers) -> Integers:
    """Return the places in the order that is wanted; equals stay in the order of their numbers."""
    if not selection.sort:
        return np.arange(costs.shape[1])
    return np.argsort(_objectives(selection, costs, (selection.sort,))[0], kind="stable")


def _objectives(selection: Selection, costs: Integers, names: tuple[str, ...]) -> Integers:
    """Return what is to be small: counts, or for `-macs` their negatives."""
    signs = [-1 if name.startswith("-") else 1 for name in names]
    lines = [costs[selection.names.index(name.removeprefix("-"))] for name in names]
    return np.stack([line * sign for line, sign in zip(lines, signs, strict=True)])

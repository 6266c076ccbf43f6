"""What is kept of a sweep: within limits, on the Pareto front, among the first."""

import numpy as np
from numpy.typing import NDArray

from archprof.analysis.pareto import front
from archprof.analysis.plan import Wanted
from archprof.analysis.report import Cost

Integers = NDArray[np.int64]


def within(wanted: Wanted, costs: Integers) -> NDArray[np.bool_]:
    """Tell which variants are within the limits."""
    kept = np.ones(costs.shape[1], bool)
    for limit in wanted.limits:
        line = costs[Cost._fields.index(limit.of)]
        kept &= line <= limit.value if limit.most else line >= limit.value
    return kept


def reduce(wanted: Wanted, costs: Integers) -> Integers:
    """Return the places of the variants that are on the Pareto front and among the first, in the order of their
    numbers."""
    kept = np.arange(costs.shape[1])
    if wanted.pareto:
        kept = kept[front(_objectives(costs, wanted.pareto))]
    if wanted.top is not None:
        kept = kept[np.sort(order(wanted, costs[:, kept])[: wanted.top])]
    return kept


def order(wanted: Wanted, costs: Integers) -> Integers:
    """Return the places in the order that is wanted; equals stay in the order of their numbers."""
    if not wanted.sort:
        return np.arange(costs.shape[1])
    return np.argsort(_objectives(costs, (wanted.sort,))[0], kind="stable")


def _objectives(costs: Integers, names: tuple[str, ...]) -> Integers:
    """Return what is to be small: counts, or for `-macs` their negatives."""
    lines = [costs[Cost._fields.index(name.removeprefix("-"))] * (-1 if name.startswith("-") else 1) for name in names]
    return np.stack(lines)

"""Two sums of a network in one number: what is counted of one metric is counted of pairs."""

import numpy as np

from archprof.errors import usage_error
from archprof.ir.arrays import Integers
from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Arc, Automaton
from archprof.space.exact import Numbers, products_of
from archprof.space.meeting import Halves
from archprof.space.paths import greatest, lattice_of, least_from
from archprof.space.shares import Shares, shares_met
from archprof.space.sums import Sums

_CHUNK = 1 << 16
_MOST = 1 << 62


class Scale(NamedTuple):
    """How a metric is counted: in steps above the least sum there is."""

    least: int
    step: int
    most: int

    def limit(self, limit: int) -> int:
        """Return how many steps a limit is; below 0 where nothing fits."""
        return min((limit - self.least) // self.step, self.most)


class Pairs(NamedTuple):
    """An automaton whose one metric is a pair of sums, in steps: the first times *base*, and the second."""

    automaton: Automaton
    base: int
    scales: tuple[Scale, Scale]


def paired(automaton: Automaton, metrics: tuple[str, str]) -> Pairs:
    """Return an automaton of pairs. Raises UsageError where a pair does not fit into 64 bits."""
    scales = (_scale(automaton, metrics[0]), _scale(automaton, metrics[1]))
    base = scales[1].most + 1
    if (scales[0].most + 1) * base >= _MOST:
        raise usage_error(f"a pair of {metrics[0]} and {metrics[1]} does not fit into 64 bits", help="limit one alone")
    first, second = (_steps(automaton, metric, scale) for metric, scale in zip(metrics, scales, strict=True))
    arcs = tuple(
        tuple(Arc(arc.target, (one * base + two,)) for arc, one, two in zip(*found, strict=True))
        for found in zip(automaton.arcs, first, second, strict=True)
    )
    return Pairs(Automaton(("pair",), arcs), base, scales)


def _scale(automaton: Automaton, metric: str) -> Scale:
    lattice = lattice_of(automaton, metric)
    step = max(lattice.step, 1)
    return Scale(lattice.least, step, (greatest(automaton, metric).sum - lattice.least) // step)


def _steps(automaton: Automaton, metric: str, scale: Scale) -> list[list[int]]:
    """Return how many steps each arc is above the least way from its node on."""
    place = automaton.metrics.index(metric)
    ahead = least_from(automaton, place)
    return [
        [(arc.costs[place] + ahead[arc.target] - ahead[node]) // scale.step for arc in arcs]
        for node, arcs in enumerate(automaton.arcs)
    ]


def split(values: Integers, base: int) -> tuple[Integers, Integers]:
    """Return the first and the second sum of each pair."""
    first = values // base
    return first, values - first * base


def pairs_within(halves: Halves, base: int, limits: tuple[int, int]) -> int:
    """Return how many networks keep both limits, in steps."""
    return sum(_met_within(first, second, base, limits) for _, first, second in halves.meetings())


def _met_within(first: Sums, second: Sums, base: int, limits: tuple[int, int]) -> int:
    few, many = sorted((first, second), key=lambda sums: sums.size)
    one, two = split(few.values, base)
    fits = dominated(*split(many.values, base), many.numbers, limits[0] - one, limits[1] - two)
    pieces = (slice(start, start + _CHUNK) for start in range(0, few.size, _CHUNK))
    return sum(products_of(few.numbers[piece], fits[piece]) for piece in pieces)


def shares_within(halves: Halves, base: int, limits: tuple[int, int]) -> Shares:
    """Return how many of the networks that keep both limits, in steps, take each arc."""

    def met(sums: Sums, others: Sums) -> Numbers:
        one, two = split(sums.values, base)
        return dominated(*split(others.values, base), others.numbers, limits[0] - one, limits[1] - two)

    return shares_met(halves, met)


def dominated(first: Integers, second: Integers, numbers: Numbers, most: Integers, most_second: Integers) -> Numbers:
    """Return, for each pair of limits, the sum of the numbers of points that exceed neither; *first* ascends.

    Points are ranked by their second sum, and split by the bits of the rank, the highest first: where a limit has the
    bit, all that have it not are below (a wavelet matrix: Claude, Navarro & Ordóñez 2015).
    """
    order = np.argsort(second, kind="stable")
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    bounds = np.searchsorted(second[order], most_second, side="right")
    low, high = np.zeros(len(most), np.int64), np.searchsorted(first, most, side="right")
    found = np.zeros(len(most), np.uint64)
    numbers = numbers.astype(np.uint64)
    for bit in range(len(order).bit_length() - 1, -1, -1):
        without = (ranks >> bit) & 1 == 0
        places, sums = _summed(without, np.int64), _summed(np.where(without, numbers, 0), np.uint64)
        above = (bounds >> bit) & 1 == 1
        found += np.where(above, sums[high] - sums[low], np.uint64(0))
        low, high = (np.where(above, places[-1] + at - places[at], places[at]) for at in (low, high))
        ranks, numbers = (np.concatenate([array[without], array[~without]]) for array in (ranks, numbers))
    return found


def _summed(numbers: Numbers, kind: type[np.int64] | type[np.uint64]) -> Numbers:
    found = np.zeros(len(numbers) + 1, kind)
    np.cumsum(numbers, out=found[1:])
    return found

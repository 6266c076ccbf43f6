"""What is known where the tables of both halves are, and those of the ways across the cut would be too long: each arc
across it is looked at by itself.

How many networks keep a limit is counted arc by arc. Those with the greatest sum are looked for sum by sum from the
limit down: so many networks have any sum near a limit that the first, or one soon after, is found.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from archprof.ir.arrays import Integers
from archprof.space.automaton import Path
from archprof.space.beside import Beside
from archprof.space.exact import products_of, total_of
from archprof.space.greatest import InVain, Ways, gave_up
from archprof.space.meeting import Halves
from archprof.space.paths import lattice_of
from archprof.space.sums import Sums, TooManySums

# So many entries are looked at for one network more: some ten seconds.
_MOST_LOOKED_AT = 1 << 31


# So many entries are looked at for one count: some seconds.
_MOST_COUNTED = 1 << 28
_CHUNK = 1 << 16
_WORD = 1 << 64


def number_across(halves: Halves, limit: int) -> int:
    """Return how many networks have a sum of at most *limit*. Raises TooManySums where that takes too long."""
    costs: dict[tuple[int, int], Counter[int]] = {}
    for node in range(halves.cut):
        for arc in halves.automaton.arcs[node]:
            if arc.target >= halves.cut:
                costs.setdefault((node, arc.target), Counter())[arc.costs[halves.metric]] += 1
    tables = [(halves.forward[node], halves.backward[target], by) for (node, target), by in costs.items()]
    entries = sum(min(first.size, second.size) * len(by) for first, second, by in tables)
    ways = max((by.total() * max(total_of(first.numbers), total_of(second.numbers)) for first, second, by in tables))
    if entries > _MOST_COUNTED or ways >= _WORD:
        raise TooManySums(entries)
    return sum(_met_by(*found, limit) for found in tables)


def _met_by(first: Sums, second: Sums, costs: Mapping[int, int], limit: int) -> int:
    """Return how many ways of one table and of another have together a sum of at most *limit*, by arcs of some costs,
    so many of each."""
    few, many = sorted((first, second), key=lambda sums: sums.size)
    found = 0
    for start in range(0, few.size, _CHUNK):
        left = limit - few.values_of(start, start + _CHUNK)
        fits = np.zeros(len(left), np.uint64)
        for cost, times in costs.items():
            fits += many.up_to(left - cost) * np.uint64(times)
        found += products_of(few.numbers[start : start + _CHUNK], fits)
    return found


class _Crossing:
    """The arcs across the cut, and what meets by them."""

    def __init__(self, halves: Halves, besides: Sequence[Beside], most: Sequence[int]) -> None:
        self._halves, self._besides, self._most = halves, besides, most
        costs = [one.metric for one in besides]
        # Those from one node to another that cost the same are looked at once.
        self._arcs = dict.fromkeys(
            (node, arc.target, arc.costs[halves.metric], tuple([arc.costs[metric] for metric in costs]))
            for node in range(halves.cut)
            for arc in halves.automaton.arcs[node]
            if arc.target >= halves.cut
        )
        self.looked_at = 0

    def at(self, total: int) -> Iterator[tuple[int, int]]:
        """Yield where ways meet that are a total together and may keep the limits: a node behind the cut, and what of
        the total is before it. Raises InVain where too many were looked at since the last network."""
        met: set[tuple[int, int]] = set()
        for node, target, cost, others in self._arcs:
            first = self._halves.forward[node]
            self.looked_at += first.size
            if self.looked_at > _MOST_LOOKED_AT:
                raise InVain
            for value in self._meeting(node, target, total - cost, others).tolist():
                if (target, value + cost) not in met:
                    met.add((target, value + cost))
                    yield target, value + cost

    def _meeting(self, node: int, target: int, total: int, costs: tuple[int, ...]) -> Integers:
        """Return the sums of ways to a node that are a total with some way from its target."""
        first, second = self._halves.forward[node], self._halves.backward[target]
        entries = second.entries_at(total - first.values)
        here = np.flatnonzero((entries >= 0) & (first.numbers > 0))
        for one, most, cost in zip(self._besides, self._most, costs, strict=True):
            least = one.to[node][here].astype(np.int64) + one.onward[target][entries[here]]
            here = here[least <= most - cost]
        sums: Integers = first.values[here]
        return sums


def greatest_across(halves: Halves, limit: int, others: Mapping[str, int]) -> Iterator[Path]:
    """Yield the networks within a *limit* of what was counted and within limits on *others*, those of the greatest sum
    first.

    Raises UsageError where none is found for long.
    """
    besides, most = [Beside(halves, metric) for metric in others], tuple(others.values())
    crossing, ways = _Crossing(halves, besides, most), Ways(halves, besides)
    lattice = lattice_of(halves.automaton, halves.automaton.metrics[halves.metric])
    step = max(lattice.step, 1)
    first = lattice.least + (min(limit, halves.greatest) - lattice.least) // step * step
    for total in range(first, lattice.least - 1, -step):
        try:
            for node, before in crossing.at(total):
                for path in ways.through(node, before, total - before, most):
                    crossing.looked_at = ways.looked_at = 0
                    yield path
        except InVain:
            raise gave_up(halves, others, total) from None

"""The least that ways through both halves of a space cost in another metric, beside their sum of the one that was
counted."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from archprof.ir.arrays import Integers
from archprof.space.meeting import Halves
from archprof.space.paths import greatest
from archprof.space.sums import Sums

# A sum that no way has. Half of what the type holds, so that a cost may be added to it.
_NONE, _NONE_SHORT = 1 << 62, 1 << 30


class Beside:
    """The least sums of another *metric*, by its place, an array for each table of *halves*: of the ways *to* each node
    before the cut, *across* it to each node behind, and *onward* from each of these."""

    def __init__(self, halves: Halves, metric: str) -> None:
        automaton = halves.automaton
        self.metric = automaton.metrics.index(metric)
        self._halves = halves
        self._short = greatest(automaton, metric).sum < _NONE_SHORT
        self.to: dict[int, Integers] = {}
        for node, sums in halves.forward.items():
            self.to[node] = self._least_to(node, sums)
        self.across = {node: self._least_to(node, sums) for node, sums in halves.crossing.items()}
        self.onward: dict[int, Integers] = {}
        for node in range(len(automaton.arcs) - 1, halves.cut - 1, -1):
            self.onward[node] = self._least_onward(node)

    def _least_to(self, node: int, sums: Sums) -> Integers:
        found = self._none(sums, ends=node == 0)
        for before, arc in self._into(node):
            self._reach(found, sums, self._halves.forward[before], self.to[before], arc)
        return found

    def _least_onward(self, node: int) -> Integers:
        sums, arcs = self._halves.backward[node], self._halves.automaton.arcs[node]
        found = self._none(sums, ends=not arcs)
        for arc in arcs:
            self._reach(found, sums, self._halves.backward[arc.target], self.onward[arc.target], arc.costs)
        return found

    def _into(self, node: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield where arcs to a node come from before the cut, with their costs."""
        for before in range(min(node, self._halves.cut)):
            for arc in self._halves.automaton.arcs[before]:
                if arc.target == node:
                    yield before, arc.costs

    def _none(self, sums: Sums, *, ends: bool) -> Integers:
        """Return what nothing is known of, but that the way without choices costs nothing."""
        if ends:
            return np.zeros(sums.size, np.int64)
        kind, none = (np.int32, _NONE_SHORT) if self._short else (np.int64, _NONE)
        return np.full(sums.size, none, kind)

    def _reach(self, found: Integers, sums: Sums, others: Sums, known: Integers, costs: tuple[int, ...]) -> None:
        """Take into account the ways of another table that an arc makes longer."""
        entries = sums.entries_of(others, 0, others.size, costs[self._halves.metric])
        after = known + costs[self.metric]
        if not isinstance(entries, slice):  # of bins that are empty there is none
            filled = others.numbers > 0
            entries, after = entries[filled], after[filled]
        found[entries] = np.minimum(found[entries], after)


class Leasts:
    """Least sums of entries in their order, a line for each of several metrics, asked for the last that keep limits."""

    def __init__(self, lines: list[Integers]) -> None:
        # Each of these holds of two neighbours of the one before the lesser, up to one for all.
        self._levels = [lines]
        while len(self._levels[-1][0]) > 1:
            self._levels.append([_lesser(line) for line in self._levels[-1]])

    def last_within(self, places: Integers, most: list[Integers]) -> Integers:
        """Return, for each place, the last entry up to there of which no line exceeds its limit; −1 where none is."""
        found = np.full(len(places), -1, np.int64)
        level = np.zeros(len(places), np.int64)
        asked = np.flatnonzero(places >= 0)
        at = places.copy()
        while asked.size:
            fits = self._fit(level[asked], at[asked], [line[asked] for line in most])
            done = asked[fits & (level[asked] == 0)]
            found[done] = at[done]
            into = asked[fits & (level[asked] > 0)]
            level[into] -= 1
            at[into] = 2 * at[into] + 1
            past = asked[~fits]
            at[past] -= 1
            up = past[at[past] & 1 == 1]  # the second of two, which are left aside together
            level[up] += 1
            at[up] >>= 1
            asked = np.concatenate([into, past[at[past] >= 0]])
        return found

    def _fit(self, levels: Integers, places: Integers, most: list[Integers]) -> NDArray[np.bool_]:
        fits = np.zeros(len(levels), bool)
        for level in np.unique(levels).tolist():
            here = np.flatnonzero(levels == level)
            lines = self._levels[level]
            inside = here[places[here] < len(lines[0])]
            fits[inside] = np.logical_and.reduce(
                [line[places[inside]] <= limit[inside] for line, limit in zip(lines, most, strict=True)]
            )
        return fits


def _lesser(line: Integers) -> Integers:
    """Return of two neighbours the lesser, and the last alone where it has none."""
    pairs = len(line) // 2
    lesser: Integers = np.minimum(line[: 2 * pairs : 2], line[1 : 2 * pairs : 2])
    return np.concatenate([lesser, line[2 * pairs :]])

"""Networks within three limits and more, exactly, where what is left of the limits has few forms on the way.

Ways to a node that leave the same of each limit go on alike, and of what is left only so much matters as the ways from
there on may differ by: so ways are counted together by that, and those that cannot keep a limit any more are left out.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from archprof.ir.arrays import Integers
from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Automaton
from archprof.space.exact import Numbers
from archprof.space.paths import least_from, number_of_paths
from archprof.space.shares import Shares
from archprof.space.sums import TooManySums

# So many ways on are compared at most, some seconds.
_MOST_COMPARED = 1 << 22
_WORD = 1 << 64


class _Ways(NamedTuple):
    """Ways to a node that go on: what is *left* of each limit, a line for each, and how many ways leave that."""

    left: Integers
    numbers: Numbers


class Several:
    """The networks of which several metrics keep their limits.

    Raises TooManySums where ways are too many to be compared, or networks to be counted in 64 bits.
    """

    def __init__(self, automaton: Automaton, limits: Mapping[str, int]) -> None:
        if (total := number_of_paths(automaton)) >= _WORD:
            raise TooManySums(total)
        self._automaton = automaton
        metrics = [automaton.metrics.index(metric) for metric in limits]
        least = np.array([least_from(automaton, metric) for metric in metrics])
        # By how much ways from each node on differ.
        self._spread = np.array([least_from(automaton, metric, -1) for metric in metrics]) * -1 - least
        # What each arc takes beyond the least way on.
        self._costs = [
            [np.array([arc.costs[metric] for metric in metrics]) + least[:, arc.target] - least[:, node] for arc in own]
            for node, own in enumerate(automaton.arcs)
        ]
        # Of the ways to a node those that go on by each arc, and which ways to its target they are then.
        self._going: dict[tuple[int, int], Integers] = {}
        self._arriving: dict[tuple[int, int], Integers] = {}
        self._ways = self._counted(np.array([*limits.values()]) - least[:, 0])

    @property
    def number(self) -> int:
        """How many there are."""
        return int(self._ways[-1].numbers.sum())

    def shares(self) -> Shares:
        """Return how many networks take each arc, by its node and its place there."""
        ends = [np.zeros(len(ways.numbers), np.uint64) for ways in self._ways]
        ends[-1] += np.uint64(1)
        shares: list[tuple[int, ...]] = []
        for node in range(len(ends) - 1, -1, -1):
            taken = []
            for place, arc in enumerate(self._automaton.arcs[node]):
                going = self._going[node, place]
                after = ends[arc.target][self._arriving[node, place]]
                ends[node][going] += after
                taken.append(int((self._ways[node].numbers[going] * after).sum()))
            shares.append(tuple(taken))
        return tuple(reversed(shares))

    def _counted(self, left: Integers) -> list[_Ways]:
        """Return the ways to each node that go on, of what is left of the limits beyond the least network."""
        arcs, compared, found = self._automaton.arcs, 0, list[_Ways]()
        coming: list[dict[tuple[int, int], _Ways]] = [{} for _ in arcs]
        start = _Ways(left[:, None], np.ones(1, np.uint64))
        coming[0][-1, 0] = self._kept(0, start)[1]
        for node in range(len(arcs)):
            here, places = _together([*coming[node].values()])
            self._arriving.update(zip(coming[node], places, strict=True))
            coming[node].clear()
            found.append(here)
            for place, arc in enumerate(arcs[node]):
                after = here._replace(left=here.left - self._costs[node][place][:, None])
                self._going[node, place], kept = self._kept(arc.target, after)
                coming[arc.target][node, place] = kept
                compared += len(kept.numbers)
                if compared > _MOST_COMPARED:
                    raise TooManySums(compared)
        return found

    def _kept(self, node: int, ways: _Ways) -> tuple[Integers, _Ways]:
        """Return which of the ways to a node may keep the limits, and these, with no more left than matters there."""
        going = np.flatnonzero((ways.left >= 0).all(axis=0))
        return going, _Ways(np.minimum(ways.left[:, going], self._spread[:, node, None]), ways.numbers[going])


def _together(parts: Sequence[_Ways]) -> tuple[_Ways, list[Integers]]:
    """Return ways in parts as one, those that leave the same together, and where those of each part are in it."""
    left, numbers = (np.concatenate(lines, axis=-1) for lines in zip(*parts, strict=True))
    order = np.lexsort(left)
    left, numbers = left[:, order], numbers[order]
    first = np.ones(len(order), bool)
    first[1:] = (left[:, 1:] != left[:, :-1]).any(axis=0)
    places = np.empty(len(order), np.int64)
    places[order] = np.cumsum(first) - 1
    together = np.add.reduceat(numbers, np.flatnonzero(first)) if len(order) else numbers
    ends = np.cumsum([len(part.numbers) for part in parts])
    return _Ways(left[:, first], together), np.split(places, ends[:-1])

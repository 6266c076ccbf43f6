"""The networks within several limits with the greatest sum of one of the metrics that are limited, the best first.

None of two ways beats the other where a sum shall be great and may be too great, so that there are no labels to follow.
But the halves that meet hold all sums, and it is enough to know beside each the least of every other limited metric.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from archprof.errors import UsageError, usage_error
from archprof.ir.arrays import Integers
from archprof.space.automaton import Path
from archprof.space.beside import Beside, Leasts
from archprof.space.meeting import Halves
from archprof.space.sums import Sums
from archprof.units import plural

# So many ways are looked at for one network more: with two limits each leads to one, with more perhaps none.
_MOST_LOOKED_AT = 1 << 17

# What is left of the other limits.
_Left = tuple[int, ...]


class _Meeting:
    """What meets at a node: for each entry of a table, *few*, that of the other, *many*, with which it is next, so that
    both are the greatest sum together that has not been taken."""

    def __init__(self, node: int, halves: Halves, besides: Sequence[Beside], limit: int, others: Sequence[int]) -> None:
        first, second = halves.crossing[node], halves.backward[node]
        self.node, self._turned = node, first.size > second.size
        tables = [(first, [one.across[node] for one in besides]), (second, [one.onward[node] for one in besides])]
        (self._few, least), (self._many, behind) = reversed(tables) if self._turned else tables
        self._left = [most - line.astype(np.int64) for most, line in zip(others, least, strict=True)]
        self._leasts = Leasts(behind)
        places = self._many.entries_up_to(limit - self._few.values) - 1
        places[np.logical_or.reduce([line < 0 for line in self._left])] = -1
        self._partners = self._leasts.last_within(places, self._left)
        self._sums = np.where(self._partners >= 0, self._few.values + self._many_at(self._partners), -1)

    def _many_at(self, entries: Integers) -> Integers:
        places = entries if self._many.places is None else self._many.places[entries]
        sums: Integers = self._many.low + places * self._many.step
        return sums

    @property
    def greatest(self) -> int:
        """The greatest sum that has not been taken; −1 where all are."""
        return int(self._sums.max(initial=-1))

    def take(self) -> tuple[int, int]:
        """Take the greatest sum; return what of it is before the cut, and what behind."""
        entry = int(self._sums.argmax())
        here, there = np.array([entry]), self._partners[entry]
        ends = int(self._few.values[entry]), int(self._sums[entry] - self._few.values[entry])
        partner = self._leasts.last_within(np.array([there - 1]), [line[here] for line in self._left])
        self._partners[entry] = partner[0]
        self._sums[entry] = ends[0] + int(self._many_at(partner)[0]) if partner[0] >= 0 else -1
        return ends[::-1] if self._turned else ends


class InVain(Exception):
    """Too many ways lead to no network."""


class Ways:
    """The ways through both halves that have a sum and leave something of the other limits."""

    def __init__(self, halves: Halves, besides: Sequence[Beside]) -> None:
        self._halves, self._besides = halves, besides
        self._into: dict[int, list[tuple[int, int, tuple[int, ...]]]] = {}
        for node in halves.forward:
            for place, arc in enumerate(halves.automaton.arcs[node]):
                self._into.setdefault(arc.target, []).append((node, place, arc.costs))
        self.looked_at = 0

    def through(self, node: int, before: int, behind: int, most: _Left) -> Iterator[Path]:
        """Yield the networks that come to a node with a sum *before* it, and go on with one *behind* it."""
        entry = self._halves.backward[node].entry_of(behind)
        left = tuple([limit - int(one.onward[node][entry]) for limit, one in zip(most, self._besides, strict=True)])
        spare = [limit - rest for limit, rest in zip(most, left, strict=True)]
        for path, rest in self._to(node, before, left):
            onward = self._onward(node, behind, tuple(map(sum, zip(rest, spare, strict=True))))
            yield from ((*path, *end) for end in onward)

    def _to(self, node: int, value: int, left: _Left) -> Iterator[tuple[Path, _Left]]:
        """Yield the ways to a node with a sum, and what they leave."""
        if not node:
            yield (), left
            return
        for before, place, costs in self._into[node]:
            rest, after = value - costs[self._halves.metric], self._after(left, costs)
            if self._leads(self._halves.forward[before], rest, [one.to[before] for one in self._besides], after):
                yield from (((*path, place), ends) for path, ends in self._to(before, rest, after))

    def _onward(self, node: int, value: int, left: _Left) -> Iterator[Path]:
        """Yield the ways from a node with a sum."""
        arcs = self._halves.automaton.arcs[node]
        if not arcs:
            yield ()
        for place, arc in enumerate(arcs):
            rest, after = value - arc.costs[self._halves.metric], self._after(left, arc.costs)
            behind = self._halves.backward[arc.target]
            if self._leads(behind, rest, [one.onward[arc.target] for one in self._besides], after):
                yield from ((place, *path) for path in self._onward(arc.target, rest, after))

    def _after(self, left: _Left, costs: tuple[int, ...]) -> _Left:
        return tuple([rest - costs[one.metric] for rest, one in zip(left, self._besides, strict=True)])

    def _leads(self, sums: Sums, value: int, leasts: Sequence[Integers], left: _Left) -> bool:
        """Tell whether there is a way with a sum that leaves something of each limit. Raises InVain where too many
        were looked at since the last network."""
        self.looked_at += 1
        if self.looked_at > _MOST_LOOKED_AT:
            raise InVain
        entry = sums.entry_of(value)
        return entry >= 0 and all(int(least[entry]) <= rest for least, rest in zip(leasts, left, strict=True))


def greatest_first(halves: Halves, limit: int, others: Mapping[str, int]) -> Iterator[Path]:
    """Yield the networks within a *limit* of what was counted and within limits on *others*, those of the greatest sum
    first.

    Raises UsageError where of three limits and more each is kept near the greatest sums, but all together by few
    networks, if any.
    """
    besides = [Beside(halves, metric) for metric in others]
    most = tuple(others.values())
    meetings = [_Meeting(node, halves, besides, limit, most) for node in halves.crossing]
    ways = Ways(halves, besides)
    while (found := max(meetings, key=lambda meeting: meeting.greatest)).greatest >= 0:
        total = found.greatest
        try:
            for path in ways.through(found.node, *found.take(), most):
                ways.looked_at = 0
                yield path
        except InVain:
            raise gave_up(halves, others, total) from None


def gave_up(halves: Halves, others: Mapping[str, int], total: int) -> UsageError:
    """Return the error of a search that has found all networks with more than a *total*."""
    metric = halves.automaton.metrics[halves.metric]
    return usage_error(
        f"the search for the most {metric} within {plural(len(others) + 1, 'limit')} gave up: what it has not found "
        f"has at most {total:,}",
        help=f"leave out one of the limits, as `--max-{next(iter(others), metric)}`",
    )

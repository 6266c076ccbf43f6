"""A space of knobs that rows compute with, as a grid: a network is a point of it, and its sums are products of what
knobs say of repeats with what they say of widths.

A row adds to a network what its first repeat costs, and as often as it repeats beyond that what every other one does.
How often it repeats hangs on some knobs, and so does which row was the last before it; what it costs then hangs on
others. So at each way to draw those on which both hang all networks are one product of two matrices.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.ir.arrays import Integers
from archprof.ir.graph import INPUT, Edge
from archprof.language.fragment import Feature
from archprof.named_tuple import NamedTuple
from archprof.progress import Told, untold
from archprof.space.grid_points import Points
from archprof.space.grid_rows import Rows, rows_of
from archprof.space.grid_traces import Repeats, RowSums, Sums, Traces
from archprof.spec.nodes import Seq
from archprof.spec.types import OpenSpace, Spec

# The numbers of maps.
States = NDArray[np.int16]
# Floats hold all integers up to here. Of products that are not negative, what is below in the end was so all along.
_EXACT = 1 << 53
# More than these take an hour, or, of widths that a row is traced at side by side, more than some 100 MB a row.
_MOST_BLOCKS, _MOST_NETWORKS, _MOST_WIDTHS = 1 << 17, 1 << 34, 1 << 21


class GridBlock(NamedTuple):
    """Networks side by side: their *sums*, by metric, repeats and widths, integers all; the *rank* of the first, and
    what repeats and widths are in the ranks of the others; the block's number among all."""

    number: int
    rank: int
    deep: Integers
    wide: Integers
    sums: Sums

    def ranks_at(self, places: Integers) -> Integers:
        """Return the ranks of some networks by their places in the block, the widths changing first."""
        deep, wide = np.divmod(places, len(self.wide))
        return self.rank + self.deep[deep] + self.wide[wide]


class Unsummed(Exception):
    """A network, by its *rank*, that cannot be, or whose sums are beyond what a grid holds."""

    def __init__(self, rank: int) -> None:
        self.rank = rank
        super().__init__(f"network {rank} has no sums")


class _Piece(NamedTuple):
    """What a row adds to networks, by points and repeats: which map it is *at*, how often it *repeats*, and what it
    costs at each map, where points have *places* of their own; the maps that it is at at each point, wherever it is
    there, and how often it repeats there at *most*."""

    at: States
    repeats: Repeats
    places: Integers
    sums: Mapping[int, RowSums]
    maps: Sequence[Sequence[int]]
    most: Sequence[int]

    def at_point(self, place: int) -> Iterator[tuple[Any, Sums]]:
        """Yield what a point's networks add up: how many times each has what the row costs, at each map."""
        at, here = self.at[place], self.places[place]
        for state in self.maps[place]:
            there = self.repeats[place] > 0
            if len(self.maps[place]) > 1:
                there &= at == state
            yield there, self.sums[state].first[:, here]
            if self.most[place] > 1:
                yield there * (self.repeats[place] - 1), self.sums[state].other[:, here]


class Grid:
    """The networks of a space that draws knobs alone, with their sums of some *metrics*."""

    def __init__(self, spec: Spec, space: OpenSpace, metrics: Sequence[str]) -> None:
        layers = space.root.get("layers")
        assert isinstance(layers, Seq)
        self.metrics = tuple(metrics)
        self.points = Points(spec, space)
        self._rows, self._traced = tuple(rows_of(layers.items)), Rows(spec, space)
        [value] = spec.inputs.values()
        self._start = Feature(Edge(INPUT, 0), value, value.channels)
        self._traces: tuple[int, Traces] | None = None

    @property
    def is_small(self) -> bool:
        """Whether all networks can be looked at."""
        points = self.points
        few = points.blocks <= _MOST_BLOCKS and points.size <= _MOST_NETWORKS
        return few and points.both.size * points.wide.size <= _MOST_WIDTHS

    def blocks(self, told: Told = untold, wanted: Callable[[int], bool] = lambda _: True) -> Iterator[GridBlock]:
        """Yield the networks in blocks, or those that are *wanted* by their numbers. It is *told* of stretches of them.

        Raises Unsummed for a network that cannot be, or with sums beyond 2⁵³, SpecError and UsageError for what is no
        grid.
        """
        both, plain = self.points.both.size, self.points.plain.size
        beside = [group.ranks(np.arange(group.size)) for group in (self.points.deep, self.points.wide)]
        stretches = [(way, points) for way in range(plain) for points in self.points.stretches()]
        for number, (way, points) in enumerate(stretches):
            chosen = [place for place, point in enumerate(points.tolist()) if wanted(way * both + point)]
            if chosen:
                pieces = tuple(self._pieces(self._traces_of(way, told), points))
                told(number, len(stretches), self.points.said(way, int(points[chosen[0]])) or "all networks")
                ranks = self.points.plain.ranks(np.array([way])) + self.points.both.ranks(points)
                for place in chosen:
                    sums = self._sums(pieces, place)
                    block = GridBlock(way * both + int(points[place]), int(ranks[place]), beside[0], beside[1], sums)
                    if not sums.max() < _EXACT:  # be it a large one or none
                        first = (~(sums < _EXACT)).any(axis=0).argmax()
                        raise Unsummed(int(block.ranks_at(np.array([first]))[0]))
                    yield block

    def _traces_of(self, way: int, told: Told) -> Traces:
        if self._traces is None or self._traces[0] != way:
            self.points.draw(way)
            self._traces = way, Traces(self._rows, self._traced, self.points, self.metrics, told)
        return self._traces[1]

    def _pieces(self, traces: Traces, points: Integers) -> Iterator[_Piece]:
        """Yield what each row adds at some points, from the first to the last."""
        at: States = np.full((len(points), self.points.deep.size), traces.start(self._start), np.int16)
        for number in range(len(self._rows)):
            if traces.most[number, points].any():
                repeats = traces.repeats(number, points)
                there = repeats > 0
                states = np.flatnonzero(np.bincount(at[there])).tolist()
                sums = {state: traces.sums(number, state) for state in states}
                most = traces.most[number, points].tolist()
                maps = _maps(at, there) if len(states) > 1 else [states if often else [] for often in most]
                yield _Piece(at, repeats, traces.places[number][points], sums, maps, most)
                after = np.zeros(traces.maps, np.int16)
                for state, one in sums.items():
                    after[state] = one.after
                at = np.where(there, after[at], at)

    def _sums(self, pieces: Sequence[_Piece], place: int) -> Sums:
        """Return the sums of the networks at one of the points."""
        times, costs = zip(*(line for piece in pieces for line in piece.at_point(place)), strict=True)
        deep, wide = self.points.deep, self.points.wide
        # In pieces so small that no thread of the library is waited for.
        of_each = np.array(times, np.float64).T.reshape(-1, deep.options[-1] if deep.options else 1, len(times))
        found = of_each @ np.array(costs).reshape(len(costs), -1)
        by_metric: Sums = found.reshape(deep.size, len(self.metrics), wide.size).transpose(1, 0, 2)
        return by_metric


def _maps(at: States, there: NDArray[np.bool_]) -> list[list[int]]:
    """Return the maps at which a row is at each point, by its numbers."""
    number = int(at.max()) + 1
    coded = np.arange(len(at)).reshape(-1, 1) * number + at
    found = np.bincount(coded[there], minlength=len(at) * number).reshape(-1, number)
    return [np.flatnonzero(line).tolist() for line in found]

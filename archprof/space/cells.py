"""Networks within two limits between two bounds: sums rounded to cells of a plane, all up and all down."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from archprof.errors import usage_error
from archprof.space.automaton import Arc
from archprof.space.exact import Numbers, products_of
from archprof.space.meeting import Builder
from archprof.space.pairs import Pairs, split
from archprof.space.sums import Part, Sums

# Cells of each sum up to its limit.
_CELLS = 1 << 11
_CHUNK = 1 << 16
_WORD = 1 << 64


class _Plane:
    """Cells of two sums, in steps, up to their limits; *up* is how sums are rounded."""

    def __init__(self, pairs: Pairs, limits: tuple[int, int], up: bool) -> None:
        self.base, self.limits, self.up = pairs.base, limits, up
        self.widths = tuple(limit // _CELLS + 1 for limit in limits)
        self.shape = tuple(limit // width + 1 for limit, width in zip(limits, self.widths, strict=True))

    def add(self, found: Numbers, part: Part) -> None:
        """Add the ways of a table, the cost of the options that go on with them added, by the cell that they are
        rounded to."""
        cells = [
            -(-steps // width) if self.up else steps // width
            for steps, width in zip(split(part.sums.values + part.cost, self.base), self.widths, strict=True)
        ]
        within = (cells[0] < self.shape[0]) & (cells[1] < self.shape[1])
        numbers = part.sums.numbers[within].astype(np.uint64) * np.uint64(part.weight)
        np.add.at(found, (cells[0][within], cells[1][within]), numbers)

    def moves(self, arcs: Sequence[Arc]) -> Counter[tuple[int, int, int]]:
        """Return by how many cells each arc moves sums, and where to: how often each. What leaves the plane exceeds a
        limit."""
        found: Counter[tuple[int, int, int]] = Counter()
        for arc in arcs:
            one, two = (
                -(-steps // width) if self.up else steps // width
                for steps, width in zip(divmod(arc.costs[0], self.base), self.widths, strict=True)
            )
            if one < self.shape[0] and two < self.shape[1]:
                found[arc.target, one, two] += 1
        return found

    def add_moved(self, found: Numbers, cells: Numbers, one: int, two: int) -> None:
        """Add cells that are moved."""
        found[one:, two:] += cells[: self.shape[0] - one, : self.shape[1] - two]

    def met(self, cells: Numbers, sums: Sums) -> int:
        """Return how many ways of cells and of a table are together within the limits."""
        below = cells.cumsum(axis=0).cumsum(axis=1)
        found = 0
        for start in range(0, sums.size, _CHUNK):
            one, two = split(sums.values_of(start, min(start + _CHUNK, sums.size)), self.base)
            left_one, left_two = self.limits[0] - one, self.limits[1] - two
            within = (left_one >= 0) & (left_two >= 0)
            fits = below[left_one[within] // self.widths[0], left_two[within] // self.widths[1]]
            found += products_of(sums.numbers[start : start + _CHUNK][within], fits)
        return found


def bounds_within(builder: Builder, pairs: Pairs, limits: tuple[int, int]) -> tuple[int, int]:
    """Return a lower and an upper bound of how many networks keep both limits, in steps, of halves that have not met.

    Nothing that exceeds a limit is within it where all sums are rounded up, and nothing that keeps it exceeds it where
    they are rounded down.
    """
    ways = max(builder.paths_to[node] for node in builder.crossed(builder.back))
    if ways >= _WORD:
        raise usage_error(
            f"a part of the space is {ways:.3g} networks, more than 64 bits count",
            help="leave choices open in fewer rows",
        )
    lower, upper = (_bound(builder, _Plane(pairs, limits, up)) for up in (True, False))
    return lower, upper


def _bound(builder: Builder, plane: _Plane) -> int:
    arcs = builder.automaton.arcs
    cells = {node: _rounded(builder.parts_to(node), plane) for node in builder.crossed(builder.front)}
    for node in range(builder.front, builder.back):
        here = cells.pop(node, None)
        if here is None:  # all ways to it exceed a limit
            continue
        often: dict[int, Numbers] = {}
        for (target, one, two), times in plane.moves(arcs[node]).items():
            if target not in cells:
                cells[target] = np.zeros(plane.shape, np.uint64)
            if times not in often:
                often[times] = here * np.uint64(times)
            plane.add_moved(cells[target], often[times], one, two)
    return sum(plane.met(found, builder.backward[node]) for node, found in cells.items())


def _rounded(parts: list[Part], plane: _Plane) -> Numbers:
    found = np.zeros(plane.shape, np.uint64)
    for part in parts:
        plane.add(found, part)
    return found

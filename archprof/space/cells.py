"""Networks within two limits between two bounds: sums rounded to cells of a plane, all up and all down."""

import numpy as np

from archprof.errors import usage_error
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

    def cells_of(self, sums: Sums, cost: int) -> Numbers:
        """Return the ways of a table, a cost added, by the cell that they are rounded to."""
        found = np.zeros(self.shape, np.uint64)
        cells = [
            -(-steps // width) if self.up else steps // width
            for steps, width in zip(split(sums.values + cost, self.base), self.widths, strict=True)
        ]
        within = (cells[0] < self.shape[0]) & (cells[1] < self.shape[1])
        np.add.at(found, (cells[0][within], cells[1][within]), sums.numbers[within].astype(np.uint64))
        return found

    def add_moved(self, found: Numbers, cells: Numbers, cost: int) -> None:
        """Add cells moved by a cost, rounded too; what leaves the plane exceeds a limit."""
        one, two = (
            -(-steps // width) if self.up else steps // width
            for steps, width in zip(divmod(cost, self.base), self.widths, strict=True)
        )
        if one < self.shape[0] and two < self.shape[1]:
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
        for arc in arcs[node]:
            found = cells.setdefault(arc.target, np.zeros(plane.shape, np.uint64))
            plane.add_moved(found, cells[node], arc.costs[0])
        del cells[node]
    return sum(plane.met(found, builder.backward[node]) for node, found in cells.items())


def _rounded(parts: list[Part], plane: _Plane) -> Numbers:
    found = np.zeros(plane.shape, np.uint64)
    for part in parts:
        found += plane.cells_of(part.sums, part.cost)
    return found

"""What rows of a grid cost, each traced once for all points at which it is there, by the map that comes in."""

import gc
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.errors import SpecError, usage_error
from archprof.ir.arrays import Integers, candidates
from archprof.ir.dims import Dim, Disagreement, is_array, key
from archprof.ir.graph import INPUT, Edge
from archprof.language.fragment import Feature
from archprof.named_tuple import NamedTuple
from archprof.progress import Told, untold
from archprof.space.grid_points import Points
from archprof.space.grid_rows import GridRow, Rows, TracedRow
from archprof.sweep.batch import EXACT_INTEGER

Sums = NDArray[np.float64]
# The smallest integers that hold them.
Repeats = NDArray[Any]
# So many bytes of repeats are kept for the next time that they are asked for.
_MOST_KEPT = 1 << 28


class RowSums(NamedTuple):
    """What a row costs at a map, by metric, point and widths: its first repeat, and every other one; no number where it
    does not fit, or 64 bits do not hold it. The map that comes out is told by a number."""

    first: Sums
    other: Sums
    after: int


class Traces:
    """The rows of a grid, with what is drawn of the knobs that no array stands for."""

    def __init__(
        self, rows: Sequence[GridRow], traced: Rows, points: Points, metrics: Sequence[str], told: Told = untold
    ) -> None:
        """It is *told* of points at which rows are looked for, and of rows before they are traced."""
        self._traced, self._points, self._metrics, self._told = traced, points, metrics, told
        self.rows = rows
        self._size = points.both.size * points.wide.size
        self._known: dict[tuple[int, int], RowSums] = {}
        self._features: list[Feature] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._arrays: list[Any] = []
        self._kept: dict[tuple[int, int], Repeats] = {}
        self._left, self._last = _MOST_KEPT, -1  # the row that was traced last
        self._survey()

    def _survey(self) -> None:
        """Find out where each row is there, and how often it repeats at most."""
        self.most = np.zeros((len(self.rows), self._points.both.size), np.int16)
        stretches = list(self._points.stretches())
        for done, stretch in enumerate(stretches):
            self._told(done, len(stretches), "how often rows repeat")
            for number in range(len(self.rows)):
                self.most[number, stretch] = self.repeats(number, stretch).max(axis=1)
            _forget()
        self._where = [np.flatnonzero(line) for line in self.most]
        # Where a point stands among those at which a row is there.
        self.places = [np.cumsum(line > 0) - 1 for line in self.most]

    def repeats(self, number: int, stretch: Integers) -> Repeats:
        """Return how often a row repeats at some points, in each way to draw what says repeats alone."""
        asked = (number, int(stretch[0]))
        if asked in self._kept:
            return self._kept[asked]
        points = self._points
        shape = (len(stretch), points.deep.size)
        found = self._traced.repeats(self.rows[number], points.names_of_repeats(stretch))
        if not is_array(found):
            return np.broadcast_to(np.int16(found), shape)
        whole = np.broadcast_to(found, (len(stretch), *points.deep.options)).reshape(shape)
        repeats = np.asarray(whole).astype(np.min_scalar_type(found.max()))
        if repeats.any() and self._left >= repeats.nbytes:
            self._kept[asked] = repeats
            self._left -= repeats.nbytes
        return repeats

    def start(self, x: Feature) -> int:
        """Return the number of the map that goes into the network."""
        return self._number([(np.arange(self._size), x)])

    def sums(self, number: int, state: int) -> RowSums:
        """Return what a row costs at a map, which is told by a number."""
        if (number, state) not in self._known:
            self._told(number, len(self.rows), self.rows[number].address or self.rows[number].layer)
            if number != self._last:
                _forget()
            self._last = number
            self._known[number, state] = self._sums(number, state)
        return self._known[number, state]

    @property
    def maps(self) -> int:
        """How many maps are known by number."""
        return len(self._features)

    def _sums(self, number: int, state: int) -> RowSums:
        wide = self._points.wide.size
        where = (self._where[number][:, None] * wide + np.arange(wide)).reshape(-1)
        sums = np.full((2, len(self._metrics), self._size), np.nan)
        parts: list[tuple[Integers, Feature]] = []
        for places, found in self._parts(number, state, where):
            parts.append((places, found.x))
            for line, totals in enumerate((found.first, found.other)):
                if totals.bound < EXACT_INTEGER:
                    counts = totals.counts()
                    for metric, name in enumerate(self._metrics):
                        sums[line, metric, places] = counts[name]
        first, other = sums[..., where].reshape(2, len(self._metrics), -1, wide)
        return RowSums(first, other, self._number(parts) if parts else 0)

    def _parts(self, number: int, state: int, where: Integers) -> Iterator[tuple[Integers, TracedRow]]:
        """Yield what a row is at a map, wherever it fits, apart for those that part ways in it."""
        names = self._points.names_of_widths(where)
        try:
            found = self._traced.traced(self.rows[number], names, self._at(state, where), int(self.most[number].max()))
        except Disagreement as parting:
            for side in (parting.mask, ~parting.mask):
                yield from self._parts(number, state, where[side])
        except SpecError:
            return
        else:
            yield where, found

    # Maps

    def _at(self, state: int, where: Integers) -> Feature:
        """Return a map at some points and widths."""
        x = self._features[state]
        parts: dict[int, Dim] = {}

        def part(dim: Dim) -> Dim:
            return parts.setdefault(id(dim), candidates(dim[where])) if is_array(dim) else dim

        return x._replace(value=x.value._replace(shape=tuple(map(part, x.value.shape))), printed=part(x.printed))

    def _number(self, parts: Sequence[tuple[Integers, Feature]]) -> int:
        """Return the number of a map that is known in parts. Raises UsageError for parts of different kinds."""
        first = parts[0][1].value
        if any(len(x.shape) != len(first.shape) or x.value[1:] != first[1:] for _, x in parts):
            raise usage_error("knobs say of what kind a map is", help="fix them: `--fix`")
        shape = [self._whole([(where, x.shape[axis]) for where, x in parts]) for axis in range(len(first.shape))]
        printed = self._whole([(where, x.printed) for where, x in parts])
        asked = (*map(key, shape), *first[1:], key(printed))
        if asked not in self._numbers:
            self._numbers[asked] = len(self._features)
            self._features.append(Feature(Edge(INPUT, 0), first._replace(shape=tuple(shape)), printed))
        return self._numbers[asked]

    def _whole(self, parts: Sequence[tuple[Integers, Dim]]) -> Dim:
        """Return a dim at all points; one that is the same everywhere is one number, and equal arrays are one."""
        dims = [dim for _, dim in parts]
        if not any(map(is_array, dims)) and len(set(dims)) == 1:
            return dims[0]
        whole = np.ones(self._size, np.int64)  # where there is none, nobody asks
        for where, dim in parts:
            whole[where] = dim
        known = next((one for one in self._arrays if np.array_equal(one, whole)), None)
        if known is None:
            known = candidates(whole)
            self._arrays.append(known)
        return known


def _forget() -> None:
    """Let go of what was bound with arrays: blocks and their scopes hold each other, and are few, but large. They are
    young: what else a process holds is not walked through for them."""
    gc.collect(1)

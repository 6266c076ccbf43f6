"""A product of channels and resolutions: both computed apart, and multiplied as matrices."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.analysis.totals import Totals, totals_of
from archprof.costs.metrics import NAMES
from archprof.errors import SpecError
from archprof.ir.arrays import Integers
from archprof.ir.dims import Dim, Disagreement, Extremes
from archprof.named_tuple import NamedTuple
from archprof.sweep.batch import EXACT_INTEGER, of_sides
from archprof.sweep.combination import Combination

_EXACT_FLOAT = 1 << 53


class GridPart(NamedTuple):
    """A part of a grid that needed no further parting: its rows (channels), its columns (resolutions), and its totals;
    None where it is to be computed variant by variant."""

    rows: Integers
    columns: Integers
    totals: Totals | None

    def between(self, low: int, high: int) -> "GridPart":
        """Return what the part has of the rows from *low* to *high*, counted from there."""
        first, last = np.searchsorted(self.rows, (low, high)).tolist()
        totals = None if self.totals is None else self.totals.take(first, last)
        return GridPart(self.rows[first:last] - low, self.columns, totals)


def grid(combination: Combination, at: Mapping[str, Any], rows: Integers, columns: Integers) -> Iterator[GridPart]:
    """Yield the parts of a grid; *at* has widths and channels as (rows, 1), heights and widths of maps as (1, columns).

    Where variants part ways the grid is parted along the axis that the question was of.
    """
    try:
        totals = totals_of(combination.trace(at).fragment, Extremes())
    except Disagreement as parting:
        yield from _parted(combination, at, rows, columns, parting.mask)
    except SpecError:
        yield GridPart(rows, columns, None)
    else:
        yield GridPart(rows, columns, totals if totals.bound < EXACT_INTEGER else None)


def _parted(
    combination: Combination, at: Mapping[str, Any], rows: Integers, columns: Integers, mask: NDArray[np.bool_]
) -> Iterator[GridPart]:
    """Go on with the rows, or the columns, that answered a question alike."""
    if mask.shape == (len(rows), 1) and len(rows) > 1:
        for side in (mask[:, 0], ~mask[:, 0]):
            kept = {name: value if name == "resolution" else value[side] for name, value in at.items()}
            yield from grid(combination, kept, rows[side], columns)
    elif mask.shape == (1, len(columns)) and len(columns) > 1:
        for side in (mask[0], ~mask[0]):
            kept = {name: _columns(value, side) if name == "resolution" else value for name, value in at.items()}
            yield from grid(combination, kept, rows, columns[side])
    else:
        yield GridPart(rows, columns, None)


def _columns(sides: Any, mask: NDArray[np.bool_]) -> Any:
    return of_sides(sides, lambda side: side[:, mask])


def write_products(totals: Totals, costs: Integers) -> None:
    """Write the counts of a grid (a line for each metric, by row and column): channel parts times spatial parts, a
    product of matrices."""
    number = np.float64 if totals.bound < _EXACT_FLOAT else np.int64  # floats are multiplied several times as fast
    for line, name in enumerate(NAMES):
        if name in totals.largest:
            costs[line] = totals.largest[name]
            continue
        # What does not grow with the map is a part of a single position.
        parts = [
            (totals.flat[name], 1),
            *((part.sums[name], part.positions) for part in totals.parts if name in part.sums),
        ]
        factors = [part for part in parts if _is_separable(*part)]
        costs[line] = _product(factors, costs.shape[1:], number) if len(factors) > 1 else sum(a * b for a, b in factors)
        for amount, positions in parts:
            if not _is_separable(amount, positions):
                costs[line] += amount * positions


def _product(factors: list[tuple[Dim, Dim]], shape: tuple[int, ...], number: type) -> NDArray[Any]:
    """Return the sum of products of columns and rows."""
    channels = [np.broadcast_to(amount, (shape[0], 1))[:, 0] for amount, _ in factors]
    positions = [np.broadcast_to(size, (1, shape[1]))[0] for _, size in factors]
    product: NDArray[Any] = np.stack(channels, 1, dtype=number) @ np.stack(positions, dtype=number)
    return product


def _is_separable(amount: Dim, positions: Dim) -> bool:
    """Tell whether an amount depends on rows alone, and its positions on columns alone."""
    return np.shape(amount)[1:] in ((), (1,)) and np.shape(positions)[:1] in ((), (1,))

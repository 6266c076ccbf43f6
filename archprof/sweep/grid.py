"""A product of channels and resolutions: both computed apart, and multiplied as matrices."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archprof.costs.metrics import NAMES
from archprof.errors import SpecError
from archprof.ir.arrays import Disagreement
from archprof.sweep.combination import Combination
from archprof.sweep.flow import EXACT_INTEGER
from archprof.sweep.totals import SpatialSum, Totals, totals_of

Integers = NDArray[np.int64]
_EXACT_FLOAT = 1 << 53


class GridPart(NamedTuple):
    """A part of a grid that needed no further parting: its rows (channels), its columns (resolutions), and its counts
    (a line for each metric, by row and column); None where it is to be computed variant by variant."""

    rows: Integers
    columns: Integers
    costs: Integers | None


def grid(combination: Combination, at: Mapping[str, Any], rows: Integers, columns: Integers) -> Iterator[GridPart]:
    """Yield the parts of a grid; *at* has widths and channels as (rows, 1), heights and widths of maps as (1, columns).

    Where variants part ways the grid is parted along the axis that the question was of.
    """
    try:
        totals = totals_of(combination.trace(at).fragment)
    except Disagreement as parting:
        yield from _parted(combination, at, rows, columns, parting.mask)
    except SpecError:
        yield GridPart(rows, columns, None)
    else:
        exact = totals.bound < EXACT_INTEGER
        yield GridPart(rows, columns, _products(totals, (len(rows), len(columns))) if exact else None)


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
    first = sides[0][:, mask]
    return (first, first) if sides[0] is sides[1] else (first, sides[1][:, mask])


def _products(totals: Totals, shape: tuple[int, int]) -> Integers:
    """Return the counts of a grid: channel parts times spatial parts, a product of matrices."""
    separable = [part for part in totals.parts if _is_separable(part)]
    positions = np.array([np.broadcast_to(part.positions, (1, shape[1]))[0] for part in separable]).reshape(
        -1, shape[1]
    )
    multiply = _in_floats if totals.bound < _EXACT_FLOAT else _in_integers
    costs = np.empty((len(NAMES), *shape), np.int64)
    for line, name in enumerate(NAMES):
        parts = [(part, index) for index, part in enumerate(separable) if name in part.sums]
        costs[line] = totals.flat[name]
        if parts:
            channels = [np.broadcast_to(part.sums[name], (shape[0], 1))[:, 0] for part, _ in parts]
            costs[line] += multiply(np.stack(channels, axis=1), positions[[index for _, index in parts]])
        for part in totals.parts:
            if name in part.sums and not _is_separable(part):
                costs[line] += part.sums[name] * part.positions
    return costs


def _in_floats(channels: Integers, positions: Integers) -> Integers:
    """Return a product of matrices in floats, which hold integers below 2⁵³."""
    return (channels.astype(np.float64) @ positions.astype(np.float64)).astype(np.int64)


def _in_integers(channels: Integers, positions: Integers) -> Integers:
    product: Integers = channels @ positions
    return product


def _is_separable(part: SpatialSum) -> bool:
    channels = np.broadcast_shapes((1, 1), *(np.shape(amount) for amount in part.sums.values()))
    return bool(channels[1] == 1 and np.broadcast_shapes(np.shape(part.positions), (1, 1))[0] == 1)

"""How many networks of a grid cost how much, in two passes: first in bins that are narrow everywhere, then, of the bins
that a question is decided in, sum by sum."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from archprof.ir.arrays import Integers

# A float begins with its exponent; with so many bits left out there are 1,024 bins between two powers of two, from 1 to
# 2⁵³, and one for 0.
_LEFT_OUT = 42
_FIRST = (1023 << 10) - 1
_BINS = (53 << 10) + 2


class Spread:
    """The sums of one metric of some networks, which are added pass by pass."""

    def __init__(self) -> None:
        self._numbers = np.zeros(_BINS, np.int64)
        self._asked = np.zeros(_BINS, bool)
        self._found: list[tuple[Integers, Integers]] = []
        self._values: tuple[Integers, Integers] = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    def add(self, sums: NDArray[np.float64]) -> None:
        """Take networks into account, each once in the first pass."""
        found = np.bincount(_bins_of(sums).reshape(-1))
        self._numbers[: len(found)] += found

    @property
    def total(self) -> int:
        """How many networks there are."""
        return int(self._numbers.sum())

    def ask_for(self, ranks: Iterable[int], sums: Iterable[int]) -> None:
        """Say which sums will be asked for after the second pass: those that networks have which stand at some *ranks*
        among all by their sums, from 1, and how many networks do not exceed some *sums*."""
        ends = np.cumsum(self._numbers)
        for rank in ranks:
            self._asked[np.searchsorted(ends, rank)] = True
        for value in sums:
            self._asked[_bin_of(value)] = True

    def look(self, sums: NDArray[np.float64]) -> None:
        """Take networks into account, each once in the second pass."""
        inside = sums[self._asked[_bins_of(sums)]]
        if inside.size:
            values, numbers = np.unique(inside, return_counts=True)
            self._found.append((values.astype(np.int64), numbers))

    def looked(self) -> None:
        """End the second pass."""
        values = np.concatenate([np.zeros(0, np.int64), *[values for values, _ in self._found]])
        numbers = np.concatenate([np.zeros(0, np.int64), *[numbers for _, numbers in self._found]])
        distinct, places = np.unique(values, return_inverse=True)
        counted = np.zeros(len(distinct), np.int64)
        np.add.at(counted, places, numbers)
        self._values = distinct, counted

    def at_rank(self, rank: int) -> int:
        """Return the sum of the network at a rank, from 1, for which it was asked."""
        ends = np.cumsum(self._numbers)
        place = int(np.searchsorted(ends, rank))
        values, numbers = self._inside(place)
        before = int(ends[place - 1]) if place else 0
        return int(values[np.searchsorted(np.cumsum(numbers), rank - before)])

    def up_to(self, value: int) -> int:
        """Return how many networks have a sum of at most *value*, for which it was asked."""
        place = _bin_of(value)
        values, numbers = self._inside(place)
        return int(self._numbers[:place].sum()) + int(numbers[values <= value].sum())

    def _inside(self, place: int) -> tuple[Integers, Integers]:
        """Return the sums in a bin, and how many networks have each."""
        values, numbers = self._values
        here = _bins_of(values.astype(np.float64)) == place
        return values[here], numbers[here]


def _bins_of(sums: NDArray[np.float64]) -> Integers:
    """Return the bins of sums, which are whole numbers from 0 on."""
    bits = np.ascontiguousarray(sums).view(np.int64)
    found: Integers = np.maximum((bits >> _LEFT_OUT) - _FIRST, 0)
    return found


def _bin_of(value: int) -> int:
    return int(_bins_of(np.array([max(float(value), 0.0)]))[0])

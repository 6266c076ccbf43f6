"""A table of sums: how many ways have each, in bins on a lattice where they are close, as a list where they are few."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from archprof.errors import Problem, UsageError
from archprof.ir.arrays import Integers
from archprof.named_tuple import NamedTuple
from archprof.space.exact import Numbers
from archprof.space.paths import Lattice

# Bins are cheaper than sorting up to so many for each entry that goes into them.
_BINS_AN_ENTRY = 8
# 1 GiB of bins, and what is sorted with its order.
_MAX_BINS = 1 << 27
_MAX_SORTED = 1 << 25


class TooManySums(UsageError):
    """There are more sums than can be held, or than are worth the time."""

    def __init__(self, entries: int) -> None:
        message = f"the sums of {entries:,} groups of networks are too many to be counted one by one"
        super().__init__(
            [Problem(message, help="ask for a metric of fewer values, or leave choices open in fewer rows")]
        )


@dataclass(frozen=True)
class Sums:
    """Ways by their sum: `numbers[i]` have the sum *low* + i·*step*, or, of a list, *low* + `places[i]`·*step*.

    Numbers are unsigned integers, as short as they may be, or floats; *places* ascend. A table with nothing in it has
    no numbers.
    """

    low: int
    step: int
    numbers: Numbers
    places: Integers | None = None

    @property
    def size(self) -> int:
        """How many entries are held."""
        return len(self.numbers)

    @cached_property
    def values(self) -> Integers:
        """The sum of each entry, ascending."""
        return self.values_of(0, self.size)

    @cached_property
    def least(self) -> int:
        """The least sum that some way has."""
        return int(self.values_of(0, self.size)[np.argmax(self.numbers > 0)])

    def values_of(self, first: int, end: int) -> Integers:
        """Return the sums of some entries, from the first to one before the end."""
        if self.places is None:
            places = np.arange(first, min(end, self.size), dtype=np.int64)
        else:
            places = self.places[first:end]
        return self.low + places * self.step

    @cached_property
    def cumulative(self) -> Numbers:
        """How many ways have a sum below that of each entry, and, last, how many there are."""
        kind = np.float64 if self.numbers.dtype.kind == "f" else np.uint64
        found = np.zeros(self.size + 1, kind)
        np.cumsum(self.numbers, out=found[1:])
        return found

    def entries_up_to(self, limits: Integers) -> Integers:
        """Return, for each limit, how many entries have no greater sum."""
        places = (limits - self.low) // max(self.step, 1)
        if self.places is None:
            return np.clip(places + 1, 0, self.size)
        return np.searchsorted(self.places, places, side="right")

    def entries_of(self, other: "Sums", first: int, end: int, cost: int) -> Integers | slice:
        """Return where the sums of some entries of another table, and a cost, stand in this one, which has them all."""
        if self.places is None and other.places is None:
            stride = other.step // self.step
            start = (other.low + cost - self.low) // self.step
            return slice(start + first * stride, start + (end - 1) * stride + 1, stride)
        return self.entries_up_to(other.values_of(first, end) + cost) - 1

    def up_to(self, limits: Integers) -> Numbers:
        """Return, for each limit, how many ways have no greater sum."""
        found: Numbers = self.cumulative[self.entries_up_to(limits)]
        return found

    def greatest_up_to(self, limits: Integers) -> Integers:
        """Return, for each limit, the greatest sum that does not exceed it and that some way has; at least one way must
        have such a sum."""
        entries = np.searchsorted(self.cumulative, self.up_to(limits)) - 1
        return self.low + (entries if self.places is None else self.places[entries]) * self.step

    def entry_at(self, ways: int) -> tuple[int, int]:
        """Return the entry of a way, by its number in the order of the sums, and its number in that entry."""
        entry = int(np.searchsorted(self.cumulative, np.uint64(ways), side="right")) - 1
        return entry, ways - int(self.cumulative[entry])

    def entry_of(self, value: int) -> int:
        """Return the entry of a sum; −1 where there is none."""
        place, rest = divmod(value - self.low, max(self.step, 1))
        entry = place if self.places is None else int(self.places.searchsorted(place))
        if rest or not 0 <= entry < self.size or (self.places is not None and self.places[entry] != place):
            return -1
        return entry

    def entries_at(self, values: Integers) -> Integers:
        """Return the entry of each sum; −1 where no way has it."""
        places, step = values - self.low, max(self.step, 1)
        if step > 1:
            places, rest = np.divmod(places, step)
            places[rest != 0] = -1
        entries = places if self.places is None else np.searchsorted(self.places, places)
        entries[(entries < 0) | (entries >= self.size)] = -1
        there = self.numbers[entries] > 0
        if self.places is not None:
            there &= self.places[entries] == places
        return np.where(there & (entries >= 0), entries, -1)

    def number_at(self, value: int) -> int:
        """Return how many ways have a sum."""
        entry = self.entry_of(value)
        return int(self.numbers[entry]) if entry >= 0 else 0


class Part(NamedTuple):
    """Ways that go on: their table, what the next choice adds to each sum, and by how many options it may be made that
    cost the same; how probable these are, where ways are probabilities."""

    sums: Sums
    cost: int
    weight: float = 1


def one_way(chances: bool = False) -> Sums:
    """Return the table of the way without choices: its sum is 0."""
    return Sums(0, 0, np.ones(1, np.float64 if chances else np.uint8), np.zeros(1, np.int64))


def merged(parts: Sequence[Part], lattice: Lattice) -> Sums:
    """Return the table of all ways of several parts, on a lattice that all their sums lie on.

    Raises TooManySums where the table would not fit into memory.
    """
    low, step = lattice.least, max(lattice.step, 1)
    entries = sum(part.sums.size for part in parts)
    highest = max(part.sums.low + part.cost + _last_place(part.sums) * part.sums.step for part in parts)
    bins = (highest - low) // step + 1
    if bins <= _MAX_BINS and (bins <= _BINS_AN_ENTRY * entries or entries > _MAX_SORTED):
        return _in_bins(parts, low, step, bins)
    if entries <= _MAX_SORTED:
        return _sorted(parts, low, step)
    raise TooManySums(entries)


def _last_place(sums: Sums) -> int:
    return sums.size - 1 if sums.places is None else int(sums.places[-1])


# Bins that are added to while they are in the cache.
_WINDOW = 1 << 16


def _in_bins(parts: Sequence[Part], low: int, step: int, bins: int) -> Sums:
    numbers = np.zeros(bins, _kind(parts))
    for start in range(0, bins, _WINDOW):
        window = numbers[start : start + _WINDOW]
        for part in parts:
            _add(window, start, part, low, step)
    return _compact(numbers, low, step)


def _add(window: Numbers, start: int, part: Part, low: int, step: int) -> None:
    """Add to a window of bins, which begins at bin *start*, what of a part falls into it."""
    sums, stride = part.sums, max(part.sums.step // step, 1)
    shift = (sums.low + part.cost - low) // step - start
    first, end = -(shift // stride), -((shift - len(window)) // stride)
    if sums.places is None:
        first, end = max(first, 0), min(end, sums.size)
        if first < end:
            window[shift + first * stride : shift + (end - 1) * stride + 1 : stride] += _weighed(part, first, end)
    else:
        first, end = np.searchsorted(sums.places, (first, end))
        window[sums.places[first:end] * stride + shift] += _weighed(part, first, end)


def _weighed(part: Part, first: int, end: int) -> Numbers:
    numbers: Numbers = part.sums.numbers[first:end]
    return numbers if part.weight == 1 else np.multiply(numbers, part.weight, dtype=_kind([part]))


def _kind(parts: Sequence[Part]) -> type[np.float64] | type[np.uint64]:
    return np.float64 if parts[0].sums.numbers.dtype.kind == "f" else np.uint64


def _compact(numbers: Numbers, low: int, step: int) -> Sums:
    """Return bins as they take the least memory: in a type just as wide as they need, without the empty ones where most
    are."""
    filled = int(np.count_nonzero(numbers))
    if numbers.dtype.kind == "u":
        numbers = numbers.astype(np.min_scalar_type(int(numbers.max())))
    width = numbers.dtype.itemsize
    if filled * (width + 8) < len(numbers) * width or len(numbers) == 1:
        places = np.flatnonzero(numbers)
        return Sums(low, step, numbers[places], places)
    return Sums(low, step, numbers)


def _sorted(parts: Sequence[Part], low: int, step: int) -> Sums:
    places = np.concatenate([(part.sums.values + (part.cost - low)) // step for part in parts])
    numbers = np.concatenate([_weighed(part, 0, part.sums.size).astype(_kind(parts)) for part in parts])
    order = np.argsort(places, kind="stable")
    places, numbers = places[order], numbers[order]
    starts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]]))
    numbers = np.add.reduceat(numbers, starts)
    if numbers.dtype.kind == "u":
        numbers = numbers.astype(np.min_scalar_type(int(numbers.max())))
    filled = numbers > 0
    return Sums(low, step, numbers[filled], places[starts][filled])

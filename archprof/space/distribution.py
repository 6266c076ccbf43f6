"""How many networks of a space cost how much, exactly, by meeting in the middle."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import product
from random import Random

import numpy as np

from archprof.named_tuple import NamedTuple
from archprof.progress import Told, untold
from archprof.space.across import greatest_across, number_across
from archprof.space.automaton import Automaton, Path
from archprof.space.exact import products_of
from archprof.space.fitting import Fitting
from archprof.space.greatest import greatest_first
from archprof.space.meeting import Halves, apart, halves
from archprof.space.paths import Extreme, greatest, lattice_of, number_of_paths, paths_through
from archprof.space.reaching import first_reaching
from archprof.space.shares import Shares, shares_of
from archprof.space.sums import Sums, TooManySums
from archprof.space.ways import Ways

# What is multiplied while it is in the cache.
_CHUNK = 1 << 16


class Bin(NamedTuple):
    """How many networks have a sum from *low* to *high*, both included."""

    low: int
    high: int
    number: int


class Distribution:
    """The sums of a metric over all networks of a space.

    Raises UsageError where half of the space is too large to be counted in 64 bits and in memory.
    """

    def __init__(self, automaton: Automaton, metric: str, told: Told = untold) -> None:
        self.automaton, self.metric = automaton, metric
        self._told = told
        self.total = number_of_paths(automaton)
        self.lattice = lattice_of(automaton, metric)
        self.least, self.greatest = self.lattice.least, greatest(automaton, metric).sum
        self._fitting: Fitting | None = None

    @cached_property
    def halves(self) -> Halves:
        """The tables that everything is counted with."""
        return halves(self.automaton, self.automaton.metrics.index(self.metric), told=self._told)

    def count(self, limit: int) -> int:
        """Return how many networks have a sum of at most *limit*."""
        if limit < self.least:
            return 0
        if limit >= self.greatest:
            return self.total
        return sum(_pairs_up_to(first, second, limit) for _, first, second in self.halves.meetings())

    def count_apart(self, limit: int) -> int:
        """Return as `count` does, in a longer time, where tables would be too long for that. Raises TooManySums where
        they are too long for this as well."""
        if not self.least <= limit < self.greatest:
            return self.count(limit)
        return number_across(apart(self.automaton, self.automaton.metrics.index(self.metric), self._told), limit)

    def greatest_within(self, limit: int) -> Extreme:
        """Return the greatest sum that does not exceed *limit*, and a network that has it. Raises ValueError where
        none is within the limit."""
        found = [(*_greatest_pair(first, second, limit), node) for node, first, second in self.halves.meetings()]
        before, behind, node = max(found, key=lambda pair: pair[0] + pair[1])
        if before + behind < self.least:
            raise ValueError(f"no network has at most {limit} {self.metric}: the least is {self.least}")
        ways = Ways(self.halves)
        return Extreme(before + behind, (*ways.to(node, before, 0), *ways.onward(node, behind, 0)))

    def greatest_first(self, limit: int, others: Mapping[str, int] | None = None) -> Iterator[Path]:
        """Yield the networks within a limit, and within those on *others*, those of the greatest sum first. Raises
        UsageError where it is not found which these are: of three limits and more, or of too many sums."""
        try:
            self.halves  # noqa: B018 - which are counted here
        except TooManySums:
            tables = apart(self.automaton, self.automaton.metrics.index(self.metric), self._told)
            yield from greatest_across(tables, limit, others or {})
            return
        if others:
            yield from greatest_first(self.halves, limit, others)
            return
        ways = Ways(self.halves)
        while limit >= self.least:
            limit = self.greatest_within(limit).sum
            for node, first, second in self.halves.meetings():
                for before, behind in _pairs_of(first, second, limit):
                    numbers = product(range(first.number_at(before)), range(second.number_at(behind)))
                    yield from ((*ways.to(node, before, one), *ways.onward(node, behind, two)) for one, two in numbers)
            limit -= 1

    def quantile(self, share: Fraction | Decimal | float | str, between: tuple[int, int] | None = None) -> int:
        """Return the least sum that at least a share of all networks does not exceed; a float is the decimal number
        that it is written as. It is looked for *between* two sums where it is known to be there."""
        part = Fraction(str(share))
        if not 0 <= part <= 1:
            raise ValueError(f"a quantile is from 0 to 1, not {share}")
        wanted = max(-(-part.numerator * self.total // part.denominator), 1)
        step = max(self.lattice.step, 1)
        first, last = between or (self.least, self.greatest)
        low, high = max(first - self.least, 0) // step, (min(last, self.greatest) - self.least) // step
        return self._sum(first_reaching(lambda place: self.count(self._sum(place)), wanted, self.total, low, high))

    def _sum(self, place: int) -> int:
        return self.least + place * self.lattice.step

    def histogram(self, bins: int | Sequence[int], limit: int | None = None) -> list[Bin]:
        """Return the networks within a limit in so many bins as wide as each other, fewer where there are not so
        many sums, or in those between edges: each holds its lower edge, the last its upper too."""
        high = self.greatest if limit is None else min(limit, self.greatest)
        edges = edges_of(self.least, high, bins)
        return bins_between(edges, [self.count(min(end, high)) for end in ends_of(edges)])

    def fitting(self, limit: int) -> Fitting:
        """Return the networks within a limit, by number."""
        if self._fitting is None or self._fitting.limit != limit:
            self._fitting = Fitting(self.halves, limit)
        return self._fitting

    def unrank(self, limit: int, index: int) -> Path:
        """Return the network of a number from 0 to `count(limit)`, which is another for each; they are in no order
        that means anything. Raises IndexError where there are fewer."""
        return self.fitting(limit).unrank(index)

    def sample(self, limit: int, number: int, random: Random) -> list[Path]:
        """Return so many different networks within a limit, each as probable as any other. Raises ValueError where
        there are fewer."""
        return self.fitting(limit).sample(number, random)

    def shares(self, limit: int) -> Shares:
        """Return how many of the networks within a limit take each arc, by its node and its place there."""
        if limit >= self.greatest:
            return paths_through(self.automaton)
        return shares_of(self.halves, limit)


def edges_of(least: int, greatest: int, bins: int | Sequence[int]) -> list[int]:
    """Return the edges of so many bins as wide as each other between two sums, none where there are no sums; those that
    are given as they are."""
    if not isinstance(bins, int):
        return list(bins)
    if greatest < least:
        return []
    width = Fraction(greatest - least, bins)
    lows = dict.fromkeys(least + int(width * place) for place in range(bins))
    return [*lows, greatest]


def ends_of(edges: Sequence[int]) -> list[int]:
    """Return the last sum in front of bins between edges, and that of each bin."""
    return [edges[0] - 1, *(edge - 1 for edge in edges[1:-1]), edges[-1]] if edges else []


def bins_between(edges: Sequence[int], below: Sequence[int]) -> list[Bin]:
    """Return the bins between edges, by how many networks do not exceed the end in front of them, and that of each."""
    pairs = zip(edges, ends_of(edges)[1:], below, below[1:], strict=False)
    return [Bin(low, end, after - before) for low, end, before, after in pairs]


def _pairs_up_to(first: Sums, second: Sums, limit: int) -> int:
    """Return how many ways of one table and of another have together a sum of at most *limit*."""
    few, many = sorted((first, second), key=lambda sums: sums.size)
    found = 0
    within = int(few.entries_up_to(np.array(limit - many.low)))
    for start in range(0, within, _CHUNK):
        end = min(start + _CHUNK, within)
        fits = many.up_to(limit - few.values_of(start, end))
        found += products_of(few.numbers[start:end], fits)
    return found


def _pairs_of(first: Sums, second: Sums, total: int) -> Iterator[tuple[int, int]]:
    """Yield the sums of a way of each table that are together a total."""
    few, many = sorted((first, second), key=lambda sums: sums.size)
    rest = total - few.values
    for entry in np.flatnonzero((many.up_to(rest) > many.up_to(rest - 1)) & (few.numbers > 0)).tolist():
        value = int(few.values[entry])
        yield (value, total - value) if few is first else (total - value, value)


def _greatest_pair(first: Sums, second: Sums, limit: int) -> tuple[int, int]:
    """Return the sum of a way of each table that are together as great as they may be; −1 and 0 where none fit."""
    turned = first.size > second.size
    few, many = (second, first) if turned else (first, second)
    values = few.values[few.numbers > 0]
    values = values[values <= limit - many.least]
    if not values.size:
        return -1, 0
    partners = many.greatest_up_to(limit - values)
    place = int((values + partners).argmax())
    pair = int(values[place]), int(partners[place])
    return pair[::-1] if turned else pair

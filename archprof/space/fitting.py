"""Networks within a limit by number: which each is, and samples of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random

from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Path
from archprof.space.exact import Numbers, products_of
from archprof.space.meeting import Halves
from archprof.space.sums import Sums
from archprof.space.ways import Ways

_BLOCK = 1024


class _Meeting(NamedTuple):
    """What meets at a node: each entry of a table, *few*, *fits* with so many ways of the other, *many*; *blocks* are
    how many networks stand in and before each block of entries."""

    node: int
    turned: bool
    few: Sums
    many: Sums
    fits: Numbers
    blocks: Sequence[int]


class Fitting:
    """The networks of which a metric has at most a *limit*: there are *number*."""

    def __init__(self, halves: Halves, limit: int) -> None:
        self.limit = limit
        self._meetings = [_meeting(*found, limit) for found in halves.meetings()]
        self._ends = list(accumulate(meeting.blocks[-1] for meeting in self._meetings))
        self.number = self._ends[-1]
        self._ways = Ways(halves)

    def unrank(self, index: int) -> Path:
        """Return the network of a number from 0 to *number*, another for each. Raises IndexError where there are
        fewer."""
        if not 0 <= index < self.number:
            raise IndexError(f"there is no network {index} among the {self.number} within the limit")
        place = bisect_right(self._ends, index)
        meeting = self._meetings[place]
        rest = index - (self._ends[place - 1] if place else 0)
        block = bisect_right(meeting.blocks, rest)
        rest -= meeting.blocks[block - 1] if block else 0
        start = block * _BLOCK
        numbers = meeting.few.numbers[start : start + _BLOCK].tolist()
        fits = meeting.fits[start : start + _BLOCK].tolist()
        entry = 0
        while rest >= numbers[entry] * fits[entry]:
            rest -= numbers[entry] * fits[entry]
            entry += 1
        first, second = divmod(rest, fits[entry])
        value = int(meeting.few.values[start + entry])
        partner, second = meeting.many.entry_at(second)
        ends = (value, first), (int(meeting.many.values[partner]), second)
        before, behind = ends[::-1] if meeting.turned else ends
        return (*self._ways.to(meeting.node, *before), *self._ways.onward(meeting.node, *behind))

    def draws(self, random: Random) -> Iterator[Path]:
        """Yield different networks, each as probable as any other, until all are drawn."""
        taken: set[int] = set()
        while len(taken) < self.number:
            if (index := random.randrange(self.number)) not in taken:
                taken.add(index)
                yield self.unrank(index)

    def sample(self, number: int, random: Random) -> list[Path]:
        """Return so many different networks, each as probable as any other. Raises ValueError where there are
        fewer."""
        if number > self.number:
            raise ValueError(f"{number} different networks are asked for, and {self.number} are within the limit")
        if 2 * number > self.number:
            drawn = random.sample(range(self.number), number)
        else:
            drawn = []
            taken: set[int] = set()
            while len(drawn) < number:
                if (index := random.randrange(self.number)) not in taken:
                    taken.add(index)
                    drawn.append(index)
        return [self.unrank(index) for index in drawn]


def _meeting(node: int, first: Sums, second: Sums, limit: int) -> _Meeting:
    turned = first.size > second.size
    few, many = (second, first) if turned else (first, second)
    fits = many.up_to(limit - few.values)
    pieces = (slice(start, start + _BLOCK) for start in range(0, few.size, _BLOCK))
    blocks = [products_of(few.numbers[piece], fits[piece]) for piece in pieces]
    return _Meeting(node, turned, few, many, fits, list(accumulate(blocks)))

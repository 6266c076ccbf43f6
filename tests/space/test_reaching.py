"""Where a count reaches what is wanted: as the first of all places tells, and in few looks."""

import random
from itertools import accumulate
from math import comb

import pytest

from archprof.space.reaching import first_reaching


@pytest.mark.parametrize("seed", range(200))
def test_equals_a_walk(seed):
    source = random.Random(seed)
    numbers = [source.choice((0, 0, 1, source.randrange(10 ** source.randrange(1, 30)))) for _ in range(200)]
    numbers[source.randrange(200)] += 1
    counts = list(accumulate(numbers))
    wanted = source.randint(1, counts[-1])
    first = next(place for place, count in enumerate(counts) if count >= wanted)
    assert first_reaching(counts.__getitem__, wanted, counts[-1], 0, 199) == first
    low, high = source.randint(0, first), source.randint(first, 199)
    assert first_reaching(counts.__getitem__, wanted, counts[-1], low, high) == first


@pytest.mark.parametrize("share", [1, 50, 500, 950, 999])
def test_few_looks(share):
    """Heads of 4,095 coins: to halve takes twelve looks."""
    counts, looks = list(accumulate(comb(4095, heads) for heads in range(4096))), []

    def count(place):
        looks.append(place)
        return counts[place]

    wanted = share * counts[-1] // 1000
    found = first_reaching(count, wanted, counts[-1], 0, 4095)
    assert counts[found - 1] < wanted <= counts[found]
    assert len(looks) <= 7

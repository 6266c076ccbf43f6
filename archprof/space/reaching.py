"""Where a count of networks reaches what is wanted: looked for where it would be of a normal distribution, since each
look is a count."""

from collections.abc import Callable
from statistics import NormalDist

# So many looks may leave more than half of what there was before it is halved.
_SLOW = 2
_NORMAL = NormalDist()


def first_reaching(count: Callable[[int], int], wanted: int, total: int, low: int, high: int) -> int:
    """Return the first place from *low* to *high* up to which at least as many are counted as are *wanted*, of so many
    in *total*; it is known to be there. Floats say only where to look."""
    aim, below, above = (_deviations(number, total) for number in (wanted, 0, total))
    slow = 0
    while low < high:
        width = high - low
        place = (low + high) // 2
        if slow < _SLOW and above > below:
            place = low - 1 + int((aim - below) / (above - below) * (width + 1))
            place = min(max(place, low), high - 1)
        number = count(place)
        if number >= wanted:
            high, above = place, _deviations(number, total)
        else:
            low, below = place + 1, _deviations(number, total)
        slow = slow + 1 if slow < _SLOW and 2 * (high - low) > width else 0
    return low


def _deviations(number: int, total: int) -> float:
    """Return how many standard deviations above its mean a normal distribution has a value that this share of it does
    not exceed."""
    return _NORMAL.inv_cdf(min(max(number / total, 1e-15), 1 - 1e-15))

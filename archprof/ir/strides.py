"""By how much maps are divided on their way: a whole number, or a fraction where they grow."""

from fractions import Fraction

from archprof.ir.dims import Dim, is_array

# By how much a map is smaller than the network's input: less than 1 where it is larger, 0 once it is gone.
Stride = int | Fraction
# A side that is odd is so much of itself larger than twice the half of it, at 8 and above.
_ODD = 16


def plain(stride: Stride) -> Stride:
    """Return a stride as an integer where it is one."""
    return stride.numerator if type(stride) is Fraction and stride.denominator == 1 else stride


def stride_between(before: tuple[Dim, ...], after: tuple[Dim, ...]) -> Stride:
    """Return by how much a map is divided that is brought to a size: whole numbers where it is one of what convolutions
    with odd sides leave, as 17 of 35."""
    if any(map(is_array, (*before, *after))):
        return 1  # nobody asks for the stages of candidates
    pairs = [(int(one), int(other)) for one, other in zip(before[-2:], after[-2:], strict=True)]
    smaller, larger = max(Fraction(*pair) for pair in pairs), max(Fraction(other, one) for one, other in pairs)
    return 1 / _near(larger) if larger > 1 else _near(smaller)


def stride_of_growth(factors: tuple[Dim, ...]) -> Stride:
    """Return by how much a map is divided whose sides grow by such factors."""
    return 1 if any(map(is_array, factors)) else Fraction(1, max(factors[-2:]))


def _near(ratio: Fraction) -> Fraction:
    whole = round(ratio)
    return Fraction(whole) if abs(ratio - whole) * _ODD <= whole else ratio

"""Numbers as people read them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.units import exact, percent, plural, short

SCALES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def test_exact():
    assert [exact(count) for count in (0, 999, 1000, 216_589_760, -1204)] == [
        "0",
        "999",
        "1,000",
        "216,589,760",
        "-1,204",
    ]


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"), (912, "912"), (999, "999"), (1000, "1.000k"), (9999, "9.999k"), (9_999_499, "9.999M"),
        (5_483_032, "5.483M"), (216_589_760, "216.6M"), (300_774_272, "300.8M"), (999_949, "999.9k"),
        (999_950, "1.000M"), (999_999, "1.000M"), (3_857_973_248, "3.858G"), (54_347_000_000, "54.35G"),
        (999_999_999_999, "1.000T"), (-5_483_032, "-5.483M"),
    ],
)  # fmt: skip
def test_short(count, shown):
    assert short(count) == shown


@given(st.integers(1000, 10**14))
def test_short_has_four_digits_and_is_right_to_the_last(count):
    shown = short(count)
    digits, letter = shown[:-1], shown[-1]
    assert sum(char.isdigit() for char in digits) == 4
    step = Fraction(1, 10 ** len(digits.partition(".")[2])) * SCALES[letter]
    assert abs(Fraction(digits) * SCALES[letter] - count) <= step * Fraction(500_001, 1_000_000)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (1, 8, "12.5 %"),
        (1, 3, "33.3 %"),
        (2, 3, "66.7 %"),
        (1, 2000, "0.1 %"),
        (5, 5, "100.0 %"),
        (0, 7, "0.0 %"),
        (1, 0, "-"),
    ],
)
def test_percent(part, whole, shown):
    assert percent(part, whole) == shown


def test_plural():
    assert [plural(count, "row") for count in (0, 1, 2, 1204)] == ["0 rows", "1 row", "2 rows", "1,204 rows"]

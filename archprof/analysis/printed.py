"""Numbers as papers print them, and whether an exact count is what was printed."""

import re
from fractions import Fraction
from typing import NamedTuple

from archprof.errors import Location, problem

_UNITS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "million": 10**6, "G": 10**9, "B": 10**9, "billion": 10**9, "T": 10**12}
_FORM = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))? ?([A-Za-z]*)\Z", re.ASCII)


class Printed(NamedTuple):
    """A printed number: so many steps of the last printed digit."""

    steps: int
    step: Fraction

    @property
    def value(self) -> Fraction:
        return self.steps * self.step


def parse_printed(text: str, location: Location | None = None) -> Printed:
    """Return the number that `3.4M`, `0.219G`, `569 million` or `4,209,088` prints, with the worth of its last digit.

    Raises SpecError for a text that is no number.
    """
    match = _FORM.match(text.strip())
    if not match or match[3].removesuffix("s") not in _UNITS:
        raise problem(f"`{text}` is not a number as papers print them", location, help="such as `3.4M`, `0.219G`, `569 million`, `4,209,088`")
    whole, decimals = match[1].replace(",", ""), match[2] or ""
    return Printed(int(whole + decimals), Fraction(_UNITS[match[3].removesuffix("s")], 10 ** len(decimals)))


def verdict(count: int, printed: Printed, noted: bool) -> str:
    """Return how an exact count stands to a printed number, at the precision of the print.

    `equal`: rounding the count gives it; `truncated`: the source cut instead of rounding; otherwise `noted` where a note says why, or `differs`.
    """
    exact = count / printed.step
    if abs(exact - printed.steps) <= Fraction(1, 2):
        return "equal"
    if exact.__floor__() == printed.steps:
        return "truncated"
    return "noted" if noted else "differs"

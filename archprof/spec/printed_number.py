"""Numbers as people print them, `3.4M`, `569 million`, `5.4 MiB`, and whether an exact count is what was printed."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from archprof.errors import Location, problem
from archprof.limits import MAX_DIGITS
from archprof.spec.nodes import shorten

COUNTS = {
    "": 1,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "million": 10**6,
    "G": 10**9,
    "B": 10**9,
    "billion": 10**9,
    "T": 10**12,
}
BYTES = {
    "": 1, "B": 1, "byte": 1, "k": 10**3, "kB": 10**3, "KB": 10**3, "M": 10**6, "MB": 10**6, "G": 10**9, "GB": 10**9,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
_FORM = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))? ?([A-Za-z]*)\Z", re.ASCII)


class PrintedNumber(NamedTuple):
    """A printed number: so many steps of the last printed digit."""

    steps: int
    step: Fraction

    @property
    def value(self) -> Fraction:
        return self.steps * self.step


def parse_printed(text: str, location: Location | None = None, units: Mapping[str, int] = COUNTS) -> PrintedNumber:
    """Return the number that `3.4M`, `0.219G`, `569 million` or `4,209,088` prints, with the worth of its last digit.

    Raises SpecError for a text that is no number.
    """
    match = _FORM.match(text.strip()) if len(text) <= MAX_DIGITS else None
    unit = match[3] if match and match[3] in units else match[3].removesuffix("s") if match else ""
    if not match or unit not in units:
        advice = (
            "such as `5.4 MiB`, `22 MB`, `21,932,128`"
            if units is BYTES
            else "such as `3.4M`, `0.219G`, `569 million`, `4,209,088`"
        )
        raise problem(f"`{shorten(text)}` is not a number as papers print them", location, help=advice)
    whole, decimals = match[1].replace(",", ""), match[2] or ""
    return PrintedNumber(int(whole + decimals), Fraction(units[unit], 10 ** len(decimals)))


def verdict(count: int, printed: PrintedNumber, noted: bool) -> str:
    """Return how an exact count stands to a printed number, at the precision of the print.

    `equal`: rounding the count gives it; `truncated`: the source cut instead of rounding; otherwise `noted` where a
    note says why, or `differs`.
    """
    exact = count / printed.step
    if abs(exact - printed.steps) <= Fraction(1, 2):
        return "equal"
    if exact.__floor__() == printed.steps:
        return "truncated"
    return "noted" if noted else "differs"

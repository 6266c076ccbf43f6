"""Numbers as papers print them, and whether an exact count is what was printed."""

from fractions import Fraction

from archprof.spec.printed import Printed, parse_printed

__all__ = ["Printed", "parse_printed", "verdict"]


def verdict(count: int, printed: Printed, noted: bool) -> str:
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

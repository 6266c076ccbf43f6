"""What a number that somebody saw may be: a convention, FLOPs, parameters, another resolution or width."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from archprof.analysis.document import Head, head
from archprof.analysis.variants import Variants
from archprof.costs.convention import ARCHPROF, Convention, convention_total
from archprof.costs.report import Report, Row
from archprof.errors import SpecError
from archprof.ir.terms import NOTHING, total
from archprof.spec.printed_number import PrintedNumber, parse_printed, verdict
from archprof.spec.types import Spec
from archprof.spec.variant import Setting

# Multiples of 32, as a network that divides by 32 likes them, and the sizes of compound scaling; the widths that papers
# print.
RESOLUTIONS = (*range(96, 641, 32), 240, 260, 300, 380, 456, 528, 600)
WIDTHS = ("0.25", "0.35", "0.5", "0.75", "1", "1.25", "1.3", "1.4", "1.5")
_UNIT = re.compile(r"\s*(?:(?P<params>param(?:eter)?s?)|(?:m|mult|multi)-?adds?|macs?|flops?)\s*\Z", re.IGNORECASE)


class Seen(NamedTuple):
    """A number that somebody saw, with its precision; *of* says whether it counts `operations` or `params`, where that
    was typed too."""

    text: str
    printed: PrintedNumber
    of: str = ""


class Guess(NamedTuple):
    """What a number may be: one of a convention at some settings, and its difference to what was seen.

    *verdict* is `equal` or `truncated` where it fits at the precision that was typed. *far* says how far-fetched it is:
    0 is our own count here.
    """

    number: int
    what: str
    convention: str
    at: Mapping[str, str]
    verdict: str
    difference: Fraction
    far: int
    fits: bool


class Guessed(NamedTuple):
    """What a number that was seen may be: all that was tried, best first."""

    head: Head
    seen: str
    guesses: tuple[Guess, ...]

    @property
    def fits(self) -> bool:
        """Whether anything gives the number."""
        return any(guess.fits for guess in self.guesses)


def parse_seen(text: str) -> Seen:
    """Return the number of `234.8M`, `0.22 GFLOPs`, `5.48M params`. Raises SpecError for a text that is no number."""
    unit = _UNIT.search(text)
    of = "" if unit is None else "params" if unit["params"] else "operations"
    return Seen(text.strip(), parse_printed(text[: unit.start()] if unit else text), of)


def guess(
    seen: Seen, variants: Variants, settings: tuple[Setting, ...], conventions: tuple[Convention, ...]
) -> Guessed:
    """Return what a number may be, best first: those that fit, the least far-fetched before others, then the nearest.

    Other resolutions and widths are tried only where nothing fits at the settings that were asked for.
    """
    report = variants.report(settings)
    found = list(_guesses(seen, report, conventions, ()))
    if not any(one.fits for one in found):
        for at in _elsewhere(seen, report):
            found += _there(seen, variants, settings, at, conventions)
    different: dict[tuple[int, str], Guess] = {}
    for one in found:
        # A setting that changes nothing explains nothing.
        different.setdefault((one.number, one.convention), one)
    ordered = sorted(
        different.values(), key=lambda one: (not one.fits, one.far if one.fits else 0, one.verdict, abs(one.difference))
    )
    return Guessed(head(report), seen.text, tuple(ordered))


def _there(
    seen: Seen,
    variants: Variants,
    settings: tuple[Setting, ...],
    at: tuple[Setting, ...],
    conventions: tuple[Convention, ...],
) -> list[Guess]:
    try:
        report = variants.report((*settings, *at))
    except SpecError:
        # Not every network goes with every size.
        return []
    return list(_guesses(seen, report, conventions, at))


def _elsewhere(seen: Seen, report: Report) -> list[tuple[Setting, ...]]:
    """Return the settings that papers print: those that the spec lists, then usual widths and sizes."""
    spec = report.origin
    listed = [*(entry.at for entry in spec.expect), *(entry.at for entry in spec.published)]
    widths = [(("width", width),) for width in WIDTHS] if isinstance(spec, Spec) and spec.width else []
    sizes = [(("resolution", str(size)),) for size in RESOLUTIONS if _is_near(size, seen, report)]
    return [at for at in dict.fromkeys([*listed, *widths, *sizes]) if at]


def _is_near(size: int, seen: Seen, report: Report) -> bool:
    """Return whether a number may be of that size: MACs grow with the area, and what tools print is between them and
    somewhat over twice as much."""
    height, width = report.input[-2:]
    scaled = Fraction(report.totals.macs * size**2, height * width)
    return seen.of != "params" and scaled * 9 / 10 <= seen.printed.value <= scaled * 5 / 2


def _guesses(
    seen: Seen, report: Report, conventions: tuple[Convention, ...], at: tuple[Setting, ...]
) -> Iterator[Guess]:
    operations = _operations(report, conventions) if seen.of != "params" else ()
    params = _params(report) if seen.of != "operations" and ARCHPROF in conventions else ()
    for number, what, convention, far in (*operations, *params):
        result, difference = verdict(number, seen.printed, False), number - seen.printed.value
        fits = result != "differs"
        yield Guess(number, what, convention, dict(at), result, difference, far + 3 if at else far, fits)


_Count = tuple[int, str, str, int]


def _operations(report: Report, conventions: Iterable[Convention]) -> Iterator[_Count]:
    for convention in conventions:
        total, far = convention_total(report, convention), 0 if convention is ARCHPROF else 1
        yield total, convention.unit, convention.name, far
        if convention.unit == "MACs":
            yield 2 * total, "FLOPs, 2 per MAC", convention.name, far + 1


def _params(report: Report) -> Iterator[_Count]:
    totals = report.totals
    norms = sum(row.cost.params for row in report.rows if row.operator.category == "norm")
    yield totals.params, "params", "", 0
    yield totals.trainable, "trainable params", "", 1
    yield totals.params + totals.buffers, "params and buffers", "", 1
    yield totals.params - norms, "params without norms", "", 1
    yield totals.params - norms - sum(map(_biases, report.rows)), "params without norms and biases", "", 2


def _biases(row: Row) -> int:
    # A layer that is called again has its parameters in its first row.
    weighted = row.operator.weighted and row.cost.params
    return int(total(row.operator.parameters().get("bias", NOTHING))) if weighted else 0

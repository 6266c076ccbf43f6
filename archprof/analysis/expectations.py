"""Does a spec have the numbers that it says it has?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from archprof.costs.metrics import Counts
from archprof.costs.report import Report
from archprof.errors import Location, Problem, Problems
from archprof.ir.origin import Origin
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec.header import NETWORKS, PUBLISHED
from archprof.spec.printed_number import parse_printed
from archprof.spec.same import is_at
from archprof.spec.types import Expected, Spec
from archprof.spec.variant import Setting, settings_text
from archprof.units import exact

if TYPE_CHECKING:
    from archprof.analysis.variants import Variants


class Expectation(NamedTuple):
    """A number of `expect` at the settings at which it was counted."""

    metric: str
    expected: int
    counted: int
    place: str  # in the spec: `expect[0].params`
    location: Location
    at: tuple[Setting, ...]

    @property
    def holds(self) -> bool:
        """Whether what is counted is what is expected."""
        return self.counted == self.expected


def check_published(spec: Spec) -> None:
    """Raise SpecError for all that a spec says was published and is no number."""
    problems = Problems()
    for entry in spec.published:
        for what, text in entry.numbers.items():
            node = entry.node.get(what)
            if what in PUBLISHED and node is not None:  # accuracies are only shown
                with problems:
                    parse_printed(text, node.location)
    problems.raise_any()


def expectations(origin: Origin, totals: Counts) -> list[Expectation]:
    """Return the numbers that a network is expected to have at its settings, beside those that it has.

    Raises SpecError where the settings of an `expect` cannot be.
    """
    found: list[Expectation] = []
    if not isinstance(origin, Spec):
        return found
    for index, expected in enumerate(origin.expect):
        if is_at(origin, expected.at, spellings):
            found += _held(index, expected, origin, totals)
    return found


def _held(index: int, expected: Expected, origin: Origin, totals: Counts) -> Iterator[Expectation]:
    """Yield the numbers of one entry of `expect` beside those that are counted at its settings."""
    for metric, count in expected.counts.items():
        place = f"expect[{index}].{metric}"
        node = expected.node.get(metric) or expected.node
        counted = _networks(origin) if metric == NETWORKS else totals[metric]
        yield Expectation(metric, count, counted, place, node.location, expected.at)


def _networks(origin: Origin) -> int:
    """Return how many networks there are in the space that a spec is, choice by choice: one, where it is none."""
    return origin.open.choices.networks if isinstance(origin, Spec) and origin.open else 1


def unmet_problem(found: Expectation) -> Problem:
    """Return the problem of a number that is not what is counted."""
    at = f" at {settings_text(found.at)}" if found.at else ""
    difference = f"({found.counted - found.expected:+,})"
    message = f"expected {exact(found.expected)} {found.metric}{at}, counted {exact(found.counted)} {difference}"
    return Problem(message, found.location, found.place, "correct the number or the table")


def unmet_expectations(variants: "Variants") -> list[Problem]:
    """Return a problem for every number of a spec's `expect` that is not what is counted at its settings.

    With settings behind its reference that are not the spec's own, only what is expected there is held. Raises
    SpecError when the spec is wrong, at its own settings or at those of an `expect`.
    """
    report = variants.report()
    spec = variants.spec()
    if not is_at(spec, (), spellings):
        return [unmet_problem(held) for held in expectations(report.origin, report.totals) if not held.holds]
    # Each entry is held at its own settings, each settings counted once.
    reports: dict[tuple[Setting, ...], Report] = {(): report}
    unmet = []
    for index, entry in enumerate(spec.expect):
        if entry.at not in reports:
            reports[entry.at] = variants.report(entry.at)
        here = reports[entry.at]
        unmet += [unmet_problem(held) for held in _held(index, entry, here.origin, here.totals) if not held.holds]
    return unmet

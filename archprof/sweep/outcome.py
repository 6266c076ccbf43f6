"""What a sweep has come to, as a result: its first variants, how many there are, what cannot be and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from archprof.analysis.document import ConventionText, convention_text
from archprof.costs.metrics import NAMES, Counts
from archprof.sweep.plan import Plan
from archprof.sweep.run import Tally, VariantRows, digits

# A table of more is for a file.
SHOWN = 50


class Variant(NamedTuple):
    """One variant: of which network, at which settings, and its costs."""

    model: str
    settings: Mapping[str, str]
    totals: Counts


class Impossible(NamedTuple):
    """Variants that cannot be, for one reason: how many, and the settings of one of them."""

    model: str
    settings: Mapping[str, str]
    affected: int
    reason: str


class SweepDocument(NamedTuple):
    """All that a sweep finds: the axes, each variant that fits, how many were *computed* and how many of those are
    *fitting*, and what cannot be. It is written as it comes, and never held."""

    convention: ConventionText
    axes: tuple[str, ...]
    variants: tuple[Variant, ...]
    computed: int
    fitting: int
    impossible: tuple[Impossible, ...]


class SweepOutcome(NamedTuple):
    """A sweep over some axes of some networks: how many *variants* were computed, how many of them are *fitting* (its
    limits, if it has any: *limited*), how many of those are kept, the *first* of these, and what cannot be; *points*
    are the counts of some of all, by metric."""

    convention: ConventionText
    models: tuple[str, ...]
    axes: tuple[str, ...]
    variants: int
    limited: bool
    fitting: int
    kept: int
    first: tuple[Variant, ...]
    impossible: tuple[Impossible, ...]
    points: Mapping[str, tuple[int, ...]]


def outcome(tally: Tally, kept: VariantRows, points: VariantRows, *, limited: bool) -> SweepOutcome:
    """Return what a sweep has come to; *kept* are those to show, *points* those to draw."""
    plans = tally.plans
    drawn = {name: tuple(line) for name, line in zip(NAMES, points.costs.tolist(), strict=True)}
    return SweepOutcome(
        convention_text(),
        tuple(plan.model for plan in plans),
        axis_names(plans),
        sum(tally.done),
        limited,
        tally.fitting,
        len(kept),
        tuple(_variants(plans, kept.take(np.arange(min(len(kept), SHOWN))))),
        tuple(impossible(tally)),
        drawn,
    )


def axis_names(plans: Sequence[Plan]) -> tuple[str, ...]:
    """Return the axes of all plans, each once."""
    return tuple(dict.fromkeys(axis.name for plan in plans for axis in plan.axes))


def _variants(plans: Sequence[Plan], rows: VariantRows) -> Iterator[Variant]:
    for index, number, *counts in zip(rows.plans.tolist(), rows.numbers.tolist(), *rows.costs.tolist(), strict=True):
        plan = plans[index]
        yield Variant(plan.model, _settings(plan, number), Counts(zip(NAMES, counts, strict=True)))


def impossible(tally: Tally) -> Iterator[Impossible]:
    """Yield why variants cannot be, a reason each."""
    for plan, found in zip(tally.plans, tally.invalid, strict=True):
        for one in found:
            yield Impossible(plan.model, _settings(plan, one.example), one.variants, one.reason)


def _settings(plan: Plan, number: int) -> dict[str, str]:
    """Return a variant's settings, as they are typed."""
    found = digits(plan, np.array([number]))
    return {axis.name: axis.values[int(found[axis.name][0])] for axis in plan.axes}

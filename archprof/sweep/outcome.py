"""What a sweep has come to, as a result: its first variants, how many there are, what cannot be and why."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from archprof.analysis.document import ConventionText, convention_text
from archprof.analysis.timed import DeviceText, EstimatedTime
from archprof.costs.metrics import MEMORY, TIME_LINES, TIMES, Counts
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple
from archprof.sweep.plan import Plan, Selection
from archprof.sweep.run import Tally, VariantRows, digits, settings_of
from archprof.units import NS_PER_MS

# A table of more is for a file.
SHOWN = 50


class Variant(NamedTuple):
    """One variant: of which spec, at which settings, the costs, and, on a device, the time."""

    model: str
    settings: Mapping[str, str]
    totals: Counts
    estimates: Mapping[str, EstimatedTime] | None = None


class SweptNetwork(NamedTuple):
    """One variant, or the first of several that are the same network, and then the last of their widths."""

    variant: Variant
    last_width: str = ""


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
    setup: Setup | None = None  # of the bytes of memory, where they are counted
    device: DeviceText | None = None  # of times, where they are predicted


class SweepOutcome(NamedTuple):
    """A sweep over some axes of some networks: how many *variants* were computed, how many of them are *fitting* (its
    limits, if it has any: *limited*), how many of those are *shown*, as the *first*, and what cannot be; *asked* are
    the counts that it chose by, *points* the counts of some of all, by metric."""

    convention: ConventionText
    models: tuple[str, ...]
    axes: tuple[str, ...]
    variants: int
    limited: bool
    fitting: int
    shown: int
    first: tuple[SweptNetwork, ...]
    impossible: tuple[Impossible, ...]
    points: Mapping[str, tuple[int, ...]]
    asked: tuple[str, ...]
    setup: Setup | None = None  # of the bytes of memory, where they are counted
    device: DeviceText | None = None  # of times, where they are predicted


def outcome(tally: Tally, selection: Selection, kept: VariantRows, points: VariantRows) -> SweepOutcome:
    """Return what a sweep has come to; *kept* are those to show, a network once where they are sorted, *points* those
    to draw."""
    plans = tally.plans
    alone = [[place] for place in range(min(len(kept), SHOWN))]
    shown = networks(plans, kept)[:SHOWN] if selection.sort else alone
    drawn = {name: tuple(line) for name, line in zip(selection.names, points.costs.tolist(), strict=True)}
    return SweepOutcome(
        convention_text(),
        tuple(plan.model for plan in plans),
        axis_names(plans),
        sum(tally.done),
        bool(selection.limits),
        tally.fitting,
        sum(map(len, shown)),
        tuple(_network(plans, kept.take(np.array(places))) for places in shown),
        tuple(impossible(tally)),
        drawn,
        (*selection.counts, *(MEMORY if selection.memory else ()), *(TIMES if selection.timed else ())),
        plans[0].setup if selection.memory else None,
        device_of(plans[0]),
    )


def first_networks(plans: Sequence[Plan], rows: VariantRows, top: int | None) -> VariantRows:
    """Return the variants that are the first networks, those of one together."""
    places = [place for network in networks(plans, rows)[:top] for place in network]
    return rows.take(np.array(places, np.int64))


def networks(plans: Sequence[Plan], rows: VariantRows) -> list[list[int]]:
    """Return the places of the variants, those that are the same network together: they differ in the width alone and
    in no count. As the width grows no channels become fewer, so equal params mean equal channels."""
    others = np.zeros(len(rows), np.int64)
    for index, plan in enumerate(plans):
        here = np.flatnonzero(rows.plans == index)
        found = digits(plan, rows.numbers[here])
        for axis in plan.axes:
            if axis.name != "width":
                others[here] = others[here] * len(axis.values) + found[axis.name]
    same: dict[tuple[int, ...], list[int]] = {}
    keys = zip(rows.plans.tolist(), others.tolist(), *rows.costs.tolist(), strict=True)
    for place, key in enumerate(keys):
        same.setdefault(key, []).append(place)
    return list(same.values())


def axis_names(plans: Sequence[Plan]) -> tuple[str, ...]:
    """Return the axes of all plans, each once."""
    return tuple(dict.fromkeys(axis.name for plan in plans for axis in plan.axes))


def _network(plans: Sequence[Plan], rows: VariantRows) -> SweptNetwork:
    """Return the variants that are one network as one."""
    plan = plans[int(rows.plans[0])]
    chosen = digits(plan, rows.numbers)
    settings = {axis.name: axis.values[int(chosen[axis.name][0])] for axis in plan.axes}
    last = ""
    if len(rows) > 1:
        values = next(axis.values for axis in plan.axes if axis.name == "width")
        given = sorted((values[digit] for digit in chosen["width"].tolist()), key=float)
        settings["width"], last = given[0], given[-1]
    return SweptNetwork(Variant(plan.model, settings, *found_of(plan.names, rows.costs[:, 0].tolist())), last)


def found_of(names: Sequence[str], line: Sequence[int]) -> tuple[Counts, Mapping[str, EstimatedTime] | None]:
    """Return what is known of a variant as results have it: counts, and times apart."""
    known = dict(zip(names, line, strict=True))
    if TIME_LINES[0] not in known:
        return Counts(known.items()), None
    value, low, high = (known.pop(name) / NS_PER_MS for name in TIME_LINES)
    return Counts(known.items()), {TIME_LINES[0]: EstimatedTime(value, low, high, "ms")}


def device_of(plan: Plan) -> DeviceText | None:
    """Return the device of a plan as results have it, if it has one."""
    if plan.on is None:
        return None
    from archprof.analysis.latency import on_device

    return on_device(plan.on)


def impossible(tally: Tally) -> Iterator[Impossible]:
    """Yield why variants cannot be, a reason each."""
    for plan, found in zip(tally.plans, tally.invalid, strict=True):
        for one in found:
            yield Impossible(plan.model, settings_of(plan, one.example), one.variants, one.reason)

"""Networks side by side: totals, where by kind and by stage they spend, and what accuracy was published for them."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from archprof.analysis.document import (
    ConventionText,
    ConventionTotal,
    Estimate,
    Tensor,
    bytes_between,
    convention_text,
    mode_of,
    tensors,
    total_by,
)
from archprof.analysis.summary import Stage, not_counted, stage_of
from archprof.analysis.timed import DeviceText, TimedNetwork
from archprof.costs.at_most import AtMost, at_most
from archprof.costs.convention import Convention
from archprof.costs.metrics import NAMES, Counts
from archprof.costs.report import Report, Row, total_cost
from archprof.errors import suggest, usage_error
from archprof.ir.origin import Origin, told_apart
from archprof.ir.setup import Setup
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec import catalog
from archprof.spec.same import is_at, standing_at
from archprof.spec.types import Spec
from archprof.spec.variant import parse_reference

if TYPE_CHECKING:
    from archprof.devices.asked import On

# Kinds that multiply, in the order of tables; what else costs nothing.
MULTIPLYING = (
    "standard", "depthwise", "pointwise", "grouped", "mixed", "se", "linear", "attention", "matmul", "recurrent",
)  # fmt: skip
SORT_KEYS = (*NAMES, "layers", "top1")
_RATIOS = ("params", "macs", "activations")


class Group(NamedTuple):
    """What a part of a network costs: its layers that multiply, its sums."""

    weighted_layers: int
    cost: Counts


class ComparedBlock(NamedTuple):
    """A block of a network: its path, its name, the stride of its output, and its sums."""

    path: str
    block_type: str
    stage: Stage
    cost: Counts


class Accuracy(NamedTuple):
    """An accuracy as it is printed somewhere."""

    top1: str
    where: str


class HeldBytes(NamedTuple):
    """The bytes of a network's weights, of what comes and goes at its peak, and of all that is there then; in training,
    the multiply-accumulates of one image, forward and backward. Where operators have no rule, by name with how often
    they run in `unknown`, peak and all are the least that they can be, and `estimates` say how much they may be."""

    weight_bytes: int
    peak_bytes: int
    total_bytes: int
    train_macs: int | None = None
    unknown: Mapping[str, int] | None = None
    estimates: Mapping[str, Estimate] | None = None


class Contender(NamedTuple):
    """One network of a comparison, with its parts by kind, by stage (the stride; `head` where the map is gone) and by
    block, and its counts as fractions of the reference's; where operators are *not_counted*, by name with how often
    they run, its MACs are at least so many; where there is *at_most*, they are at most so many."""

    model: str
    title: str
    inputs: Mapping[str, Tensor]
    totals: Counts
    weighted_layers: int
    ratios: Mapping[str, Fraction | None]
    ratio_exact: str | None  # of the MACs
    kinds: Mapping[str, Group]
    stages: Mapping[str, Group]
    blocks: tuple[ComparedBlock, ...]
    accuracy: Accuracy | None
    conventions: tuple[ConventionTotal, ...] = ()
    not_counted: Mapping[str, int] | None = None
    at_most: AtMost | None = None
    captured: str = ""
    memory: HeldBytes | None = None
    latency: TimedNetwork | None = None


class Comparison(NamedTuple):
    """Contenders in the order of the table, the one that ratios relate to, their *mode* where that is not evaluation,
    the *setup* of their bytes and the *device* of their times where these are asked for."""

    convention: ConventionText
    relative_to: str
    models: tuple[Contender, ...]
    mode: str = ""
    setup: Setup | None = None
    device: DeviceText | None = None


def compare(
    reports: Sequence[Report],
    relative_to: str | None = None,
    sort: str | None = None,
    conventions: Sequence[Convention] = (),
    setup: Setup | None = None,
    on: "On | None" = None,
) -> Comparison:
    """Return networks side by side; ratios relate to the first, or to the one named.

    *sort* orders by a count or by latency, smallest first, or by published accuracy, best first; with a *setup* bytes
    stand beside, and *on* a device times. Raises UsageError for a name or key that is not there, where shapes are known
    for one image alone, and for what a device's profile was not calibrated for.
    """
    names = told_apart([report.origin for report in reports])
    reference = reports[0] if relative_to is None else _named(reports, names, relative_to)
    contenders = [
        _contender(name, report, reference, conventions, setup, on) for name, report in zip(names, reports, strict=True)
    ]
    relative_to = next(name for name, report in zip(names, reports, strict=True) if report is reference)
    if sort is not None:
        keys = (*SORT_KEYS, *(("latency",) if on else ()))
        if sort not in keys:
            raise usage_error(f"unknown sort key `{sort}`", help=suggest(sort, keys, "keys"))
        contenders.sort(key=lambda contender: _order(contender, sort))
    rule = convention_text(reference.convention, training=reference.graph.training)
    return Comparison(rule, relative_to, tuple(contenders), mode_of(reference), setup, _device(on) if on else None)


def _order(contender: Contender, key: str) -> float | tuple[bool, float]:
    if key == "top1":
        return -float(contender.accuracy.top1) if contender.accuracy else 0.0
    if key == "latency":
        assert contender.latency is not None
        time = contender.latency.estimates[key]
        return time.high is None, time.value  # behind all others what only takes at least so long
    return contender.weighted_layers if key == "layers" else contender.totals[key]


def _names(report: Report) -> tuple[str, ...]:
    return report.origin.name, *report.origin.aliases, report.origin.file


def _named(reports: Sequence[Report], names: Sequence[str], name: str) -> Report:
    for own, report in zip(names, reports, strict=True):
        if name in (own, report.origin.variant):
            return report
    target, settings = parse_reference(name)
    called = [report for report in reports if target in _names(report)]
    for report in called:
        if isinstance(report.origin, Spec) and is_at(report.origin, settings, spellings):
            return report
    if len(called) == 1 and not settings:  # whatever it was asked at
        return called[0]
    alike = [report for report in reports if catalog.spelled(name, (report.origin.name, *report.origin.aliases))]
    if len(alike) == 1:
        return alike[0]
    raise usage_error(f"`{name}` is not among the compared", help=suggest(name, names, "compared"))


def _contender(
    name: str,
    report: Report,
    reference: Report,
    conventions: Sequence[Convention],
    setup: Setup | None,
    on: "On | None",
) -> Contender:
    multiplying = [row for row in report.rows if row.kind in MULTIPLYING and (row.operator.weighted or row.cost.macs)]
    kinds = {kind: [row for row in multiplying if row.kind == kind] for kind in MULTIPLYING}
    ratios = {count: _ratio(report.totals[count], reference.totals[count]) for count in _RATIOS}
    return Contender(
        name,
        report.origin.title,
        tensors(report.inputs),
        report.totals,
        sum(row.operator.weighted for row in multiplying),
        ratios,
        None if ratios["macs"] is None else str(ratios["macs"]),
        {kind: _group(rows) for kind, rows in kinds.items() if rows},
        _stages(report.rows),
        _blocks(report.rows),
        _accuracy(report.origin),
        tuple(total_by(report, one) for one in conventions),
        not_counted(report),
        at_most(report),
        report.graph.captured,
        _memory(report, setup) if setup else None,
        _latency(report, on) if on else None,
    )


def held_bytes(memory: HeldBytes | None) -> dict[str, int]:
    """Return by name the bytes of a network and its multiply-accumulates in training, as far as they are asked for."""
    named = memory._asdict() if memory else {}
    return {name: named[name] for name in HeldBytes._fields[:4] if named.get(name) is not None}


def _memory(report: Report, setup: Setup) -> HeldBytes:
    from archprof.allocation.report import analyze_memory
    from archprof.analysis.one_image import known_at  # most comparisons are of counts

    with known_at(report.graph):
        found = analyze_memory(report.graph, setup)
    macs = found.train_macs if setup.train else None
    held = HeldBytes(found.resident.weights, found.peak, found.total, macs)
    if not found.unknown:
        return held
    high = found.upper_peak
    peak, every = bytes_between(found.peak, high), bytes_between(found.total, found.resident.total + high)
    return held._replace(unknown=found.unknown, estimates={"peak_bytes": peak, "total_bytes": every})


def _latency(report: Report, on: "On") -> TimedNetwork:
    from archprof.analysis.latency import timed

    return timed(report.graph, on)


def _device(on: "On") -> DeviceText:
    from archprof.analysis.latency import on_device

    return on_device(on)


def _ratio(mine: int, reference: int) -> Fraction | None:
    return Fraction(mine, reference) if reference else None


def _stages(rows: Sequence[Row]) -> dict[str, Group]:
    """Return what the rows of each stage cost together; the head comes last."""
    stages = sorted({row.stage for row in rows}, key=lambda stage: (stage == 0, stage))
    return {str(stage or "head"): _group([row for row in rows if row.stage == stage]) for stage in stages}


def _blocks(rows: Sequence[Row]) -> tuple[ComparedBlock, ...]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.block, []).append(row)
    return tuple(ComparedBlock(path, of[0].block_type, stage_of(of[-1]), total_cost(of)) for path, of in groups.items())


def _group(rows: Sequence[Row]) -> Group:
    return Group(sum(1 for row in rows if row.operator.weighted), total_cost(rows))


def _accuracy(origin: Origin) -> Accuracy | None:
    """Return what was published of the network's accuracy at these very settings."""
    if not isinstance(origin, Spec):
        return None
    rated = [published for published in origin.published if "top1" in published.numbers]
    for published in standing_at(origin, rated, spellings):
        source = ", ".join(filter(None, [published.source or origin.source.paper, published.where]))
        return Accuracy(published.numbers["top1"], source)
    return None

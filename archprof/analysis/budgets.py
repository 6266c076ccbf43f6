"""Verdicts: what budgets allow, what a network has, and, where it has too much, what grew. Exact integers
throughout."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import TYPE_CHECKING

from archprof.analysis.baseline import BaselineRow, Snapshot, counted, snapshot
from archprof.analysis.document import Estimate, bytes_between
from archprof.analysis.expectations import expectations
from archprof.analysis.summary import stage_of
from archprof.analysis.timed import EstimatedTime
from archprof.costs.at_most import AtMost, at_most, bounded_nodes
from archprof.costs.metrics import OF_NETWORK, TIMES, TRAINING, total_of
from archprof.costs.report import Report, Row
from archprof.errors import Location, Problem, suggest, usage_error
from archprof.ir.footprint import Span
from archprof.ir.graph import Graph
from archprof.ir.operators.recorded import Recorded
from archprof.ir.origin import Origin
from archprof.ir.setup import INFERENCE, Setup
from archprof.named_tuple import NamedTuple
from archprof.spec.budget import Budget, Limit, Where
from archprof.spec.printed_number import decimal_note
from archprof.units import NS_PER_MS, listed

if TYPE_CHECKING:
    from archprof.allocation.report import MemoryReport
    from archprof.analysis.latency import LatencyPrediction
    from archprof.devices.profile import Profile

PASS, FAIL, NEW = "pass", "fail", "new"
# Metrics that operators without a rule add to, nobody knows how much.
OF_MACS = ("macs", "flops")
# So many rows are shown below a failure.
_SHOWN = 3


def start_of(origin: Origin) -> Location:
    """Return the start of the file that a network comes from; its name alone where it comes from none."""
    return Location(origin.file, 1, 1) if origin.file else Location(origin.name, 0, 0)


class Growth(NamedTuple):
    """A block that has more than it had (or, without a baseline, much): its path, by how much, and its line in the
    spec."""

    path: str
    delta: int
    location: Location


class Verdict(NamedTuple):
    """One limit and what it met. `new`: a relative limit on a network that the baseline lacks, so nothing to hold it
    to, no limit and no difference.

    *difference* says by how much the limit is exceeded, and is negative where there is head-room. *since* is what
    *before* is counted from, or would be: `baseline`, or `git:REV`; empty where that is not known. Where operators are
    not counted, *actual* and *before* may be *at_least* so many: it names which. Where operators have no rule for their
    memory, by name with how often they run in `unknown`, `estimates` say between which bytes a peak is, and *actual* is
    the end that decides: what a limit is exceeded by for certain. So it is of a time, whose *limit*, *actual* and
    *difference* are ns.
    """

    model: str
    metric: str
    where: str
    bound: str
    text: str
    limit: int | None
    actual: int
    before: int | None
    status: str
    difference: int | None
    location: Location
    spec: Location
    since: str
    grown: tuple[Growth, ...] = ()
    note: str = ""
    at_least: tuple[str, ...] = ()
    estimates: Mapping[str, Estimate | EstimatedTime] | None = None
    unknown: Mapping[str, int] | None = None

    @property
    def uncertain(self) -> bool:
        """Whether a limit is kept that may be exceeded: it lies within what a peak may be."""
        if self.status != PASS or not self.estimates or self.limit is None:
            return False
        known = self.estimates[self.metric]
        scale = NS_PER_MS if known.unit == "ms" else 1
        if self.bound == "min":
            return known.low * scale < self.limit
        return known.high is None or self.limit < known.high * scale

    @property
    def improved(self) -> bool:
        """Whether a budget is kept by less than there was before."""
        known = self.before is not None and not self.at_least
        return known and self.status == PASS and self.actual < (self.before or 0)

    def same(self, other: "Verdict") -> bool:
        """Tell whether both are of the same limit, of the same rows of the same network, wherever it is stated."""
        return self[:5] == other[:5]


@dataclass(frozen=True)
class CheckedNetwork:
    """A network under check: its report, and what the baseline has of it.

    *since* says what *before* is, or would be; it is empty where that is not known. *reads* gives its graph as it
    trains, where that is another one.
    """

    model: str
    report: Report
    before: Snapshot | None = None
    since: str = ""
    reads: Callable[[], Graph] | None = None
    profile: "Callable[[str], Profile] | None" = None  # of a device, by its name

    @cached_property
    def trained(self) -> Graph:
        """Its graph as it trains. Raises UsageError where nobody knows that."""
        from archprof.allocation.training import check_trains

        graph = self.report.graph if self.reads is None else self.reads()
        check_trains(graph)
        return graph

    @cached_property
    def now(self) -> Snapshot:
        """Its rows as a baseline has them."""
        return snapshot(self.report)

    @property
    def every(self) -> Sequence[int]:
        """The indices of all its rows."""
        return range(len(self.report.graph.nodes))

    def at_least(self, metric: str, chosen: Sequence[int]) -> tuple[str, ...]:
        """Return which of `actual` and `before` are lower bounds of a metric of some rows."""
        if metric not in OF_MACS:
            return ()
        nodes = self.report.graph.nodes
        operators = (nodes[index].op for index in chosen)
        now = any(isinstance(op, Recorded) and not op.counted for op in operators)
        then = self.before is not None and bool(self.before.not_counted)
        return tuple(name for name, least in (("actual", now), ("before", then)) if least)

    def count(self, metric: str, chosen: Sequence[int]) -> int:
        """Return what some rows have of a metric, by their indices."""
        nodes = self.report.graph.nodes
        if metric == "layers":
            return sum([nodes[index].op.weighted for index in chosen])
        if len(chosen) == len(nodes):
            return self.report.totals[metric]
        columns = self.report.columns
        return total_of(metric, lambda name: [columns[name][index] for index in chosen])


def judge(found: CheckedNetwork, budget: Budget) -> list[Verdict]:
    """Return the verdict of each limit of a budget; none where no row of the network is meant."""
    chosen = select(found, budget.where)
    if not chosen:
        return []
    before = None if found.before is None else _selected_before(found, budget.where, chosen)
    start = start_of(found.report.origin)
    place = (found.report.rows[chosen[0]].location or start) if budget.where.text else start
    verdicts = [_verdict(found, budget.where, limit, chosen, before, place) for limit in budget.limits]
    return verdicts + (_expected(found) if budget.expect else [])


def contradictions(verdicts: Sequence[Verdict]) -> list[Problem]:
    """Return a problem for each pair of limits of which no network can meet both."""
    problems = []
    for low in verdicts:
        for high in verdicts:
            same = low.bound == "min" and high.bound != "min" and low[:3] == high[:3]
            if same and low.limit is not None and high.limit is not None and high.limit < low.limit:
                what = f"{low.metric} of {low.model}"
                message = f"two budgets that contradict: {what} at least {low.limit:,}, at most {high.limit:,}"
                problems.append(Problem(message, low.location, help=f"the other stands at {high.location}"))
    return problems


def select(found: CheckedNetwork, where: Where) -> Sequence[int]:
    """Return the indices of the rows that are meant."""
    if not where.text:
        return found.every
    rows = found.report.rows
    address = _address(rows, where.address) if where.address else ""
    return [
        index
        for index, row in enumerate(rows)
        if (not where.path or _below(row.path, where.path))
        and (not address or _below(row.address, address))
        and (not where.kind or row.kind == where.kind)
        and (where.stage is None or stage_of(row) == where.stage)
    ]


def _below(path: str, place: str) -> bool:
    return path == place or (path.startswith(place) and path[len(place)] in ".[")


def _address(rows: Iterable[Row], address: str) -> str:
    """Return an address that starts with an id as one that starts with `layers`."""
    head = address.replace("[", ".").partition(".")[0]
    if head == "layers":
        return address
    for row in rows:
        segments = row.path.split(".")
        if head in segments:
            steps = row.address.split("]")[: segments.index(head) + 1]
            return "".join(f"{step}]" for step in steps) + address.removeprefix(head)
    return address


def _selected_before(found: CheckedNetwork, where: Where, chosen: Sequence[int]) -> list[BaselineRow]:
    """Return the rows of the baseline that are meant; an address stands for the paths that it has now."""
    assert found.before is not None
    paths = {found.now.parts[index].path for index in chosen}
    return [
        part
        for part in found.before.parts
        if (not where.path or _below(part.path, where.path))
        and (not where.address or part.path in paths)
        and (not where.kind or part.kind == where.kind)
        and (where.stage is None or part.stage == where.stage)
    ]


def _verdict(
    found: CheckedNetwork,
    where: Where,
    limit: Limit,
    chosen: Sequence[int],
    before: list[BaselineRow] | None,
    place: Location,
) -> Verdict:
    if limit.metric in TIMES:
        return _time_verdict(found, limit, place)
    if limit.metric in OF_NETWORK:
        return _whole_verdict(found, limit, place)
    actual = found.count(limit.metric, chosen)
    had = None if before is None else counted(before, limit.metric)
    known = (found.model, limit.metric, where.text, limit.bound, limit.text)
    least = found.at_least(limit.metric, chosen)
    if limit.relative and had is None:
        return Verdict(*known, None, actual, had, NEW, None, limit.location, place, found.since, at_least=least)
    bound = bound_of(limit, had, found.count(limit.metric, found.every))
    status, difference = _judged(limit, bound, actual)
    grown = () if status == PASS or limit.bound == "min" else grew(found, limit.metric, chosen, before)
    spec = grown[0].location if grown else place
    return Verdict(*known, bound, actual, had, status, difference, limit.location, spec, found.since, grown, "", least)


def _whole_verdict(found: CheckedNetwork, limit: Limit, place: Location) -> Verdict:
    """Return the verdict on what only a whole network has; where a peak is too high, with what is there then, and the
    call that runs."""
    if limit.metric in TRAINING:
        from archprof.allocation.training import train_macs

        return _of_whole(found, limit, place, train_macs(found.trained), "")
    from archprof.allocation.report import analyze_memory
    from archprof.analysis.one_image import known_at

    graph = found.trained if limit.setup.train else found.report.graph
    with known_at(graph):
        memory = analyze_memory(graph, limit.setup)
    span = Span(memory.peak, memory.upper_peak) if limit.metric == "peak" else Span(*[memory.resident.weights] * 2)
    actual = span.high if limit.bound == "min" else span.low
    verdict = _of_whole(found, limit, place, actual, _setup_words(limit.setup))
    if span.high > span.low:
        least = ("actual",) if limit.bound != "min" else ()
        estimates = {limit.metric: bytes_between(*span)}
        verdict = verdict._replace(at_least=least, estimates=estimates, unknown=memory.unknown)
    failed = verdict.status == FAIL and limit.bound != "min" and limit.metric == "peak"
    return _at_peak(verdict, memory) if failed else verdict


def _time_verdict(found: CheckedNetwork, limit: Limit, place: Location) -> Verdict:
    """Return the verdict on a time, which is an estimate: the end of its interval that exceeds a limit for certain
    decides; where it does, with the blocks that take longest. Raises UsageError for operators that the device's profile
    does not know."""
    from archprof.analysis.latency import describe_latency

    assert limit.on is not None
    assert found.profile is not None
    latency = describe_latency(found.report.graph, found.profile(limit.on.device), limit.on.asked)
    if latency.out_of_range:
        message = f"the time of {found.model} is out of the profile's range: {listed(latency.out_of_range)}"
        advice = "`archprof latency` has the roofline of what the profile does not know"
        raise usage_error(message, limit.location, help=advice)
    known = latency.estimates["latency"]
    assert known.high is not None
    actual = round((known.high if limit.bound == "min" else known.low) * NS_PER_MS)
    verdict = _of_whole(found, limit, place, actual, latency.device.short)._replace(estimates={limit.metric: known})
    failed = verdict.status == FAIL and limit.bound != "min"
    if not failed:
        return verdict
    longest = _longest(found, latency, place)
    return verdict._replace(grown=longest, spec=longest[0].location if longest else place)


def _longest(found: CheckedNetwork, latency: "LatencyPrediction", place: Location) -> tuple[Growth, ...]:
    """Return the blocks that take longest, in ns."""
    places = {node.block: node.location or place for node in found.report.graph.nodes}
    blocks: dict[str, float] = {}
    for layer in latency.layers:
        blocks[layer.block] = blocks.get(layer.block, 0.0) + layer.ms
    longest = sorted(blocks.items(), key=lambda item: -item[1])[:_SHOWN]
    return tuple([Growth(block, round(ms * NS_PER_MS), places[block]) for block, ms in longest])


def _of_whole(found: CheckedNetwork, limit: Limit, place: Location, actual: int, where: str) -> Verdict:
    bound = bound_of(limit, None, actual)
    status, difference = _judged(limit, bound, actual)
    known = (found.model, limit.metric, where, limit.bound, limit.text)
    note = decimal_note(limit.text, limit.metric)
    return Verdict(*known, bound, actual, None, status, difference, limit.location, place, found.since, note=note)


def _judged(limit: Limit, bound: int, actual: int) -> tuple[str, int]:
    """Return whether a count keeps to a bound, and by how much it does not."""
    difference = bound - actual if limit.bound == "min" else actual - bound
    return FAIL if difference > 0 else PASS, difference


# The counts of rows that metrics are made of, of which there may be less where data decides.
_COUNTS = {"macs": "macs", "flops": "macs", "train_macs": "macs", "activations": "activations"}


def bound_on(found: CheckedNetwork, where: Where, metric: str, limit: Limit | None) -> AtMost | None:
    """Return why what some rows have of a metric is the most that there can be; None where it is exact."""
    graph = found.report.graph
    bounded = bounded_nodes(graph)
    if not bounded:
        return None
    if metric in _COUNTS:
        column = found.report.columns[_COUNTS[metric]]
        met = any(column[index] and index in bounded for index in select(found, where))
        return at_most(found.report, _COUNTS[metric]) if met else None
    if metric == "peak" and limit is not None:
        from archprof.allocation.report import analyze_memory
        from archprof.analysis.memory import peak_at_most

        return peak_at_most(analyze_memory(found.trained if limit.setup.train else graph, limit.setup))
    return None


def _at_peak(verdict: Verdict, memory: "MemoryReport") -> Verdict:
    """Return a verdict on a peak that is too high with the call that runs then, and the blocks of what is there."""
    from archprof.analysis.memory import peak_at

    at, there = peak_at(memory)
    nodes = {node.id: node for node in memory.graph.nodes}
    places = {node.block: node.location or verdict.spec for node in nodes.values()}
    held: dict[str, int] = {}
    for one in there:
        held[one.block] = held.get(one.block, 0) + one.bytes
    largest = sorted(held.items(), key=lambda item: -item[1])[:_SHOWN]
    label = f" ({at.label})" if at.label else ""  # which the loss and the optimiser lack
    when = f"{at.phase}, step {at.step:,} of {len(memory.timeline.steps):,}, " if memory.setup.train else ""
    note = "; ".join(filter(None, [f"it is {when}at {at.path}{label}", verdict.note]))
    alive = tuple(Growth(block, size, places.get(block, verdict.spec)) for block, size in largest)
    spec = nodes[at.path].location if at.path in nodes else None
    return verdict._replace(spec=spec or verdict.spec, grown=alive, note=note)


def _setup_words(setup: Setup) -> str:
    """Return a setup in the words that ask for it; of what is as it is unless given, only the first two."""
    given = {name: word for name, word in setup._asdict().items() if word != getattr(INFERENCE, name)}
    others = [f"{name} {word}" for name, word in given.items() if name not in ("batch", "dtype")]
    return ", ".join([f"batch {setup.batch:,}", setup.dtype, *others])


def bound_of(limit: Limit, before: int | None, whole: int) -> int:
    """Return the largest count that a limit allows, or the smallest; of several terms the most generous holds."""
    if limit.bound == "share":
        return floor(limit.terms[0].value * whole / 100)
    amounts = [term.resolve(before) for term in limit.terms]
    return ceil(min(amounts)) if limit.bound == "min" else floor(max(amounts))


def _expected(found: CheckedNetwork) -> list[Verdict]:
    """Return a verdict for each number that the spec expects at these settings."""
    expected = expectations(found.report.origin, found.report.totals)
    return [exactly(found.model, one.metric, "", one.expected, one.counted, one.location) for one in expected]


def exactly(
    model: str, metric: str, where: str, expected: int, counted: int, place: Location, note: str = ""
) -> Verdict:
    """Return the verdict on a count that is to be a certain number; a *note* tells what else is wrong with it."""
    status = PASS if counted == expected and not note else FAIL
    numbers = (f"{expected:,}", expected, counted, None, status, abs(counted - expected))
    return Verdict(model, metric, where, "exactly", *numbers, place, place, "", (), note)


def grew(
    found: CheckedNetwork, metric: str, chosen: Sequence[int], before: Sequence[BaselineRow] | None
) -> tuple[Growth, ...]:
    """Return the blocks that grew most; without a baseline those that have most."""
    start = start_of(found.report.origin)
    places = {row.path: (row.block, row.location or start) for row in found.report.rows}
    grown: dict[str, int] = {}
    for old, new in _pairs(before or (), [found.now.parts[index] for index in chosen]):
        if new is None:
            continue
        block = places[new.path][0]
        grown[block] = grown.get(block, 0) + counted([new], metric) - (counted([old], metric) if old else 0)
    found_at = dict(places.values())
    largest = sorted((item for item in grown.items() if item[1] > 0), key=lambda item: -item[1])[:_SHOWN]
    return tuple(Growth(block, delta, found_at[block]) for block, delta in largest)


def _pairs(
    before: Sequence[BaselineRow], after: Sequence[BaselineRow]
) -> Iterable[tuple[BaselineRow | None, BaselineRow | None]]:
    """Yield the rows of both sides in order, None for the side that lacks one: an inserted row moves nobody else,
    whatever the paths are."""
    from difflib import SequenceMatcher
    from itertools import zip_longest

    matcher = SequenceMatcher(None, [part[1:] for part in before], [part[1:] for part in after], autojunk=False)
    for tag, low, high, start, stop in matcher.get_opcodes():
        if tag != "equal":
            yield from zip_longest(before[low:high], after[start:stop])


def names_no_row(budget: Budget, model: str, rows: Sequence[Row]) -> Problem:
    """Return the problem of a budget that is about nothing."""
    where = budget.where
    kinds = list(dict.fromkeys(row.kind for row in rows))
    stages = [str(stage or "head") for stage in dict.fromkeys(row.stage for row in rows)]
    if where.kind and where.kind not in kinds:
        advice = suggest(where.kind, kinds, "kinds")
    elif where.stage is not None:
        advice = f"stages: {', '.join(stages)}"
    else:
        advice = "`archprof summary --full` lists the paths"
    return Problem(f"`{where.text}` names no row of {model}", budget.location, help=advice)

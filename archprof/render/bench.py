"""How long networks take on this machine as tables: `archprof bench`."""

from collections.abc import Iterator, Sequence

from archprof.analysis.bench import Bench, MeasuredCall, MeasuredNetworkTimes, MeasuredTime
from archprof.analysis.timed import DeviceText
from archprof.errors import suggest, usage_error
from archprof.named_tuple import NamedTuple
from archprof.render.siblings import blocks_text, by_block
from archprof.render.summary import bar, captured_notes, heading
from archprof.render.table import PATH, Heading, Note, Table
from archprof.units import in_ms, listed

# What identifies a run, in the order in which it is told; all of it is in JSON.
_TOLD = ("hardware", "driver", "clock", "torch", "onnxruntime", "date")


class BenchLine(NamedTuple):
    """One line: calls of a block, or a single one; *spread* is that of the one that takes longest."""

    path: str
    label: str
    ms: float
    spread: float
    roofline_ms: float
    bounds: tuple[str, ...]


class BenchView(NamedTuple):
    """Lines, and how many there were before cutting."""

    lines: tuple[BenchLine, ...]
    total: int


def bench_view(
    layers: Sequence[MeasuredCall],
    *,
    depth: int | None = None,
    full: bool = False,
    sort: str | None = None,
    top: int | None = None,
) -> BenchView:
    """Return what was measured: a line a block, equal ones that follow each other as one, or a line for each path cut
    at *depth*, or, if *full*, one a call. *sort* by `latency` puts the longest first; *top* keeps the first lines.
    Raises UsageError for another *sort*."""
    if sort not in (None, "latency"):
        raise usage_error(f"unknown sort key `{sort}`", help=suggest(str(sort), ["latency"], "keys"))
    timed = [one for one in layers if one.time]
    groups = {one.path: [one] for one in timed} if full else by_block(timed, _form, depth)
    lines = [_line(path, calls, full=full) for path, calls in groups.items()]
    if sort:
        lines.sort(key=lambda line: -line.ms)
    return BenchView(tuple(lines if top is None else lines[:top]), len(lines))


def _form(one: MeasuredCall) -> tuple[object, ...]:
    return (one.label, one.macs, one.bytes)


def _line(path: str, calls: Sequence[MeasuredCall], *, full: bool) -> BenchLine:
    longest = sorted(calls, key=lambda one: -_time(one).ms)
    label = calls[0].label if full else blocks_text(calls)
    times = sum(_time(one).ms for one in calls), _time(longest[0]).spread, sum(one.roofline_ms for one in calls)
    return BenchLine(path, label, *times, tuple(dict.fromkeys(one.bound for one in longest)))


def _time(one: MeasuredCall) -> MeasuredTime:
    assert one.time is not None
    return one.time


def bench_table(found: Bench, views: Sequence[BenchView]) -> Table:
    """Return the times of networks, a table each, with their lines."""
    tables = [_network(found, one, view) for one, view in zip(found.networks, views, strict=True)]
    last = tables[-1]._replace(footer=(*tables[-1].footer, *_footer(found)))
    first, *rest = [*tables[:-1], last]
    return first._replace(below=tuple(rest))


def _network(found: Bench, one: MeasuredNetworkTimes, view: BenchView) -> Table:
    longest = max((line.ms for line in view.lines), default=0.0)
    columns = (
        Heading("path", "path", left=True, fold=PATH),
        Heading("operator", "op", left=True, fold=PATH, drop=1),
        Heading("ms", "ms", in_ms),
        Heading("±", "spread", lambda part: f"{100 * part:.0f} %", drop=2),
        Heading("share", "share", lambda part: f"{100 * part / (one.parts_ms or 1):.1f} %", drop=1, person=True),
        Heading("", "bar", lambda part: bar(round(part * 1e6), round(longest * 1e6)), left=True, drop=3, person=True),
        Heading("of roofline", "efficiency", lambda part: f"{100 * part:.0f} %", drop=2),
        Heading("bound by", "bound", ", ".join, left=True, drop=2),
    )
    rows = tuple([
        (line.path, line.label, line.ms, line.spread, line.ms, line.ms, line.roofline_ms / line.ms if line.ms else 0.0,
         line.bounds)
        for line in view.lines
    ])  # fmt: skip
    return Table(f"{heading(one.head)} · {_how(found, one.batch)}", columns, rows, tuple(_notes(found, one, view)))


def _how(found: Bench, batch: int) -> str:
    """Return how networks ran in words: `cpu, fp32, channels last, batch 1, torch eager, 1 thread`."""
    how = found.dtype, found.layout, found.runtime, found.execution, found.threads
    return DeviceText(found.on, "", batch, *how).words


def _notes(found: Bench, one: MeasuredNetworkTimes, view: BenchView) -> Iterator[Note]:
    whole = one.latency
    eager = f" · called from Python {in_ms(one.eager.ms)} ms" if one.eager else ""
    where = "in it" if one.inserted is not None or found.runtime == "onnxruntime" else "alone"
    yield Note(
        "measured",
        f"measured {in_ms(whole.ms)} ms ± {100 * whole.spread:.1f} %, the least of {whole.rounds} rounds{eager} · "
        f"parts {where} {in_ms(one.parts_ms)} ms, {one.parts_ms / whole.ms:.2f} of it",
    )
    if one.noisy:
        yield Note("noise", "noise: the least of both halves of the rounds differ by more than 10 %; no profile has it")
    if one.fused:
        yield Note("remark", f"run within other operators: {listed(one.fused)}")
    if one.inserted:
        yield Note("remark", f"inserted: {listed(one.inserted)}")
    if one.not_timed:
        yield Note("unknown", f"not measured alone: {listed(one.not_timed)}")
    if len(view.lines) < view.total:
        yield Note("left out", f"{view.total - len(view.lines):,} of {view.total:,} lines left out")
    yield from captured_notes(one.head.model, one.head.captured)


def _footer(found: Bench) -> Iterator[Note]:
    known = found.ceilings
    yield Note(
        "remark",
        f"roofline: {known.bytes_per_s / 1e9:,.1f} GB/s copied, {known.macs_per_s / 1e9:,.1f} GMAC/s in a matrix "
        f"product, {1000 * known.kernel_ms:.2f} µs the smallest kernel, {1000 * known.launch_ms:.2f} µs its launch; "
        "what is in caches may be above it",
    )
    told = [f"{name} {found.provenance[name]}" for name in _TOLD if name in found.provenance]
    yield Note("convention", ", ".join(told))

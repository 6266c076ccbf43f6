"""How long a network takes on a device as a table: `archprof latency`."""

from collections.abc import Iterator, Sequence

from archprof.analysis.latency import CallLatency, LatencyPrediction
from archprof.analysis.timed import HeldAgainst
from archprof.devices.predict import UNKNOWN
from archprof.errors import suggest, usage_error
from archprof.named_tuple import NamedTuple
from archprof.render.siblings import blocks_text, by_block
from archprof.render.summary import bar, captured_notes, heading, may_be_fewer
from archprof.render.table import PATH, Heading, Note, Table
from archprof.units import in_ms, listed

# Where times are from, in tables.
_FROM = {"measured": "measured", "predicted": "formula", UNKNOWN: "roofline"}

# Whether what was measured lies in the interval of the prediction, if that has one.
_INSIDE = {
    True: "which lies inside its interval",
    False: "which lies outside its interval",
    None: "beside a prediction without an interval",
}


class LatencyLine(NamedTuple):
    """One line: calls of a block, or a single one. *us* are whole, so that a bar can be drawn of them."""

    path: str
    label: str
    ms: float
    roofline_ms: float
    bounds: tuple[str, ...]
    sources: tuple[str, ...]
    measured_ms: float | None


class LatencyView(NamedTuple):
    """Lines, and how many there were before cutting."""

    lines: tuple[LatencyLine, ...]
    total: int


def latency_view(
    layers: Sequence[CallLatency],
    *,
    depth: int | None = None,
    full: bool = False,
    sort: str | None = None,
    top: int | None = None,
) -> LatencyView:
    """Return the calls of a network: a line a block, equal ones that follow each other as one, or a line for each path
    cut at *depth*, or, if *full*, one a call.

    *sort* by `latency` puts the longest first; *top* keeps the first lines. Raises UsageError for another *sort*.
    """
    if sort not in (None, "latency"):
        raise usage_error(f"unknown sort key `{sort}`", help=suggest(str(sort), ["latency"], "keys"))
    running = [one for one in layers if full or one.ms]
    groups = {} if full else by_block(running, _form, depth)
    lines = [_line([one]) for one in running] if full else [_line(calls, path) for path, calls in groups.items()]
    if sort:
        lines.sort(key=lambda line: -line.ms)
    return LatencyView(tuple(lines if top is None else lines[:top]), len(lines))


def _form(one: CallLatency) -> tuple[object, ...]:
    return (one.label, one.ms, one.basis)


def _line(calls: Sequence[CallLatency], path: str = "") -> LatencyLine:
    times = sum(one.ms for one in calls), sum(one.roofline_ms for one in calls)
    longest = sorted([one for one in calls if one.ms], key=lambda one: -one.ms)
    which = tuple(dict.fromkeys(one.bound for one in longest)), tuple(dict.fromkeys(one.basis for one in longest))
    measured = [one.measured_ms for one in calls if one.measured_ms is not None]
    together = sum(measured) if measured else None
    if not path:
        return LatencyLine(calls[0].path, calls[0].label, *times, *which, together)
    return LatencyLine(path, blocks_text(calls), *times, *which, together)


def latency_table(found: LatencyPrediction, view: LatencyView) -> Table:
    """Return the time of a network on a device, with its lines."""
    longest = max((line.ms for line in view.lines), default=0.0)
    show = in_ms if longest >= 1 else "{:.4f}".format
    columns = (
        Heading("path", "path", left=True, fold=PATH),
        Heading("operator", "op", left=True, fold=PATH, drop=1),
        Heading("ms", "ms", show),
        Heading("measured", "measured_ms", lambda ms: "" if ms is None else show(ms)),
        Heading("share", "share", lambda part: f"{100 * part / (found.calls_ms or 1):.1f} %", drop=1, person=True),
        Heading("", "bar", lambda part: bar(round(part * 1e6), round(longest * 1e6)), left=True, drop=4, person=True),
        Heading("of roofline", "efficiency", lambda part: f"{100 * part:.0f} %", drop=2),
        Heading("bound by", "bound", ", ".join, left=True, drop=2),
        Heading("from", "basis", lambda names: ", ".join(_FROM[name] for name in names), left=True, drop=3),
    )
    rows = tuple(
        [
            (path, label, ms, measured, ms, ms, roofline / ms if ms else 0.0, bounds, sources)
            for path, label, ms, roofline, bounds, sources, measured in view.lines
        ]
    )
    title = f"{heading(found.head)} · {found.device.words}"
    return Table(title, columns, rows, tuple(_footer(found, view)))


def _held(measured: HeldAgainst) -> str:
    """Return how a prediction stands to what was measured: `measured 0.591 ms on …: the prediction is 1.4 % below,
    inside its interval`."""
    off = f"{abs(measured.error) * 100:.1f} % {'above' if measured.error > 0 else 'below'}"
    inside = _INSIDE[measured.inside]
    noise = "; it does not repeat, and proves little" if measured.noisy else ""
    return f"measured {in_ms(measured.ms)} ms on {measured.hardware}, {inside}; the prediction is {off}{noise}"


def _estimate(found: LatencyPrediction) -> Note:
    """Return what is predicted; of a network that has what the profile does not know, only the least is known, and
    not even that where data decides how much runs."""
    whole = found.estimates["latency"]
    if not found.out_of_range:
        start = "latency at most" if found.at_most else "latency"
        return Note("estimate", f"{start} {whole.text}, predicted: nine of ten networks lie in the interval")
    least = "" if found.at_most else f"at least {in_ms(whole.low)} ms, "
    missing = f"out of the profile's range, taken at the roofline, is {listed(found.out_of_range)}"
    return Note("unknown", f"latency {least}about {in_ms(whole.value)} ms: {missing}")


def _footer(found: LatencyPrediction, view: LatencyView) -> Iterator[Note]:
    yield _estimate(found)
    shares = ", ".join(f"{100 * share:.0f} % {_FROM[name]}" for name, share in found.shares.items() if share)
    beside = f"{found.beside_ms:+z.3f}".replace("-", "−")
    yield Note("remark", f"calls {in_ms(found.calls_ms)} ms ({shares}); beside them {beside} ms")
    if found.measured:
        yield Note("measured", _held(found.measured))
    if len(view.lines) < view.total:
        yield Note("left out", f"{view.total - len(view.lines):,} of {view.total:,} lines left out")
    if found.at_most:
        yield Note("at most", may_be_fewer(found.at_most))
    yield from captured_notes(found.head.model, found.head.captured)
    yield Note(
        "convention", f"predicted from a profile of {found.device.hardware or found.device.name}, not measured here"
    )

"""A sweep as a table, with a plot of characters below: `archprof sweep`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archprof.allocation.asked import setup_text
from archprof.analysis.document import ConventionText
from archprof.analysis.timed import DeviceText
from archprof.costs.metrics import TIMES, label_of
from archprof.ir.setup import Setup
from archprof.render.table import NAME, Heading, Note, Table
from archprof.render.times import time_headings, time_note, times_of
from archprof.spec.variant import settings_text
from archprof.sweep.outcome import Impossible, SweepOutcome, SweptNetwork
from archprof.units import exact, plural, short

# The counts of the table beside those that are asked for, and how soon they give way to them.
COUNTS = {"params": 2, "macs": 1, "activations": 3}
# Fewer points are no plot.
_PLOTTED = 8


def sweep_table(found: SweepOutcome) -> Table:
    """Return the first variants as a table, with what was left out, what cannot be and why, and a plot."""
    several = len(found.models) > 1
    counts = tuple([name for name in dict.fromkeys((*COUNTS, *found.asked)) if name not in TIMES])
    columns = (
        *([Heading("model", "model", left=True, fold=NAME)] if several else []),
        *(Heading(name, name) for name in found.axes),
        *(Heading(label_of(name), name, exact, drop=drop_of(name, found.asked)) for name in counts),
        *time_headings(found.device),
    )
    rows = tuple(_row(one, found.axes, counts, several) for one in found.first)
    title = f"{', '.join(found.models)}: {plural(found.variants, 'variant')}"
    return Table(title, columns, rows, tuple(_footer(found)))


def drop_of(name: str, asked: Sequence[str]) -> int:
    """Return how soon a count gives way: those that are asked for never do."""
    return 0 if name in asked else COUNTS[name]


def bytes_note(setup: Setup) -> Note:
    """Return of what the bytes of memory are."""
    at_peak = "at the peak of a step" if setup.train else "of activations at their peak"
    return Note("convention", f"bytes of weights, and {at_peak}: {setup_text(setup)}")


def counted_by(convention: ConventionText, setup: Setup | None, device: DeviceText | None) -> Iterator[Note]:
    """Yield by which convention counts are, and how bytes and times are where there are any."""
    yield Note("convention", f"convention {convention.name} {convention.version}: {convention.text}")
    if setup is not None:
        yield bytes_note(setup)
    if device is not None:
        yield time_note(device)


def _row(network: SweptNetwork, axes: Sequence[str], counts: Sequence[str], several: bool) -> tuple[Any, ...]:
    one = network.variant
    settings = [one.settings.get(name, "") for name in axes]
    if network.last_width:
        settings[axes.index("width")] += f"–{network.last_width}"
    return (
        *([one.model] if several else []),
        *settings,
        *(one.totals[name] for name in counts),
        *times_of(one.estimates),
    )


def _footer(found: SweepOutcome) -> Iterator[Note]:
    if found.limited:
        yield Note("budget", f"{found.fitting:,} of {plural(found.variants, 'variant')} within the limits")
    if any(one.last_width for one in found.first):
        yield Note("totals", "a network that several widths give is listed once, from the least of them to the largest")
    if found.shown < found.fitting:
        file = "a file (`-o sweep.parquet`, `.csv`, `.jsonl`) takes all"
        yield Note("left out", f"{found.shown:,} of {found.fitting:,} shown; {file}")
    for one in found.impossible:
        yield Note("impossible", impossible_text(one))
    yield from counted_by(found.convention, found.setup, found.device)
    for line in scatter(found.points):
        yield Note("plot", line)


def impossible_text(one: Impossible) -> str:
    """Return why variants cannot be, with how many and one of them."""
    at = f" at {settings_text(one.settings.items())}" if one.settings else ""
    return f"{plural(one.affected, 'variant')} cannot be, such as {one.model}{at}: {one.reason}"


def scatter(points: Mapping[str, Sequence[int]], width: int = 48, height: int = 12) -> Iterator[str]:
    """Yield a plot of characters: params, or where those are all the same activations, over MACs; both axes go from the
    least to the most."""
    macs = points["macs"]
    name = next((name for name in ("params", "activations") if len(set(points[name])) > 1), "")
    if len(macs) < _PLOTTED or not name or len(set(macs)) == 1:
        return
    heights = points[name]
    cells = [[" "] * width for _ in range(height)]
    for across, up in zip(_scaled(macs, width), _scaled(heights, height), strict=True):
        cells[height - 1 - up][across] = "·"
    labels = [short(max(heights)), *[""] * (height - 2), short(min(heights))]
    room = max(map(len, labels))
    yield ""
    yield name
    for label, line in zip(labels, cells, strict=True):
        yield f"{label:>{room}} │{''.join(line).rstrip()}"
    yield f"{'':>{room}} └{'─' * width}"
    start, end = short(min(macs)), f"{short(max(macs))} MACs"
    yield f"{'':>{room}}  {start}{end:>{width - len(start)}}"


def _scaled(values: Sequence[int], steps: int) -> Iterator[int]:
    """Yield the step of each value, of so many from the least to the most."""
    least, most = min(values), max(values)
    return ((value - least) * (steps - 1) // (most - least) for value in values)

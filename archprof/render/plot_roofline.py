"""A picture of a network's calls under the roofline of a device, by matplotlib (extra `plot`)."""

from typing import Any

from archprof.analysis.latency import CallLatency, LatencyPrediction
from archprof.errors import printable
from archprof.render.figure import Target, new_figure, short_tick, write_figure
from archprof.render.style import COLORS, GREY, MARKS

_PER_SECOND = 1000.0  # of what takes ms


def plot_roofline(found: LatencyPrediction, to: Target) -> None:
    """Write the multiply-accumulates a second of the calls that multiply over their arithmetic intensity, by the kind
    of call, under what the device moves and multiplies at most (Williams, Waterman & Patterson 2009). The larger a
    mark, the larger the part of the time.

    Raises UsageError without matplotlib, for another suffix, or for a file that cannot be written.
    """
    figure = new_figure(to)
    axes = figure.subplots()
    kinds: dict[str, list[CallLatency]] = {}
    for call in found.layers:
        if call.macs and call.ms:
            kinds.setdefault(call.label, []).append(call)
    for place, (label, calls) in enumerate(kinds.items()):
        where = [call.macs / call.bytes for call in calls]
        reached = [call.macs / call.ms * _PER_SECOND for call in calls]
        sizes = [8 + 600 * call.ms / found.calls_ms for call in calls]
        style = {"color": COLORS[place % len(COLORS)], "marker": MARKS[place % len(MARKS)], "alpha": 0.6}
        axes.scatter(where, reached, s=sizes, linewidths=0, label=printable(label), zorder=3, **style)
    _roof(axes, found)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: short_tick(value))
    rule = found.head.convention
    axes.set_xlabel(f"MACs per byte (convention {rule.name} {rule.version})")
    axes.set_ylabel("MACs per second")
    title = f"{printable(found.head.caption)} · {printable(found.device.words)}"
    axes.set_title(f"{title}\n{found.estimates['latency'].text}", loc="left", fontsize=9, parse_math=False)
    if kinds:
        figure.legend(loc="outside lower center", ncols=min(len(kinds), 4), frameon=False, fontsize=8)
    write_figure(figure, axes, to)


def _roof(axes: Any, found: LatencyPrediction) -> None:
    """Draw what the device does at most, over the intensities that there are and the ridge."""
    moved, multiplied = found.ceilings.bytes_per_s, found.ceilings.macs_per_s
    ridge = multiplied / moved
    among = [call.macs / call.bytes for call in found.layers if call.macs] or [ridge]
    left, right = min(*among, ridge) / 2, max(*among, ridge) * 2
    axes.plot([left, ridge, right], [left * moved, multiplied, multiplied], color=GREY, linewidth=1.2, zorder=2)

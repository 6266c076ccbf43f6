"""Pictures of spaces, by matplotlib (extra `plot`): a histogram, or the networks that were found."""

from itertools import accumulate
from typing import Any

from archprof.costs.metrics import TIMES, label_of
from archprof.errors import printable, usage_error
from archprof.render.figure import AXES, Screen, Target, count_axes, new_figure, short_tick, write_figure
from archprof.render.style import COLORS, GREY
from archprof.space.report import SpaceNetwork, SpaceReport
from archprof.space.scores import SCORE


def plot_space(found: SpaceReport, to: Target) -> None:
    """Write the histogram of a space, with what is below each count as a line, or its found networks: their score, or
    params, over MACs.

    Raises UsageError without what draws it, for a file that cannot be written, and where there is nothing to draw.
    """
    if not found.histogram and not found.found:
        raise usage_error("nothing to draw", help="`--histogram macs`, `--pareto macs,-score`, `--sample 1000`")
    figure = new_figure(to)
    axes = figure.subplots()
    if found.found:
        _networks(found, axes)
    else:
        _histogram(found, axes, joined=isinstance(to, Screen))
    axes.set_title(printable(found.model), loc="left", fontsize=8, color=GREY, parse_math=False)
    write_figure(figure, axes, to)


def _histogram(found: SpaceReport, drawn: Any, *, joined: bool) -> None:
    total = sum(one.networks for one in found.histogram) or 1
    lows = [one.low for one in found.histogram]
    widths = [one.high - one.low + 1 for one in found.histogram]
    shares = [one.networks / total * 100 for one in found.histogram]
    if joined:  # a screen has points and lines, no bars
        drawn.plot([low + width / 2 for low, width in zip(lows, widths, strict=True)], shares, color=COLORS[0])
    else:
        drawn.bar(lows, shares, widths, align="edge", color=COLORS[0], linewidth=0.5, edgecolor="white", zorder=2)
        _up_to([lows[0], *(one.high for one in found.histogram)], shares, drawn)
    drawn.set_xlabel(f"{label_of(found.histogram_of)} (convention {found.convention.name} {found.convention.version})")
    drawn.set_ylabel("share of the networks, %")
    drawn.xaxis.set_major_formatter(lambda value, _: short_tick(value))


def _up_to(ends: list[int], shares: list[float], drawn: Any) -> None:
    """Draw what share of the networks cost at most so much: the cumulative distribution."""
    beside = drawn.twinx()
    beside.plot(ends, list(accumulate(shares, initial=0)), color=COLORS[1], linewidth=1.2, zorder=3)
    beside.set_ylim(0, 104)
    beside.set_ylabel("share up to here, %", color=COLORS[1])
    beside.tick_params(axis="y", colors=COLORS[1])
    beside.spines["top"].set_visible(False)


def _networks(found: SpaceReport, drawn: Any) -> None:
    if found.front:
        _front(found, drawn)
        return
    scored = all(one.score is not None for one in found.found)
    heights = [one.score if scored else one.totals["params"] for one in found.found]
    points = [one.totals["macs"] for one in found.found]
    style = {"color": COLORS[0], "marker": "o", "markersize": 3}
    drawn.plot(points, heights, **style, linewidth=0, zorder=3)
    count_axes(drawn, found.convention, "" if scored else "params")
    if scored:
        drawn.set_ylabel("score")
    drawn.margins(0.08)


def _front(found: SpaceReport, drawn: Any) -> None:
    """Draw a front over the first of its counts: the second, which has a value for each of the first, unless there is a
    third."""
    across, up = (count.removeprefix("-") for count in found.front[:2])
    pairs = sorted((_amount(one, across), _amount(one, up)) for one in found.found)
    line = 0.8 if len(found.front) == 2 else 0
    points, heights = zip(*pairs, strict=True)
    drawn.plot(points, heights, color=COLORS[0], marker="o", markersize=3, linewidth=line, zorder=3)
    for axis, name, count in ((drawn.xaxis, drawn.set_xlabel, across), (drawn.yaxis, drawn.set_ylabel, up)):
        name(_label(found, count))
        if count not in (SCORE, *TIMES):
            axis.set_major_formatter(lambda value, _: short_tick(value))
    drawn.margins(0.08)


def _amount(network: SpaceNetwork, count: str) -> float:
    if count == SCORE:
        return network.score or 0
    if count in TIMES:
        return network.estimates[count].value if network.estimates else 0
    return network.totals[count]


def _label(found: SpaceReport, count: str) -> str:
    if count in TIMES:
        return f"latency on {found.device.name if found.device else ''}, ms"
    if count in AXES:
        return AXES[count]
    rule = f" (convention {found.convention.name} {found.convention.version})" if count == "macs" else ""
    return f"{count if count == SCORE else label_of(count)}{rule}"

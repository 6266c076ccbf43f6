"""Pictures of spaces, by matplotlib (extra `plot`): a histogram, or the networks that were found."""

from itertools import accumulate
from typing import Any

from archprof.costs.metrics import label_of
from archprof.errors import printable, usage_error
from archprof.render.figure import Screen, Target, count_axes, new_figure, short_tick, write_figure
from archprof.render.style import COLORS, GREY
from archprof.space.report import SpaceReport


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
    scored = all(one.score is not None for one in found.found)
    heights = [one.score if scored else one.totals["params"] for one in found.found]
    points = [one.totals["macs"] for one in found.found]
    style = {"color": COLORS[0], "marker": "o", "markersize": 3}
    drawn.plot(points, heights, **style, linewidth=0.8 if found.found_by == "front" else 0, zorder=3)
    count_axes(drawn, found.convention, "" if scored else "params")
    if scored:
        drawn.set_ylabel("score")
    drawn.margins(0.08)

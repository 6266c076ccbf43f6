"""A network as a strip, for notebooks: its blocks, each as wide as its part of a count."""

from typing import Any

from archprof.analysis.summary import Summary
from archprof.costs.metrics import NAMES, label_of
from archprof.errors import printable, suggest, usage_error
from archprof.render.drawing.strip import stretches
from archprof.render.figure import new_figure, short_tick
from archprof.render.style import GREY
from archprof.units import exact

# Of the whole, what is wide enough for its path to be written on it.
_NAMED = 0.035


def strip_figure(found: Summary, metric: str) -> Any:
    """Return a figure with a stretch for each block: as wide as its part of a metric, as high as the side of the map
    that it returns, in the colour of what it is.

    Raises UsageError without matplotlib, and for a metric that there is not.
    """
    if metric not in NAMES:
        raise usage_error(f"unknown metric `{metric}`", help=suggest(metric, NAMES, "metrics"))
    figure = new_figure()
    figure.set_size_inches(9, 2.6)
    axes = figure.subplots()
    made, total = stretches(found, metric), found.head.totals[metric]
    kinds: dict[str, Any] = {}
    for one in made:
        bars = axes.bar(
            one.start, one.side, one.counted, align="edge", color=one.color, edgecolor="white", linewidth=0.6
        )
        kinds.setdefault(one.kind, bars)
        if one.counted > _NAMED * total:
            middle = one.start + one.counted / 2
            axes.annotate(
                printable(one.path), (middle, one.side), (0, 2), textcoords="offset points", ha="center", va="bottom",
                fontsize=7, color=GREY, parse_math=False,
            )  # fmt: skip
    axes.set_xlim(0, total or 1)
    if any(one.side > 1 for one in made):
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_major_formatter(lambda value, _: short_tick(value))
    axes.set_ylim(bottom=0.8)
    axes.margins(y=0.15)
    rule = found.head.convention
    axes.set_xlabel(f"{label_of(metric)}, from the input on (convention {rule.name} {rule.version})")
    axes.set_ylabel("side of the map")
    title = f"{found.head.caption} · {exact(total)} {label_of(metric)}"
    axes.set_title(printable(title), loc="left", fontsize=9, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(kinds.values(), kinds, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure

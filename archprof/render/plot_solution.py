"""A picture of what a network was chosen from: `archprof solve --plot`, by matplotlib (extra `plot`)."""

from collections.abc import Sequence
from typing import Any

from archprof.costs.metrics import TIMES, label_of
from archprof.errors import printable
from archprof.render.figure import Target, binary_unit, count_axes, label_points, new_figure, short_tick, write_figure
from archprof.render.style import COLORS, GREY
from archprof.spec.printed_number import is_of_bytes
from archprof.spec.variant import settings_text
from archprof.sweep.solve import Choices, Found, Solution
from archprof.units import NS_PER_MS, plural

# So many times what was found, networks are shown.
_NEAR = 3
# The area in cells that are half a point wide and high.
_CELLS = (320, 190)


def plot_solution(found: Solution, choices: Choices, to: Target) -> None:
    """Write a scatter of all networks of a range, what is limited, or params, over MACs: those that fit, those that do
    not, the limits as lines, and by name the one that was found and the one beyond it; networks that are several times
    as large are left out.

    Raises UsageError without what draws it, for another suffix, or for a file that cannot be written.
    """
    figure = new_figure(to)
    axes = figure.subplots()
    up = next((limit.metric for limit in found.limits if limit.metric != "macs"), "params")
    named = [found.best] if found.above is None else [found.best, found.above]
    amounts = [_amount(one, up) for one in named]
    unit, called = _unit(up, max(amounts))
    spots = [(one.totals.macs, amount / unit) for one, amount in zip(named, amounts, strict=True)]
    wide, high = (_NEAR * max(along) for along in zip(*spots, strict=True))
    points = [
        (macs, amount / unit, bool(fits))
        for macs, amount, fits in zip(choices.of("macs"), choices.of(up), choices.fit.tolist(), strict=True)
        if macs <= wide and amount / unit <= high
    ]
    _scatter(axes, points, wide, high)
    _draw_limits(axes, found, up, unit)
    axes.scatter(*zip(*spots, strict=True), s=40, color=COLORS[1], zorder=5)
    count_axes(axes, found.convention, up if up in ("params", "activations") else "")
    if up not in ("params", "activations"):
        axes.set_ylabel(", ".join(filter(None, [label_of(up).removesuffix(" bytes"), called])))
        if not called:
            axes.yaxis.set_major_formatter(lambda value, _: short_tick(value))
    axes.margins(0.1)
    shown = f"{len(points):,} of {plural(len(choices.fit), 'network')}, up to {_NEAR} × the best"
    axes.set_title(f"{printable(found.model)} · {shown}", loc="left", fontsize=8, color=GREY, parse_math=False)
    label_points(figure, axes, [settings_text(one.settings.items()) for one in named], spots, spots)
    write_figure(figure, axes, to)


def _scatter(axes: Any, points: Sequence[tuple[float, float, bool]], wide: float, high: float) -> None:
    """Draw networks, those that fit above those that do not; of those that would cover each other, one."""
    column, row = ((end or 1) / cells for end, cells in zip((wide, high), _CELLS, strict=True))
    apart = {(round(x / column), round(y / row), fits): (x, y) for x, y, fits in points}
    for kept, color, name in ((False, GREY, "beyond"), (True, COLORS[0], "within")):
        if some := [point for (_, _, fits), point in apart.items() if fits is kept]:
            axes.scatter(*zip(*some, strict=True), s=9, color=color, linewidths=0, label=name, zorder=3)


def _draw_limits(axes: Any, found: Solution, up: str, unit: int) -> None:
    """Draw the limits of what stands on the axes."""
    line = {"color": COLORS[1], "linewidth": 1, "linestyle": "--", "zorder": 2}
    for limit in found.limits:
        if limit.metric == "macs":
            axes.axvline(limit.max, **line)
        elif limit.metric == up:
            axes.axhline(limit.max / unit, **line)


def _amount(network: Found, metric: str) -> int:
    """Return what a network has of a metric, of a time its ns."""
    if metric in TIMES and network.estimates:
        return network.estimates[metric].ns
    return network.totals[metric]


def _unit(metric: str, most: int) -> tuple[int, str]:
    """Return in which unit a metric of bytes or a time is shown, of which there is so much at the *most*."""
    if metric in TIMES:
        return NS_PER_MS, "ms"
    return binary_unit(most) if is_of_bytes(metric) else (1, "")

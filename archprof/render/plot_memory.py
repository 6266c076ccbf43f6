"""A picture of a network's memory over time, by matplotlib (extra `plot`)."""

from typing import Any

from archprof.allocation.asked import setup_text
from archprof.allocation.timeline import BACKWARD, FORWARD, STEP
from archprof.analysis.memory import Memory, phases
from archprof.errors import printable
from archprof.render.figure import Target, binary_unit, new_figure, write_figure
from archprof.render.style import COLORS
from archprof.units import binary

_ALONG = "#999999"
_PHASES = {FORWARD: COLORS[5], BACKWARD: COLORS[4], STEP: COLORS[2]}


def plot_memory(found: Memory, to: Target) -> None:
    """Write the bytes over the steps of a pass: below what is there all along, above it what comes and goes, with the
    peak marked and the parts of a pass shaded.

    Raises UsageError without matplotlib, for another suffix, or for a file that cannot be written.
    """
    figure = new_figure(to)
    axes = figure.subplots()
    size, unit = binary_unit(found.total_bytes)
    resident = (found.total_bytes - found.peak_bytes) / size
    # A network of nothing but its inputs has no step.
    levels = [resident + moment.bytes / size for moment in found.timeline] or [resident]
    edges = [number + 0.5 for number in range(len(levels) + 1)]
    _shade(axes, found)
    axes.stairs(levels, edges, baseline=resident, fill=True, color=COLORS[0], zorder=2)
    axes.fill_between([edges[0], edges[-1]], resident, color=_ALONG, linewidth=0, zorder=2)
    top = found.total_bytes / size
    if found.timeline:
        _mark(axes, found, top)
    axes.set_xlim(edges[0], edges[-1])
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    axes.set_ylim(0, top * 1.22 or 1)
    axes.set_xlabel("steps of the pass")
    axes.set_ylabel(unit)
    axes.set_title(f"{printable(found.head.caption)} · {setup_text(found.setup)}", loc="left",
                   fontsize=9, parse_math=False)  # fmt: skip
    _legend(figure, axes, found)
    write_figure(figure, axes, to)


def _shade(axes: Any, found: Memory) -> None:
    for phase, first, last in phases(found.timeline):
        axes.axvspan(first - 0.5, last + 0.5, color=_PHASES[phase], alpha=0.18, linewidth=0, zorder=0)


def _mark(axes: Any, found: Memory, top: float) -> None:
    """Mark the peak and write its bytes and its call beside it, on the side where there is room."""
    at, steps = found.peak_at, len(found.timeline)
    left = at.step > steps / 2
    axes.plot([at.step], [top * 1.02], color=COLORS[1], marker="v", markersize=7, zorder=4, clip_on=False)
    axes.annotate(
        f"{binary(found.total_bytes)} at {printable(at.path)}",
        (at.step, top),
        (-8 if left else 8, 6),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=9,
        parse_math=False,
    )


def _legend(figure: Any, axes: Any, found: Memory) -> None:
    from matplotlib.patches import Patch

    parts = [Patch(color=COLORS[0], label="comes and goes")]
    parts.append(Patch(color=_ALONG, label="there all along"))
    shades = dict.fromkeys(phase for phase, *_ in phases(found.timeline))
    parts += [Patch(color=_PHASES[phase], alpha=0.3, label=phase) for phase in shades]
    figure.legend(handles=parts, loc="outside lower center", ncols=len(parts), frameon=False, fontsize=8)

"""Pictures of comparisons, sweeps and convolutions, by matplotlib (extra `plot`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archprof.analysis.compare import Comparison
from archprof.costs.metrics import NAMES
from archprof.errors import printable
from archprof.named_tuple import NamedTuple
from archprof.render.figure import (
    LABELLED,
    Target,
    count_axes,
    label_points,
    logarithmic,
    name_lines,
    new_figure,
    write_figure,
)
from archprof.render.style import COLORS, DASHES, GREY, MARKS

if TYPE_CHECKING:
    from archprof.analysis.cost import ConvCosts
    from archprof.ir.arrays import Integers
    from archprof.spec.axis import Axis
    from archprof.sweep.plan import Plan
    from archprof.sweep.run import VariantRows

# Counts that are farther apart than so many times stand on a logarithmic axis.
_WIDE = 20


def plot_comparison(found: Comparison, to: Target) -> list[str]:
    """Write a scatter of published accuracy against MACs, or of params where fewer than two networks have an accuracy,
    and return the names of the networks that are not on it.

    Raises UsageError without matplotlib, for another suffix, or for a file that cannot be written.
    """
    figure = new_figure(to)
    rated = [(contender, float(contender.accuracy.top1)) for contender in found.models if contender.accuracy]
    accuracy = len(rated) > 1
    chosen = rated if accuracy else [(contender, contender.totals.params) for contender in found.models]
    axes = figure.subplots()
    names = [printable(contender.model) for contender, _ in chosen]
    points = [(contender.totals.macs, height) for contender, height in chosen]
    families: dict[str, list[tuple[tuple[int, float], int]]] = {}
    for place, (name, point) in enumerate(zip(names, points, strict=True)):
        families.setdefault(name.partition("@")[0], []).append((point, place))
    for family in map(sorted, families.values()):
        axes.plot(*zip(*(point for point, _ in family), strict=True), color="#9bbdd4", linewidth=1, zorder=2)
        for _, place in family[:-1]:
            # The line leads to the point that has the whole name.
            names[place] = names[place].partition("@")[2] or names[place]
    # Above the names: what is drawn is never hidden by what is said of it.
    axes.scatter(*zip(*points, strict=True), s=30, color=COLORS[0], zorder=5)
    if max(macs for macs, _ in points) > _WIDE * min(macs for macs, _ in points) > 0:
        logarithmic(axes, axes.xaxis)
    count_axes(axes, found.convention, "" if accuracy else "params")
    if accuracy:
        axes.set_ylabel("published top-1 accuracy, %")
    axes.margins(x=0.15, y=0.15)
    label_points(figure, axes, names, points, points)
    write_figure(figure, axes, to)
    return [contender.model for contender in found.models if accuracy and not contender.accuracy]


def plot_sweep(plans: "Sequence[Plan]", points: "VariantRows", to: Target) -> None:
    """Write a scatter of params (of activations, where those are all the same) against MACs, a colour and a mark a
    network: a line through what differs in the first setting alone, with its values along one line, and those of the
    others at the ends. Raises UsageError as `plot_comparison` does."""
    from archprof.analysis.document import convention_text

    figure = new_figure(to)
    axes = figure.subplots()
    params, activations, macs = (points.costs[NAMES.index(name)] for name in ("params", "activations", "macs"))
    count = "params" if len(set(params.tolist())) > 1 else "activations"
    heights = params if count == "params" else activations
    labels: list[tuple[str, tuple[int, int]]] = []
    told: dict[str, None] = {}
    for index, plan in enumerate(plans):
        here = (points.plans == index).nonzero()[0]
        line = {"color": COLORS[index % len(COLORS)], "marker": MARKS[index % len(MARKS)]}
        drawn = list(zip(macs[here].tolist(), heights[here].tolist(), strict=True))
        curves = _curves(plan, points.numbers[here], drawn)
        # A line through each of very many is a thicket.
        thin = {"markersize": 3.5, "linewidth": 0.7} if len(curves) <= LABELLED else {"markersize": 2, "linewidth": 0}
        for curve in curves:
            axes.plot(*zip(*curve.points, strict=True), **line, **thin, zorder=3)
        axes.plot([], [], **line, **thin, label=printable(plan.model))
        labels += _curve_labels(curves)
        told |= dict.fromkeys(f"{name} at {where}" for name, where in _told(plan, curves))
    count_axes(axes, convention_text(), count)
    axes.margins(0.08)
    name_lines(figure, axes, len(plans))
    # Of one network, which has no legend, the name stands here.
    said = [printable(plans[0].model)] if len(plans) == 1 else []
    said += [f"labels: {', '.join(told)}"] if labels else []
    axes.set_title(" · ".join(said), loc="left", fontsize=8, color=GREY, parse_math=False)
    if labels:
        places = list(zip(macs.tolist(), heights.tolist(), strict=True))
        label_points(
            figure, axes, [text for text, _ in labels], [place for _, place in labels], places, all_of_them=False
        )
    write_figure(figure, axes, to)


class _Curve(NamedTuple):
    """Variants that differ in one setting alone: the values of the others, and each variant's own value and point."""

    others: str
    values: tuple[str, ...]
    points: tuple[tuple[int, int], ...]


def _curves(plan: "Plan", numbers: "Integers", drawn: Sequence[tuple[int, int]]) -> list[_Curve]:
    """Return the variants of a network as lines, each along its width, or else along its first axis."""
    from archprof.sweep.run import digits

    along, others = _axes(plan)
    found = digits(plan, numbers)
    curves: dict[str, list[tuple[int, tuple[int, int]]]] = {}
    for place, point in enumerate(drawn):
        key = ", ".join(axis.values[int(found[axis.name][place])] for axis in others)
        curves.setdefault(key, []).append((int(found[along.name][place]) if along else 0, point))
    return [
        _Curve(key, tuple(along.values[digit] if along else "" for digit, _ in line), tuple(point for _, point in line))
        for key, line in ((key, sorted(line)) for key, line in curves.items())
    ]


def _axes(plan: "Plan") -> "tuple[Axis | None, list[Axis]]":
    """Return the axis that lines go along, and the others that have several values."""
    varied = [axis for axis in plan.axes if len(axis.values) > 1]
    along = next((axis for axis in varied if axis.name == "width"), varied[0] if varied else None)
    return along, [axis for axis in varied if axis is not along]


def _curve_labels(curves: Sequence[_Curve]) -> list[tuple[str, tuple[int, int]]]:
    """Return what stands beside points: the values along the last line, and what tells the lines apart at their upper
    ends; nothing where there are too many for that."""
    if len(curves) > LABELLED or not curves:
        return []
    last = curves[-1]
    step = -(-len(last.points) // LABELLED)
    along = [(value, point) for value, point in zip(last.values, last.points, strict=True) if value][::-step]
    ends = [(curve.others, curve.points[-1]) for curve in curves if curve.others]
    if not ends:
        return along
    # The upper end of the last line has both.
    return [*along[1:], *ends]


def _told(plan: "Plan", curves: Sequence[_Curve]) -> list[tuple[str, str]]:
    """Return the settings that labels give, and where those stand."""
    along, others = _axes(plan)
    if along is None or len(curves) > LABELLED:
        return []
    beside = [(", ".join(axis.name for axis in others), "the ends of lines")] if others else []
    return [(along.name, "the points"), *beside]


def plot_costs(found: "ConvCosts", to: Target) -> list[str]:
    """Write the MACs of convolutions as a share of the standard one's over the number of outputs, each with a mark
    where it was asked for, and return the kinds that have no such share. Raises UsageError as `plot_comparison` does.
    """
    from archprof.analysis.cost import shares_over_outputs
    from archprof.render.cost import OUTPUTS, named

    figure = new_figure(to)
    axes = figure.subplots()
    missing, lines = [], 0
    for one in found.answers:
        curve = shares_over_outputs(one.asked, OUTPUTS)
        if not curve or one.ratio is None:
            missing.append(one.asked.conv)
            continue
        color, dashes = COLORS[lines % len(COLORS)], DASHES[lines // len(COLORS) % len(DASHES)]
        outputs, shares = zip(*curve.items(), strict=True)
        line = {"color": color, "linestyle": dashes, "linewidth": 1.4}
        axes.plot(outputs, list(map(float, shares)), **line, label=named(one.asked), zorder=2)
        axes.plot([one.asked.out_channels], [float(one.ratio)], color=color, marker=MARKS[0], markersize=5, zorder=3)
        lines += 1
    axes.set_xscale("log", base=2)
    logarithmic(axes, axes.yaxis)
    axes.set_xlabel("output channels N")
    rule = found.convention
    axes.set_ylabel(f"MACs over those of the standard convolution\n(convention {rule.name} {rule.version})")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    name_lines(figure, axes, lines)
    write_figure(figure, axes, to)
    return list(dict.fromkeys(missing))

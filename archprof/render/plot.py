"""Pictures of comparisons, by matplotlib (extra `plot`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.analysis.compare import Comparison
from archprof.costs.metrics import NAMES
from archprof.errors import printable, usage_error
from archprof.outputs import output_file
from archprof.units import short

if TYPE_CHECKING:
    from archprof.sweep.run import VariantRows

SUFFIXES = (".svg", ".png", ".pdf")


def plot_comparison(found: Comparison, path: str) -> None:
    """Write a scatter of published accuracy against MACs, or of params where fewer than two networks have an accuracy.

    Raises UsageError without matplotlib, for another suffix, or for a file that cannot be written.
    """
    figure = _figure(path)
    rated = [(contender, float(contender.accuracy.top1)) for contender in found.models if contender.accuracy]
    accuracy = len(rated) > 1
    chosen = rated if accuracy else [(contender, contender.totals.params) for contender in found.models]
    axes = figure.subplots()
    names = [printable(contender.model) for contender, _ in chosen]
    points = [(contender.totals.macs, height) for contender, height in chosen]
    families: dict[str, list[tuple[int, float]]] = {}
    for name, point in zip(names, points, strict=True):
        families.setdefault(name.partition("@")[0], []).append(point)
    for family in map(sorted, families.values()):
        axes.plot(*zip(*family, strict=True), color="#9bbdd4", linewidth=1, zorder=2)
    axes.scatter(*zip(*points, strict=True), s=44, color="#1b6ca8", zorder=3)
    axes.set_xlabel(f"multiply-accumulates ({found.convention.name} {found.convention.version})")
    axes.set_ylabel("published top-1 accuracy, %" if accuracy else "parameters")
    axes.xaxis.set_major_formatter(lambda value, _: _tick(value))
    if not accuracy:
        axes.yaxis.set_major_formatter(lambda value, _: _tick(value))
    axes.margins(x=0.15, y=0.15)
    _label(figure, axes, names, points)
    _finish(figure, axes, path)


def plot_sweep(models: Sequence[str], points: "VariantRows", path: str) -> None:
    """Write a scatter of params against MACs, a colour a network. Raises UsageError as `plot_comparison` does."""
    figure = _figure(path)
    axes = figure.subplots()
    params, macs = (points.costs[NAMES.index(name)] for name in ("params", "macs"))
    for index, model in enumerate(models):
        chosen = points.plans == index
        axes.scatter(macs[chosen], params[chosen], s=10, label=printable(model), zorder=3)
    axes.set_xlabel("multiply-accumulates")
    axes.set_ylabel("parameters")
    axes.xaxis.set_major_formatter(lambda value, _: _tick(value))
    axes.yaxis.set_major_formatter(lambda value, _: _tick(value))
    for text in axes.legend(frameon=False).get_texts():
        text.set_parse_math(False)
    _finish(figure, axes, path)


def _figure(path: str) -> Any:
    """Return an empty picture. Raises UsageError without matplotlib or a folder for its files, or for another
    suffix."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise usage_error(f"cannot draw `{path}`", help=f"a name that ends with {', '.join(SUFFIXES)}")
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise usage_error(
            "`--plot` needs matplotlib, which is not installed", help="pip install 'archprof[plot]'"
        ) from None
    except OSError:
        message = "matplotlib finds no folder that it can write to"
        raise usage_error(message, help="set MPLCONFIGDIR to one") from None
    return Figure(figsize=(7, 4.5), layout="constrained")


def _finish(figure: Any, axes: Any, path: str) -> None:
    """Draw the grid and write the file. Raises UsageError where it cannot be written."""
    axes.grid(color="#dddddd", linewidth=0.6, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    suffix = Path(path).suffix.lower()
    from matplotlib import rc_context

    # The same picture in the same bytes: without the salt its names inside are random.
    with output_file(path) as file, rc_context({"svg.hashsalt": "archprof"}):
        figure.savefig(file, format=suffix[1:], dpi=160, metadata={"Date": None} if suffix == ".svg" else None)


def _tick(value: float) -> str:
    """Return a round number short: `100M`, `2.5M`."""
    text = short(round(value))
    digits, letter = (text[:-1], text[-1]) if text[-1:].isalpha() else (text, "")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + letter


# Where a label may stand beside its point: offset in points, horizontal and vertical alignment.
_SIDES = ((0, 7, "center", "bottom"), (0, -7, "center", "top"), (8, 0, "left", "center"), (-8, 0, "right", "center"))


def _label(figure: Any, axes: Any, names: Sequence[str], points: Sequence[tuple[float, float]]) -> None:
    """Write each name on the side of its point where it covers least: no other name, no other point, nothing
    outside."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.transforms import Bbox

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    spots = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in axes.transData.transform(points)]
    taken = list(spots)
    for index in sorted(range(len(names)), key=lambda index: -points[index][1]):
        choices: list[tuple[int, int, Any, Bbox]] = []
        for dx, dy, ha, va in _SIDES:
            text = axes.annotate(
                names[index],
                points[index],
                (dx, dy),
                textcoords="offset points",
                ha=ha,
                va=va,
                fontsize=8,
                parse_math=False,
            )
            box = text.get_window_extent(renderer)
            covered = sum(Bbox.intersection(box, other) is not None for other in taken if other is not spots[index])
            outside = not figure.bbox.containsx(box.x0) or not figure.bbox.containsx(box.x1)
            choices.append((covered + outside, len(choices), text, box))
        _, _, kept, box = min(choices, key=lambda choice: choice[:2])
        taken.append(box)
        for *_, text, _ in choices:
            if text is not kept:
                text.remove()

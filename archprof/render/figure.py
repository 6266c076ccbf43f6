"""What all plots share: a figure, its axes, their labels and legends, and the file or the screen that it goes to; by
matplotlib (extra `plot`)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import usage_error
from archprof.named_tuple import NamedTuple
from archprof.outputs import output_file
from archprof.render.style import GREY
from archprof.units import short

if TYPE_CHECKING:
    from archprof.analysis.document import ConventionText

SUFFIXES = (".svg", ".png", ".pdf")
# More labels than so many of a network are no help.
LABELLED = 12


class Screen(NamedTuple):
    """A terminal: how many characters a line has, whether in colour, whether in ASCII alone, and what prints there."""

    width: int
    color: bool
    ascii_only: bool
    write: Callable[[str], None]


# Text stays text: it is found, read aloud and edited, and is smaller than its outlines. Without the font that it was
# laid out by it stands in one of the same widths. The salt makes names inside the same each time, and so all bytes.
_WRITTEN: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "archprof",
    "pdf.fonttype": 42,
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
}
# Where a plot goes: the path of a file, or a screen.
Target = str | Screen
_UNITS = tuple((1024**power, f"{letter}iB") for power, letter in ((4, "T"), (3, "G"), (2, "M"), (1, "K")))
AXES = {"params": "parameters", "activations": "activations"}


def count_axes(axes: Any, rule: "ConventionText", count: str) -> None:
    """Say what is counted, MACs across and a *count* up, by which convention."""
    axes.set_xlabel(f"MACs (convention {rule.name} {rule.version})")
    axes.xaxis.set_major_formatter(lambda value, _: short_tick(value))
    if count:
        axes.set_ylabel(AXES[count])
        axes.yaxis.set_major_formatter(lambda value, _: short_tick(value))


def logarithmic(axes: Any, axis: Any) -> None:
    """Make an axis logarithmic, with ticks at 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import LogLocator, NullLocator

    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())


def name_lines(figure: Any, axes: Any, lines: int) -> None:
    """Name the lines, where there are several, beside the data and not among it."""
    if lines < 2:
        return
    handles, names = axes.get_legend_handles_labels()
    for text in figure.legend(handles, names, loc="outside right upper", frameon=False, fontsize=8).get_texts():
        text.set_parse_math(False)


def new_figure(to: Target | None = None) -> Any:
    """Return an empty picture, for a notebook where it goes nowhere. Raises UsageError without what draws it, without a
    folder for its files, or for another suffix."""
    if isinstance(to, str) and Path(to).suffix.lower() not in SUFFIXES:
        raise usage_error(f"cannot draw `{to}`", help=f"a name that ends with {', '.join(SUFFIXES)}, or `-`")
    with needed_by(f"`{'--' if to else ''}plot`"):
        from matplotlib.figure import Figure

        if isinstance(to, Screen):
            import plotext  # noqa: F401 to be told before anything is drawn
    return Figure(figsize=(7, 4.5), layout="constrained")


@contextmanager
def needed_by(what: str, otherwise: str = "") -> Iterator[None]:
    """Import matplotlib, or what else draws. Raises UsageError, which says *what* needs it and what can be done
    *otherwise*, where it is not installed, and where it has no folder for its files."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = f"{what} needs {error.name}, which is not installed"
        raise usage_error(message, help=f"pip install 'archprof[plot]'{otherwise}") from None
    except OSError:
        message = "matplotlib finds no folder that it can write to"
        raise usage_error(message, help="set MPLCONFIGDIR to one") from None


def write_figure(figure: Any, axes: Any, to: Target) -> None:
    """Draw the grid and write the file, or the lines of a screen. Raises UsageError where a file cannot be written."""
    if isinstance(to, Screen):
        from archprof.render.plot_terminal import as_lines

        to.write(as_lines(axes, to.width, color=to.color, ascii_only=to.ascii_only))
        return
    axes.grid(color="#dddddd", linewidth=0.6, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    suffix = Path(to).suffix.lower()
    from matplotlib import rc_context

    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with output_file(to) as file, rc_context(_WRITTEN):
        figure.savefig(file, format=suffix[1:], dpi=160, metadata=dated.get(suffix))


def binary_unit(most: float) -> tuple[int, str]:
    """Return in which unit bytes are shown, of which there are so many at the *most*: its size and its name."""
    return next(((size, name) for size, name in _UNITS if most >= size), (1, "bytes"))


def short_tick(value: float) -> str:
    """Return a round number short: `100M`, `2.5M`, `0.01`."""
    if abs(value) < 1:
        return f"{value:g}"
    text = short(round(value))
    digits, letter = (text[:-1], text[-1]) if text[-1:].isalpha() else (text, "")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + letter


# Where a label may stand: on which side of its point, as parts of its width and height, and how far away, in points.
_SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
_AWAY = (6.0, 16.0, 28.0, 42.0)
_Box = tuple[float, float, float, float]


def label_points(
    figure: Any,
    axes: Any,
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    drawn: Sequence[tuple[float, float]],
    *,
    all_of_them: bool = True,
) -> None:
    """Write each name where it covers nothing: no other name, nothing else that is *drawn*, and lies within the axes;
    with a thin line to its point where that is far. Where there is no such place, it is left out, or, if they are to be
    there *all of them*, covers least."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, scale = canvas.get_renderer(), figure.dpi / 72
    reach = (3.5 if len(drawn) < LABELLED * 4 else 2.0) * scale
    spots = [(x - reach, y - reach, x + reach, y + reach) for x, y in axes.transData.transform(drawn)]
    own = dict(zip(drawn, spots, strict=True))
    taken = list(spots)
    room = tuple(axes.get_window_extent(renderer).extents)
    for index in sorted(range(len(names)), key=lambda index: -points[index][1]):
        point, text = points[index], _annotation(axes, names[index], points[index])
        size = text.get_window_extent(renderer)
        choices = [
            (_covered(box, own[point], taken, room), place, box, offset)
            for place, (box, offset) in enumerate(_places(own[point], size.width, size.height, scale))
        ]
        covered, place, box, offset = min(choices, key=lambda choice: choice[:2])
        if covered and not all_of_them:
            text.remove()
            continue
        text.set_position(offset)
        if place >= len(_SIDES):
            text.arrow_patch.set_visible(True)
        taken.append(box)


def _annotation(axes: Any, name: str, point: tuple[float, float]) -> Any:
    line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
    text = axes.annotate(
        name, point, (0, 0), textcoords="offset points", ha="center", va="center", fontsize=8, parse_math=False,
        zorder=4, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.4}, arrowprops=line,
    )  # fmt: skip
    text.arrow_patch.set_visible(False)
    text.set_in_layout(False)
    return text


def _places(spot: _Box, width: float, height: float, scale: float) -> Iterator[tuple[_Box, tuple[float, float]]]:
    """Yield where a label of a size may stand beside a spot, the nearest first, with the offset of its middle in
    points."""
    x, y = (spot[0] + spot[2]) / 2, (spot[1] + spot[3]) / 2
    for away in _AWAY:
        for right, up in _SIDES:
            dx, dy = right * (width / 2 + away * scale), up * (height / 2 + away * scale)
            left, bottom = x + dx - width / 2, y + dy - height / 2
            yield (left, bottom, left + width, bottom + height), (dx / scale, dy / scale)


def _covered(box: _Box, own: _Box, taken: Sequence[_Box], room: _Box) -> int:
    """Return how much a label at a place would cover, or stand outside."""
    outside = box[0] < room[0] or box[1] < room[1] or box[2] > room[2] or box[3] > room[3]
    return sum(_meet(box, other) for other in taken if other is not own) + outside


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

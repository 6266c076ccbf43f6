"""A plot of matplotlib's as lines of characters, by plotext: what stands on the axes, their labels, ticks and
legend."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from archprof.errors import printable
from archprof.named_tuple import NamedTuple
from archprof.render.table import to_ascii

_HEIGHT = 23
# Wider plots are no clearer.
_WIDEST = 100
# Rows that are not the area of the plot: the frame, ticks and labels; and columns of the frame.
_ROWS, _COLUMNS = 4, 2
_FRAME = str.maketrans("┌┐└┘─│┤┬├┴", "++++-|+++-")

# What tells networks apart without colours.
_SIGNS = "ox+*#%@&"

_Point = tuple[float, float]


class _Drawn(NamedTuple):
    """Points of one look, joined or not, and what the legend calls them."""

    points: list[_Point]
    color: tuple[int, int, int]
    joined: bool
    name: str


class _Axis(NamedTuple):
    """An axis as plotext has it, linear whatever it is: from where to where it goes, and its ticks."""

    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str]

    def cell(self, value: float, cells: int) -> int:
        """Return in which of so many cells a value lies."""
        return round((value - self.low) / ((self.high - self.low) or 1) * (cells - 1))

    def value(self, cell: int, cells: int) -> float:
        """Return what lies in a cell."""
        return self.low + cell * (self.high - self.low) / (cells - 1)


def as_lines(axes: Any, width: int, *, color: bool, ascii_only: bool) -> str:
    """Return what stands on axes as lines of at most so many characters, and what is what below."""
    import plotext

    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")  # but for what is drawn
    figure.plot_size(min(width, _WIDEST), _HEIGHT)
    across, up = _axis(axes.xaxis, axes.get_xlim()), _axis(axes.yaxis, axes.get_ylim())
    drawn = _named(_drawn(axes))
    signs = _signs(drawn, color=color, ascii_only=ascii_only)
    for one in sorted(drawn, key=lambda one: not one.joined):  # points above lines
        _draw(figure, plotext, one, signs[one.name], ascii_only=ascii_only)
    for side, axis in (("x", across), ("y", up)):
        figure.ruler(side).lim(axis.low, axis.high)
        figure.ruler(side).ticks(list(axis.ticks), list(axis.labels))
    room = (min(width, _WIDEST) - max(map(len, up.labels), default=0) - _COLUMNS, _HEIGHT - _ROWS)
    for x, y, text in _placed(axes, drawn, across, up, room):
        figure.draw(figure.text(x, y, text))
    figure.label(printable(axes.get_xlabel()), "x")
    lines = [line.rstrip() for line in figure.build().string(colorless=not color).split("\n")]
    text = "\n".join([*_title(axes, width), *lines]).strip("\n") + "\n" + _legend(drawn, signs, width, color=color)
    return to_ascii(text.translate(_FRAME)) if ascii_only else text


def _title(axes: Any, width: int) -> list[str]:
    """Return the lines of the title, and what the axis that goes up is: beside it there is no room."""
    from textwrap import wrap

    upward = f"up: {axes.get_ylabel()}" if axes.get_ylabel() else ""
    said = " · ".join(filter(None, [axes.get_title(loc="left").replace("\n", " · "), upward.replace("\n", " ")]))
    return wrap(printable(said), width, break_on_hyphens=False)


def _signs(drawn: Sequence[_Drawn], *, color: bool, ascii_only: bool) -> dict[str, str]:
    """Return the sign of each name: where colours do not tell them apart, signs do."""
    colors = {one.name: one.color for one in drawn if one.name}
    dot = "o" if ascii_only else "●"
    apart = color and len({*colors.values()}) == len(colors)
    signs = {one.name: dot for one in drawn}
    if not apart and len(colors) > 1:
        signs |= {name: _SIGNS[place % len(_SIGNS)] for place, name in enumerate(colors)}
    return signs


def _legend(drawn: Sequence[_Drawn], signs: dict[str, str], width: int, *, color: bool) -> str:
    """Return lines that say what each sign and colour is, where there are several."""
    named = {one.name: one.color for one in drawn if one.name}
    lines, length = [""], 0
    for name, (red, green, blue) in named.items() if len(named) > 1 else ():
        sign = f"\x1b[38;2;{red};{green};{blue}m{signs[name]}\x1b[0m" if color else signs[name]
        if length and length + len(name) + 2 > width:
            lines, length = [*lines, ""], 0
        lines[-1] += f"{'   ' if length else ''}{sign} {name}"
        length += len(name) + 5
    return "".join(f"{line}\n" for line in lines if line)


def _draw(figure: Any, plotext: Any, one: _Drawn, sign: str, *, ascii_only: bool) -> None:
    pixel, points = plotext.pixel(one.color), list(map(list, zip(*one.points, strict=True)))
    if one.joined:
        line = "." if ascii_only else "braille"
        figure.draw(figure.signal(*points, marker=plotext.marker(line, pixel)).lines())
    if not one.joined or sign in _SIGNS:
        figure.draw(figure.signal(*points, marker=plotext.marker(sign, pixel)))


def _axis(axis: Any, limits: _Point) -> _Axis:
    low, high = _scaled(axis, limits)
    ticks = [tick for tick in axis.get_majorticklocs() if limits[0] <= tick <= limits[1]]
    labels = axis.get_major_formatter().format_ticks(ticks)
    return _Axis(low, high, _scaled(axis, ticks), [label.replace("−", "-") for label in labels])


def _scaled(axis: Any, values: Sequence[float]) -> list[float]:
    """Return where values lie along an axis, which may be logarithmic."""
    if not len(values):
        return []
    return [float(value) for value in axis.get_transform().transform(list(values))]


def _drawn(axes: Any) -> Iterator[_Drawn]:
    """Yield what stands on axes: steps, points and lines."""
    from matplotlib.collections import PathCollection
    from matplotlib.patches import StepPatch

    for patch in axes.patches:
        if isinstance(patch, StepPatch):
            values, edges, _ = patch.get_data()
            middles = [(left + right) / 2 for left, right in pairwise(edges)]
            yield _look(axes, middles, list(values), patch.get_facecolor(), True, patch.get_label())
    for one in axes.collections:
        if isinstance(one, PathCollection):
            points: Any = one
            x, y = zip(*points.get_offsets().tolist(), strict=True)
            yield _look(axes, x, y, points.get_facecolor()[0], False, points.get_label())
    for line in axes.lines:
        x, y = line.get_data()
        joined = len(x) > 1 and line.get_linewidth() > 0 and line.get_linestyle() != "None"
        if joined or not len(x) or line.get_marker() != "None":
            yield _look(axes, list(x), list(y), line.get_color(), joined, line.get_label())


def _look(axes: Any, x: Sequence[float], y: Sequence[float], color: Any, joined: bool, name: Any) -> _Drawn:
    from matplotlib.colors import to_rgb

    points = list(zip(_scaled(axes.xaxis, x), _scaled(axes.yaxis, y), strict=True))
    red, green, blue = (round(255 * part) for part in to_rgb(color))
    return _Drawn(points, (red, green, blue), joined, "" if str(name).startswith("_") else printable(str(name)))


def _named(drawn: Iterator[_Drawn]) -> list[_Drawn]:
    """Return what has points; what has no name of its own has that of its colour before it, or else behind it."""
    found = list(drawn)
    names = {one.color: one.name for one in reversed(found) if one.name}
    named = []
    for one in found:
        if one.name:
            names[one.color] = one.name
        if one.points:
            named.append(one._replace(name=names.get(one.color, "")))
    return named


def _placed(
    axes: Any, drawn: Sequence[_Drawn], across: _Axis, up: _Axis, room: tuple[int, int]
) -> Iterator[tuple[float, float, str]]:
    """Yield the labels of points, and where each begins: beside its point, where nothing else is; the others are left
    out."""
    columns, rows = room
    taken = {(across.cell(x, columns), up.cell(y, rows)) for one in drawn if not one.joined for x, y in one.points}
    for label in axes.texts:
        text = printable(label.get_text())
        x, y = (_scaled(axis, [value])[0] for axis, value in zip((axes.xaxis, axes.yaxis), label.xy, strict=True))
        column, row = across.cell(x, columns), up.cell(y, rows)
        starts = [(column + 2, row), (column - 1 - len(text), row)]
        starts += [(column - len(text) // 2, row + away) for away in (1, -1, 2, -2)]
        for left, line in starts:
            cells = {(place, line) for place in range(left - 1, left + len(text) + 1)}
            if 0 <= left <= columns - len(text) and 0 <= line < rows and not cells & taken:
                taken |= cells
                yield across.value(left, columns), up.value(line, rows), text
                break

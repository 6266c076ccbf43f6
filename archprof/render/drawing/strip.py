"""A network as a strip: a stretch for each block, as wide as its part of a count, as high as its map is large."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from math import log2

from archprof.analysis.summary import Layer, Summary
from archprof.costs.metrics import together
from archprof.errors import printable
from archprof.named_tuple import NamedTuple
from archprof.render.style import kind_color, kind_of
from archprof.units import short

_WIDTH, _HEIGHT, _LOWEST = 240, 36, 6


class Stretch(NamedTuple):
    """A block of a strip: its path, what it is, its colour, where it starts and how much it is of *what is counted*,
    and the side of the map that it returns."""

    path: str
    kind: str
    color: str
    start: int
    counted: int
    side: int


def stretches(found: Summary, metric: str = "macs") -> list[Stretch]:
    """Return the blocks of a network that have any of a metric, in the order of execution."""
    made: list[Stretch] = []
    start = 0
    for path, group in groupby(found.layers, lambda row: row.block):
        rows = list(group)
        count = together(row.cost for row in rows)[metric]
        if count:
            made.append(Stretch(path, kind_of(rows), kind_color(rows), start, count, _side(rows)))
            start += count
    return made


def _side(rows: Sequence[Layer]) -> int:
    """Return the largest side of what rows return; of features without a place 1."""
    shape = rows[-1].outputs[0].shape
    return max(shape[1:]) if len(shape) > 1 else 1


def thumbnail(found: Summary) -> str:
    """Return the strip of MACs as a small SVG: stretches of one colour are one path."""
    title = printable(found.head.caption)
    totals = f"{short(found.head.totals.params)} params, {short(found.head.totals.macs)} MACs"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" role="img">',
            f"<title>{escape(title)}: {totals}</title>",
            *_paths(stretches(found), found.head.totals.macs),
            "</svg>\n",
        ]
    )


def _paths(made: Sequence[Stretch], total: int) -> Iterator[str]:
    largest = max((one.side for one in made), default=1)
    steps: dict[str, list[str]] = {}
    for one in made:
        left, right = (_WIDTH * place / total for place in (one.start, one.start + one.counted))
        height = _LOWEST + (_HEIGHT - _LOWEST) * log2(one.side) / (log2(largest) or 1)
        width = max(right - left - 0.4, 0.3)
        steps.setdefault(one.color, []).append(
            f"M{left:.1f} {(_HEIGHT - height) / 2:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"
        )
    yield from (f'<path fill="{color}" d="{"".join(each)}"/>' for color, each in steps.items())

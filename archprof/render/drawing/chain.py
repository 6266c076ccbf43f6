"""A chain of boxes, with lines beside it for what goes around some of them: no engine is needed."""

from collections.abc import Sequence

from archprof.ir.values import show_shape
from archprof.named_tuple import NamedTuple
from archprof.render.drawing.boxes import SMALL, Box
from archprof.render.drawing.diagram import Diagram, Link, Part
from archprof.render.drawing.font import text_width
from archprof.render.drawing.picture import Item, Line, Point, Text
from archprof.render.style import GREY

# So many lines beside a chain can be followed by the eye.
_LANES = 3
_MARGIN, _GAP = 4.0, 15.0
_BESIDE = 10.0  # from a box to the line beside it, and from the words of one to the next

_ASIDE = 2.0  # from the middle of a box, so that what leaves is not what arrives


class Placed(NamedTuple):
    """Where things are, and how large that is in all."""

    width: float
    height: float
    lines: tuple[Line, ...]
    items: tuple[Item, ...]


class Detour(NamedTuple):
    """A link around boxes: its lane, counted from the chain, and what is written beside it."""

    link: Link
    lane: int
    words: str


def detours(drawn: Diagram) -> list[Detour] | None:
    """Return the links that lead around boxes of a chain; None where it is none, or too much goes around."""
    ends = {link[:2] for link in drawn.links}
    if drawn.levels or any((place, place + 1) not in ends for place in range(len(drawn.vertices) - 1)):
        return None
    around = sorted((link for link in drawn.links if link.target - link.source > 1), key=lambda one: one[1] - one[0])
    lanes: list[list[Link]] = []
    found = []
    for link in around:
        free = (number for number, lane in enumerate(lanes) if not any(_meet(link, other) for other in lane))
        number = next(free, len(lanes))
        if number == len(lanes):
            lanes.append([])
        lanes[number].append(link)
        found.append(Detour(link, number, _words(link, drawn)))
    return found if len(lanes) <= _LANES else None


def _meet(one: Link, other: Link) -> bool:
    return one.source < other.target and other.source < one.target


def _words(link: Link, drawn: Diagram) -> str:
    """Return what a detour is: a shortcut where it is added, else the size of what goes there."""
    target = drawn.vertices[link.target]
    adds = isinstance(target, Part) and target.layers[0].op == "add"
    return "shortcut" if adds else show_shape(link.shape)


def placed_chain(drawn: Diagram, boxes: Sequence[Box], around: Sequence[Detour], *, right: bool) -> Placed:
    """Return a chain from the top down, or from left to *right*, its detours at the right or below."""
    sizes = [show_shape(link.shape) for link in _steps(drawn)]
    thick = max((box.height if right else box.width) for box in boxes)
    middle = _MARGIN + max(thick / 2, 0 if right else _label_reach(sizes))
    lanes = _lane_places(middle + thick / 2, around, right=right)
    items, lines, starts = [], [], []
    along = _MARGIN
    for place, box in enumerate(boxes):
        if place:
            gap = text_width(sizes[place - 1], SMALL) + 10 if right else _GAP
            line, item = _step(along, along + gap, middle, sizes[place - 1], right=right)
            lines.append(line)
            items.append(item)
            along += gap
        starts.append(along)
        x, y = (along, middle - box.height / 2) if right else (middle - box.width / 2, along)
        items.append(box.at(x, y))
        along += box.width if right else box.height
    for one in around:
        line, item = _detour(one, boxes, starts, middle, lanes[one.lane], right=right)
        lines.append(line)
        items.append(item)
    across = max([middle + max(thick / 2, 0 if right else _label_reach(sizes)), *(_far(lanes, around, right=right))])
    ends = (along + _MARGIN, across + _MARGIN)
    return Placed(*(ends if right else ends[::-1]), tuple(lines), tuple(items))


def _steps(drawn: Diagram) -> list[Link]:
    """Return the links from each vertex to the next."""
    return sorted(link for link in drawn.links if link.target == link.source + 1)


def _label_reach(sizes: Sequence[str]) -> float:
    """Return how far the sizes beside the arrows reach from the middle."""
    return max((text_width(size, SMALL) + 5 for size in sizes), default=0)


def _step(start: float, end: float, middle: float, size: str, *, right: bool) -> tuple[Line, Item]:
    """Return the arrow from a box to the next, with the size of what goes there."""
    if right:
        text = Text(start + 4, middle - 3, size, SMALL, GREY)
        return Line(((start, middle), (end, middle))), Item(size, (), (text,))
    text = Text(middle + 5, (start + end) / 2 + SMALL * 0.36, size, SMALL, GREY)
    return Line(((middle, start), (middle, end))), Item(size, (), (text,))


def _lane_places(edge: float, around: Sequence[Detour], *, right: bool) -> list[float]:
    """Return how far across the line of each lane is."""
    places: list[float] = []
    across = edge + _BESIDE
    for lane in range(max((one.lane for one in around), default=-1) + 1):
        places.append(across)
        across += _room([one.words for one in around if one.lane == lane], right=right) + _BESIDE
    return places


def _room(words: Sequence[str], *, right: bool) -> float:
    return SMALL + 3 if right else max(text_width(one, SMALL) for one in words) + 4


def _far(lanes: Sequence[float], around: Sequence[Detour], *, right: bool) -> list[float]:
    return [lanes[one.lane] + _room([one.words], right=right) for one in around]


def _detour(
    one: Detour, boxes: Sequence[Box], starts: Sequence[float], middle: float, lane: float, *, right: bool
) -> tuple[Line, Item]:
    ends = []
    for place, aside in zip(one.link[:2], (_ASIDE, -_ASIDE), strict=True):
        box = boxes[place]
        along, across = (box.width, box.height) if right else (box.height, box.width)
        ends.append((starts[place] + along / 2 + aside, middle + across / 2))
    (start, near), (end, far) = ends
    points = _turned([(start, near), (start, lane), (end, lane), (end, far)], right=right)
    half = (start + end) / 2
    width = text_width(one.words, SMALL)
    x, y = (half - width / 2, lane + SMALL + 2) if right else (lane + 4, half + SMALL * 0.36)
    return Line(points), Item(one.words, (), (Text(x, y, one.words, SMALL, GREY),))


def _turned(points: Sequence[Point], *, right: bool) -> tuple[Point, ...]:
    """Return points along and across the chain as such of the picture."""
    return tuple(points) if right else tuple([(across, along) for along, across in points])

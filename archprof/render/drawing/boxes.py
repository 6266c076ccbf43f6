"""What stands in the boxes of a diagram, and how large they are."""

from collections import Counter
from collections.abc import Sequence

from archprof.analysis.summary import Layer
from archprof.costs.metrics import together
from archprof.errors import printable
from archprof.ir.graph import Graph
from archprof.named_tuple import NamedTuple
from archprof.render.drawing.diagram import Diagram, End, Part
from archprof.render.drawing.font import shortened, text_width
from archprof.render.drawing.picture import Item, Shape, Text
from archprof.render.siblings import NAMED
from archprof.render.style import GREY, TINTS, kind_color
from archprof.units import short

TITLE, SMALL = 8.0, 7.0
_INK = "#000000"
# Room of a text in its box: at its sides, above and below.
_SIDES, _ABOVE = 7.0, 4.0
# As wide as a box gets: that of a column of two, 85 mm, with room for a shortcut beside it.
_WIDEST = 190.0
_SIGNS = {"add": "+", "multiply": "×"}
_ROUND = 13.0
# Classes that say nothing of what is in them.
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict")
_CONVOLUTIONS = ("standard", "pointwise", "depthwise", "grouped", "mixed")
_MULTIPLY = ("conv2d", "linear")
_SHORT = {"batch norm": "BN", "frozen batch norm": "BN", "layer norm": "LN", "pw conv": "conv"}


class Words(NamedTuple):
    """A line of a box: words in bold, then more."""

    bold: str
    plain: str = ""


class Box(NamedTuple):
    """A box of a diagram: its lines, its colour, whether it is round, and what it is called."""

    lines: tuple[Words, ...]
    fill: str
    stroke: str
    name: str
    width: float
    height: float
    round: bool = False

    def at(self, x: float, y: float) -> Item:
        """Return the box with its upper left corner at a point."""
        radius = self.width / 2 if self.round else 3.0
        shapes = (Shape(x, y, self.width, self.height, radius, self.fill, self.stroke),) if self.stroke else ()
        # Above the first line a little more than below the last: letters reach up farther than down.
        heights = [SMALL if number else TITLE for number in range(len(self.lines))]
        texts, baseline = [], y + (self.height - sum(heights) - 1.5 * (len(heights) - 1)) / 2 - 1.5
        for number, (bold, plain) in enumerate(self.lines):
            size = SMALL if number else TITLE
            baseline += size + (1.5 if number else 0)
            start = x + (self.width - _line_width(Words(bold, plain), size)) / 2
            color = GREY if number else _INK
            texts += [Text(start, baseline, bold, size, color, bold=True)] if bold else []
            behind = start + text_width(bold, size, bold=True) + (_gap(size) if bold else 0)
            texts += [Text(behind, baseline, plain, SMALL, color)] if plain else []
        return Item(self.name, shapes, tuple(texts))


def _gap(size: float) -> float:
    return text_width("  ", size)


def _line_width(words: Words, size: float) -> float:
    bold, plain = text_width(words.bold, size, bold=True), text_width(words.plain, SMALL)
    return bold + plain + (_gap(size) if words.bold and words.plain else 0)


def boxes(drawn: Diagram) -> tuple[Box, ...]:
    """Return the box of each vertex."""
    return tuple([_end(one) if isinstance(one, End) else _part(one, drawn) for one in drawn.vertices])


def _end(end: End) -> Box:
    name = printable(end.name)
    words = Words("", shortened(name, _WIDEST, SMALL))
    return Box((words,), "", "", name, text_width(words.plain, SMALL) + 4, SMALL + 4)


def _part(part: Part, drawn: Diagram) -> Box:
    cost = together(row.cost for row in part.layers)
    title = _title(part, drawn.graph)
    details = printable(_details(part, title))
    title = printable(title)
    counted = [f"{short(cost.params)} params"] if cost.params else []
    counted += [f"{short(cost.macs)} MACs"] if cost.macs else []
    color = kind_color(part.layers)
    whole = " · ".join([printable(part.path), title, *([details] if details else []), *counted])
    sign = _SIGNS.get(part.layers[0].op) if len(part.layers) == 1 else None
    if sign:
        return Box((Words(sign),), "#ffffff", color, whole, _ROUND, _ROUND, round=True)
    return _sized(Words(title, details), " · ".join(counted), color, whole)


def _sized(first: Words, counted: str, color: str, name: str) -> Box:
    bold = shortened(first.bold, _WIDEST, TITLE, bold=True)
    room = _WIDEST - text_width(bold, TITLE, bold=True) - _gap(TITLE)
    plain = shortened(first.plain, room, SMALL) if room > 2 * TITLE else ""
    lines = [Words(bold, plain), *([Words("", counted)] if counted else [])]
    width = max(_line_width(words, SMALL if number else TITLE) for number, words in enumerate(lines))
    height = TITLE + 2 * _ABOVE - 1 + (SMALL + 1.5 if counted else 0)
    return Box(tuple(lines), TINTS[color], color, name, width + 2 * _SIDES, height)


def _title(part: Part, graph: Graph) -> str:
    """Return what a part is: in a block the name that it has there, else its block, its module or its operator."""
    layers = part.layers
    if part.inside:
        name = part.path[len(part.inside) + 1 :]
    elif layers[0].location is None:
        name = _module(part, graph)
    else:
        types = list(dict.fromkeys(row.block_type for row in layers))
        within = all(part.path.startswith(f"{row.block}.") for row in layers)
        name = part.path.rpartition(".")[2] if within else ", ".join(types) if len(types) <= NAMED else "several"
        blocks = len({row.block for row in layers})
        return f"{name} ×{blocks}" if len(types) == 1 and blocks > 1 and not within else name
    return f"{name} ×{part.repeats}" if part.repeats > 1 else name


def _module(part: Part, graph: Graph) -> str:
    """Return the class of a module, or, of a container, its path; of a call, also with those that it alone waits for,
    the operator."""
    called = next((row for row in part.layers if row.path == part.path), part.layers[0])
    if len(part.layers) == 1 or (called.block == part.path and ":" in part.path):
        return _SHORT.get(called.label, called.label)
    found = graph.modules.get(part.path)
    return part.path if found is None or found.own in _CONTAINERS else found.short


def _details(part: Part, title: str) -> str:
    """Return the windows and the stride of a part, how wide it gets inside, and whether it gates."""
    layers = part.layers[: len(part.layers) // part.repeats]
    if len(layers) == 1 or part.inside:
        return _operators(layers, title)
    windows = list(dict.fromkeys(row.kernel for row in layers if row.kernel and row.kind != "se"))
    larger = [one for one in windows if set(one) != {1}] or windows
    said = ["+".join("×".join(map(str, one)) for one in larger[:NAMED])] if larger else []
    said += _stride(layers)
    widest = max((row.outputs[0].shape[0] for row in layers if row.kind in _CONVOLUTIONS), default=0)
    ends = [layers[0].inputs[0].shape[:1] if layers[0].inputs else (), layers[-1].outputs[0].shape[:1]]
    said += [f"exp {widest}"] if widest > max((dim for end in ends for dim in end), default=widest) else []
    said += ["SE"] if any(row.kind == "se" for row in layers) else []
    return ", ".join(said)


def _stride(layers: Sequence[Layer]) -> list[str]:
    strides = [row.stride for row in layers if row.stride and max(row.stride) > 1]
    if not strides or len({row.block for row in layers}) > 1:
        return []
    largest = max(strides)
    return [f"s {largest[0]}" if len(set(largest)) == 1 else f"s {'×'.join(map(str, largest))}"]


def _operators(layers: Sequence[Layer], name: str) -> str:
    """Return the operators of a part that has few, of several that multiply these alone: `dw conv 3×3, s 2 · BN ·
    relu6`. What the part is called need not be said again."""
    several = sum(row.op in _MULTIPLY for row in layers) > 1
    said = Counter(_operator(row, name) for row in layers if row.op in _MULTIPLY or not several)
    counted = [f"{one} ×{times}" if times > 1 else one for one, times in said.items() if one]
    return " · ".join(counted) if len(counted) <= NAMED + 1 else ""


def _operator(row: Layer, name: str) -> str:
    label = _SHORT.get(row.label, row.label)
    window = "×".join(map(str, row.kernel)) if row.kernel else ""
    told = name.replace(" ", "_") in (label.replace(" ", "_"), row.op)
    return ", ".join(filter(None, [" ".join(filter(None, ["" if told else label, window])), *_stride([row])]))

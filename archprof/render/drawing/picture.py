"""What a drawing is made of, in points from its upper left corner, whatever file it becomes."""

from archprof.named_tuple import NamedTuple

INCH = 72  # points
Point = tuple[float, float]


class Text(NamedTuple):
    """A line of text: where its baseline starts, its size, and how it looks."""

    x: float
    y: float
    text: str
    size: float
    color: str
    bold: bool = False


class Shape(NamedTuple):
    """A rectangle, its corners rounded by *radius*, or, where that is half of both its sides, a circle."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    fill: str
    stroke: str


class Line(NamedTuple):
    """A line through points, or, if it is *curved*, a Bézier curve from the first through three more at a time; it ends
    at the tip of an arrow."""

    points: tuple[Point, ...]
    curved: bool = False


class Item(NamedTuple):
    """Shapes and texts that belong together, and what they are called by one who cannot see them."""

    name: str
    shapes: tuple[Shape, ...]
    texts: tuple[Text, ...]


class Picture(NamedTuple):
    """A drawing: its size, what it shows in a line and in a sentence, its lines, then what stands above them."""

    width: float
    height: float
    title: str
    description: str
    lines: tuple[Line, ...]
    items: tuple[Item, ...]

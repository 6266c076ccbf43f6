"""A drawing as SVG: small, without styles, scripts or fonts, every name escaped."""

from collections.abc import Iterator
from html import escape
from math import hypot

from archprof.render.drawing.font import STACK, is_measured, text_width
from archprof.render.drawing.picture import Item, Line, Picture, Point, Shape, Text

LINE, ARROW = "#333333", (5.0, 1.9)


def to_svg(picture: Picture) -> str:
    """Return the drawing as an SVG file, as large as its points say, with a title and a description for those who do
    not see it."""
    size = f'width="{_number(picture.width)}pt" height="{_number(picture.height)}pt"'
    view = f'viewBox="0 0 {_number(picture.width)} {_number(picture.height)}"'
    font = escape(", ".join(f"'{one}'" if " " in one else one for one in STACK), quote=True)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" font-family="{font}">',
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(picture.description)}</desc>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<g fill="none" stroke="{LINE}" stroke-width="0.8">',
        *map(_line, picture.lines),
        "</g>",
        f'<g fill="{LINE}">',
        *(_polygon(arrow(line)) for line in picture.lines),
        "</g>",
        *(text for item in picture.items for text in _item(item)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def arrow(line: Line) -> tuple[Point, Point, Point]:
    """Return the head of an arrow: its tip and its two barbs."""
    (x, y), (tip_x, tip_y) = _last_way(line)
    length = hypot(tip_x - x, tip_y - y) or 1.0
    dx, dy = (tip_x - x) / length, (tip_y - y) / length
    back_x, back_y = tip_x - ARROW[0] * dx, tip_y - ARROW[0] * dy
    aside_x, aside_y = -dy * ARROW[1], dx * ARROW[1]
    return (tip_x, tip_y), (back_x + aside_x, back_y + aside_y), (back_x - aside_x, back_y - aside_y)


def _last_way(line: Line) -> tuple[Point, Point]:
    """Return the tip of a line, and a point before it that is not the same."""
    tip = line.points[-1]
    return next((one for one in reversed(line.points) if one != tip), tip), tip


def _line(line: Line) -> str:
    (x, y), *others = line.points
    steps = " ".join(f"{_number(a)},{_number(b)}" for a, b in others)
    return f'<path d="M{_number(x)},{_number(y)} {"C" if line.curved else "L"}{steps}"/>'


def _polygon(points: tuple[Point, ...]) -> str:
    return f'<polygon points="{" ".join(f"{_number(x)},{_number(y)}" for x, y in points)}"/>'


def _item(item: Item) -> Iterator[str]:
    if not item.shapes:
        yield from map(_text, item.texts)
        return
    yield f"<g><title>{escape(item.name)}</title>"
    yield from map(_shape, item.shapes)
    yield from map(_text, item.texts)
    yield "</g>"


def _shape(shape: Shape) -> str:
    x, y, width, height, radius = map(_number, shape[:5])
    stroke = f' stroke="{shape.stroke}" stroke-width="0.9"' if shape.stroke else ""
    corners = f' rx="{radius}"' if shape.radius else ""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}"{corners} fill="{shape.fill}"{stroke}/>'


def _text(text: Text) -> str:
    weight = ' font-weight="bold"' if text.bold else ""
    place = f'x="{_number(text.x)}" y="{_number(text.y)}"{_room(text)}'
    return f'<text {place} font-size="{_number(text.size)}"{weight} fill="{text.color}">{escape(text.text)}</text>'


def _room(text: Text) -> str:
    """Return how wide a text is to be where none of the fonts is there, whose metrics placed it: another one, which may
    be wider, is squeezed, so that no text runs into the next."""
    if not is_measured(text.text):
        return ""
    width = text_width(text.text, text.size, bold=text.bold)
    return f' textLength="{_number(width)}" lengthAdjust="spacingAndGlyphs"'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"

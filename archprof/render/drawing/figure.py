"""A drawing as PDF or PNG, by matplotlib (extra `plot`), which brings its own font."""

from typing import Any, BinaryIO
from warnings import catch_warnings, simplefilter

from archprof.render.drawing.font import text_width
from archprof.render.drawing.picture import INCH, Line, Picture, Shape, Text
from archprof.render.drawing.svg import LINE, arrow
from archprof.render.figure import needed_by

# Of a PNG; one of more dots along a side cannot be written.
_DPI, _MOST_DOTS = 300, 60_000


def write_figure(picture: Picture, file: BinaryIO, format: str) -> None:
    """Write the drawing in a *format*, `pdf` or `png`. Raises UsageError as `needed_by` does."""
    with needed_by(f"a {format.upper()}", ", or draw an SVG"):
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    figure = Figure(figsize=(picture.width / INCH, picture.height / INCH))
    for line in picture.lines:
        _add_line(figure, line, picture)
    for item in picture.items:
        for shape in item.shapes:
            _add_shape(figure, shape, picture)
        for text in item.texts:
            _add_text(figure, text, picture)
    # Fonts that journals accept, and no date: the same drawing in the same bytes.
    dated = {"CreationDate": None, "Title": picture.title} if format == "pdf" else {"Title": picture.title}
    dots = min(_DPI, _MOST_DOTS * INCH / max(picture.width, picture.height))
    with rc_context({"pdf.fonttype": 42}), catch_warnings():
        simplefilter("ignore")  # of letters that the font lacks: boxes stand for them
        figure.savefig(file, format=format, dpi=dots, metadata=dated)


def _add_line(figure: Any, line: Line, picture: Picture) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    code = Path.CURVE4 if line.curved else Path.LINETO
    path = Path(_upward(line.points, picture), [Path.MOVETO, *[code] * (len(line.points) - 1)])
    to_page = _to_page(figure)
    figure.add_artist(PathPatch(path, fill=False, edgecolor=LINE, linewidth=0.8, transform=to_page))
    head = Polygon(_upward(arrow(line), picture), facecolor=LINE, linewidth=0, transform=to_page)
    figure.add_artist(head)


def _add_shape(figure: Any, shape: Shape, picture: Picture) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, width, height, radius, fill, stroke = shape
    style = f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0"
    place = (x, picture.height - y - height)
    figure.add_artist(
        FancyBboxPatch(
            place, width, height, boxstyle=style, facecolor=fill, edgecolor=stroke or "none",
            linewidth=0.9 if stroke else 0, transform=_to_page(figure),
        )
    )  # fmt: skip


def _add_text(figure: Any, text: Text, picture: Picture) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if text.bold else "normal")
    width = TextPath((0, 0), text.text, size=text.size, prop=font, usetex=False).get_extents().width
    size = text.size * min(1.0, text_width(text.text, text.size, bold=text.bold) / (width or 1))
    figure.text(
        text.x / picture.width, 1 - text.y / picture.height, text.text, fontproperties=font, fontsize=size,
        color=text.color, parse_math=False, va="baseline",
    )  # fmt: skip


def _upward(points: Any, picture: Picture) -> list[tuple[float, float]]:
    return [(x, picture.height - y) for x, y in points]


def _to_page(figure: Any) -> Any:
    """Return what makes points of a page out of ours."""
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(1 / INCH) + figure.dpi_scale_trans

"""From a network to the file of its drawing."""

from pathlib import Path

from archprof.analysis.document import inputs_text
from archprof.costs.report import Report
from archprof.errors import printable, suggest, usage_error
from archprof.outputs import output_file
from archprof.render.drawing.boxes import boxes
from archprof.render.drawing.chain import detours, placed_chain
from archprof.render.drawing.diagram import Diagram, diagram
from archprof.render.drawing.picture import Picture
from archprof.units import short

SUFFIXES = (".svg", ".pdf", ".png")
DIRECTIONS = ("down", "right")
# More boxes than so many are no picture.
_MOST = 500


def format_of(path: str) -> str:
    """Return the format of a file by its suffix. Raises UsageError for one that there is not."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise usage_error(f"cannot draw `{path}`", help=f"a name that ends with {', '.join(SUFFIXES)}")
    return suffix[1:]


def checked_direction(direction: str) -> str:
    """Return where a drawing goes. Raises UsageError for a word that says nothing of that."""
    if direction not in DIRECTIONS:
        raise usage_error(f"unknown direction `{direction}`", help=suggest(direction, DIRECTIONS, "directions"))
    return direction


def picture(report: Report, depth: int | None = None, opened: str = "", *, right: bool = False) -> Picture:
    """Return the drawing of a network, as `diagram` has its parts, from the top down or from left to *right*.

    Raises UsageError for too many parts, and where it takes Graphviz's `dot`, and that is not there.
    """
    drawn = diagram(report, depth, opened)
    if len(drawn.vertices) > _MOST:
        message = f"{len(drawn.vertices):,} boxes are no picture"
        raise usage_error(message, help="`--depth 1`, or a little more, folds them")
    placed = boxes(drawn)
    around = detours(drawn)
    if around is not None:
        found = placed_chain(drawn, placed, around, right=right)
    else:
        from archprof.render.drawing.dot import placed_by_dot

        found = placed_by_dot(drawn, placed, right=right)
    head = drawn.summary.head
    title = printable(head.caption)
    return Picture(found.width, found.height, title, _description(drawn, [one.name for one in placed]), *found[2:])


def _description(drawn: Diagram, names: list[str]) -> str:
    head = drawn.summary.head
    totals = f"{short(head.totals.params)} params, {short(head.totals.macs)} MACs"
    rule = f"convention {head.convention.name} {head.convention.version}"
    return printable(f"input {inputs_text(head.inputs)}; {totals} ({rule}); {'; '.join(names)}")


def write_picture(drawing: Picture, path: str) -> None:
    """Write a drawing to a file, in the format of its suffix. Raises UsageError as `format_of` does, without
    matplotlib where that is needed, and for a file that cannot be written."""
    format = format_of(path)
    with output_file(path) as file:
        if format == "svg":
            from archprof.render.drawing.svg import to_svg

            file.write(to_svg(drawing).encode("utf-8"))
            return
        from archprof.render.drawing.figure import write_figure

        write_figure(drawing, file, format)

"""archprof draw: a network or a block as a diagram."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.output import write_stdout
from archprof.errors import did_you_mean, usage_error
from archprof.spec import catalog

if TYPE_CHECKING:
    from archprof.ir.graph import Graph
    from archprof.spec.variant import Setting


def command(
    model: Annotated[
        str,
        typer.Argument(
            help="A network, as `archprof summary` takes it: a name, a path, an ONNX file, code; or a block of the"
            " language: `inverted_residual`, `bottleneck`, `fpn` …",
            metavar="MODEL|BLOCK",
            callback=options.one_network,
        ),
    ],
    depth: Annotated[
        int | None,
        typer.Option("--depth", min=1, help="Fold boxes to so many segments of their paths.", metavar="N"),
    ] = None,
    direction: Annotated[
        str, typer.Option("--direction", help="Where it goes: down or right.", metavar="WHERE")
    ] = "down",
    width: options.Width = None,
    resolution: options.Size = None,
    input: options.Input = None,
    train: options.Train = False,
    real: options.Real = False,
    classes: options.Classes = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Set a knob or a cell, `layers[1].rows[2].k=5`, or, of a block, a column: `k=5`. Repeatable.",
            metavar="PLACE=VALUE",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", help="Draw into a file: out.svg, out.pdf, out.png.", metavar="FILE"),
    ] = None,
) -> None:
    """A network or a block as a diagram, for a paper or a page: SVG or PDF.

    A network is a box a block, with the size of what goes between them, channels × height × width, and what each costs;
    equal blocks in a row are one box, and pyramids are drawn with their lateral paths. A block by its name is drawn
    with what is in it. Code, locks and ONNX files are drawn by their modules. What is no chain is laid out by
    Graphviz's `dot`.
    """
    from archprof.analysis.block_example import is_block
    from archprof.costs.report import analyze_graph
    from archprof.render.drawing.draw import checked_direction, format_of, picture, write_picture

    right = checked_direction(direction) == "right"
    if output is not None:
        format_of(output)
    given, real = options.settings(width, resolution, classes, set), options.really(real, model)
    name = model.partition("@")[0]
    opened = name if is_block(name) else ""
    if opened:
        graph = _block(model, given, input)
    else:
        from archprof.analysis.models import read_model

        _refuse_misspelled(name)
        graph = read_model(model, given, input, train=train, real=real)
    drawing = picture(analyze_graph(graph), depth, opened, right=right)
    if output is not None:
        write_picture(drawing, output)
        return
    from archprof.render.drawing.svg import to_svg

    write_stdout(to_svg(drawing))


def _block(model: str, given: "list[Setting]", inputs: list[str] | None) -> "Graph":
    from archprof.analysis.block_example import block_graph
    from archprof.spec.variant import parse_reference

    name, settings = parse_reference(model)
    return block_graph(name, [*settings, *given], inputs)


def _refuse_misspelled(name: str) -> None:
    """Raise UsageError for what is no network, and almost the name of a block."""
    if not name.isidentifier() or name in dict(catalog.spellings()):
        return
    from archprof.language.registry import block_names

    if advice := did_you_mean(name, block_names()):
        raise usage_error(f"there is no network and no block `{name}`", help=advice)

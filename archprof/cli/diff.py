"""archprof diff: what changed between two networks."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, write


def command(
    before: Annotated[
        str, typer.Argument(help="The first: a name, a path, a variant, or `git:REV:path`.", metavar="A")
    ],
    after: Annotated[str, typer.Argument(help="The second.", metavar="B")],
    width: options.Width = None,
    resolution: options.Resolution = None,
    classes: options.Classes = None,
    set: options.Set = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", help="Hide a kind (`norm`, `act`) or a field (`eps`). Repeatable.", metavar="WHAT"),
    ] = None,
    full: options.Full = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 where the two differ.")] = False,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What changed between two networks, and what each change costs.

    Blocks are aligned as sequences, so that an inserted or removed row moves nobody else; settings given by options
    hold for both sides.
    """
    from archprof.analysis.diff import diff
    from archprof.costs.report import analyze_graph
    from archprof.language.expand import read_network
    from archprof.render.diff import diff_document, diff_table

    chosen = choose_format(format, output)
    given = options.settings(width, resolution, classes, set)
    first, second = (analyze_graph(read_network(model, given)) for model in (before, after))
    found = diff(first, second, options.ignored(ignore))

    def json() -> str:
        from archprof.render.json import to_json

        return to_json(diff_document(found))

    write(chosen, output, lambda: diff_table(found, full=full), json, no_color=no_color)
    if exit_code and not found.empty:
        raise typer.Exit(1)

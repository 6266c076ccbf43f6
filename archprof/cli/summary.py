"""archprof summary: what a network costs, block by block."""

from typing import TYPE_CHECKING

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, write
from archprof.errors import usage_error

if TYPE_CHECKING:
    from archprof.render.table import Table


def command(
    model: options.Model,
    width: options.Width = None,
    resolution: options.Resolution = None,
    classes: options.Classes = None,
    set: options.Set = None,
    depth: options.Depth = None,
    full: options.Full = False,
    sort: options.Sort = None,
    top: options.Top = None,
    measure: options.Measure = False,
    counter: options.Counter = None,
    convention: options.Convention = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What a network costs, block by block.

    Params and MACs come from closed formulas over shapes, instantly and without torch. `--measure` builds the torch
    module, counts on it, and compares row by row; exit 1 when anything differs. `--convention` shows what another tool
    would count beside our MACs.
    """
    from archprof.analysis.fold import view
    from archprof.costs.measured import disagreement, with_measured
    from archprof.costs.report import analyze_graph
    from archprof.costs.tools import find_conventions
    from archprof.language.expand import read_network

    chosen = choose_format(format, output)
    if counter and not measure:
        raise usage_error("`--counter` counts nothing without `--measure`")
    conventions = find_conventions(convention or ())
    graph = read_network(model, options.settings(width, resolution, classes, set))
    report = analyze_graph(graph)
    shown = view(report, depth=depth, full=full, sort=sort, top=top)
    if measure:
        from archprof.runtime.measure import measure_network

        report = with_measured(report, measure_network(graph, counter or "fvcore"))
        shown = view(report, depth=depth, full=full, sort=sort, top=top)

    def table() -> "Table":
        from archprof.render.summary import summary_table

        return summary_table(report, shown, sort, conventions)

    def json() -> str:
        from archprof.render.json import summary_document, to_json

        return to_json(summary_document(report, conventions))

    write(chosen, output, table, json, no_color=no_color)
    difference = disagreement(report)
    if difference:
        typer.echo(f"analytic and measured counts differ: {difference}", err=True)
        raise typer.Exit(1)

"""archprof summary: what a network costs, block by block."""

from typing import TYPE_CHECKING

from archprof.cli import options
from archprof.cli.output import choose_format, deliver
from archprof.errors import usage_error
from archprof.render.formats import Result

if TYPE_CHECKING:
    from archprof.render.table import Table


def command(
    model: options.AnyModel,
    width: options.Width = None,
    resolution: options.Size = None,
    input: options.Input = None,
    train: options.Train = False,
    real: options.Real = False,
    classes: options.Classes = None,
    set: options.Set = None,
    depth: options.Depth = None,
    full: options.Full = False,
    sort: options.Sort = None,
    top: options.Top = None,
    measure: options.Measure = False,
    counter: options.Counter = None,
    convention: options.Convention = None,
    flops: options.Flops = False,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What a network costs, block by block.

    Params and MACs come from closed formulas over shapes, instantly and without torch. `--measure` builds the torch
    module, counts on it, and compares row by row; exit 1 when anything differs. `--convention` shows what another tool
    would count beside our MACs.

    Code that makes a torch module runs, without its weights being filled: each operator that torch dispatches is a row,
    at the path of the module that calls it. `--real` computes as well, where its sizes depend on data.
    """
    from archprof.analysis.document import with_derived
    from archprof.analysis.models import read_model
    from archprof.analysis.summary import summarize
    from archprof.costs.measured import disagreement, with_measured
    from archprof.costs.report import analyze_graph
    from archprof.render.fold import view

    chosen = choose_format("summary", format, output)
    if counter and not measure:
        raise usage_error("`--counter` counts nothing without `--measure`")
    conventions = options.conventions(convention, train=train)
    for_tables = {"--measure": measure}
    given, real = options.settings(width, resolution, classes, set), options.really(real, model)
    graph = read_model(model, given, input, for_tables, train=train, real=real)
    report = analyze_graph(graph)
    if measure:
        from archprof.runtime.measure import measure_network

        report = with_measured(report, measure_network(graph, counter or "fvcore"))
    found = summarize(report, conventions)
    if flops:
        found = with_derived(found, "flops")
    shown = view(found.layers, depth=depth, full=full, sort=sort, top=top)
    difference = disagreement(report)

    def table() -> "Table":
        from archprof.render.summary import summary_table

        return summary_table(found, shown, sort, flops=flops)

    message = f"analytic and measured counts differ: {difference}" if difference else ""
    deliver(Result(found, table, 1 if difference else 0, message), chosen, output, no_color=no_color)

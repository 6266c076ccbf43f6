"""archprof summary: what a network costs, block by block."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options, setup_options
from archprof.cli.output import choose_format, deliver, leave
from archprof.errors import usage_error
from archprof.render.formats import Result

if TYPE_CHECKING:
    from archprof.analysis.summary import Summary
    from archprof.costs.report import Report
    from archprof.ir.setup import Setup
    from archprof.render.table import Table


def command(
    ctx: typer.Context,
    model: options.AnyModel,
    *,
    knobs: options.Knobs,
    train: options.ModeOrOptimizer = None,
    real: options.Real = False,
    depth: options.Depth = None,
    full: options.Full = False,
    sort: options.Sort = None,
    top: options.Top = None,
    measure: options.Measure = False,
    counter: options.Counter = None,
    convention: options.Convention = None,
    flops: options.Flops = False,
    bytes: setup_options.Bytes = False,
    words: setup_options.Words,
    open: Annotated[
        bool, typer.Option("--open", help="Show it as a page in the browser; where there is none, print its path.")
    ] = False,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What a network costs, block by block.

    Params and MACs come from closed formulas over shapes, instantly and without torch. `--measure` builds the torch
    module, counts on it, and compares row by row; exit 1 when anything differs. `--convention` shows what another tool
    would count beside our MACs.

    Code that makes a torch module runs, without its weights being filled: each operator that torch dispatches is a row,
    at the path of the module that calls it. `--real` computes as well, where its sizes depend on data; `--measure` runs
    the module itself, on zeros, and compares module by module.
    """
    from archprof.analysis.document import with_derived
    from archprof.analysis.summary import summarize
    from archprof.render.fold import view

    if open and (format or output):
        message = f"`--open` and `{'--format' if format else '-o'}` at once"
        raise usage_error(message, help=f"`archprof report {model} -o page.html` writes the page")
    chosen = choose_format("summary", format, output)
    options.check_rows(depth, full=full)
    if counter and not measure:
        raise usage_error("`--counter` counts nothing without `--measure`")
    setup = setup_options.setup_of_bytes(words.asked(train), wanted=bytes or open)
    conventions = options.conventions(convention, train=train is not None)
    given, real = knobs.settings, options.really(real, model)
    if measure and (train is not None or real):
        message = f"`--measure` and `{'--real' if train is None else '--train'}` at once"
        raise usage_error(message, help="counters run the module itself, in evaluation")
    if measure:
        report = _measured(model, given, knobs.input, counter or "fvcore")
    else:
        report = _counted(model, given, knobs.input, train=train, real=real, batch=words.batch or 1)
    found = summarize(report, conventions)
    if setup:
        from archprof.analysis.traffic import with_traffic

        found = with_traffic(found, report.graph, setup)
    if flops:
        found = with_derived(found, "flops")
    shown = view(found.layers, depth=depth, full=full, sort=sort, top=top)
    difference = _disagreement(report)

    def table() -> "Table":
        from archprof.render.summary import summary_table

        return summary_table(found, shown, sort, flops=flops)

    message = f"analytic and measured counts differ: {difference}" if difference else ""
    result = Result(found, table, 1 if difference else 0, message)
    if open and setup:
        _show(ctx, report, found, setup)
        leave(result)
    else:
        deliver(result, chosen, output, no_color=no_color)


def _show(ctx: typer.Context, report: "Report", found: "Summary", setup: "Setup") -> None:
    from archprof.analysis.report_page import ReportPage, network_page
    from archprof.cli.pages import open_page, typed

    open_page(ReportPage(typed(ctx), (network_page(report, found, setup),)))


def _disagreement(report: "Report") -> str:
    if report.measured is None:
        return ""
    from archprof.costs.measured import disagreement

    return disagreement(report)


def _counted(
    model: str, settings: list[tuple[str, str]], inputs: list[str] | None, *, train: str | None, real: bool, batch: int
) -> "Report":
    from archprof.analysis.models import read_model, read_training
    from archprof.costs.report import analyze_graph

    # An optimiser trains whatever there are rules for, training mode is of what was recorded in it.
    read = read_training if train else read_model
    return analyze_graph(read(model, settings, inputs, train=train is not None, real=real, batch=batch))


def _measured(model: str, settings: list[tuple[str, str]], inputs: list[str] | None, counter: str) -> "Report":
    """Return a report with what a counter finds on the module: the one that code makes, or that is built of a spec."""
    from archprof.analysis.models import read_measured, read_model, refuse_measuring
    from archprof.costs.measured import with_measured, with_measured_modules
    from archprof.costs.report import analyze_graph
    from archprof.runtime.measure import measure_network

    if options.is_code(model):
        graph, found = read_measured(model, settings, inputs, counter)
        return with_measured_modules(analyze_graph(graph), found)
    refuse_measuring(model)
    graph = read_model(model, settings, inputs)
    return with_measured(analyze_graph(graph), measure_network(graph, counter))

"""archprof compare: networks side by side."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, deliver, say
from archprof.errors import Problems, suggest, usage_error
from archprof.render.formats import Result

BY = ("stage", "kind", "layer")


def command(
    models: options.AnyModels,
    width: options.Width = None,
    resolution: options.Size = None,
    input: options.Input = None,
    train: options.Train = False,
    real: options.Real = False,
    classes: options.Classes = None,
    set: options.Set = None,
    relative_to: Annotated[
        str | None,
        typer.Option(
            "--relative-to", help="The network that ratios relate to; the first unless given.", metavar="MODEL"
        ),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help="Where the MACs go: by stage, kind or layer.", metavar="WHAT")
    ] = "stage",
    convention: options.Convention = None,
    flops: options.Flops = False,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Sort by params, macs, activations, layers, top1 …", metavar="KEY")
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option("--plot", help="Draw accuracy, or params, against MACs: out.svg, out.png.", metavar="FILE"),
    ] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Networks side by side: totals, kinds of layer, stages, published accuracy.

    Settings given by options hold for all. The second table aligns the networks by stage, so that one sees where each
    spends its MACs. Code that makes a torch module runs, as in `archprof summary`; no accuracy is known of it.
    """
    from archprof.analysis.compare import compare
    from archprof.analysis.document import with_derived
    from archprof.analysis.models import read_model
    from archprof.costs.report import analyze_graph
    from archprof.render.compare import compare_table

    chosen = choose_format("compare", format, output)
    if by not in BY:
        raise usage_error(f"unknown grouping `{by}`", help=suggest(by, BY, "groupings"))
    conventions = options.conventions(convention, train=train)
    given = options.settings(width, resolution, classes, set)
    real = options.really(real, *models)
    reports, wrong = [], Problems()
    for model in models:
        with wrong:
            reports.append(analyze_graph(read_model(model, given, input, train=train, real=real)))
    wrong.raise_any()
    found = compare(reports, relative_to, sort, conventions)
    if flops:
        found = with_derived(found, "flops")
    if plot is not None:
        from archprof.render.plot import plot_comparison

        if missing := plot_comparison(found, plot):
            say(f"not in `{plot}`, no top-1 accuracy was published: {', '.join(missing)}")
    deliver(Result(found, lambda: compare_table(found, by, sort, flops=flops)), chosen, output, no_color=no_color)

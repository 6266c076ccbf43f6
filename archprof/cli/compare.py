"""archprof compare: networks side by side."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import device_options, options, setup_options
from archprof.cli.output import choose_format, deliver, plot_name, plot_target, say
from archprof.errors import Problems, SpecError, asked_of, suggest, usage_error
from archprof.render.formats import Result

if TYPE_CHECKING:
    from archprof.costs.report import Report

BY = ("stage", "kind", "layer")


def command(
    models: options.AnyModels,
    *,
    knobs: options.Knobs,
    train: options.ModeOrOptimizer = None,
    real: options.Real = False,
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
    bytes: Annotated[
        bool, typer.Option("--bytes", help="Show bytes of weights, at the peak, and of all that is there then.")
    ] = False,
    words: setup_options.Words,
    deployed: setup_options.Deployed,
    on_device: device_options.OnDevice,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Sort by params, macs, layers, top1, latency …", metavar="KEY")
    ] = None,
    plot: options.PlotComparison = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Networks side by side: totals, kinds of layer, stages, published accuracy.

    Settings given by options hold for all. The second table aligns the networks by stage, so that one sees where each
    spends its MACs. With `--device` it says how long each takes there, predicted as by `archprof latency`. Code that
    makes a torch module runs, as in `archprof summary`; no accuracy is known of it.
    """
    from archprof.analysis.compare import compare
    from archprof.analysis.document import with_derived
    from archprof.render.compare import compare_table

    chosen = choose_format("compare", format, output)
    if by not in BY:
        raise usage_error(f"unknown grouping `{by}`", help=suggest(by, BY, "groupings"))
    on = device_options.device_in_inference(on_device, words, train)
    setup = None if on and not bytes else setup_options.setup_of_bytes(words.asked(train, deployed), wanted=bytes)
    conventions = options.conventions(convention, train=train is not None)
    batch = on.batch if on else words.batch or 1
    reports = _counted(models, knobs, train=train, real=options.really(real, *models), batch=batch)
    found = compare(reports, relative_to, sort, conventions, setup, on)
    if flops:
        found = with_derived(found, "flops")
    if plot is not None:
        from archprof.render.plot import plot_comparison

        if missing := plot_comparison(found, plot_target(plot, chosen, output, no_color=no_color)):
            say(f"not in {plot_name(plot)}, no top-1 accuracy was published: {', '.join(missing)}")
    deliver(Result(found, lambda: compare_table(found, by, sort, flops=flops)), chosen, output, no_color=no_color)


def _counted(models: list[str], knobs: options.Knobs, *, train: str | None, real: bool, batch: int) -> "list[Report]":
    """Return what each costs. Raises what is wrong with any of them, of all."""
    from archprof.analysis.models import read_model, read_training
    from archprof.costs.report import analyze_graph

    read = read_training if train else read_model
    reports, wrong = [], Problems()
    for model in models:
        with wrong:
            try:
                graph = read(model, knobs.settings, knobs.input, train=train is not None, real=real, batch=batch)
            except SpecError as error:
                raise asked_of(error, model) from None
            reports.append(analyze_graph(graph))
    wrong.raise_any()
    return reports

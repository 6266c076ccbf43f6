"""archprof memory: what a network holds while it runs, and where there is most."""

from typing import Annotated

import typer

from archprof.cli import options, setup_options
from archprof.cli.output import choose_format, deliver
from archprof.render.formats import Result


def command(
    model: options.AnyModel,
    batch: setup_options.Batch = None,
    dtype: setup_options.Dtype = None,
    train: setup_options.Optimizer = None,
    amp: setup_options.Amp = None,
    checkpoint: setup_options.Checkpoint = None,
    accumulate: setup_options.Accumulate = None,
    layout: setup_options.Layout = None,
    kernels: setup_options.Kernels = None,
    width: options.Width = None,
    resolution: options.Size = None,
    input: options.Input = None,
    real: options.Real = False,
    classes: options.Classes = None,
    set: options.Set = None,
    depth: options.Depth = None,
    full: Annotated[bool, typer.Option("--full", help="Show every tensor.")] = False,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Sort what is there at the peak by bytes.", metavar="KEY")
    ] = None,
    top: options.Top = None,
    plot: Annotated[
        str | None, typer.Option("--plot", help="Draw the bytes over time: out.svg, out.png.", metavar="FILE")
    ] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What a network holds in memory, and what sits there at the peak.

    Bytes come from rules of the operators: nothing is run, and no GPU is needed. Weights and inputs are there all
    along; what layers put out comes and goes, and in training stays until its gradient is known. Of a step of training
    forward, backward and the optimiser's step have a peak each.

    Code that makes a torch module runs as in `archprof summary`; with `--train` it is recorded in training mode.
    """
    from archprof.analysis.memory import describe_memory
    from archprof.analysis.models import read_training
    from archprof.memory.asked import setup_of
    from archprof.render.memory import alive_view, memory_table

    chosen = choose_format("memory", format, output)
    asked = {"batch": batch, "dtype": dtype, "train": train, "amp": amp, "checkpoint": checkpoint}
    setup = setup_of({**asked, "accumulate": accumulate, "layout": layout, "kernels": kernels})
    given, real = options.settings(width, resolution, classes, set), options.really(real, model)
    graph = read_training(model, given, input, train=bool(setup.train), real=real, batch=setup.batch)
    found = describe_memory(graph, setup)
    view = alive_view(found.alive, depth=depth, full=full, sort=sort, top=top)
    if plot is not None:
        from archprof.render.plot_memory import plot_memory

        plot_memory(found, plot)
    deliver(Result(found, lambda: memory_table(found, view)), chosen, output, no_color=no_color)

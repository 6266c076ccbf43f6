"""archprof memory: what a network holds while it runs, and where there is most."""

from collections.abc import Mapping
from typing import Annotated

import typer

from archprof.cli import options, setup_options
from archprof.cli.output import choose_format, deliver, plot_target, say
from archprof.errors import usage_error
from archprof.render.formats import Result


def command(
    model: options.AnyModel,
    *,
    words: setup_options.Words,
    train: setup_options.Optimizer = None,
    order: Annotated[
        str | None,
        typer.Option("--order", help="best: the order of execution with the least peak, if proven.", metavar="WHICH"),
    ] = None,
    deployed: setup_options.Deployed,
    rounding: Annotated[
        int | None,
        typer.Option("--rounding", min=1, help="Round tensors up to N bytes; torch's allocator: 512.", metavar="N"),
    ] = None,
    knobs: options.Knobs,
    real: options.Real = False,
    depth: options.Depth = None,
    full: Annotated[bool, typer.Option("--full", help="Show every tensor.")] = False,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Sort what is there at the peak by bytes.", metavar="KEY")
    ] = None,
    top: options.Top = None,
    fits: Annotated[
        str | None, typer.Option("--fits", help="Find the largest batch that fits: `24GiB`.", metavar="SIZE")
    ] = None,
    plot: options.PlotMemory = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """What a network holds in memory, and what sits there at the peak.

    Bytes come from rules of the operators: nothing is run, and no GPU is needed. Weights and inputs are there all
    along; what layers put out comes and goes, and in training stays until its gradient is known. Of a step of training
    forward, backward and the optimiser's step have a peak each.

    `--fits` finds the largest batch whose bytes, with the workspace that kernels may take and a margin, fit, and for
    which torch's allocator finds room; exit 1 where not even one image does. In int8 it is inference as
    microcontrollers run it: batch norms, ReLU and ReLU6 fold into what is before them.

    Code that makes a torch module runs as in `archprof summary`; with `--train` it is recorded in training mode.
    """
    from archprof.allocation.asked import asks_best, setup_of
    from archprof.analysis.largest_batch import describe_largest
    from archprof.analysis.memory import describe_memory
    from archprof.analysis.models import read_training
    from archprof.render.memory import alive_view, fit_text, memory_table

    chosen = choose_format("memory", format, output)
    options.check_rows(depth, full=full)
    setup = setup_of(words.asked(train, deployed))
    given, real = knobs.settings, options.really(real, model)
    fixed = {"batch": words.batch, "order": order, **deployed._asdict(), "rounding": rounding}
    limit = None if fits is None else _limit(fits, fixed)
    many = setup.batch if limit is None else 2
    best = asks_best(order, setup)
    graph = read_training(model, given, knobs.input, train=bool(setup.train), real=real, batch=many)
    if limit is None:
        found = describe_memory(graph, setup, best=best, rounding=rounding)
    else:
        found = describe_largest(graph, setup, limit)
    view = alive_view(found.alive, depth=depth, full=full, sort=sort, top=top)
    if plot is not None:
        from archprof.render.plot_memory import plot_memory

        plot_memory(found, plot_target(plot, chosen, output, no_color=no_color))
    message = fit_text(found.fit) if found.fit and not found.fit.batch else ""
    deliver(
        Result(found, lambda: memory_table(found, view), 1 if message else 0, message),
        chosen,
        output,
        no_color=no_color,
    )


def _limit(fits: str, others: Mapping[str, object]) -> int:
    """Return the bytes that a batch is to fit into. Raises SpecError for a text that is no size, UsageError for options
    that contradict it."""
    from archprof.allocation.asked import spelled

    for option, given in others.items():
        if given is not None:
            advice = "`--fits` finds a batch, of the network as it stands"
            raise usage_error(f"`--fits` and `{spelled(option, '--{}')}` at once", help=advice)
    from archprof.analysis.largest_batch import size_of
    from archprof.spec.printed_number import decimal_note

    if note := decimal_note(fits, "peak"):
        say(f"note: {note}")
    return size_of(fits, f"--fits {fits}")

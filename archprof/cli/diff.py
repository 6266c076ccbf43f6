"""archprof diff: what changed between two networks."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, deliver
from archprof.render.formats import Result


def command(
    before: Annotated[
        str,
        typer.Argument(
            help="The first: a name, a path, a variant, or `git:REV:path`; or code that makes a torch module:"
            " `torchvision:resnet50`, `net.py:Net`.",
            metavar="A",
            callback=options.one_network,
        ),
    ],
    after: Annotated[str, typer.Argument(help="The second.", metavar="B", callback=options.one_network)],
    *,
    knobs: options.Knobs,
    train: options.Train = False,
    real: options.Real = False,
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
    hold for both sides. Code that makes a torch module runs, as in `archprof summary`; operators are aligned then,
    whatever their paths and blocks.
    """
    from archprof.analysis.diff import diff
    from archprof.analysis.models import read_model
    from archprof.costs.report import analyze_graph
    from archprof.render.diff import diff_table
    from archprof.spec.catalog import is_lock

    chosen = choose_format("diff", format, output)
    given = knobs.settings
    real = options.really(real, before, after)
    # A lock tells where the batch stands in each shape, and so has code beside it.
    batch = 2 if any(map(is_lock, (before, after))) else 1
    graphs = [read_model(model, given, knobs.input, train=train, real=real, batch=batch) for model in (before, after)]
    first, second = map(analyze_graph, graphs)
    found = diff(first, second, options.ignored(ignore))
    code = 1 if exit_code and not found.empty else 0
    deliver(Result(found, lambda: diff_table(found, full=full), code), chosen, output, no_color=no_color)

"""archprof show: a network's block table as its paper prints it."""

from archprof.cli import options
from archprof.cli.output import choose_format, deliver
from archprof.render.formats import Result


def command(
    model: options.Model,
    width: options.Width = None,
    resolution: options.Resolution = None,
    classes: options.Classes = None,
    set: options.Set = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """A network's block table as its paper prints it, with costs.

    The cells are the spec's own; the input, params and MACs of each row are computed. A row that repeats is one row,
    with the costs of all repeats.
    """
    from archprof.analysis.block_table import block_table
    from archprof.costs.report import analyze_graph
    from archprof.language.expand import read_network
    from archprof.render.show import show_table

    chosen = choose_format("show", format, output)
    found = block_table(analyze_graph(read_network(model, options.settings(width, resolution, classes, set))))
    deliver(Result(found, lambda: show_table(found)), chosen, output, no_color=no_color)

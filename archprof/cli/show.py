"""archprof show: a network's block table as its paper prints it."""

from archprof.cli import options
from archprof.cli.output import choose_format, write


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
    from archprof.render.show import show_document, show_table

    chosen = choose_format(format, output)
    report = analyze_graph(read_network(model, options.settings(width, resolution, classes, set)))
    table = block_table(report)

    def json() -> str:
        from archprof.render.json import to_json

        return to_json(show_document(report, table))

    write(chosen, output, lambda: show_table(report, table), json, no_color=no_color)

"""archprof list: the catalog."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, deliver
from archprof.errors import usage_error
from archprof.render.formats import Result


def command(
    pattern: Annotated[
        list[str] | None,
        typer.Argument(help="Only networks whose name or alias matches: `mobilenet*`.", metavar="[PATTERN]..."),
    ] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """The catalog: names, aliases, sources, exact numbers.

    Every name and alias works wherever a command takes a model. The numbers are those that the specs expect and the
    tests prove.
    """
    from fnmatch import fnmatchcase

    from archprof.analysis.document import convention_text
    from archprof.analysis.listing import Listing
    from archprof.render.listing import list_table
    from archprof.spec.index import listed_networks

    chosen = choose_format("list", format, output)
    patterns = pattern or ["*"]
    found = [
        network
        for network in listed_networks()
        if any(fnmatchcase(name, each) for each in patterns for name in (network.model, *network.aliases))
    ]
    if not found:
        message = f"no network matches `{' '.join(patterns)}`"
        raise usage_error(message, help="`archprof list` without a pattern shows all")
    listing = Listing(convention_text(), tuple(found))
    deliver(Result(listing, lambda: list_table(listing)), chosen, output, no_color=no_color)

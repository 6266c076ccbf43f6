"""archprof list: the catalog."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, deliver
from archprof.errors import suggest, usage_error
from archprof.render.formats import Result

KINDS = ("network", "space")


def command(
    pattern: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only networks with this in their name, an alias or the title, in any case: `mobilenet`, `'*v3*'`.",
            metavar="[PATTERN]...",
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only `network`s, or only `space`s of them.", metavar="KIND")
    ] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """The catalog: names, aliases, sources, exact numbers.

    Every name and alias works wherever a command takes a model. The numbers are those that the specs expect and the
    tests prove.
    """
    from archprof.analysis.document import convention_text
    from archprof.analysis.listing import Listing
    from archprof.render.listing import list_table
    from archprof.spec import catalog
    from archprof.spec.index import listed_networks

    chosen_format = choose_format("list", format, output)
    if kind not in (None, *KINDS):
        raise usage_error(f"unknown kind `{kind}`", help=suggest(kind, KINDS, "kinds"))
    listed = tuple(network for network in listed_networks() if kind in (None, network.kind))
    if pattern:
        words = [(word, one.model) for one in listed for word in (one.model, one.title, *one.aliases)]
        chosen = {name for each in pattern for name in catalog.matching(each, words)}
        if not chosen:
            message = f"no network matches `{' '.join(pattern)}`"
            raise usage_error(message, help="`archprof list` without a pattern shows all")
        listed = tuple(network for network in listed if network.model in chosen)
    listing = Listing(convention_text(), listed)
    deliver(Result(listing, lambda: list_table(listing)), chosen_format, output, no_color=no_color)

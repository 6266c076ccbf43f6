"""archprof list: the catalog."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, write


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

    from archprof.errors import usage_error
    from archprof.render.listing import list_document, list_table
    from archprof.spec.entries import entries

    chosen = choose_format(format, output)
    patterns = pattern or ["*"]
    found = [
        entry
        for entry in entries()
        if any(fnmatchcase(name, each) for each in patterns for name in (entry.name, *entry.aliases))
    ]
    if not found:
        raise usage_error(
            f"no network matches `{' '.join(patterns)}`", help="`archprof list` without a pattern shows all"
        )

    def json() -> str:
        from archprof.render.json import to_json

        return to_json(list_document(found))

    write(chosen, output, lambda: list_table(found), json, no_color=no_color)

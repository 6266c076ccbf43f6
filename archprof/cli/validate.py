"""archprof validate: every error of every file."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import say


def command(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Files, names of the catalog, patterns, or `-`.", metavar="MODEL...", callback=options.networks
        ),
    ],
) -> None:
    """Check specs: every error of every file, and what they expect.

    Prints nothing when all is well. Exit 2 when a spec is wrong, 1 when a number of its `expect` is not what is
    counted.
    """
    from archprof.analysis.expectations import unmet_expectations
    from archprof.errors import Problem, problems_of

    wrong: list[Problem] = []
    unmet: list[Problem] = []
    for model in models:
        try:
            unmet += unmet_expectations(model)
        except Exception as error:  # whatever one file raises, the others are told of
            wrong += problems_of(error, model)
    for found in (*wrong, *unmet):
        say(str(found))
    if wrong or unmet:
        raise typer.Exit(2 if wrong else 1)

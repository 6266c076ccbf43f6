"""archprof validate: every error of every file."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, deliver, say
from archprof.render.formats import Result

if TYPE_CHECKING:
    from archprof.spec.types import Spec


def command(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Files, names of the catalog, patterns, or `-`.", metavar="MODEL...", callback=options.networks
        ),
    ],
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Check specs: every error of every file, and what they expect.

    Prints nothing when all is well, unless `--format` or `-o` asks for a result. Exit 2 when a spec is wrong, 1 when a
    number of its `expect` is not what is counted.
    """
    from archprof.analysis.validate import validate
    from archprof.render.validate import validation_table

    chosen = choose_format("validate", format, output)
    found = validate(models, _build_space)
    message = "\n".join(str(problem) for one in found.models for problem in one.problems)
    result = Result(found, lambda: validation_table(found), found.exit_code, message)
    if format is not None or output is not None:
        deliver(result, chosen, output, no_color=no_color)
    elif message:
        say(message)
        raise typer.Exit(found.exit_code)


def _build_space(spec: "Spec") -> None:
    """Try every option of a space where it is drawn. Raises SpecError for one that does not fit."""
    from archprof.space.build import each_option, space_of

    if spec.open is not None and not spec.open.choices.layers:
        each_option(spec)  # of knobs alone: all that they make together are too many
    else:
        space_of(spec)

"""archprof explain: why other tools and papers print other numbers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, write
from archprof.render.table import Table

if TYPE_CHECKING:
    from archprof.analysis.variants import Variants
    from archprof.costs.convention import Convention
    from archprof.spec.variant import Setting


def command(
    model: options.Model,
    width: options.Width = None,
    resolution: options.Resolution = None,
    classes: options.Classes = None,
    set: options.Set = None,
    convention: options.Convention = None,
    number: Annotated[
        str | None, typer.Option("--number", help="What gives this number? `234.8M`, `5.5M params`.", metavar="NUMBER")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Show only so many answers to `--number`.", metavar="N")] = 8,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Why other tools and papers print other numbers.

    What each tool prints for the module that archprof builds, computed from the table without running the tool: our
    MACs, and what it counts besides. `--convention` shows the steps of one. `--number` ranks what gives a number that
    you have seen, at the precision that you type; exit 1 where nothing does.
    """
    from archprof.analysis.variants import Variants
    from archprof.costs.tools import CONVENTIONS, find_conventions
    from archprof.render.json import to_json

    chosen = choose_format(format, output)
    conventions = find_conventions(convention or CONVENTIONS)
    variants = Variants(model)
    settings = tuple(options.settings(width, resolution, classes, set))
    if number is not None:
        answer = _guessed(variants, settings, conventions, number, top)
    else:
        # Sentences are for people.
        answer = _explained(variants, settings, conventions, steps=convention is not None or chosen == "csv")
    write(chosen, output, answer.table, lambda: to_json(answer.document()), no_color=no_color)
    if not answer.found:
        raise typer.Exit(1)


class Answer(NamedTuple):
    """What to print, as a table and as a document, and whether what was asked for was found."""

    table: Callable[[], Table]
    document: Callable[[], dict[str, Any]]
    found: bool = True


def _explained(
    variants: "Variants", settings: tuple["Setting", ...], conventions: tuple["Convention", ...], *, steps: bool
) -> Answer:
    from archprof.analysis.explain import explain, published_counts, rewritings, unpriced
    from archprof.render.explain import explain_document, explain_table, footnotes, waterfall_table

    report = variants.report(settings)
    explanations = [explain(report, one) for one in conventions]
    forms, published = rewritings(report, explanations), published_counts(report)
    render = waterfall_table if steps else explain_table
    return Answer(
        lambda: render(report, explanations, footnotes(forms, published, unpriced(report))),
        lambda: explain_document(report, explanations, forms, published),
    )


def _guessed(
    variants: "Variants", settings: tuple["Setting", ...], conventions: tuple["Convention", ...], number: str, top: int
) -> Answer:
    from archprof.analysis.guess import guesses, parse_seen
    from archprof.render.explain import guess_document, guess_table

    seen = parse_seen(number)
    report = variants.report(settings)
    found = guesses(seen, variants, settings, conventions)
    fits = any(guess.fits for guess in found)
    return Answer(lambda: guess_table(report, seen, found, top), lambda: guess_document(report, seen, found), fits)

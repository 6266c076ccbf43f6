"""archprof explain: why other tools and papers print other numbers."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, deliver
from archprof.render.formats import Result

if TYPE_CHECKING:
    from archprof.analysis.variants import Variants
    from archprof.costs.convention import Convention
    from archprof.costs.report import Report


def command(
    model: options.AnyModel,
    *,
    knobs: options.Knobs,
    real: options.Real = False,
    convention: options.Convention = None,
    number: Annotated[
        str | None, typer.Option("--number", help="What gives this number? `234.8M`, `5.5M params`.", metavar="NUMBER")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, help="Show so many answers to `--number`, far-fetched ones too.", metavar="N"),
    ] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Why other tools and papers print other numbers.

    What each tool prints for the module that archprof builds, computed from the table without running the tool: our
    MACs, and what it counts besides. `--convention` shows the steps of one. `--number` tells where a number that you
    have seen was published, and which ways of counting give it, at the precision that you type, beside the share of
    random numbers that they would give too; exit 1 where nothing does.

    Code that makes a torch module runs, as in `archprof summary`: what a tool counts of it is told as far as that is
    known, and which operators are not priced; `--number` tries the conventions that price all of it.
    """
    from archprof.analysis.models import read_model
    from archprof.analysis.variants import Variants
    from archprof.costs.report import analyze_graph
    from archprof.costs.tools import CONVENTIONS, find_conventions

    chosen = choose_format("explain", format, output)
    conventions = find_conventions(convention or CONVENTIONS)
    given, real = knobs.settings, options.really(real, model)
    graph = read_model(model, given, knobs.input, real=real)
    report = analyze_graph(graph)
    if number is not None:
        variants = Variants(graph) if graph.origin.is_table else None
        result = _guessed(report, variants, conventions, number, top)
    else:
        result = _explained(report, conventions, steps=convention is not None)
    deliver(result, chosen, output, no_color=no_color)


def _explained(report: "Report", conventions: tuple["Convention", ...], *, steps: bool) -> Result:
    from archprof.analysis.explain import explain
    from archprof.render.explain import explain_table, waterfall_table

    found = explain(report, conventions)
    return Result(found, lambda: (waterfall_table if steps else explain_table)(found))


def _guessed(
    report: "Report",
    variants: "Variants | None",
    conventions: tuple["Convention", ...],
    number: str,
    top: int | None,
) -> Result:
    from archprof.analysis.guess import guess, parse_seen
    from archprof.render.explain import guess_table

    found = guess(parse_seen(number), report, variants, conventions)
    return Result(found, lambda: guess_table(found, top), 0 if found.found else 1)

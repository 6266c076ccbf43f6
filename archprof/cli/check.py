"""archprof check: budgets, in CI and before."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options
from archprof.cli.output import choose_format, write, write_file, write_stdout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.analysis.baseline import Snapshot
    from archprof.analysis.check import Outcome
    from archprof.errors import Problem
    from archprof.spec.budget import Limit
    from archprof.spec.config import Config

FORMATS = ("table", "markdown", "csv", "json", "github", "gitlab", "openmetrics", "junit", "sarif")


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, paths, or patterns such as `specs/**/*.yaml`; those of the configuration unless given."
        ),
    ] = None,
    max_params: Annotated[
        str | None, typer.Option("--max-params", help="At most so many parameters: 5.5M.", metavar="LIMIT")
    ] = None,
    max_trainable: Annotated[
        str | None, typer.Option("--max-trainable", help="At most so many trainable parameters.", metavar="LIMIT")
    ] = None,
    max_macs: Annotated[
        str | None, typer.Option("--max-macs", help="At most so many multiply-accumulates: 220M.", metavar="LIMIT")
    ] = None,
    max_flops: Annotated[
        str | None, typer.Option("--max-flops", help="At most so many FLOPs, each MAC being two.", metavar="LIMIT")
    ] = None,
    max_activations: Annotated[
        str | None, typer.Option("--max-activations", help="At most so many activations.", metavar="LIMIT")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", help="At most so many bytes of parameters at fp32: `5.4 MiB`.", metavar="LIMIT"),
    ] = None,
    max_layers: Annotated[
        str | None, typer.Option("--max-layers", help="At most so many layers that multiply.", metavar="LIMIT")
    ] = None,
    max: Annotated[
        list[str] | None,
        typer.Option("--max", help="Any metric: `size_int8=2MiB`; a comma lists. Repeatable.", metavar="METRIC=LIMIT"),
    ] = None,
    min: Annotated[
        list[str] | None, typer.Option("--min", help="At least so much. Repeatable.", metavar="METRIC=LIMIT")
    ] = None,
    max_increase: Annotated[
        list[str] | None,
        typer.Option("--max-increase", help="Over the baseline: `macs=1%,params=0`.", metavar="METRIC=LIMIT"),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config", help="The file with the budgets; archprof.yaml or pyproject.toml unless given.", metavar="FILE"
        ),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="What relative limits count from.", metavar="FILE")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="Count from the specs at a revision instead: git:origin/main.", metavar="git:REV"
        ),
    ] = None,
    write_baseline: Annotated[
        str | None,
        typer.Option("--write-baseline", help="Write what is counted now; other networks stay.", metavar="FILE"),
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Prove the numbers on the torch modules as well.")] = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Let patterns match nothing.")] = False,
    report: Annotated[
        list[str] | None,
        typer.Option("--report", help="Write another format to a file too. Repeatable.", metavar="FORMAT=FILE"),
    ] = None,
    format: Annotated[str | None, typer.Option("--format", help=f"{', '.join(FORMATS)}.", metavar="FORMAT")] = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Budgets in CI: what a network may cost, and where it costs more.

    Limits are exact: `220M`, `5.4 MiB`, or over a baseline `+1%`, `+100k`, `+1% and +100k`. Exit 1 where one is
    exceeded, 2 where a budget or a spec is wrong or there is nothing to check; everything else is reported all the
    same.
    """
    from archprof import __version__
    from archprof.analysis.check import CheckRequest, check
    from archprof.errors import Problems
    from archprof.spec.git import head

    chosen = choose_format(format, output, FORMATS)
    reports = [_report(text) for text in report or ()]
    found = _config(config)
    named = {
        "params": max_params,
        "trainable": max_trainable,
        "macs": max_macs,
        "flops": max_flops,
        "activations": max_activations,
    }
    named |= {"size": max_size, "layers": max_layers}
    limits = [*_named(named), *_listed("max", max), *_listed("min", min), *_listed("max-increase", max_increase)]
    revision = _revision(against, baseline)
    place = baseline or (str(found.folder / found.baseline) if found and found.baseline and not revision else None)
    before, wrong = _before(place, write_baseline)
    folder = Path(place or write_baseline or "baseline.json").parent
    request = CheckRequest(
        tuple(models or ()),
        found,
        tuple(limits),
        before,
        folder,
        revision,
        allow_empty,
        _measure if measure else None,
        problems=wrong,
    )
    implied = f"--against {against}" if against else f"--baseline {baseline}" if baseline else ""
    request = request._replace(implied=implied)
    if write_baseline:
        request = request._replace(keep=Path(write_baseline).parent, version=__version__, commit=head())
    outcome = check(request)
    unwritten = Problems()  # what cannot be written keeps nothing else from being told
    if write_baseline and not outcome.problems:
        with unwritten:
            _write_baseline(write_baseline, outcome.snapshots)
    with unwritten:
        _show(outcome, chosen, output, no_color)
    for kind, path in reports:
        with unwritten:
            write_file(path, render(outcome, kind))
    with unwritten:
        _job_summary(outcome)
    for problem in (*outcome.problems, *unwritten.found):
        typer.echo(str(problem), err=True)
    raise typer.Exit(2 if unwritten.found else outcome.exit_code)


def render(outcome: "Outcome", format: str) -> str:
    """Return an outcome in one of the formats; what UTF-8 cannot hold, as file names may, is escaped."""
    return _rendered(outcome, format).encode("utf-8", "backslashreplace").decode("utf-8")


def _rendered(outcome: "Outcome", format: str) -> str:
    from importlib import import_module

    from archprof.render.check import check_document, check_table
    from archprof.render.table import to_csv, to_markdown, to_text

    if format == "json":
        from archprof.render.json import to_json

        return to_json(check_document(outcome))
    if format in ("table", "markdown", "csv"):
        return {"table": to_text, "markdown": to_markdown, "csv": to_csv}[format](
            check_table(outcome, problems=format == "markdown")
        )
    return str(getattr(import_module(f"archprof.render.{format}"), f"to_{format}")(outcome, _root()))


def _root() -> Path:
    """Return the folder that a code host counts paths from: its checkout, else the current one."""
    import os

    return Path(os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or ".")


def _show(outcome: "Outcome", format: str, output: str | None, no_color: bool) -> None:
    from archprof.render.check import check_table

    if format == "table":
        write(format, output, lambda: check_table(outcome), str, no_color=no_color)
    elif output:
        write_file(output, render(outcome, format))
    else:
        write_stdout(render(outcome, format))


def _report(text: str) -> tuple[str, str]:
    """Return the format and the file of `junit=out.xml`. Raises UsageError for another form."""
    from archprof.errors import suggest, usage_error

    format, _, path = text.partition("=")
    if format not in FORMATS:
        raise usage_error(f"unknown format `{format}`", help=suggest(format, FORMATS, "formats"))
    if not path:
        raise usage_error(f"`--report {text}` names no file", help="as in `--report junit=out.xml`")
    return format, path


def _config(given: str | None) -> "Config | None":
    from archprof.spec.config import find_config, read_config

    return read_config(given) if given is not None else find_config(Path.cwd())


def _named(given: "Mapping[str, str | None]") -> "list[Limit]":
    from archprof.errors import Location
    from archprof.spec.budget import read_limit
    from archprof.spec.nodes import Scalar

    return [
        read_limit(metric, "max", Scalar(text, *Location(f"--max-{metric} {text}", 0, 0)))
        for metric, text in given.items()
        if text is not None
    ]


def _listed(option: str, given: list[str] | None) -> "list[Limit]":
    """Return the limits of `--max-increase macs=1%,params=0`. Raises SpecError for what is none."""
    from archprof.errors import Location, problem, suggest
    from archprof.spec.budget import METRICS, increase, read_limit
    from archprof.spec.nodes import Scalar
    from archprof.spec.variant import parse_settings

    limits = []
    for text in given or ():
        place = Location(f"--{option} {text}", 0, 0)
        for metric, amount in parse_settings(text, place):
            if metric not in METRICS:
                raise problem(f"there is no metric `{metric}`", place, help=suggest(metric, METRICS, "metrics"))
            typed = Scalar(amount, *place)
            limits.append(increase(metric, typed) if option == "max-increase" else read_limit(metric, option, typed))
    return limits


def _revision(against: str | None, baseline: str | None) -> str:
    """Return the revision of `git:REV`. Raises UsageError for another form, and beside a baseline."""
    from archprof.errors import usage_error

    if against is None:
        return ""
    if baseline is not None:
        raise usage_error("`--against` and `--baseline` at once", help="limits count from one of them")
    revision = against.removeprefix("git:")
    if revision == against or not revision or ":" in revision:
        raise usage_error(f"`--against {against}` names no revision", help="as in `--against git:origin/main`")
    return revision


def _before(baseline: str | None, written: str | None) -> "tuple[Mapping[str, Snapshot] | None, tuple[Problem, ...]]":
    """Return what a baseline holds, and what is wrong with it; one that is about to be written for the first time holds
    nothing."""
    from archprof.analysis.baseline import read_baseline
    from archprof.errors import InputError

    place = baseline or written
    if place is None:
        return None, ()
    if written is not None and Path(written).resolve() == Path(place).resolve() and not Path(place).exists():
        return {}, ()
    try:
        return read_baseline(place), ()
    except InputError as error:
        return {}, error.problems


def _write_baseline(path: str, found: "Mapping[str, Snapshot]") -> None:
    from archprof.analysis.baseline import merged, read_baseline, to_text

    old = read_baseline(path) if Path(path).exists() else {}
    write_file(path, to_text(merged(old, found)))


def _measure(graph):  # type: ignore[no-untyped-def]
    from archprof.runtime.measure import measure_network

    return measure_network(graph, "both")


def _job_summary(outcome: "Outcome") -> None:
    """Append the outcome to the page of a GitHub job, where one runs."""
    import os

    from archprof.errors import usage_error

    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(render(outcome, "markdown"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise usage_error(
            f"cannot write the job's summary `{path}`: {reason}", help="unset GITHUB_STEP_SUMMARY to go without"
        ) from None

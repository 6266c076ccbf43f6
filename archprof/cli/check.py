"""archprof check: budgets, in CI and before."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import device_options, limit_options, options, setup_options
from archprof.cli.output import choose_format, page, say, write
from archprof.errors import Problems, usage_error
from archprof.named_tuple import NamedTuple
from archprof.outputs import goes_by, write_file
from archprof.render.formats import FORMATS, Result, rendered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.analysis.baseline import Snapshot

NAMES = ", ".join(format.name for format in FORMATS if not format.commands or "check" in format.commands)


class Further(NamedTuple):
    """What else a network may cost, in a check alone."""

    max_trainable: Annotated[
        str | None, typer.Option("--max-trainable", help="At most so many trainable parameters.", metavar="LIMIT")
    ] = None
    max_flops: Annotated[
        str | None, typer.Option("--max-flops", help="At most so many FLOPs, each MAC being two.", metavar="LIMIT")
    ] = None
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", help="At most so many bytes of parameters at fp32: `5.4 MiB`.", metavar="LIMIT"),
    ] = None
    max_layers: Annotated[
        str | None, typer.Option("--max-layers", help="At most so many layers that multiply.", metavar="LIMIT")
    ] = None
    max: Annotated[
        list[str] | None,
        typer.Option("--max", help="Any metric: `size_int8=2MiB`; a comma lists. Repeatable.", metavar="METRIC=LIMIT"),
    ] = None
    min: Annotated[
        list[str] | None, typer.Option("--min", help="At least so much. Repeatable.", metavar="METRIC=LIMIT")
    ] = None
    max_increase: Annotated[
        list[str] | None,
        typer.Option("--max-increase", help="Over the baseline: `macs=1%,params=0`.", metavar="METRIC=LIMIT"),
    ] = None

    def by_metric(self) -> dict[str, str | None]:
        """Return the limits of one metric each by its name."""
        return {
            "trainable": self.max_trainable,
            "flops": self.max_flops,
            "size": self.max_size,
            "layers": self.max_layers,
        }

    def listed(self) -> dict[str, list[str] | None]:
        """Return the limits that name their metric, by their option."""
        return {"max": self.max, "min": self.min, "max-increase": self.max_increase}


class Since(NamedTuple):
    """Where budgets stand, and what relative ones count from."""

    config: Annotated[
        str | None,
        typer.Option(
            "--config", help="The file with the budgets; archprof.yaml or pyproject.toml unless given.", metavar="FILE"
        ),
    ] = None
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="What relative limits count from.", metavar="FILE")
    ] = None
    against: Annotated[
        str | None,
        typer.Option("--against", help="Count from the specs at a revision instead: origin/main.", metavar="REV"),
    ] = None
    write_baseline: Annotated[
        str | None,
        typer.Option("--write-baseline", help="Write what is counted now; other networks stay.", metavar="FILE"),
    ] = None


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, paths, ONNX files, locks, or patterns such as `specs/**/*.yaml`; those of the configuration"
            " unless given."
        ),
    ] = None,
    *,
    limits: limit_options.Limits,
    further: Further,
    on_device: device_options.OnDevice,
    words: setup_options.Words,
    train: setup_options.Optimizer = None,
    deployed: setup_options.Deployed,
    since: Since,
    measure: Annotated[bool, typer.Option("--measure", help="Prove the numbers on the torch modules as well.")] = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Let patterns match nothing.")] = False,
    allow_uncounted: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-uncounted",
            help="Let operators of a lock pass whose MACs nobody knows: all, or those named,"
            " `--allow-uncounted=aten.fft_rfft,aten.cdist`.",
            metavar="[=OP,…]",
        ),
    ] = None,
    report: Annotated[
        list[str] | None,
        typer.Option("--report", help="Write another format to a file too. Repeatable.", metavar="FORMAT=FILE"),
    ] = None,
    format: Annotated[str | None, typer.Option("--format", help=f"{NAMES}.", metavar="FORMAT")] = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Budgets in CI: what a network may cost, and where it costs more.

    Limits are exact: `220M`, `5.4 MiB`, or over a baseline `+1%`, `+100k`, `+1% and +100k`. Exit 1 where one is
    exceeded, 2 where a budget or a spec is wrong or there is nothing to check; everything else is reported all the
    same. `--max-latency` holds an estimate to a limit: 1 where even the least that it may be is more, a warning where
    the limit lies inside, 2 where the device's profile does not know all operators.
    """
    from archprof.analysis.check import checked
    from archprof.cli.check_options import check_apart, held_to, limits_of, report_of, request_of
    from archprof.render.check import check_table
    from archprof.spec.uncounted import allowed_of

    chosen = choose_format("check", format, output)
    reports = [report_of(text) for text in report or ()]
    setup = setup_options.setup_if_asked(words.asked(train, deployed))
    on = device_options.asked_of(on_device, words)
    found = limits_of({**limits.by_metric(), **further.by_metric()}, further.listed(), setup, on)
    held = held_to(since.config, since.baseline, since.against, since.write_baseline)
    request = request_of(models or (), found, held, allow_empty=allow_empty, measure=measure)
    request = request._replace(allows=allowed_of(allow_uncounted or ()))
    check_apart((output, since.write_baseline, *(file for _, file in reports)))
    outcome, snapshots = checked(request)
    result = Result(outcome, lambda: check_table(outcome), outcome.exit_code)
    _tell(result, chosen, output, no_color, reports, (since.write_baseline, snapshots))


def _tell(
    result: Result,
    format: str,
    output: str | None,
    no_color: bool,
    reports: Iterable[tuple[str, str]],
    baseline: "tuple[str | None, Mapping[str, Snapshot]]",
) -> None:
    """Write everything that was asked for; what cannot be written keeps nothing else from being told."""
    from archprof.render.check import warnings

    unwritten = Problems()
    path, snapshots = baseline
    if path and not result.document.problems:
        with unwritten:
            _write_baseline(path, snapshots)
    with unwritten:
        write(rendered(result, format, page(output, no_color)), output)
    for kind, file in reports:
        with unwritten:
            write(rendered(result, kind, page(file, True)), file)
    with unwritten:
        _write_job_summary(result)
    for warning in warnings(result.document):
        say(f"warning: {warning}")
    for problem in (*result.document.problems, *unwritten.found):
        say(str(problem))
    raise typer.Exit(2 if unwritten.found else result.exit_code)


def _write_baseline(path: str, found: "Mapping[str, Snapshot]") -> None:
    from archprof.analysis.baseline import merged, read_baseline, to_text
    from archprof.cli.alone import alone

    if goes_by(path):  # nothing is there to keep
        write_file(path, to_text(found))
        return
    with alone(path):
        old = read_baseline(path) if os.path.exists(path) else {}
        write_file(path, to_text(merged(old, found)), anew=True)


def _write_job_summary(result: Result) -> None:
    """Append the outcome to the page of a GitHub job, where one runs."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(rendered(result, "markdown", page(path, True)))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        advice = "unset GITHUB_STEP_SUMMARY to go without"
        raise usage_error(f"cannot write the job's summary `{path}`: {reason}", help=advice) from None

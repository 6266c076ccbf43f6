"""archprof sweep: the cost of every variant of a network on a grid, or of a sample of them."""

from typing import Annotated

import typer

from archprof.cli import device_options, limit_options, options, setup_options
from archprof.cli.output import choose_format
from archprof.errors import usage_error
from archprof.named_tuple import NamedTuple

_AXIS = "`0.75`, `0.5,1`, `from:to:step` or `from:to:log:n`"
_COUNTS = "`params,macs`; `-macs`: the larger the better"


class SweptAxes(NamedTuple):
    """Over what a sweep goes: the product of axes, or a sample of it."""

    width: Annotated[str | None, typer.Option("--width", help=f"Width multipliers: {_AXIS}.", metavar="AXIS")] = None
    resolution: Annotated[
        str | None,
        typer.Option("--resolution", "--input", help="Input sizes: `96:320:32`, `192,192x256`.", metavar="AXIS"),
    ] = None
    classes: Annotated[str | None, typer.Option("--classes", help="Numbers of classes.", metavar="AXIS")] = None
    set: Annotated[
        list[str] | None,
        typer.Option("--set", help="A knob or a cell and its values. Repeatable.", metavar="PLACE=AXIS"),
    ] = None
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="So many variants of the product, at random.", metavar="N")
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Which sample.", metavar="S")] = None

    def settings(self) -> list[tuple[str, str]]:
        """Return the places and their axes, as typed."""
        return options.settings(self.width, self.resolution, self.classes, self.set)


class Least(NamedTuple):
    """What a variant costs at least."""

    min_macs: Annotated[
        str | None, typer.Option("--min-macs", help="Only variants of at least so many MACs.", metavar="LIMIT")
    ] = None
    min_params: Annotated[
        str | None, typer.Option("--min-params", help="Only variants of at least so many params.", metavar="LIMIT")
    ] = None
    min_activations: Annotated[
        str | None, typer.Option("--min-activations", help="At least so many activations.", metavar="LIMIT")
    ] = None

    def by_metric(self) -> dict[str, str | None]:
        """Return the limits by the names of the metrics."""
        return {option.removeprefix("min_"): limit for option, limit in self._asdict().items()}


class Computed(NamedTuple):
    """Who computes, and what there is already."""

    jobs: options.Jobs = None
    scheduler: options.Scheduler = None
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", min=0, help="How long a cluster may be silent; 60 unless given.", metavar="SECONDS"),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a file that was interrupted.")] = False


def command(
    models: options.Models,
    *,
    axes: SweptAxes,
    limits: limit_options.Limits,
    least: Least,
    on_device: device_options.OnDevice,
    words: setup_options.Words,
    train: setup_options.Optimizer = None,
    deployed: setup_options.Deployed,
    pareto: Annotated[
        str | None,
        typer.Option("--pareto", help=f"Only what nothing beats in these counts: {_COUNTS}.", metavar="COUNTS"),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", help="Sort by a count, smallest first; `-macs`: largest first.", metavar="KEY"),
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Only the first so many.", metavar="N")] = None,
    computed: Computed,
    plot: options.PlotSweep = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help="table, markdown, csv, json, jsonl (a line each) or parquet.", metavar="FORMAT"),
    ] = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """The cost of every variant on a grid, or of a sample: exactly what `summary` prints for each.

    Axes are knobs and cells with several values; the sweep is over their product. Variants that cannot be are counted,
    with the reason. Where `peak` or `weights`, or a word such as `--batch` or `--train` are asked for, bytes of memory
    are counted too: the most at once in inference or in a step of training, as `memory` counts them, and of parameters.
    With `--device` each variant's latency there is predicted, as by `archprof latency`; bytes are then those of
    inference there.
    """
    from archprof.cli.sweep_options import SweepRequest
    from archprof.cli.sweep_output import run_sweep
    from archprof.sweep.executors import TIMEOUT

    chosen = choose_format("sweep", format, output)
    _refuse_unused(axes, computed)
    bounds = [(count, True, text) for count, text in limits.by_metric().items() if text is not None]
    bounds += [(count, False, text) for count, text in least.by_metric().items() if text is not None]
    setup = setup_options.setup_if_asked(words.asked(train, deployed))
    on = device_options.device_of_all(on_device, words, train)
    timeout = TIMEOUT if computed.timeout is None else computed.timeout
    request = SweepRequest(
        tuple(models), tuple(axes.settings()), tuple(bounds), tuple(pareto.split(",")) if pareto else (), sort or "",
        top, axes.sample, axes.seed or 0, computed.jobs, computed.scheduler, timeout, computed.resume, setup, plot,
        chosen, output, no_color, on,
    )  # fmt: skip
    code = run_sweep(request)
    if code:
        raise typer.Exit(code)


def _refuse_unused(axes: SweptAxes, computed: Computed) -> None:
    """Raise UsageError for options that say something of what was not asked for."""
    if axes.seed is not None and axes.sample is None:
        raise usage_error("`--seed` without `--sample`", help="it says which sample")
    if computed.timeout is not None and computed.scheduler is None:
        raise usage_error("`--timeout` without `--scheduler`", help="it says how long a cluster may be silent")

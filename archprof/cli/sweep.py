"""archprof sweep: the cost of every variant of a network on a grid, or of a sample of them."""

from typing import Annotated

import typer

from archprof.cli import device_options, options, setup_options
from archprof.cli.output import choose_format

_AXIS = "`0.75`, `0.5,1`, `from:to:step` or `from:to:log:n`"
_COUNTS = "`params,macs`; `-macs`: the larger the better"


def command(
    models: options.Models,
    width: Annotated[str | None, typer.Option("--width", help=f"Width multipliers: {_AXIS}.", metavar="AXIS")] = None,
    resolution: Annotated[
        str | None,
        typer.Option("--resolution", "--input", help="Input sizes: `96:320:32`, `192,192x256`.", metavar="AXIS"),
    ] = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Numbers of classes.", metavar="AXIS")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", help="A knob or a cell and its values. Repeatable.", metavar="PLACE=AXIS"),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="So many variants of the product, at random.", metavar="N")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which sample.", metavar="S")] = 0,
    max_macs: Annotated[
        str | None, typer.Option("--max-macs", help="Only variants of at most so many MACs: `200M`.", metavar="N")
    ] = None,
    min_macs: Annotated[
        str | None, typer.Option("--min-macs", help="Only variants of at least so many MACs.", metavar="N")
    ] = None,
    max_params: Annotated[
        str | None, typer.Option("--max-params", help="Only variants of at most so many params.", metavar="N")
    ] = None,
    min_params: Annotated[
        str | None, typer.Option("--min-params", help="Only variants of at least so many params.", metavar="N")
    ] = None,
    max_activations: Annotated[
        str | None, typer.Option("--max-activations", help="At most so many activations.", metavar="N")
    ] = None,
    min_activations: Annotated[
        str | None, typer.Option("--min-activations", help="At least so many activations.", metavar="N")
    ] = None,
    max_peak: Annotated[
        str | None,
        typer.Option("--max-peak", help="At most so many bytes at once beside weights: `512KiB`.", metavar="N"),
    ] = None,
    max_weights: Annotated[
        str | None, typer.Option("--max-weights", help="At most so many bytes of weights: `4MiB`.", metavar="N")
    ] = None,
    max_train_macs: Annotated[
        str | None,
        typer.Option("--max-train-macs", help="At most so many MACs in training, forward and backward.", metavar="N"),
    ] = None,
    max_latency: Annotated[
        str | None,
        typer.Option("--max-latency", help="At most so long on a `--device`, as predicted: `2ms`.", metavar="TIME"),
    ] = None,
    device: device_options.WithDevice = None,
    runtime: device_options.Runtime = None,
    execution: device_options.Execution = None,
    batch: setup_options.Batch = None,
    dtype: setup_options.Dtype = None,
    train: setup_options.Optimizer = None,
    amp: setup_options.Amp = None,
    checkpoint: setup_options.Checkpoint = None,
    accumulate: setup_options.Accumulate = None,
    layout: setup_options.Layout = None,
    kernels: setup_options.Kernels = None,
    in_place: setup_options.InPlace = None,
    patches: setup_options.Patches = None,
    pareto: Annotated[
        str | None,
        typer.Option("--pareto", help=f"Only what nothing beats in these counts: {_COUNTS}.", metavar="COUNTS"),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", help="Sort by a count, smallest first; `-macs`: largest first.", metavar="KEY"),
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Only the first so many.", metavar="N")] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, help="Processes; as many as there are cores unless given.", metavar="N"),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="A Dask cluster that computes: `tcp://host:8786`.", metavar="ADDRESS"),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, help="How long a cluster may be silent.", metavar="SECONDS")
    ] = 60,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a file that was interrupted.")] = False,
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
    from archprof.spec.variant import parse_setting

    chosen = choose_format("sweep", format, output)
    named = [("width", width), ("resolution", resolution), ("classes", classes)]
    settings = [(name, value) for name, value in named if value is not None] + [
        parse_setting(text) for text in set or ()
    ]
    bounds = {
        ("macs", True): max_macs, ("macs", False): min_macs,
        ("params", True): max_params, ("params", False): min_params,
        ("activations", True): max_activations, ("activations", False): min_activations,
        ("peak", True): max_peak, ("weights", True): max_weights, ("train_macs", True): max_train_macs,
        ("latency", True): max_latency,
    }  # fmt: skip
    limits = tuple((count, most, text) for (count, most), text in bounds.items() if text is not None)
    asked = {"batch": batch, "dtype": dtype, "train": train, "amp": amp, "checkpoint": checkpoint}
    asked |= {"accumulate": accumulate, "layout": layout, "kernels": kernels, "in_place": in_place, "patches": patches}
    setup = setup_options.setup_if_asked(asked)
    on = device_options.device_of_search(
        device, {"batch": batch, "dtype": dtype, "layout": layout, "runtime": runtime, "execution": execution}, setup
    )
    request = SweepRequest(
        tuple(models), tuple(settings), limits, tuple(pareto.split(",")) if pareto else (), sort or "", top,
        sample, seed, jobs, scheduler, timeout, resume, setup, plot, chosen,
        output, no_color, on,
    )  # fmt: skip
    code = run_sweep(request)
    if code:
        raise typer.Exit(code)

"""archprof solve: which width, resolution or scale meets a budget."""

from typing import Annotated

import typer

from archprof.cli import device_options, options, setup_options
from archprof.cli.output import choose_format, deliver, plot_target
from archprof.outputs import write_file
from archprof.render.formats import Result


def command(
    model: options.Model,
    max_macs: Annotated[
        str | None, typer.Option("--max-macs", help="At most so many MACs: `150M`.", metavar="N")
    ] = None,
    max_params: Annotated[str | None, typer.Option("--max-params", help="At most so many params.", metavar="N")] = None,
    max_activations: Annotated[
        str | None, typer.Option("--max-activations", help="At most so many activations.", metavar="N")
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
    target_macs: Annotated[
        str | None, typer.Option("--target-macs", help="As near to so many MACs as there is.", metavar="N")
    ] = None,
    maximize: Annotated[
        str,
        typer.Option(
            "--maximize", help="Of what fits, the most macs, params, activations or train_macs.", metavar="COUNT"
        ),
    ] = "macs",
    width: Annotated[
        str | None,
        typer.Option("--width", help="Widths to choose from: `0.25:2`; 0.1:4 unless given.", metavar="RANGE"),
    ] = None,
    resolution: Annotated[
        str | None,
        typer.Option("--resolution", "--input", help="Input sizes to choose from: `128:288:32`.", metavar="AXIS"),
    ] = None,
    classes: options.Classes = None,
    set: options.Set = None,
    scale: Annotated[
        str, typer.Option("--scale", help="width, or compound: depth, width and resolution together.", metavar="RULE")
    ] = "width",
    write_spec: Annotated[
        str | None, typer.Option("--write-spec", help="Write the network found as a spec that extends.", metavar="FILE")
    ] = None,
    plot: options.PlotSolve = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Which multiplier meets a budget: the best of all networks that differ, not of a few that were tried.

    Rounding makes the widths of a range give few networks; all are computed. Exit 1, with the nearest there is, where
    none fits. `--scale compound` scales depth by 1.2^φ, width by 1.1^φ and resolution by 1.15^φ (Tan & Le 2019).
    """
    from archprof.cli.solve_options import goal_of, solved, spec_text

    chosen = choose_format("solve", format, output)
    most = {"macs": max_macs, "params": max_params, "activations": max_activations}
    asked = {"batch": batch, "dtype": dtype, "train": train, "amp": amp, "checkpoint": checkpoint}
    asked |= {"accumulate": accumulate, "layout": layout, "kernels": kernels, "in_place": in_place, "patches": patches}
    setup = setup_options.setup_if_asked(asked)
    on = device_options.device_of_search(
        device, {"batch": batch, "dtype": dtype, "layout": layout, "runtime": runtime, "execution": execution}, setup
    )
    whole = {"peak": max_peak, "weights": max_weights, "train_macs": max_train_macs, "latency": max_latency}
    goal = goal_of({**most, **whole}, target_macs, maximize, setup, on)
    from archprof.render.solve import solution_table

    settings = options.settings(None, None, classes, set)
    found, choices = solved(model, goal, settings, width, resolution, scale)
    if write_spec is not None and found.fits:
        write_file(write_spec, spec_text(model, settings, found, write_spec))
    if plot is not None:
        from archprof.render.plot_solution import plot_solution

        plot_solution(found, choices, plot_target(plot, chosen, output, no_color=no_color))
    message = "" if found.fits else "no network of the range is within the budget"
    result = Result(found, lambda: solution_table(found, goal.maximize), 0 if found.fits else 1, message)
    deliver(result, chosen, output, no_color=no_color)

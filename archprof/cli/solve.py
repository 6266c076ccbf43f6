"""archprof solve: which width, resolution or scale meets a budget."""

from typing import Annotated

import typer

from archprof.cli import device_options, limit_options, options, setup_options
from archprof.cli.output import choose_format, deliver, plot_target
from archprof.outputs import write_file
from archprof.render.formats import Result


def command(
    model: options.Model,
    *,
    limits: limit_options.Limits,
    on_device: device_options.OnDevice,
    words: setup_options.Words,
    train: setup_options.Optimizer = None,
    deployed: setup_options.Deployed,
    target_macs: Annotated[
        str | None, typer.Option("--target-macs", help="As near to so many MACs as there is.", metavar="N")
    ] = None,
    maximize: Annotated[
        str | None,
        typer.Option(
            "--maximize",
            help="Of what fits, the most macs, unless given, params, activations or train_macs.",
            metavar="COUNT",
        ),
    ] = None,
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
    from archprof.cli.solve_options import check_name, goal_of, solved, spec_text

    check_name(write_spec)
    chosen = choose_format("solve", format, output)
    setup = setup_options.setup_if_asked(words.asked(train, deployed))
    on = device_options.device_of_all(on_device, words, train)
    goal = goal_of(limits.by_metric(), target_macs, maximize, setup, on)
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

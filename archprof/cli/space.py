"""archprof space: whole search spaces, counted, sampled and searched exactly."""

from typing import Annotated

import typer

from archprof.cli import device_options, limit_options, options, setup_options
from archprof.cli.output import choose_format, deliver, plot_target
from archprof.errors import usage_error
from archprof.outputs import write_file
from archprof.render.formats import Result

_COUNTS = "macs, params, activations or score"


def command(
    model: options.Model,
    *,
    limits: limit_options.Limits,
    on_device: device_options.OnDevice,
    words: setup_options.Words,
    deployed: setup_options.Deployed,
    width: options.Width = None,
    resolution: Annotated[
        str | None,
        typer.Option(
            "--resolution",
            "--input",
            help="Input sizes: `224`, `128:224:4`; `all` that the space names.",
            metavar="AXIS",
        ),
    ] = None,
    classes: options.Classes = None,
    set: options.Set = None,
    fix: Annotated[
        list[str] | None,
        typer.Option("--fix", help="Leave a draw out: `layers[2].rows[0].k=3`. Repeatable.", metavar="PLACE=VALUE"),
    ] = None,
    histogram: Annotated[
        str | None, typer.Option("--histogram", help="How many networks cost how much of a count.", metavar="COUNT")
    ] = None,
    bins: Annotated[
        int | None, typer.Option("--bins", min=1, max=10_000, help="So many bins; 20 unless given.", metavar="N")
    ] = None,
    quantiles: Annotated[
        str | None,
        typer.Option("--quantiles", help="What shares of the networks cost at most: `0.05,0.95`.", metavar="SHARES"),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, max=100_000, help="So many networks that fit.", metavar="N")
    ] = None,
    drawn: Annotated[
        bool, typer.Option("--drawn", help="Sample as training code draws: choice by choice, not uniformly.")
    ] = False,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Which sample.", metavar="S")] = None,
    minimize: Annotated[
        str | None,
        typer.Option(
            "--minimize", help=f"The networks that fit with the least {_COUNTS}, or latency.", metavar="COUNT"
        ),
    ] = None,
    maximize: Annotated[
        str | None, typer.Option("--maximize", help=f"The networks that fit with the most {_COUNTS}.", metavar="COUNT")
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, max=100_000, help="So many of the best.", metavar="N")
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(
            "--pareto", help="What nothing beats in these: `macs,-score`; `-`: the larger the better.", metavar="COUNTS"
        ),
    ] = None,
    scores: Annotated[
        str | None, typer.Option("--scores", help="A CSV file of `place,choice,score`.", metavar="FILE")
    ] = None,
    write_spec: Annotated[
        str | None, typer.Option("--write-spec", help="Write the first network found as a plain spec.", metavar="FILE")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, help="Processes for several resolutions; all cores unless given.", metavar="N"),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="A Dask cluster that computes: `tcp://host:8786`.", metavar="ADDRESS"),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(
            "--plot",
            help="Draw the histogram, or the networks found: out.svg, out.png, out.pdf; `-` draws here.",
            metavar="FILE",
        ),
    ] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Whole search spaces, exactly: how many networks there are, which fit, and which of them are best.

    A spec whose cells are choices is a space. Its networks are not tried one by one: costs add up along its rows, so
    that all of them are counted, ranked and searched at once. Bytes and times are of whole networks, and are looked at
    network by network, the best first. Exit 1 where no network keeps the limits.
    """
    from archprof.cli.space_options import check_one_table, limits_typed, with_progress
    from archprof.sweep.asking import require_numpy

    require_numpy("space")
    from archprof.space.wanted import SpaceWords, request_of
    from archprof.spec.variant import parse_setting

    chosen = choose_format("space", format, output)
    if write_spec is not None and not write_spec.endswith((".yaml", ".yml")):
        raise usage_error(f"`--write-spec {write_spec}`", help="the name of a spec's file ends with `.yaml`")
    settings = options.settings(width, None, classes, set)
    wanted = SpaceWords(
        limits_typed(limits.by_metric()), histogram, bins, quantiles, sample, drawn, seed, minimize, maximize, top,
        pareto, scores, resolution, write_spec is not None,
    )  # fmt: skip
    check_one_table(chosen, wanted)
    setup = setup_options.setup_if_asked(words.asked(None, deployed))
    on = device_options.device_if_asked(on_device, words)
    fixed = [parse_setting(text) for text in fix or ()]
    request = request_of(model, settings, wanted, setup, on, fixed=fixed)._replace(jobs=jobs, scheduler=scheduler)
    found = with_progress(request)
    from archprof.render.space import none_text, space_table

    if write_spec is not None and found.found:
        from archprof.space.written import spec_text

        write_file(write_spec, spec_text(request, found, write_spec))
    none = (found.found_by and not found.found) or (found.fitting is not None and not found.fitting.high)
    if plot is not None and not none:
        from archprof.render.plot_space import plot_space

        plot_space(found, plot_target(plot, chosen, output, no_color=no_color))
    message = none_text(found) if none else ""
    deliver(Result(found, lambda: space_table(found), 1 if none else 0, message), chosen, output, no_color=no_color)

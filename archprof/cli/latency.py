"""archprof latency: how long a network takes on a device, predicted from a profile of it."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.device_options import Device, Dtype, Execution, Runtime
from archprof.cli.output import choose_format, deliver, plot_target
from archprof.cli.setup_options import Batch, Layout
from archprof.render.formats import Result


def command(
    model: options.AnyModel,
    *,
    device: Device,
    batch: Batch = None,
    dtype: Dtype = None,
    layout: Layout = None,
    runtime: Runtime = None,
    execution: Execution = None,
    against: Annotated[
        str | None,
        typer.Option("--against", help="Hold it against what `archprof bench -o FILE` measured.", metavar="FILE"),
    ] = None,
    knobs: options.Knobs,
    real: options.Real = False,
    depth: options.Depth = None,
    full: Annotated[bool, typer.Option("--full", help="Show every call.")] = False,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Sort by latency, the longest first.", metavar="KEY")
    ] = None,
    top: options.Top = None,
    plot: options.PlotRoofline = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """How long a network takes on a device, without running it.

    A profile of the device (`archprof calibrate` makes one; `h100` comes along) has the times of operators measured on
    it, and formulas fitted to them: a call takes what was measured of it, else what the formula of its kind says. Of
    kinds that the profile does not know there is the roofline alone, which is said. It is an estimate, with the
    interval in which nine of ten networks lie whose families the fit had not seen.

    Code that makes a torch module runs as in `archprof summary`.
    """
    from archprof.analysis.latency import describe_latency
    from archprof.analysis.models import read_model
    from archprof.devices.asked import Asked, chosen
    from archprof.devices.profile_file import read_profile
    from archprof.render.latency import latency_table, latency_view

    kind = choose_format("latency", format, output)
    options.check_rows(depth, full=full)
    profile = read_profile(device)
    asked = Asked(batch, dtype, layout, runtime, execution)
    given, real = knobs.settings, options.really(real, model)
    graph = read_model(model, given, knobs.input, real=real, batch=chosen(profile, asked)[0])
    found = describe_latency(graph, profile, asked)
    if against is not None:
        from archprof.analysis.latency import held_against

        found = held_against(found, against)
    view = latency_view(found.layers, depth=depth, full=full, sort=sort, top=top)
    if plot is not None:
        from archprof.render.plot_roofline import plot_roofline

        plot_roofline(found, plot_target(plot, kind, output, no_color=no_color))
    deliver(Result(found, lambda: latency_table(found, view)), kind, output, no_color=no_color)

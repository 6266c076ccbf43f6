"""archprof calibrate: a profile of this machine."""

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options, pages, timing_options
from archprof.cli.output import choose_format, deliver, say
from archprof.cli.progress import clear_progress, progress_of
from archprof.errors import usage_error
from archprof.outputs import refuse_unwritable
from archprof.render.formats import Result
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.ir.graph import Graph

# So many operators unless asked otherwise: a CPU takes a minute for three hundred, a GPU two for a thousand.
_OPERATORS = {"cpu": 400, "cuda": 1300}
# Networks that are measured whole: one or two of each family.
_NETWORKS = (
    "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0", "squeezenet1_1", "resnet18",
    "efficientnet_b0", "mnasnet1_0", "ghostnet_100", "regnet_y_400mf", "densenet121", "googlenet",
)  # fmt: skip
_LARGER = (
    "mobilenet_v3_large", "mixnet_s", "resnet50", "resnext50_32x4d", "se_resnet50", "regnet_x_1_6gf", "efficientnet_b3",
    "convnext_tiny", "inception_v3", "vgg16", "densenet169", "shufflenet_v2_x2_0",
)  # fmt: skip


def command(
    ctx: typer.Context,
    *,
    ran: timing_options.Ran,
    rounds: timing_options.Rounds = 8,
    operators: Annotated[
        int | None,
        typer.Option("--operators", min=1, help="So many operators: 400 on a CPU, 1300 on cuda.", metavar="N"),
    ] = None,
    networks: Annotated[
        str | None,
        typer.Option("--networks", help="Networks to measure whole: `v2,resnet18`.", metavar="NAMES"),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the profile calls itself; its file's unless given.")
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(
            "--verify", help="Instead: fit a profile anew, and judge it on families left out.", metavar="FILE"
        ),
    ] = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """A profile of this machine, by which `latency --device FILE` predicts: measured and fitted in minutes.

    Measured are the ceilings (bytes copied, multiply-accumulates of a matrix product, the smallest kernel, a launch),
    operators of the catalog's networks, as far from each other as they go, and some networks whole. What does not
    repeat within 10 % is left out. How long it will take is said before. The file is written whole at the end, or not
    at all. It asks for the extra `calibrate`.

    `--verify FILE` measures nothing: it fits a profile anew from what it holds, each family of networks by what is
    known of the others, and tells how far off its networks are.
    """
    _refuse_unused(ctx, verifying=verify is not None)
    if verify is not None:
        _verify(verify, choose_format("calibrate", format, output), output, no_color=no_color)
        return
    if output is None:
        raise usage_error("a profile is written to a file", help="as in `archprof calibrate --on cpu -o my_cpu.json`")
    if not output.endswith(".json"):
        raise usage_error(f"`{output}` is no name of a profile", help="it ends with `.json`")
    refuse_unwritable(output)
    batches = timing_options.batches_of(ran.batch)
    how = timing_options.how_of(ran, rounds)
    require_fit()
    from archprof.analysis.calibration import CalibrationPlan, calibrated, estimated_seconds, planned
    from archprof.devices.profile_text import write_profile
    from archprof.runtime.timing.measure import ceilings, measuring
    from archprof.spec import catalog

    default = _NETWORKS if ran.on == "cpu" else (*_NETWORKS, *_LARGER)
    whole = tuple(options.networks(networks.split(",")) if networks else default)
    for one in whole:
        graph_of(one)  # one that there is not is told before anything is measured
    plan = CalibrationPlan((), batches, whole)
    try:
        with measuring(how):
            known = ceilings(how)
        plan = planned(catalog.tables(), graph_of, how, plan, operators or _OPERATORS[ran.on])
        seconds = estimated_seconds(plan, graph_of, how, known)
        what = f"{plural(len(plan.operators), 'operator')} and {plural(len(whole), 'network')}"
        say(f"measures {what}, {_batches(batches)}: {_long(seconds)}")
        profile = calibrated(name or _stem(output), plan, graph_of, how, known, progress_of)
    finally:
        clear_progress()
    write_profile(profile, output)
    left_out = len(plan.operators) - len(profile.points)
    noise = f"; {left_out:,} left out, which do not repeat within 10 %" if left_out else ""
    held = f"{plural(len(profile.points), 'operator')}, {plural(len(profile.networks), 'network')}"
    say(f"wrote {output}: {held}{noise}")


def _refuse_unused(ctx: typer.Context, *, verifying: bool) -> None:
    """Raise UsageError beside `--verify` for options that say how to measure, and without it for a format."""
    for param, _ in pages.given(ctx):
        if verifying and param.name not in ("verify", "format", "output", "no_color"):
            raise usage_error(f"`{param.opts[0]}` and `--verify` at once", help="`--verify FILE` measures nothing")
        if not verifying and param.name == "format":
            raise usage_error("`--format` without `--verify`", help="a profile is JSON: `-o my_cpu.json`")


def _verify(file: str, format: str, output: str | None, *, no_color: bool) -> None:
    require_fit()
    from archprof.analysis.calibration import verification
    from archprof.devices.profile_file import read_profile
    from archprof.render.calibrate import verification_table

    found = verification(read_profile(file), graph_of)
    deliver(Result(found, lambda: verification_table(found)), format, output, no_color=no_color)


def require_fit() -> None:
    """Raise UsageError where what fits is not installed."""
    from importlib.util import find_spec

    for module, package in {"scipy": "scipy", "sklearn": "scikit-learn"}.items():
        if find_spec(module) is None:
            message = f"fitting a profile needs scipy and scikit-learn, and `{package}` is not installed"
            raise usage_error(message, help="pip install 'archprof[calibrate]'")


@lru_cache(maxsize=256)
def graph_of(model: str) -> "Graph":
    """Return the graph of a network of the catalog, or of a file, each once."""
    from archprof.analysis.models import read_data

    return read_data(model)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".json")


def _batches(batches: tuple[int, ...]) -> str:
    return f"batch {batches[0]}" if len(batches) == 1 else f"batches {', '.join(map(str, batches))}"


def _long(seconds: int) -> str:
    """Return a stretch of time in words: `about 40 seconds`, `about 3 minutes`."""
    return f"about {max(seconds, 1)} seconds" if seconds < 90 else f"about {round(seconds / 60)} minutes"

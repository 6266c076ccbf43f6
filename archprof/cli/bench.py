"""archprof bench: how long networks take on this machine, measured."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    from archprof.analysis.bench import Wanted
    from archprof.devices.profile import Profile
    from archprof.runtime.timing.measure import How

# What only `--improve` has, and all that may stand beside it.
_IMPROVING = ("operators", "allow_other_versions")
_TOGETHER = (
    "models", "improve", *_IMPROVING, "rounds", "width", "resolution", "input", "classes", "set", "output", "no_color",
)  # fmt: skip


def command(
    ctx: typer.Context,
    models: options.AnyModels,
    *,
    ran: timing_options.Ran,
    rounds: timing_options.Rounds = 10,
    knobs: options.Knobs,
    improve: Annotated[
        str | None,
        typer.Option("--improve", help="Add the operators that a profile knows least to it.", metavar="PROFILE"),
    ] = None,
    operators: Annotated[
        int, typer.Option("-k", "--operators", min=1, help="With `--improve`: so many.", metavar="K")
    ] = 20,
    allow_other_versions: Annotated[
        bool, typer.Option("--allow-other-versions", help="Improve a profile of another driver or library.")
    ] = False,
    depth: options.Depth = None,
    full: Annotated[bool, typer.Option("--full", help="Show every call.")] = False,
    sort: Annotated[
        str | None, typer.Option("--sort", help="Sort by latency, the longest first.", metavar="KEY")
    ] = None,
    top: options.Top = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """How long networks take on this machine, measured: whole, and each operator alone, beside the roofline.

    Everything is measured in rounds, in turn, after a warm-up; the least time counts. What differs by more than 10 %
    between the two halves of the rounds is noise, which is said, and no profile has it. Operators run on inputs that
    lie in memory as they do in the network. On CUDA a graph of the network is replayed; on a CPU torch is called from
    Python, or onnxruntime runs its export, and tells what it made of it.

    `--improve PROFILE` measures the operators of the networks whose time × uncertainty in a profile is largest, adds
    them to it and fits it anew, in place or with `-o` elsewhere; where and how they run is what the profile says.
    """
    _refuse_unused(ctx, improving=improve is not None)
    if output is not None:
        refuse_unwritable(output)
    if improve is not None:
        _improve(improve, models, knobs, operators, rounds, output, allow_other_versions=allow_other_versions)
        return
    from archprof.analysis.bench import describe_bench
    from archprof.render.bench import bench_table, bench_view

    chosen, batches = choose_format("bench", format, output), timing_options.batches_of(ran.batch)
    how = timing_options.how_of(ran, rounds)
    options.check_rows(depth, full=full)
    bench_view((), sort=sort)  # what is wrong is told before minutes go by
    try:
        with _wanted(models, knobs, how) as wanted:
            found = describe_bench(wanted, how, batches, progress_of)
    finally:
        clear_progress()
    views = [bench_view(one.layers, depth=depth, full=full, sort=sort, top=top) for one in found.networks]
    noisy = [f"{one.head.model}, batch {one.batch}" for one in found.networks if one.noisy]
    message = f"noise: the times of {'; '.join(noisy)} do not repeat within 10 %" if noisy else ""
    deliver(Result(found, lambda: bench_table(found, views), 0, message), chosen, output, no_color=no_color)


def _refuse_unused(ctx: typer.Context, *, improving: bool) -> None:
    """Raise UsageError for options that only `--improve` has, and beside it for those that it has not."""
    for param, _ in pages.given(ctx):
        option = " / ".join(param.opts)
        if param.name in _IMPROVING and not improving:
            raise usage_error(f"`{option}` without `--improve`", help="`--improve my_cpu.json` adds to a profile")
        if improving and param.name not in _TOGETHER:
            advice = "where and how operators run is what the profile says"
            raise usage_error(f"`{option}` and `--improve` at once", help=advice)


@contextmanager
def _wanted(models: list[str], knobs: options.Knobs, how: "How") -> "Iterator[list[Wanted]]":
    """Give the networks to be measured: of block tables, and what code makes."""
    from archprof.analysis.bench import of_table
    from archprof.analysis.models import read_model, refuse_running

    with ExitStack() as stack:
        found = []
        for model in models:
            if options.is_code(model):
                found.append(_of_code(model, knobs.input, how, stack))
            else:
                refuse_running(model)
                found.append(of_table(read_model(model, knobs.settings, knobs.input), how))
        yield found


def _of_code(model: str, inputs: list[str] | None, how: "How", stack: ExitStack) -> "Wanted":
    from archprof.analysis.bench import of_code
    from archprof.captures.source import runnable

    channels_last = how.setup.layout == "channels_last"
    return of_code(stack.enter_context(runnable(model, inputs or (), channels_last=channels_last)), how)


def _improve(
    profile: str,
    models: list[str],
    knobs: options.Knobs,
    operators: int,
    rounds: int,
    output: str | None,
    *,
    allow_other_versions: bool,
) -> None:
    """Measure the operators of networks that a profile knows least, and write it with them."""
    from archprof.analysis.calibration import improved
    from archprof.cli.calibrate import graph_of, require_fit
    from archprof.devices.profile_file import read_profile
    from archprof.devices.profile_text import write_profile
    from archprof.runtime.timing.measure import How, require

    target = output or profile
    if not target.endswith(".json"):
        message = (
            f"`{target}` comes with archprof, and is not written over"
            if output is None
            else f"`{target}` is no name of a profile"
        )
        raise usage_error(message, help="`-o my_device.json` writes another")
    known = read_profile(profile)
    how = How("cpu" if known.setup.threads else "cuda", known.setup, rounds)
    require_fit()
    require(how)
    _refuse_others(known, how, allowed=allow_other_versions)
    try:
        with _wanted(models, knobs, how) as wanted:
            graphs = {one.graph.origin.variant: one.graph for one in wanted}
            grown, added = improved(known, graphs, how, operators, graph_of, progress_of)
    finally:
        clear_progress()
    write_profile(grown, target, anew=True)
    say(f"wrote {target}: {plural(added, 'operator')} more, {len(grown.points):,} in all")


def _refuse_others(known: "Profile", how: "How", *, allowed: bool) -> None:
    """Raise UsageError for a profile that was made on other hardware, or by another driver or library."""
    from archprof.runtime.timing.machine import differing
    from archprof.runtime.timing.measure import provenance

    others = differing(known.provenance, provenance(how))
    if others and not allowed:
        said = "; ".join(f"{name} {was}, here {now}" for name, (was, now) in others.items())
        advice = "make one here with `archprof calibrate`, or `--allow-other-versions` to mix both"
        raise usage_error(f"the profile `{known.name}` was made elsewhere: {said}", help=advice)

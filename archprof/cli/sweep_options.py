"""The options of `archprof sweep` → what is to be computed, and what is kept of it."""

from typing import TYPE_CHECKING

from archprof.cli.output import say
from archprof.costs.metrics import MEMORY, TRAINING
from archprof.errors import SpecError, asked_of, usage_error
from archprof.ir.setup import INFERENCE
from archprof.named_tuple import NamedTuple
from archprof.outputs import goes_by
from archprof.spec.axis import parse_axis
from archprof.spec.printed_number import PrintedNumber, decimal_note, parse_limit
from archprof.spec.variant import Setting
from archprof.sweep.asking import check_timed, require_numpy

if TYPE_CHECKING:
    from archprof.devices.asked import On
    from archprof.ir.setup import Setup
    from archprof.sweep.plan import CountLimit, Plan, Selection

# Formats that show some variants; the others are written as variants come.
SHOWN = ("table", "markdown")


class SweepRequest(NamedTuple):
    """What was asked for; *limits* are counts, whether they are at most so much, and the number as typed."""

    models: tuple[str, ...]
    settings: tuple[Setting, ...]
    limits: tuple[tuple[str, bool, str], ...]
    pareto: tuple[str, ...]
    sort: str
    top: int | None
    sample: int | None
    seed: int
    jobs: int | None
    scheduler: str | None
    timeout: float
    resume: bool
    setup: "Setup | None"  # of bytes, where it was asked for
    plot: str | None
    format: str
    output: str | None
    no_color: bool
    on: "On | None" = None  # a device, where latency is asked for


def planned(request: SweepRequest) -> "tuple[list[Plan], Selection]":
    """Return the plan of each network, and what is kept. Raises UsageError for options that do not go together, and
    SpecError for networks, axes and numbers that cannot be read."""
    axes = [parse_axis(setting) for setting in request.settings]
    require_numpy("sweep")
    from archprof.sweep.held import HELD
    from archprof.sweep.plan import Selection, check_selection, plan_sweep

    limits = tuple(_limit(*given) for given in request.limits)
    # Of what is shown sorted, no more is held than a table and a plot take, though more than is asked for: several
    # variants may be one network.
    top = max(request.top or 0, HELD) if request.format in SHOWN and request.sort else request.top
    selection = Selection(limits, request.pareto, request.sort, top, request.setup is not None and request.on is None)
    selection = selection._replace(
        memory=selection.memory or any(name in MEMORY for name in selection.counts),
        training=any(name in TRAINING for name in selection.counts),
        timed=request.on is not None,
    )
    check_timed(selection.counts, request.on)
    check_selection(selection)
    setup = request.setup or INFERENCE
    plans: list[Plan] = []
    for model in request.models:
        try:
            plan = plan_sweep(model, axes, selection, request.sample, request.seed, setup=setup, on=request.on)
        except SpecError as error:
            raise (asked_of(error, model) if len(request.models) > 1 else error) from None
        if plan not in plans:
            plans.append(plan)
    _check(request)
    return plans, selection


def bound_of(count: str, text: str) -> PrintedNumber:
    """Return the bound of an option, having said what `KB` are where they are meant for memory. Raises SpecError for
    what is none."""
    bound = parse_limit(text, count)
    if note := decimal_note(text, count):
        say(f"note: {note}")
    return bound


def _limit(count: str, most: bool, text: str) -> "CountLimit":
    from archprof.sweep.plan import CountLimit

    bound = bound_of(count, text).value
    return CountLimit(count, bound.__floor__() if most else bound.__ceil__(), most)


def _check(request: SweepRequest) -> None:
    shown = request.format in SHOWN
    if request.format == "parquet" and goes_by(request.output):
        raise usage_error("Parquet goes to a file", help="name it: `-o sweep.parquet`")
    if request.resume and (shown or goes_by(request.output)):
        advice = "the sweep as it was called, `-o` and all, with `--resume`"
        raise usage_error("`--resume` without a file to go on with", help=advice)
    if request.resume and request.format == "json":
        advice = "write lines (`.jsonl`), CSV or Parquet: `--resume` goes on with those"
        raise usage_error("a JSON document is written whole, and cannot be resumed", help=advice)
    if request.sort and request.top is None and not shown:
        message = "`--sort` without `--top`: a file is written as variants come"
        raise usage_error(message, help="add `--top 1000`, or sort the file")

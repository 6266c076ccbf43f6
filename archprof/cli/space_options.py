"""The options of `archprof space` → the question that they ask of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archprof.cli.progress import clear_progress, progress_of
from archprof.cli.sweep_options import bound_of, check_timed, need_numpy
from archprof.costs.metrics import MEMORY, TIMES, TRAINING
from archprof.errors import suggest, usage_error
from archprof.inputs import is_stream
from archprof.ir.setup import INFERENCE
from archprof.named_tuple import NamedTuple
from archprof.spec.axis import parse_axis
from archprof.spec.reader import read_file
from archprof.spec.variant import parse_reference
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.devices.asked import On
    from archprof.ir.setup import Setup
    from archprof.space.labels import Objective
    from archprof.space.report import Request, SpaceReport
    from archprof.spec.variant import Setting


class Given(NamedTuple):
    """What was typed."""

    limits: Mapping[str, str | None]
    histogram: str | None
    bins: int
    quantiles: str | None
    sample: int | None
    drawn: bool
    seed: int
    minimize: str | None
    maximize: str | None
    top: int
    pareto: str | None
    scores: str | None
    resolution: str | None
    writes: bool = False


def request_of(
    model: str, settings: "tuple[Setting, ...]", given: Given, setup: "Setup | None", on: "On | None"
) -> "Request":
    """Return what is asked of a space. Raises UsageError for options that do not go together, SpecError for what is no
    number."""
    need_numpy("space")
    from archprof.space.report import Request
    from archprof.space.scores import read_scores
    from archprof.space.search import Question

    _check(given)
    limits = _limits(given, on)
    if setup is not None and on is None and not any(name in MEMORY for name in limits):
        advice = "`--max-peak` or `--max-weights` counts them"
        raise usage_error("how bytes are counted, but no limit on them", help=advice)
    scores = read_scores(given.scores) if given.scores else None
    objective, pareto = _objectives(given, scored=scores is not None)
    histogram = _count(given.histogram, "`--histogram`", False) if given.histogram else ""
    asked = given.sample or objective or pareto or histogram
    question = Question(
        limits={name: limit for name, limit in limits.items() if name not in (*MEMORY, *TIMES)},
        bytes={name: limit for name, limit in limits.items() if name in MEMORY},
        setup=setup or INFERENCE,
        quantiles=_quantiles(given.quantiles) if given.quantiles else (),
        histogram=histogram,
        bins=given.bins,
        sample=given.sample or 0,
        drawn=given.drawn,
        seed=given.seed,
        objective=objective,
        top=given.top,
        pareto=pareto,
        shares=not asked,
        scores=scores,
        on=on,
        latency=limits.get("latency"),
    )
    sizes: tuple[str, ...] = ("all",) if given.resolution == "all" else ()
    if given.resolution and not sizes:
        sizes = parse_axis(("resolution", given.resolution)).values
    target = parse_reference(model).target
    return Request(model, settings, sizes, question, text=read_file(target) if is_stream(target) else None)


def _limits(given: Given, on: "On | None") -> dict[str, int]:
    """Return the limits by their metrics. Raises UsageError for one that cannot be kept by what is looked for."""
    limits = {name: bound_of(name, text).value.__floor__() for name, text in given.limits.items() if text is not None}
    for name in limits:
        if name in TRAINING:
            message = f"`--max-{name.replace('_', '-')}` is no limit of a space"
            raise usage_error(message, help="it is not counted along rows; `archprof summary` has it of each network")
    counts = [given.minimize or "", *(given.pareto or "").split(",")]
    check_timed([*limits, *(count.strip().removeprefix("-") for count in counts)], on)
    bytes_of = [name for name in limits if name in MEMORY]
    if bytes_of and not (given.sample or given.minimize or given.maximize):
        message = f"`--max-{bytes_of[0]}` of networks that are not looked at one by one"
        raise usage_error(message, help="bytes are no sums along rows: ask for some by `--sample` or `--minimize`")
    if "latency" in limits and given.pareto:
        message = "a front within a limit on latency, which is of whole networks"
        raise usage_error(message, help="take it for one of the counts: `--pareto latency,-score`")
    return limits


def _objectives(given: Given, *, scored: bool) -> "tuple[Objective | None, tuple[Objective, ...]]":
    """Return what shall be least or greatest, if anything, and what a front is of."""
    from archprof.space.labels import Objective

    objective = None
    if given.minimize:
        objective = Objective(_count(given.minimize, "`--minimize`", scored))
    elif given.maximize:
        objective = Objective(_count(given.maximize, "`--maximize`", scored), -1)
    pareto: tuple[Objective, ...] = ()
    if given.pareto:
        pareto = tuple(_objective(text.strip(), scored) for text in given.pareto.split(","))
        if not 2 <= len(pareto) <= 3:
            raise usage_error(f"a front of {plural(len(pareto), 'count')}", help="two or three: `--pareto macs,-score`")
    return objective, pareto


def _check(given: Given) -> None:
    looked_for = {
        "`--sample`": given.sample,
        "`--minimize`": given.minimize,
        "`--maximize`": given.maximize,
        "`--pareto`": given.pareto,
    }
    named = [name for name, value in looked_for.items() if value]
    if len(named) > 1:
        raise usage_error(f"{named[0]} and {named[1]} at once", help="look for one sort of network at a time")
    if given.drawn and not given.sample:
        raise usage_error("`--drawn` without `--sample`", help="it says how a sample is drawn")
    if given.writes and not named:
        raise usage_error("`--write-spec` of no network", help="look for one: `--minimize macs`, `--sample 1`")
    if given.scores and not named:
        raise usage_error("`--scores` without what it is for", help="`--maximize score`, or `--pareto macs,-score`")


def _quantiles(text: str) -> tuple[str, ...]:
    """Return shares from 0 to 1, as they are typed."""
    from archprof.spec.nodes import Scalar
    from archprof.spec.values import number

    shares = tuple(part.strip() for part in text.split(","))
    for share in shares:
        number(Scalar(share, f"--quantiles {text}"), 0, 1, "a share of the networks")
    return shares


def _objective(text: str, scored: bool) -> "Objective":
    from archprof.space.labels import Objective

    return Objective(_count(text.removeprefix("-"), "`--pareto`", scored), -1 if text.startswith("-") else 1)


def _count(name: str, option: str, scored: bool) -> str:
    from archprof.space.scores import SCORE
    from archprof.space.traced import ADDING

    timed = TIMES if option in ("`--minimize`", "`--pareto`") else ()
    known = (*ADDING, *((SCORE,) if scored else ()), *timed)
    if name not in known:
        missing = name == SCORE and not scored
        advice = "`--scores FILE` says what each choice is worth" if missing else suggest(name, known, "counts")
        raise usage_error(f"{option} names no count: `{name}`", help=advice)
    return name


def with_progress(request: "Request") -> "SpaceReport":
    """Return what is known of a space, with a line on a terminal while it is computed."""
    from archprof.space.report import report

    try:
        return report(request, progress_of(request.model))
    finally:
        clear_progress()

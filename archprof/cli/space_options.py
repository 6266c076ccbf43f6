"""The options of `archprof space` → the question that they ask of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from archprof.cli.progress import Steps
from archprof.cli.sweep_options import bound_of, check_timed, need_numpy
from archprof.costs.metrics import MEMORY, TIMES, TRAINING
from archprof.errors import suggest, usage_error
from archprof.ir.setup import INFERENCE
from archprof.spec.axis import parse_axis

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
    sample: int | None
    drawn: bool
    seed: int
    minimize: str | None
    maximize: str | None
    top: int
    pareto: str | None
    scores: str | None
    resolution: str | None


def request_of(
    model: str, settings: "tuple[Setting, ...]", given: Given, setup: "Setup | None", on: "On | None", jobs: int | None
) -> "Request":
    """Return what is asked of a space. Raises UsageError for options that do not go together, SpecError for what is no
    number."""
    need_numpy("space")
    from archprof.space.labels import Objective
    from archprof.space.report import Request
    from archprof.space.scores import read_scores
    from archprof.space.search import Question

    _check(given)
    limits = {name: bound_of(name, text).value.__floor__() for name, text in given.limits.items() if text is not None}
    for name in limits:
        if name in TRAINING:
            message = f"`--max-{name.replace('_', '-')}` is no limit of a space"
            raise usage_error(message, help="it is not counted along rows; `archprof summary` has it of each network")
    check_timed(
        [*limits, *(text.strip("-") for text in (given.minimize, *(given.pareto or "").split(",")) if text)], on
    )
    scores = read_scores(given.scores) if given.scores else None
    objective = None
    if given.minimize or given.maximize:
        name = given.minimize or given.maximize or ""
        objective = Objective(_count(name, "`--minimize`" if given.minimize else "`--maximize`", scores is not None))
        objective = objective._replace(sign=1 if given.minimize else -1)
    pareto: tuple[Objective, ...] = ()
    if given.pareto:
        pareto = tuple(_objective(text.strip(), scores is not None) for text in given.pareto.split(","))
        if not 2 <= len(pareto) <= 3:
            raise usage_error(f"a front of {len(pareto)} counts", help="two or three: `--pareto macs,-score`")
    histogram = _count(given.histogram, "`--histogram`", False) if given.histogram else ""
    asked = given.sample or objective or pareto or histogram
    question = Question(
        {name: limit for name, limit in limits.items() if name not in (*MEMORY, *TIMES)},
        {name: limit for name, limit in limits.items() if name in MEMORY},
        setup or INFERENCE,
        True,
        histogram,
        given.bins,
        given.sample or 0,
        given.drawn,
        given.seed,
        objective,
        given.top,
        pareto,
        not asked,
        scores,
        on,
        limits.get("latency"),
    )
    sizes: tuple[str, ...] = ("all",) if given.resolution == "all" else ()
    if given.resolution and not sizes:
        sizes = parse_axis(("resolution", given.resolution)).values
    return Request(model, settings, sizes, question, jobs)


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
    if given.scores and not named[:1]:
        raise usage_error("`--scores` without what it is for", help="`--maximize score`, or `--pareto macs,-score`")


def _objective(text: str, scored: bool) -> "Objective":
    from archprof.space.labels import Objective

    return Objective(_count(text.removeprefix("-"), "`--pareto`", scored), -1 if text.startswith("-") else 1)


def _count(name: str, option: str, scored: bool) -> str:
    from archprof.space.build import ADDING
    from archprof.space.scores import SCORE

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

    steps: Steps | None = None

    def show(done: int, size: int, name: str) -> None:
        nonlocal steps
        if size > 1:
            steps = steps or Steps(size)
            steps.show(done, f"resolution {name}")

    try:
        return report(request, show)
    finally:
        if steps is not None:
            steps.clear()

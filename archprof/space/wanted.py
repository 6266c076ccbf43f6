"""What is asked of a space, as it was typed or given from Python → the question."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archprof.allocation.asked import spelled, written
from archprof.costs.metrics import MEMORY, TIMES, TRAINING
from archprof.errors import suggest, usage_error
from archprof.inputs import is_stream
from archprof.ir.setup import INFERENCE, Setup
from archprof.named_tuple import NamedTuple
from archprof.space.labels import Objective
from archprof.space.report import Request
from archprof.space.scores import SCORE, read_scores
from archprof.space.search import Question
from archprof.space.traced import ADDING
from archprof.spec.axis import parse_axis
from archprof.spec.nodes import Scalar
from archprof.spec.reader import read_file
from archprof.spec.values import number
from archprof.spec.variant import Setting, parse_reference
from archprof.sweep.asking import check_timed
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.devices.asked import On


# Bins of a histogram unless it is said.
_BINS, _MOST_BINS = 20, 10_000
# Options that say how others are meant, and what they say of these.
_SAYING = (
    ("drawn", ("sample",), "how a sample is drawn"),
    ("seed", ("sample",), "which sample"),
    ("bins", ("histogram",), "of how many bins a histogram is"),
    ("top", ("minimize", "maximize"), "how many of the best"),
)


class SpaceWords(NamedTuple):
    """What is asked: *limits* by their metrics, in what these are counted in; everything else as the option of its name
    has it, and whether the first network found is *written* down."""

    limits: Mapping[str, int]
    histogram: str | None = None
    bins: int | None = None
    quantiles: str | None = None
    sample: int | None = None
    drawn: bool = False
    seed: int | None = None
    minimize: str | None = None
    maximize: str | None = None
    top: int | None = None
    pareto: str | None = None
    scores: str | None = None
    resolution: str | None = None
    writes: bool = False


def request_of(
    model: str,
    settings: Sequence[Setting],
    wanted: SpaceWords,
    setup: Setup | None = None,
    on: "On | None" = None,
    option: str = "--{}",
    fixed: Sequence[Setting] = (),
) -> Request:
    """Return what is asked of a space; *option* is how an option is written where it comes from, *fixed* are draws that
    are left out.

    Raises UsageError for options that do not go together, SpecError for what is no number.
    """
    _check(wanted, option)
    _check_limits(wanted, on, option)
    limits = wanted.limits
    if setup is not None and on is None and not any(name in MEMORY for name in limits):
        peak, weights = (f"`{spelled(name, option)}`" for name in ("max_peak", "max_weights"))
        raise usage_error("how bytes are counted, but no limit on them", help=f"{peak} or {weights} counts them")
    scores = read_scores(wanted.scores) if wanted.scores else None
    objective, pareto = _objectives(wanted, option, scored=scores is not None)
    histogram = _count("histogram", wanted.histogram, option, scored=False) if wanted.histogram else ""
    asked = wanted.sample or objective or pareto or histogram
    question = Question(
        limits={name: limit for name, limit in limits.items() if name not in (*MEMORY, *TIMES)},
        bytes={name: limit for name, limit in limits.items() if name in MEMORY},
        setup=setup or INFERENCE,
        quantiles=() if wanted.quantiles is None else _quantiles(wanted.quantiles, option),
        histogram=histogram,
        bins=wanted.bins or _BINS,
        sample=wanted.sample or 0,
        drawn=wanted.drawn,
        seed=wanted.seed or 0,
        objective=objective,
        top=wanted.top or 1,
        pareto=pareto,
        shares=not asked,
        scores=scores,
        on=on,
        latency=limits.get("latency"),
    )
    sizes: tuple[str, ...] = ("all",) if wanted.resolution == "all" else ()
    if wanted.resolution and not sizes:
        sizes = parse_axis(("resolution", wanted.resolution)).values
    target, behind = parse_reference(model)
    at = [value for name, value in (*behind, *settings, *fixed) if name == "resolution"]
    if at and sizes:
        said = f"`{spelled('resolution', option)}` of a space at a resolution: {at[0]}"
        raise usage_error(said, help="say one of the two")
    text = read_file(target) if is_stream(target) else None
    request = Request(model, tuple(settings), sizes, question, text=text)
    if fixed:
        from archprof.space.fixed import check_fixed

        fixed = check_fixed(request, fixed, spelled("fix", option))
    return request._replace(settings=(*settings, *fixed))


def _check(wanted: SpaceWords, option: str) -> None:
    sought = {name: getattr(wanted, name) for name in ("sample", "minimize", "maximize", "pareto")}
    named = [f"`{spelled(name, option)}`" for name, value in sought.items() if value]
    if len(named) > 1:
        raise usage_error(f"{named[0]} and {named[1]} at once", help="look for one sort of network at a time")
    for name, of, what in _SAYING:
        value = getattr(wanted, name)
        if value is not None and value is not False and not any(getattr(wanted, one) for one in of):
            said, *needed = (f"`{spelled(one, option)}`" for one in (name, *of))
            raise usage_error(f"{said} without {' or '.join(needed)}", help=f"it says {what}")
    if (wanted.bins or 0) > _MOST_BINS:
        raise usage_error(f"a histogram of {wanted.bins:,} bins", help=f"at most {_MOST_BINS:,}")
    if wanted.writes and not named:
        raise usage_error("`--write-spec` of no network", help="look for one: `--minimize macs`, `--sample 1`")
    if wanted.scores and not named:
        best, front = written("maximize", SCORE, option), written("pareto", f"macs,-{SCORE}", option)
        raise usage_error(f"`{spelled('scores', option)}` without what it is for", help=f"{best}, or {front}")


def _check_limits(wanted: SpaceWords, on: "On | None", option: str) -> None:
    """Raise UsageError for a limit that cannot be kept by what is looked for."""
    limits = wanted.limits
    for name in limits:
        if name in TRAINING:
            message = f"`{spelled(f'max_{name}', option)}` is no limit of a space"
            raise usage_error(message, help="it is not counted along rows; `archprof summary` has it of each network")
    counts = [wanted.minimize or "", *(wanted.pareto or "").split(",")]
    device = written("device", "h100", option).strip("`")
    check_timed([*limits, *(count.strip().removeprefix("-") for count in counts)], on, device)
    bytes_of = [name for name in limits if name in MEMORY]
    if bytes_of and not (wanted.sample or wanted.minimize or wanted.maximize or wanted.pareto):
        message = f"`{spelled(f'max_{bytes_of[0]}', option)}` of networks that are not looked at one by one"
        sample, minimize = (f"`{spelled(name, option)}`" for name in ("sample", "minimize"))
        raise usage_error(message, help=f"bytes are no sums along rows: ask for some by {sample} or {minimize}")
    whole = [name for name in limits if name in (*MEMORY, *TIMES)]
    if whole and wanted.histogram:
        message = f"a histogram within `{spelled(f'max_{whole[0]}', option)}`, which is of whole networks"
        told = "how many keep it is told without one, between two bounds" if whole[0] in TIMES else "leave one out"
        raise usage_error(message, help=f"{told}; a histogram counts networks within limits on counts")


def _objectives(wanted: SpaceWords, option: str, *, scored: bool) -> tuple[Objective | None, tuple[Objective, ...]]:
    """Return what shall be least or greatest, if anything, and what a front is of."""
    objective = None
    if wanted.minimize:
        objective = Objective(_count("minimize", wanted.minimize, option, scored=scored))
    elif wanted.maximize:
        objective = Objective(_count("maximize", wanted.maximize, option, scored=scored), -1)
    pareto: tuple[Objective, ...] = ()
    if wanted.pareto:
        pareto = tuple(_of_front(text.strip(), option, scored=scored) for text in wanted.pareto.split(","))
        if not 2 <= len(pareto) <= 3:
            front = written("pareto", f"macs,-{SCORE}", option)
            raise usage_error(f"a front of {plural(len(pareto), 'count')}", help=f"two or three: {front}")
        counts = [one.metric for one in pareto]
        if twice := next((one for number, one in enumerate(counts) if one in counts[:number]), ""):
            raise usage_error(f"a front of {twice} twice", help="name each count once")
        if SCORE in counts and all(one.sign > 0 for one in pareto):
            right = ",".join([*(count for count in counts if count != SCORE), f"-{SCORE}"])
            message = f"{written('pareto', wanted.pareto, option)} looks for the least {SCORE}"
            advice = f"what is the better the larger has a `-`: {written('pareto', right, option)}"
            raise usage_error(message, help=advice)
    return objective, pareto


def _of_front(text: str, option: str, *, scored: bool) -> Objective:
    count = _count("pareto", text.removeprefix("-"), option, scored=scored)
    return Objective(count, -1 if text.startswith("-") else 1)


def _count(where: str, name: str, option: str, *, scored: bool) -> str:
    """Return the count that an option names."""
    timed = TIMES if where in ("minimize", "pareto") else ()
    known = (*ADDING, *((SCORE,) if scored else ()), *timed)
    if name not in known:
        scores = "`--scores FILE`" if option.startswith("-") else f"`{spelled('scores', option)}`"
        missing = name == SCORE and not scored
        advice = f"{scores} says what each choice is worth" if missing else suggest(name, known, "counts")
        raise usage_error(f"`{spelled(where, option)}` names no count: `{name}`", help=advice)
    return name


def _quantiles(text: str, option: str) -> tuple[str, ...]:
    """Return shares from 0 to 1, as they are typed."""
    shares = tuple(part.strip() for part in text.split(","))
    for share in shares:
        where = f"{spelled('quantiles', option)} {text}"
        number(Scalar(share, where), 0, 1, "a share of the networks")
    return shares

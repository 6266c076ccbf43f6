"""A space at all input sizes that are asked about, as a result: the answers at each, put together."""

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor

import numpy as np

from archprof.analysis.document import ConventionText, convention_text
from archprof.analysis.latency import on_device
from archprof.analysis.timed import DeviceText, EstimatedTime
from archprof.costs.metrics import Counts
from archprof.errors import usage_error
from archprof.ir.origin import Source
from archprof.ir.setup import Setup
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.progress import Told, untold
from archprof.space.asked import answer, opened
from archprof.space.bracket import Bracket
from archprof.space.labels import Objective
from archprof.space.scores import SCORE
from archprof.space.search import Answer, BinOf, ChoiceShare, FoundNetwork, Question, RangeOf
from archprof.space.timing import LATENCY
from archprof.spec.inputs import Inputs, read_resolution
from archprof.spec.load import load, read_tree
from archprof.spec.nodes import Scalar
from archprof.spec.types import Tree
from archprof.spec.variant import Setting, parse_reference
from archprof.sweep.executors import workers_of
from archprof.sweep.pareto import front
from archprof.units import NS_PER_MS

# The sizes of a space are some tens; of the smallest space each takes a hundredth of a second.
_MOST_SIZES = 1_000


class SpaceNetwork(NamedTuple):
    """A network of a space: its rank, the settings beside that, what it costs, and its score, where there are some."""

    network: int
    settings: Mapping[str, str]
    totals: Counts
    score: float | None = None
    estimates: Mapping[str, EstimatedTime] | None = None


class FittingNetworks(NamedTuple):
    """How many networks keep the limits: from *low* to *high*, which are the same where the number is exact; their
    share of all, and how probable it is that a network fits that is drawn choice by choice, as training code does."""

    low: int
    high: int
    share: float
    drawn: float | None = None


class AtResolution(NamedTuple):
    """What is known of a space at one of several input sizes: the range of the metric that is told first, and how many
    networks keep the limits."""

    resolution: str
    networks: int
    least: int
    greatest: int
    low: int | None = None
    high: int | None = None


class SpaceReport(NamedTuple):
    """What is known of a space: how many networks it has at each of its input sizes together, choice by choice, and how
    many of these are *distinct*, where that is cheap to count; the ranges of their counts, how many keep the limits,
    the bins of a *histogram*, the networks that were looked for, and what is drawn how often among those that fit. So
    many *tries* were looked at where networks had to be drawn and rejected. Of a front that was left before its end
    all is known up to *complete_to* of its first count."""

    model: str
    title: str
    source: Source
    convention: ConventionText
    version: int
    resolutions: tuple[str, ...]
    networks: int
    distinct: int | None
    ranges: tuple[RangeOf, ...]
    limits: Mapping[str, int]
    fitting: FittingNetworks | None
    histogram_of: str
    histogram: tuple[BinOf, ...]
    found_by: str
    front: tuple[str, ...]  # the counts that it is of, with `-` those that shall be great
    found: tuple[SpaceNetwork, ...]
    choices: tuple[ChoiceShare, ...]
    tries: int = 0
    at: tuple[AtResolution, ...] = ()
    setup: Setup | None = None
    device: DeviceText | None = None
    proven: EstimatedTime | None = None
    complete_to: float | None = None


class Request(NamedTuple):
    """A question about a space, at some input sizes; those of the space itself where *resolutions* is `all`."""

    model: str
    settings: tuple[Setting, ...]
    resolutions: tuple[str, ...]
    question: Question
    jobs: int | None = None
    text: str | None = None  # of a spec that cannot be read again
    scheduler: str | None = None  # a Dask cluster that computes

    def read(self) -> tuple[Tree, tuple[Setting, ...]]:
        """Return the space's spec, and all settings that are asked for."""
        target, behind = parse_reference(self.model)
        return read_tree(target, spellings, self.text), (*behind, *self.settings)


def option_rows(found: SpaceReport) -> Iterator[tuple[str, str, int | None, float | None, bool | None]]:
    """Yield each option of each draw where these are shown: its place, the option, how many networks take it and their
    share, and whether any fits; None where that is not known."""
    if found.found_by or found.histogram or found.at:
        return
    fitting = found.fitting.high if found.fitting else found.networks
    for one in found.choices:
        share = None if one.networks is None or not fitting else one.networks / fitting
        yield one.place, one.choice, one.networks, share, one.fits


def report(request: Request, told: Told = untold) -> SpaceReport:
    """Return what is known of a space. It is *told* of each input size; where there is one, of rows and networks.

    Raises SpecError for a spec that is wrong, UsageError for what is no space and for questions that it cannot answer.
    """
    spec = load(request.model, request.settings, spellings=spellings, text=request.text)
    sizes = request.resolutions or ("",)
    if sizes == ("all",):
        sizes = spec.space.resolutions if spec.space else ()
        if not sizes:
            raise usage_error(f"`{spec.name}` names no resolutions", help="say some: `--resolution 128:224:32`")
    _check_sizes(sizes, spec.inputs)
    if request.question.quantiles and len(sizes) > 1:
        raise usage_error("quantiles over several sizes", help="name one `--resolution`; a histogram is of all")
    question = _over_all(request, sizes)
    if question.sample and len(sizes) > 1:
        answers = list(_answers(request, sizes, question._replace(sample=0), told))
        answers = list(_sampled(request, sizes, question, answers, told))
    else:
        answers = list(_answers(request, sizes, question, told))
    return SpaceReport(
        spec.variant,
        spec.title,
        spec.source,
        convention_text(),
        spec.space.version if spec.space else 1,
        tuple(size for size in sizes if size),
        sum(one.networks for one in answers),
        _distinct(answers),
        tuple(_ranges(answers)),
        _limits(question),
        _fitting(answers),
        question.histogram,
        _bins(answers),
        "sample" if question.sample else "best" if question.objective else "front" if question.pareto else "",
        tuple([f"{'-' if one.sign < 0 else ''}{one.metric}" for one in question.pareto]),
        tuple(_network(one, question) for one in _found(answers, question)),
        answers[0].shares,
        sum(one.tries for one in answers),
        tuple(map(_at, answers)) if len(answers) > 1 else (),
        question.setup if question.bytes else None,
        on_device(question.on) if question.on else None,
        _proven(answers, question),
        _complete_to(answers, question),
    )


def _check_sizes(sizes: Sequence[str], inputs: Inputs) -> None:
    """Raise UsageError for too many sizes, SpecError for one that is none, before anything is computed at any."""
    if len(sizes) > _MOST_SIZES:
        message = f"a space at {len(sizes):,} sizes, each of which is counted for itself"
        raise usage_error(message, help=f"at most {_MOST_SIZES:,}: take a larger step, as in `--resolution 128:224:32`")
    for size in filter(None, sizes):
        read_resolution(Scalar(size, f"resolution={size}"), inputs)


def _distinct(answers: Sequence[Answer]) -> int | None:
    """Return how many networks differ, at all sizes together, which tell networks apart as well."""
    numbers = [one.distinct for one in answers]
    return None if None in numbers else sum(number or 0 for number in numbers)


def _at(one: Answer) -> AtResolution:
    found = one.ranges[0]
    ends = (one.fitting.lower, one.fitting.upper) if one.fitting else (None, None)
    return AtResolution(one.resolution, one.networks, found.least, found.greatest, *ends)


def _limits(question: Question) -> dict[str, int]:
    latency = {} if question.latency is None else {LATENCY: question.latency}
    return {**question.limits, **question.bytes, **latency}


def _proven(answers: Sequence[Answer], question: Question) -> EstimatedTime | None:
    """Return the time that no network goes below, where the least is not proven at every size at which it could be."""
    most = max((one.ns[0] for one in _found(answers, question) if one.ns), default=None)
    bounds = [one.proven for one in answers if one.proven is not None and (most is None or one.proven < most)]
    return _time((min(bounds),) * 3) if bounds else None


def _complete_to(answers: Sequence[Answer], question: Question) -> float | None:
    """Return up to where a front is known, in its first count, at all sizes; None where it is whole."""
    reached = [one.complete_to for one in answers if one.complete_to is not None]
    if not reached:
        return None
    first = question.pareto[0]
    value = first.sign * min(first.sign * one for one in reached)
    if first.metric == LATENCY:
        return value / NS_PER_MS
    return value / question.scores.scale if question.scores and first.metric == SCORE else value


def _time(ns: tuple[int, int, int]) -> EstimatedTime:
    value, low, high = (amount / NS_PER_MS for amount in ns)
    return EstimatedTime(value, low, high, "ms")


def _over_all(request: Request, sizes: Sequence[str]) -> Question:
    """Return the question as it is asked at each size: the bins of a histogram are the same at all."""
    question = request.question
    if len(sizes) > 1:  # each has a median and shares of its own, which make none of all
        question = question._replace(median=False, shares=False)
    if not question.histogram or len(sizes) == 1 or not isinstance(question.bins, int):
        return question
    ends: list[int] = []
    tree, settings = request.read()
    for size in sizes:
        ends += opened(tree, settings, size).ends(question.histogram)
    low, high = min(ends), min(max(ends), question.limits.get(question.histogram, max(ends)))
    if high < low:
        return question
    edges = [low + (high - low) * number // question.bins for number in range(question.bins)]
    return question._replace(bins=(*dict.fromkeys(edges), high))


def _answers(request: Request, sizes: Sequence[str], question: Question, told: Told) -> Iterator[Answer]:
    yield from _computed(request, [(size, question) for size in sizes], told)


def _computed(request: Request, asked: Sequence[tuple[str, Question]], told: Told) -> Iterator[Answer]:
    """Yield the answers to questions in turn, each at a size, from several processes or a cluster where there are
    several."""
    tree, settings = request.read()
    jobs = min(request.jobs or os.cpu_count() or 1, len(asked))
    with workers_of(request.scheduler, jobs, len(asked)) as workers:
        waiting = [workers.submit(answer, tree, settings, *one) for one in asked] if workers else []
        try:
            for number, (size, question) in enumerate(asked):
                if len(asked) > 1:
                    told(number, len(asked), f"resolution {size}")
                inside = told if len(asked) == 1 else untold
                yield workers.result(waiting[number]) if workers else answer(tree, settings, size, question, inside)
        except BrokenExecutor:
            raise usage_error("a worker was killed", help="if memory is short, `--jobs 1` takes least") from None
        finally:
            for future in waiting:
                future.cancel()


def _sampled(
    request: Request, sizes: Sequence[str], question: Question, answers: Sequence[Answer], told: Told
) -> Iterator[Answer]:
    """Yield the answers with samples of networks of all sizes together: how many of each size are drawn is drawn
    first."""
    if question.bytes:
        raise usage_error("a sample over several sizes within a limit on bytes", help="name one `--resolution`")
    if any(one.fitting and not one.fitting.exact for one in answers) or (question.drawn and len(question.limits) > 1):
        raise usage_error("a sample over several sizes within several limits", help="name one `--resolution`")
    source = random.Random(question.seed)
    numbers = [one.fitting.upper if one.fitting else one.networks for one in answers]
    if question.drawn:
        chances = [1.0 if one.drawn is None else one.drawn for one in answers]
        drawn_at = source.choices(range(len(sizes)), chances, k=question.sample) if any(numbers) else []
    else:
        drawn_at = _places(numbers, question.sample, source)
    places = [drawn_at.count(at) for at in range(len(sizes))]
    # Each size draws by itself: of one seed all would draw the same ranks.
    asked = [
        question._replace(sample=number, histogram="", ranges=False, seed=source.getrandbits(63)) for number in places
    ]
    tasks = [(size, asked[at]) for at, size in enumerate(sizes) if places[at]]
    drawn = {one.resolution: one for one in _computed(request, tasks, told)}
    for one in answers:
        found = drawn.get(one.resolution)
        yield one._replace(found=found.found, tries=found.tries) if found else one


def _places(numbers: Sequence[int], number: int, source: random.Random) -> list[int]:
    """Return where so many different networks are, of so many at each place, each as probable as any other."""
    left = list(numbers)
    found = []
    for _ in range(min(number, sum(left))):
        index, place = source.randrange(sum(left)), 0
        while index >= left[place]:
            index -= left[place]
            place += 1
        left[place] -= 1
        found.append(place)
    return found


def _ranges(answers: Sequence[Answer]) -> Iterator[RangeOf]:
    for same in zip(*(one.ranges for one in answers), strict=True):
        if len(same) == 1:
            yield same[0]
        else:
            yield RangeOf(same[0].metric, min(one.least for one in same), max(one.greatest for one in same))


def _fitting(answers: Sequence[Answer]) -> FittingNetworks | None:
    brackets = [one.fitting for one in answers if one.fitting is not None]
    if not brackets:
        return None
    found = Bracket(sum(one.lower for one in brackets), sum(one.upper for one in brackets))
    drawn = [one.drawn for one in answers if one.drawn is not None]
    share = found.upper / sum(one.networks for one in answers)
    return FittingNetworks(found.lower, found.upper, share, sum(drawn) / len(answers) if drawn else None)


def _bins(answers: Sequence[Answer]) -> tuple[BinOf, ...]:
    return tuple(
        BinOf(same[0].low, same[0].high, sum(one.networks for one in same))
        for same in zip(*(one.histogram for one in answers), strict=True)
    )


def _found(answers: Sequence[Answer], question: Question) -> Sequence[FoundNetwork]:
    """Return the networks of all sizes together: the best of all, or what none of another size beats."""
    found = [network for one in answers for network in one.found]
    if question.objective is not None:
        objective = question.objective
        return sorted(found, key=lambda one: objective.sign * _value(one, objective))[: question.top]
    if question.pareto and len(answers) > 1 and found:
        lines = [[objective.sign * _summed(one, objective) for one in found] for objective in question.pareto]
        kept = front(np.array(lines, np.int64)).tolist()
        return [found[place] for place in sorted(kept, key=lambda place: [line[place] for line in lines])]
    return found


def _value(network: FoundNetwork, objective: Objective) -> int:
    if objective.metric == LATENCY:
        return network.ns[0] if network.ns else 0
    return _summed(network, objective)


def _summed(network: FoundNetwork, objective: Objective) -> int:
    """Return the sum of an objective along a network; of times, that of its operators."""
    if objective.metric == SCORE:
        return network.score or 0
    if objective.metric == LATENCY:
        return network.operators_ns or 0
    return int(network.totals[objective.metric])


def _network(one: FoundNetwork, question: Question) -> SpaceNetwork:
    score = one.score / question.scores.scale if question.scores and one.score is not None else None
    settings = {"resolution": one.resolution} if one.resolution else {}
    estimates = {LATENCY: _time(one.ns)} if one.ns else None
    return SpaceNetwork(one.network, settings, one.totals, score, estimates)

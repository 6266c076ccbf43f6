"""What is asked of a space, and what it answers at one input size: how many networks, which fit, and which are best."""

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import chain, islice

from archprof.costs.memory import with_memory
from archprof.costs.metrics import Counts
from archprof.costs.report import analyze_graph
from archprof.devices.asked import On
from archprof.errors import UsageError, usage_error
from archprof.ir.graph import Graph
from archprof.ir.setup import INFERENCE, Setup
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.progress import Told, untold
from archprof.space.automaton import Path
from archprof.space.best import best
from archprof.space.bracket import Bracket
from archprof.space.build import MAX_STATES, Space, space_of
from archprof.space.coarse import Coarse
from archprof.space.distinct import number_of_networks
from archprof.space.distribution import Distribution, bins_between, edges_of, ends_of
from archprof.space.draws import DrawnDistribution, draw
from archprof.space.front_kept import FrontKept
from archprof.space.frontier import frontier
from archprof.space.joint import Within
from archprof.space.labels import Objective
from archprof.space.paths import greatest, least, number_of_paths, sums_of
from archprof.space.scores import SCORE, Scores, scored
from archprof.space.shares import Shares
from archprof.space.sums import TooManySums
from archprof.space.taken import Taken, taken_within, taken_within_each
from archprof.space.timing import LATENCY, LATENCY_MOST
from archprof.space.traced import ADDING
from archprof.spec.choices import option_text
from archprof.spec.load import resolve
from archprof.spec.ranks import rank_of
from archprof.spec.types import Tree
from archprof.spec.variant import Setting
from archprof.sweep.latency import Timer

# So many networks are drawn for one that fits, where that cannot be counted.
MOST_TRIES = 1_000_000
# Networks of which bytes are counted, one after the other, before it is said that none fits.
MOST_EXPANDED = 2_000
# Networks of which the time is predicted, by what their operators take, before the best is left unproven.
_MOST_TIMED = 500
# Of limits on sums several are counted together; of one alone the whole distribution is known.
_ONE = 1


class Question(NamedTuple):
    """What is asked: limits on sums, on bytes at a *setup* and on the time *on* a device, a metric whose *histogram* is
    wanted in so many bins, a sample, the *top* best by an objective or what nothing beats in several, and whether each
    choice's share is."""

    limits: Mapping[str, int] = {}
    bytes: Mapping[str, int] = {}
    setup: Setup = INFERENCE
    ranges: bool = True
    median: bool = True
    quantiles: tuple[str, ...] = ()
    histogram: str = ""
    bins: int | tuple[int, ...] = 20  # so many, or between edges
    sample: int = 0
    drawn: bool = False
    seed: int = 0
    objective: Objective | None = None
    top: int = 1
    pareto: tuple[Objective, ...] = ()
    shares: bool = False
    scores: Scores | None = None
    on: On | None = None  # a device, where times are asked for
    latency: int | None = None  # ns at most, as predicted of the whole network

    @property
    def metric(self) -> str:
        """The metric whose distribution is told first: MACs, or the one that is limited where those are not."""
        return "macs" if "macs" in self.limits else next(iter(self.limits), "macs")


class FoundNetwork(NamedTuple):
    """A network of a space: its rank, the input size where it is not the spec's own, what it costs, and its score in
    units of the table's last digit."""

    network: int
    resolution: str
    totals: Counts
    score: int | None = None
    ns: tuple[int, int, int] | None = None  # on a device, and the ends of the interval
    operators_ns: int | None = None  # what its operators take alone


class RangeOf(NamedTuple):
    """The sums of a metric: the least and the greatest, and the least that half of the networks, or another share of
    them, do not exceed, where that is asked for."""

    metric: str
    least: int
    greatest: int
    median: int | None = None
    median_high: int | None = None  # where sums are too many to count, the median lies from one to the other
    quantiles: Mapping[str, int] | None = None


class BinOf(NamedTuple):
    """How many networks have a sum from *low* to *high*."""

    low: int
    high: int
    networks: int


class ChoiceShare(NamedTuple):
    """An option of a draw, at one of its repeats where it has some: how many of the networks that fit take it; *fits*
    tells whether any does. None where that is not known."""

    place: str
    choice: str
    networks: int | None
    fits: bool | None


class Answer(NamedTuple):
    """What a space answers at one input size."""

    resolution: str
    networks: int
    ranges: tuple[RangeOf, ...] = ()
    fitting: Bracket | None = None
    drawn: float | None = None  # how probable it is that a network fits that is drawn choice by choice
    histogram: tuple[BinOf, ...] = ()
    found: tuple[FoundNetwork, ...] = ()
    tries: int = 0
    shares: tuple[ChoiceShare, ...] = ()
    distinct: int | None = None  # networks that differ, where that is cheap to count
    proven: int | None = None  # ns that no other network goes below, where the least time was looked for
    complete_to: int | None = None  # the front's first count up to where all of it is known, where that is not all


class Search:
    """A space at one input size, whose automaton is built once for all questions."""

    def __init__(
        self,
        tree: Tree,
        settings: tuple[Setting, ...] = (),
        resolution: str = "",
        on: On | None = None,
        told: Told = untold,
        most: int = MAX_STATES,
    ) -> None:
        self.told = told
        at = (("resolution", resolution),) if resolution else ()
        self._tree = tree
        self._settings = (*settings, *at)
        self.resolution = resolution
        self.spec = resolve(self._tree, self._settings, spellings)
        self.space = space_of(self.spec, on, told, most)
        self._timer = Timer(on) if on is not None else None
        self._ns: dict[int, tuple[int, int, int]] = {}

    def answer(self, question: Question) -> Answer:
        """Return what the space answers."""
        asked = _Question(self, question)
        return Answer(
            self.resolution,
            number_of_paths(self.space.automaton),
            tuple(asked.ranges()) if question.ranges else (),
            asked.fitting,
            asked.drawn,
            tuple(asked.histogram()),
            tuple(asked.found()),
            asked.tries,
            tuple(asked.shares()) if question.shares else (),
            self.distinct() if question.ranges else None,
            asked.proven,
            asked.complete_to,
        )

    def ends(self, metric: str) -> tuple[int, int]:
        """Return the least and the greatest sum of a metric."""
        return least(self.space.automaton, metric).sum, greatest(self.space.automaton, metric).sum

    def distinct(self) -> int | None:
        """Return how many networks of the space differ; None where that is not cheap to count, as with cells."""
        built = [[step.builds for step in steps] for steps in self.space.steps]
        if not any(map(any, built)):
            return None
        return number_of_networks(self.space.automaton, built)

    def network(self, path: Path, question: Question, space: Space) -> FoundNetwork:
        """Return the network of a path, with what it costs."""
        rank = rank_of(space.choices, space.pick(path))
        sums = dict(zip(space.automaton.metrics, sums_of(space.automaton, path), strict=True))
        totals = Counts([(name, sums[name]) for name in ADDING])
        if question.bytes:
            totals = self.with_bytes(rank, question.setup)
        ns = self.ns_of(rank) if self._timer else None
        return FoundNetwork(rank, self.resolution, totals, sums.get(SCORE), ns, sums.get(LATENCY))

    def graph(self, rank: int) -> Graph:
        """Return a network of the space."""
        return expand(resolve(self._tree, (*self._settings, ("network", str(rank))), spellings))

    def ns_of(self, rank: int) -> tuple[int, int, int]:
        """Return the predicted ns of a network on the device, and the ends of their interval."""
        assert self._timer is not None
        if rank not in self._ns:
            ns, low, high = (amount for _, amount in self._timer.alone(self.graph(rank)))
            self._ns[rank] = ns, low, high
        return self._ns[rank]

    def with_bytes(self, rank: int, setup: Setup) -> Counts:
        """Return the counts of a network with its bytes of memory, as `summary` and `memory` count them."""
        graph = self.graph(rank)
        return with_memory(analyze_graph(graph).totals, graph, setup)


class _Question:
    """A question to a space while it is answered: the distribution behind it is computed once, where it is needed."""

    def __init__(self, search: Search, question: Question) -> None:
        self._search, self._asked = search, question
        self._space = scored(search.space, question.scores) if question.scores else search.space
        self._automaton = self._space.automaton
        self.proven: int | None = None
        self.complete_to: int | None = None
        self._tried = 0  # networks that were drawn, some of which exceed a limit
        self._expanded = 0  # networks whose bytes or time were looked at
        self._gave_up = False  # before all that there is was looked at

    @property
    def _limits(self) -> dict[str, int]:
        """The limits on sums, that on the operators' time among them: a network takes no less than these."""
        latency = self._asked.latency
        return {**self._asked.limits, **({LATENCY: latency} if latency is not None else {})}

    @property
    def tries(self) -> int:
        """How many networks were tried, where some had to be left aside."""
        return self._tried or self._expanded

    @cached_property
    def _distribution(self) -> Distribution:
        return Distribution(self._search.space.automaton, self._asked.metric, self._search.told)

    @cached_property
    def _coarse(self) -> Coarse | None:
        """What is known of the distribution where that is not; but where it alone answers, it is asked for it, and says
        what is wrong."""
        if self._asked.quantiles or self._asked.histogram:
            return None
        try:
            self._distribution.halves  # noqa: B018 - which are counted here
        except TooManySums:
            return Coarse(self._search.space.automaton, self._asked.metric, self._search.told)
        return None

    @cached_property
    def _within(self) -> Within:
        return Within(self._search.space.automaton, self._limits)

    def ranges(self) -> Iterator[RangeOf]:
        """Yield the range of each count that is shown, the median of the one that is asked for first."""
        automaton = self._search.space.automaton
        for metric in dict.fromkeys((self._asked.metric, "macs", "params")):
            low, high = least(automaton, metric).sum, greatest(automaton, metric).sum
            if not self._asked.median or metric != self._asked.metric:
                yield RangeOf(metric, low, high)
            elif self._coarse is not None:
                median = self._coarse.quantile(Fraction(1, 2))
                yield RangeOf(metric, low, high, median.lower, median.upper)
            else:
                quantiles = {share: self._distribution.quantile(share) for share in self._asked.quantiles}
                yield RangeOf(metric, low, high, self._distribution.quantile(Fraction(1, 2)), None, quantiles or None)

    @cached_property
    def fitting(self) -> Bracket | None:
        """How many networks keep the limits on sums; None where there are none."""
        limits = self._asked.limits
        if self._asked.latency is not None:
            surely = Within(self._search.space.automaton, {**limits, LATENCY_MOST: self._asked.latency})
            return Bracket(surely.number.lower, self._within.number.upper)
        if not limits:
            return None
        if len(limits) > _ONE:
            return self._within.number
        try:
            counted = self._distribution
            number = counted.count(self._limit) if self._coarse is None else counted.count_apart(self._limit)
        except TooManySums:
            if self._coarse is None:  # what alone answers says what is wrong
                raise
            return self._coarse.count(self._limit)
        return Bracket(number, number)

    @property
    def drawn(self) -> float | None:
        """How probable it is that a network fits that is drawn choice by choice; None where several limits are."""
        if len(self._asked.limits) != _ONE or self._asked.latency is not None or self._coarse is not None:
            return None
        metric, [limit] = self._asked.metric, self._asked.limits.values()
        space = self._search.space
        return DrawnDistribution(space.automaton, metric, space.chances).probability(limit)

    def histogram(self) -> Iterator[BinOf]:
        """Yield the bins of the metric whose histogram is asked for, of the networks within its limit."""
        metric = self._asked.histogram
        if not metric:
            return
        limits = self._asked.limits
        others = [name for name in limits if name != metric]
        if others:
            yield from self._histogram_within(metric, others)
            return
        for low, high, number in self._distribution_of(metric).histogram(self._asked.bins, limits.get(metric)):
            yield BinOf(low, high, number)

    def _histogram_within(self, metric: str, others: Sequence[str]) -> Iterator[BinOf]:
        """Yield the bins of a metric, of the networks that keep a limit on another. Raises UsageError where these are
        not known exactly."""
        limits, automaton = self._asked.limits, self._search.space.automaton
        low, most = least(automaton, metric).sum, greatest(automaton, metric).sum
        high = min(most, limits.get(metric, most))
        within = Within(automaton, {metric: high, **{name: limits[name] for name in others}})
        edges = edges_of(low, high, self._asked.bins)
        ends, below = ends_of(edges), list[int]()
        for end in ends if len(others) == 1 else ():
            self._search.told(len(below), len(ends), "bins")
            number = within.up_to(metric, end)
            if not number.exact:
                break
            below.append(number.upper)
        if len(below) < len(ends):
            between = f"a limit on {others[0]}: how many fit is known between bounds"
            what = between if len(others) == 1 else "more limits"
            advice = f"leave out `--max-{others[-1]}`; of one count it is exact, within a limit of its own too"
            raise usage_error(f"a histogram of {metric} within {what}", help=advice)
        yield from (BinOf(*one) for one in bins_between(edges, below))

    def found(self) -> Iterator[FoundNetwork]:
        """Yield the networks that are asked for."""
        none = True
        for path in self._paths():
            none = False
            yield self._search.network(path, self._asked, self._space)
        if none and not self._gave_up:  # all that there are were tried, or ruled out
            self._tried = self._expanded = 0

    def _paths(self) -> Iterator[Path]:
        asked = self._asked
        if asked.sample:
            yield from self._sampled()
        elif asked.objective is not None:
            networks = self._best(asked.objective)
            fitting = self._keeping(networks)
            yield from self._fastest(fitting) if asked.objective.metric == LATENCY else islice(fitting, asked.top)
        elif asked.pareto:
            _check_pareto(asked.pareto)
            if asked.bytes or asked.latency is not None:
                yield from self._front_kept()
            else:
                yield from (one.path for one in frontier(self._automaton, asked.pareto, asked.limits))

    def _front_kept(self) -> Iterator[Path]:
        """Yield the front of the networks within the limits, of which some are on whole networks, as far as these are
        looked at."""
        front = FrontKept(self._automaton, self._asked.pareto, self._limits)
        yield from front.paths(self._keeps_if_looked_at)
        if self._gave_up:
            self.complete_to = self._asked.pareto[0].sign * front.reached[0]

    def _keeps_if_looked_at(self, path: Path) -> bool | None:
        """Tell whether bytes and time keep their limits; None where so many were looked at that it is given up."""
        self._gave_up = self._expanded == MOST_EXPANDED
        return None if self._gave_up else self._keeps(path)

    def _best(self, objective: Objective) -> Iterator[Path]:
        """Yield the networks within the limits on sums, the best first."""
        limit = self._asked.limits.get(objective.metric)
        if objective.sign > 0 or limit is None:
            yield from (one.path for one in best(self._automaton, objective, self._limits))
            return
        # Of what shall be great and may be too great no way beats another. But if the best within the other limits
        # keeps this one too, none that comes later exceeds it.
        others = {metric: most for metric, most in self._limits.items() if metric != objective.metric}
        networks = best(self._automaton, objective, others)
        try:
            first = next(networks, None)
        except UsageError:  # too many labels
            yield from self._distribution_of(objective.metric).greatest_first(limit, others)
            return
        if first is not None and first.sums[self._automaton.metrics.index(objective.metric)] <= limit:
            yield from (one.path for one in chain([first], networks))
        elif first is not None:
            yield from self._distribution_of(objective.metric).greatest_first(limit, others)

    def _distribution_of(self, metric: str) -> Distribution:
        same = metric == self._asked.metric
        return self._distribution if same else Distribution(self._search.space.automaton, metric)

    def _fastest(self, paths: Iterator[Path]) -> Iterator[Path]:
        """Yield the networks of the least time of *paths*, which come by what their operators take: no network that
        comes later takes less than its operators, so that the best is known as soon as those take longer. What is not
        known so is told by `proven`."""
        found: list[tuple[int, int, Path]] = []
        place = self._automaton.metrics.index(LATENCY)
        operators = 0
        for number, path in enumerate(paths):
            operators = sums_of(self._automaton, path)[place]
            if len(found) >= self._asked.top and operators >= found[self._asked.top - 1][0]:
                break
            if number == _MOST_TIMED:
                self.proven = operators
                break
            self._search.told(number, _MOST_TIMED, "times of networks, at most")
            found.append((self._search.ns_of(self._rank(path))[0], number, path))
            found.sort()
        else:
            self.proven = operators if self._gave_up else None
        yield from (path for _, _, path in found[: self._asked.top])

    def _rank(self, path: Path) -> int:
        return rank_of(self._space.choices, self._space.pick(path))

    def _keeping(self, paths: Iterator[Path]) -> Iterator[Path]:
        """Yield those whose bytes and time keep their limits."""
        for path in paths:
            if self._expanded == MOST_EXPANDED:
                self._gave_up = True
                return
            if self._keeps(path):
                yield path

    def _keeps(self, path: Path) -> bool:
        """Tell whether bytes and time keep their limits, which are no sums: a network is expanded for itself."""
        latency = self._asked.latency
        if not self._asked.bytes and latency is None:
            return True
        self._search.told(self._expanded, MOST_EXPANDED, "networks, at most")
        self._expanded += 1
        rank = self._rank(path)
        if latency is not None and self._search.ns_of(rank)[0] > latency:
            return False
        if not self._asked.bytes:
            return True
        counts = self._search.with_bytes(rank, self._asked.setup)
        return all(counts[name] <= limit for name, limit in self._asked.bytes.items())

    def _sampled(self) -> Iterator[Path]:
        asked, source = self._asked, random.Random(self._asked.seed)
        if self.fitting is not None and not self.fitting.upper:
            return
        if asked.drawn:
            yield from self._drawn(source)
        elif len(self._limits) > _ONE or asked.latency is not None:
            yield from islice(self._keeping(self._rejected(source)), asked.sample)
        elif self._coarse is not None:
            drawn = self._coarse.draws(self._limit, source)
            yield from islice(self._keeping(drawn), asked.sample)
        elif asked.bytes:
            drawn = self._distribution.fitting(self._limit).draws(source)
            yield from islice(self._keeping(drawn), asked.sample)
        else:
            number = min(asked.sample, self._distribution.count(self._limit))
            yield from self._distribution.sample(self._limit, number, source)

    @property
    def _limit(self) -> int:
        """The one limit on sums; without one the greatest sum that there is."""
        most = greatest(self._search.space.automaton, self._asked.metric).sum
        return next(iter(self._asked.limits.values()), most)

    def _rejected(self, source: random.Random) -> Iterator[Path]:
        """Yield different networks within all limits on sums, of those that are drawn within one."""
        for path in self._within.draws(source):
            if self._tried == MOST_TRIES:
                self._gave_up = True
                return
            self._tried += 1
            if self._within.keeps(path):
                yield path

    def _drawn(self, source: random.Random) -> Iterator[Path]:
        """Yield networks as training code draws them, those within the limits."""
        space, left = self._search.space, self._asked.sample
        chances = space.chances
        while left and self._tried < MOST_TRIES and self._expanded < MOST_EXPANDED:
            [path] = draw(space.automaton, 1, source, chances)
            self._tried += 1
            if self._within.keeps(path) and self._keeps(path):
                left -= 1
                yield path
        self._gave_up = left > 0

    @property
    def _taken(self) -> tuple[Taken, Taken]:
        """Which arcs networks take that surely keep the limits, and which may be taken by some."""
        automaton, latency = self._search.space.automaton, self._asked.latency
        try:
            possible = taken_within(automaton, self._limits)
            if latency is None:
                return possible, possible
            return taken_within(automaton, {**self._asked.limits, LATENCY_MOST: latency}), possible
        except UsageError:  # too many labels: what one limit alone rules out
            none = taken_within_each(automaton, {self._asked.metric: -1})
            return none, taken_within_each(automaton, self._limits)

    @property
    def _counted(self) -> Shares | None:
        """How many of the networks that fit take each arc; None where that is not known exactly."""
        if self.fitting is not None and not self.fitting.upper:
            return tuple((0,) * len(arcs) for arcs in self._search.space.automaton.arcs)
        if self._asked.latency is not None:
            return None
        if len(self._limits) > _ONE:
            return self._within.shares()
        # Of all networks they are known without a table.
        all_fit = self._limit >= greatest(self._search.space.automaton, self._asked.metric).sum
        return self._distribution.shares(self._limit) if all_fit or self._coarse is None else None

    def shares(self) -> Iterator[ChoiceShare]:
        """Yield how many of the networks that fit take each option of each draw."""
        space = self._search.space
        (surely, perhaps), counted = self._taken, self._counted
        fits: dict[tuple[str, str], tuple[bool, bool]] = {}
        taken: dict[tuple[str, str], int] = {}
        for node, steps in enumerate(space.steps):
            for place, step in enumerate(steps):
                for one, digit in space.draws_of(step):
                    name = f"{one.place}[{step.repeat}]" if step.repeat >= 0 else one.place
                    key = (name, option_text(one.options[digit]))
                    sure, may = fits.get(key, (False, False))
                    fits[key] = sure or surely[node][place], may or perhaps[node][place]
                    taken[key] = taken.get(key, 0) + (counted[node][place] if counted else 0)
        order = {name: at for at, (name, _) in reversed(list(enumerate(fits)))}
        for (name, option), (sure, may) in sorted(fits.items(), key=lambda one: order[one[0][0]]):
            networks = taken[name, option] if counted else None
            yield ChoiceShare(name, option, networks, sure if sure or not may else None)


def _check_pareto(objectives: tuple[Objective, ...]) -> None:
    if len({objective.sign for objective in objectives}) == 1:
        least_of = "the cheapest" if objectives[0].sign > 0 else "the largest"
        advice = "one of the counts should be the larger the better: `--pareto macs,-score --scores scores.csv`"
        message = f"a front of costs alone says little: {least_of} network of each count, and few between"
        raise usage_error(message, help=advice)

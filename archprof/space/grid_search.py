"""What a space answers that is a grid: its networks are looked at all, block by block, as often as a question needs."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from archprof.costs.memory import with_memory
from archprof.costs.metrics import Counts
from archprof.costs.report import analyze_graph
from archprof.errors import UsageError, usage_error
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.progress import Told, untold
from archprof.space.bracket import Bracket
from archprof.space.distribution import bins_between, edges_of, ends_of
from archprof.space.grid import Grid, GridBlock, Unsummed
from archprof.space.grid_best import Best
from archprof.space.grid_shares import Taken
from archprof.space.grid_spread import Spread
from archprof.space.grid_traces import Sums
from archprof.space.search import MOST_EXPANDED, Answer, BinOf, ChoiceShare, FoundNetwork, Question, RangeOf
from archprof.space.traced import ADDING
from archprof.spec.load import resolve
from archprof.spec.types import OpenSpace, Spec
from archprof.spec.variant import Setting

Inside = NDArray[np.bool_]


class GridSearch:
    """A space of knobs that are no chain, at one input size."""

    def __init__(
        self, spec: Spec, space: OpenSpace, settings: tuple[Setting, ...], resolution: str, told: Told = untold
    ) -> None:
        self.told = told
        self.resolution = resolution
        self.spec, self.space = spec, space
        self._settings = settings

    @property
    def is_small(self) -> bool:
        """Whether all networks can be looked at."""
        return Grid(self.spec, self.space, ("macs",)).is_small

    def ends(self, metric: str) -> tuple[int, int]:
        """Return the least and the greatest sum of a metric. Raises SpecError for networks that do not fit."""
        blocks = self.blocks(Grid(self.spec, self.space, (metric,)))
        ends = [(int(block.sums.min()), int(block.sums.max())) for block in blocks]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def answer(self, question: Question) -> Answer:
        """Return what the space answers.

        Raises UsageError for what is asked of a chain alone, SpecError for networks that do not fit.
        """
        _check(question)
        asked = _Passes(self, question)
        asked.look()
        return Answer(
            self.resolution,
            asked.grid.points.size,
            tuple(asked.ranges()) if question.ranges else (),
            asked.fitting,
            asked.drawn,
            tuple(asked.histogram()),
            tuple(asked.found()),
            asked.tries,
            tuple(asked.shares()) if question.shares else (),
        )

    def blocks(self, grid: Grid, wanted: Callable[[int], bool] = lambda _: True) -> Iterator[GridBlock]:
        """Yield the networks of a grid in blocks, or those that are *wanted* by their numbers. Raises SpecError for one
        that cannot be, UsageError for one with sums that are too large."""
        try:
            yield from grid.blocks(self.told, wanted)
        except Unsummed as error:
            self.network(error.rank, Question())
            message = f"sums beyond 2^53, as of `network={error.rank}`"
            raise usage_error(message, help="fix some of the widths: `--fix`") from None

    def network(self, rank: int, question: Question) -> FoundNetwork:
        """Return the network of a rank, with what it costs. Raises SpecError for one that cannot be."""
        assert self.spec.tree is not None
        graph = expand(resolve(self.spec.tree, (*self._settings, ("network", str(rank))), spellings))
        totals = analyze_graph(graph).totals
        if question.bytes:
            return FoundNetwork(rank, self.resolution, with_memory(totals, graph, question.setup))
        return FoundNetwork(rank, self.resolution, Counts([(name, totals[name]) for name in ADDING]))


class _Passes:
    """A question while all networks are looked at."""

    def __init__(self, search: GridSearch, question: Question) -> None:
        self._search, self._asked = search, question
        counts = (question.metric, "macs", "params", *question.limits, question.histogram)
        named = (*counts, question.objective.metric if question.objective else "")
        self.grid = Grid(search.spec, search.space, tuple(dict.fromkeys(name for name in named if name)))
        self._ends = dict.fromkeys(self.grid.metrics, (2**53, 0))
        self._spread, self._bins = Spread(), Spread()
        self._fitting = np.zeros(self.grid.points.blocks, np.int64)
        self._taken = Taken(self.grid.points)
        self._best = Best(MOST_EXPANDED if question.bytes else question.top)
        self.tries = 0

    # Passes

    def look(self) -> None:
        """Look at all networks, if that is needed, and once more at what decides a quantile or a bin."""
        asked = self._asked
        if not (asked.ranges or asked.limits or asked.histogram or asked.objective):
            return
        for block in self._search.blocks(self.grid):
            self._look(block)
        ranks = list(self._ranks.values()) if asked.ranges else []
        self._spread.ask_for(ranks, ())
        self._bins.ask_for((), ends_of(self._edges))
        if ranks or self._edges:
            for block in self._search.blocks(self.grid):
                self._spread.look(self._line(block, asked.metric))
                if self._edges:
                    self._bins.look(self._within(block, asked.histogram))
            self._spread.looked()
            self._bins.looked()

    def _look(self, block: GridBlock) -> None:
        asked = self._asked
        for name, (low, high) in self._ends.items():
            line = self._line(block, name)
            self._ends[name] = min(low, int(line.min())), max(high, int(line.max()))
        if asked.ranges and asked.median:
            self._spread.add(self._line(block, asked.metric))
        if asked.histogram:
            self._bins.add(self._within(block, asked.histogram))
        inside = self._inside(block)
        if inside is not None:
            self._fitting[block.number] = np.count_nonzero(inside)
            if asked.shares:
                self._taken.add(block, inside)
        if asked.objective is not None:
            self._best.add(block, asked.objective.sign * self._line(block, asked.objective.metric), inside)

    def _line(self, block: GridBlock, name: str) -> Sums:
        line: Sums = block.sums[self.grid.metrics.index(name)]
        return line

    def _inside(self, block: GridBlock) -> Inside | None:
        """Return which networks of a block keep the limits on sums; None where there are no limits."""
        found: Inside | None = None
        for name, limit in self._asked.limits.items():
            fits = self._line(block, name) <= limit
            found = fits if found is None else found & fits
        return found

    def _within(self, block: GridBlock, name: str) -> Sums:
        """Return the sums of the networks of a block that keep the limits."""
        line, inside = self._line(block, name), self._inside(block)
        return line.reshape(-1) if inside is None else line[inside]

    # What is known then

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        """The ranks by their sums of the networks that are at shares of all."""
        if not self._asked.median:
            return {}
        shares = {"": Fraction(1, 2), **{share: Fraction(share) for share in self._asked.quantiles}}
        size = self.grid.points.size
        return {name: max(-(-share.numerator * size // share.denominator), 1) for name, share in shares.items()}

    @cached_property
    def _edges(self) -> list[int]:
        asked = self._asked
        if not asked.histogram:
            return []
        low, high = self._ends[asked.histogram]
        return edges_of(low, min(high, asked.limits.get(asked.histogram, high)), asked.bins)

    def ranges(self) -> Iterator[RangeOf]:
        """Yield the range of each count that is shown, the median of the one that is asked for first."""
        for metric in dict.fromkeys((self._asked.metric, "macs", "params")):
            found = RangeOf(metric, *self._ends[metric])
            if self._asked.median and metric == self._asked.metric:
                sums = {name: self._spread.at_rank(rank) for name, rank in self._ranks.items()}
                found = found._replace(median=sums.pop(""), quantiles=sums or None)
            yield found

    @property
    def fitting(self) -> Bracket | None:
        """How many networks keep the limits on sums; None where there are none."""
        if not self._asked.limits:
            return None
        number = int(self._fitting.sum())
        return Bracket(number, number)

    @property
    def drawn(self) -> float | None:
        """How probable it is that a network fits that is drawn knob by knob, each as probable as any other."""
        return None if self.fitting is None else self.fitting.upper / self.grid.points.size

    def histogram(self) -> Iterator[BinOf]:
        """Yield the bins of the metric whose histogram is asked for, of the networks within the limits."""
        for low, high, number in bins_between(self._edges, [self._bins.up_to(end) for end in ends_of(self._edges)]):
            yield BinOf(low, high, number)

    def shares(self) -> Iterator[ChoiceShare]:
        """Yield how many of the networks that fit take each option of each knob."""
        yield from self._taken.shares(everywhere=not self._asked.limits)

    # Networks

    def found(self) -> Iterator[FoundNetwork]:
        """Yield the networks that are asked for, of those that bytes are limited of one by one."""
        asked = self._asked
        if asked.objective is not None:
            yield from self._keeping(self._best.ranks.tolist(), asked.top)
        elif asked.sample:
            yield from self._keeping(self._sampled(MOST_EXPANDED if asked.bytes else asked.sample), asked.sample)

    def _keeping(self, ranks: Sequence[int], number: int) -> Iterator[FoundNetwork]:
        limits = self._asked.bytes
        for rank in ranks:
            if limits:
                self._search.told(self.tries, len(ranks), "networks, at most")
                self.tries += 1
            network = self._search.network(rank, self._asked)
            if all(network.totals[name] <= limit for name, limit in limits.items()):
                yield network
                number -= 1
                if not number:
                    return

    def _sampled(self, number: int) -> list[int]:
        """Return the ranks of so many different networks within the limits on sums, each as probable as any other."""
        source = random.Random(self._asked.seed)
        if not self._asked.limits:
            return source.sample(range(self.grid.points.size), min(number, self.grid.points.size))
        ends = np.cumsum(self._fitting)
        total = int(ends[-1])
        drawn = source.sample(range(total), min(number, total))
        at: dict[int, list[int]] = {}
        for index in drawn:
            at.setdefault(int(np.searchsorted(ends, index, "right")), []).append(index)
        ranks: dict[int, int] = {}
        for block in self._search.blocks(self.grid, at.__contains__):
            inside = self._inside(block)
            assert inside is not None
            indices = at[block.number]
            before = int(ends[block.number]) - int(self._fitting[block.number])
            places = np.flatnonzero(inside)[np.array(indices) - before]
            ranks |= zip(indices, block.ranks_at(places).tolist(), strict=True)
        return [ranks[index] for index in drawn]


def _check(question: Question) -> None:
    """Raise UsageError for what only a chain answers."""
    if question.on is not None:
        raise _refused("times", "`archprof latency` predicts that of one network: `@network=…`")
    if question.pareto:
        raise _refused("a front", "ask for the best by one count within limits on others: `--maximize params`")
    if question.scores is not None:
        raise _refused("scores", "ask for the best by a count: `--maximize params`")


def _refused(what: str, advice: str) -> UsageError:
    return usage_error(f"{what} of a space whose rows all hang on the same knobs, which is no chain", help=advice)

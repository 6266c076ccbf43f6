"""Networks within several limits at once: how many, exactly or between two bounds, and samples of them."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import combinations
from random import Random

from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Automaton, Path
from archprof.space.cells import bounds_within
from archprof.space.distribution import Distribution
from archprof.space.meeting import Builder, Halves
from archprof.space.pairs import Pairs, paired, pairs_within, shares_within
from archprof.space.paths import number_of_paths, sums_of
from archprof.space.shares import Shares

# Pairs that are sorted for one node: up to there, both halves are counted, and the answer is exact.
_MAX_PAIRS = 1 << 22


class Bracket(NamedTuple):
    """At least *lower* networks and at most *upper*; as many as either, where these are the same."""

    lower: int
    upper: int

    @property
    def exact(self) -> bool:
        """Whether the number is known."""
        return self.lower == self.upper


class _MetPairs(NamedTuple):
    """Pairs of sums, and both halves of the space, where these are not too long to have met."""

    pairs: Pairs
    builder: Builder
    halves: Halves | None


def _met(pairs: Pairs) -> _MetPairs:
    builder = Builder(pairs.automaton, 0)
    while builder.front < builder.back and builder.work() <= _MAX_PAIRS:
        builder.step()
    return _MetPairs(pairs, builder, builder.finished() if builder.front == builder.back else None)


def _in_steps(pairs: Pairs, metrics: tuple[str, str], limits: Mapping[str, int]) -> tuple[int, int]:
    first, second = (scale.limit(limits[metric]) for metric, scale in zip(metrics, pairs.scales, strict=True))
    return first, second


class Within:
    """The networks of which every metric keeps its limit."""

    def __init__(self, automaton: Automaton, limits: Mapping[str, int]) -> None:
        self.automaton, self.limits = automaton, dict(limits)
        self.distributions = {metric: Distribution(automaton, metric) for metric in limits}
        self._pairs: dict[tuple[str, str], _MetPairs] = {}

    @cached_property
    def alone(self) -> dict[str, int]:
        """How many networks keep each limit by itself."""
        return {metric: self._alone(metric, limit) for metric, limit in self.limits.items()}

    def _alone(self, metric: str, limit: int) -> int:
        return self.distributions[metric].count(limit)

    def up_to(self, metric: str, limit: int) -> Bracket:
        """How many of two limits' networks have a sum of one of these metrics of at most another limit, too."""
        one, other = self.limits
        return self._of_two((one, other), {**self.limits, metric: min(limit, self.limits[metric])})

    @cached_property
    def number(self) -> Bracket:
        """How many there are: exact for one limit, and for two where each half of the space has not too many pairs of
        sums; else between bounds. Of three limits and more, each two give bounds."""
        total = number_of_paths(self.automaton)
        if len(self.limits) < 2:
            return Bracket(*[min(self.alone.values(), default=total)] * 2)
        found = [(pair, self._of_two(pair, self.limits)) for pair in combinations(self.limits, 2)]
        if len(self.limits) == 2:
            return found[0][1]
        # Those within two limits but for all that exceed one of the others.
        lower = max(
            two.lower - sum(total - number for metric, number in self.alone.items() if metric not in pair)
            for pair, two in found
        )
        return Bracket(max(lower, 0), min(two.upper for _, two in found))

    def _of_two(self, metrics: tuple[str, str], limits: Mapping[str, int]) -> Bracket:
        for one, other in (metrics, metrics[::-1]):
            if limits[one] < self.distributions[one].least:
                return Bracket(0, 0)
            if limits[one] >= self.distributions[one].greatest:
                return Bracket(*[self._alone(other, limits[other])] * 2)
        return self._of_pairs(metrics, limits)

    def _of_pairs(self, metrics: tuple[str, str], limits: Mapping[str, int]) -> Bracket:
        pairs, builder, halves = self._met(metrics)
        steps = _in_steps(pairs, metrics, limits)
        if halves is not None:
            return Bracket(*[pairs_within(halves, pairs.base, steps)] * 2)
        return Bracket(*bounds_within(builder, pairs, steps))

    def _met(self, metrics: tuple[str, str]) -> _MetPairs:
        if metrics not in self._pairs:
            self._pairs[metrics] = _met(paired(self.automaton, metrics))
        return self._pairs[metrics]

    def shares(self) -> Shares | None:
        """Return how many networks take each arc, by its node and its place there; None where their number is not
        exact, and where more than two limits leave networks out. Some network keeps the limits."""
        leaving = [metric for metric, limit in self.limits.items() if limit < self.distributions[metric].greatest]
        if len(leaving) < 2:
            metric = (leaving or [*self.limits])[0]
            return self.distributions[metric].shares(self.limits[metric])
        if len(leaving) > 2:
            return None
        metrics = leaving[0], leaving[1]
        pairs, _, halves = self._met(metrics)
        return None if halves is None else shares_within(halves, pairs.base, _in_steps(pairs, metrics, self.limits))

    def draws(self, random: Random) -> Iterator[Path]:
        """Yield different networks of those that keep the limit that fewest keep, each as probable as any other, until
        all are drawn: some exceed another limit."""
        metric = min(self.alone, key=lambda metric: self.alone[metric])
        fitting = self.distributions[metric].fitting(self.limits[metric])
        yield from fitting.draws(random)

    def keeps(self, path: Path) -> bool:
        """Tell whether a network keeps all limits."""
        sums = dict(zip(self.automaton.metrics, sums_of(self.automaton, path), strict=True))
        return all(sums[metric] <= limit for metric, limit in self.limits.items())

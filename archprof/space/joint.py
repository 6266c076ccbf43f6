"""Networks within several limits at once: how many, exactly or between two bounds, and samples of them."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import combinations
from random import Random

from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Automaton, Path
from archprof.space.bracket import Bracket
from archprof.space.cells import bounds_within
from archprof.space.coarse import Coarse
from archprof.space.distribution import Distribution
from archprof.space.meeting import Builder, Halves
from archprof.space.pairs import Pairs, paired, pairs_within, shares_within
from archprof.space.paths import number_of_paths, sums_of
from archprof.space.several import Several
from archprof.space.shares import Shares
from archprof.space.sums import TooManySums

# Pairs that are sorted for one node: up to there, both halves are counted, and the answer is exact.
_MAX_PAIRS = 1 << 22


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
        self._rounded: dict[str, Coarse | None] = {}

    @cached_property
    def alone(self) -> dict[str, Bracket]:
        """How many networks keep each limit by itself."""
        return {metric: self._alone(metric, limit) for metric, limit in self.limits.items()}

    def _alone(self, metric: str, limit: int) -> Bracket:
        if (coarse := self._coarse(metric)) is not None:
            return coarse.count(limit)
        number = self.distributions[metric].count(limit)
        return Bracket(number, number)

    def _coarse(self, metric: str) -> Coarse | None:
        """What is known of a metric of too many sums to be counted one by one; None for any other."""
        if metric not in self._rounded:
            self._rounded[metric] = None
            try:
                self.distributions[metric].halves  # noqa: B018 - which are counted here
            except TooManySums:
                self._rounded[metric] = Coarse(self.automaton, metric)
        return self._rounded[metric]

    def up_to(self, metric: str, limit: int) -> Bracket:
        """How many of two limits' networks have a sum of one of these metrics of at most another limit, too."""
        one, other = self.limits
        return self._of_two((one, other), {**self.limits, metric: min(limit, self.limits[metric])})

    @cached_property
    def number(self) -> Bracket:
        """How many there are: exact for one limit, for two where each half of the space has not too many pairs of sums,
        and for more where what is left of them has few forms; else between bounds, which each two of several give."""
        total = number_of_paths(self.automaton)
        if len(self.limits) < 2:
            return next(iter(self.alone.values()), Bracket(total, total))
        if self._several is not None:
            return Bracket(*[self._several.number] * 2)
        found = [(pair, self._of_two(pair, self.limits)) for pair in combinations(self.limits, 2)]
        if len(self.limits) == 2:
            return found[0][1]
        # Those within two limits but for all that exceed one of the others.
        lower = max(
            two.lower - sum(total - one.lower for metric, one in self.alone.items() if metric not in pair)
            for pair, two in found
        )
        return Bracket(max(lower, 0), min(two.upper for _, two in found))

    @cached_property
    def _several(self) -> Several | None:
        """Those of three limits and more that leave networks out, where they are counted; None where they are not."""
        if len(self._leaving) < 3:
            return None
        try:
            return Several(self.automaton, {metric: self.limits[metric] for metric in self._leaving})
        except TooManySums:
            return None

    @property
    def _leaving(self) -> list[str]:
        """The metrics whose limits leave networks out."""
        return [metric for metric, limit in self.limits.items() if limit < self.distributions[metric].greatest]

    def _of_two(self, metrics: tuple[str, str], limits: Mapping[str, int]) -> Bracket:
        for one, other in (metrics, metrics[::-1]):
            if limits[one] < self.distributions[one].least:
                return Bracket(0, 0)
            if limits[one] >= self.distributions[one].greatest:
                return self._alone(other, limits[other])
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
        exact. Some network keeps the limits."""
        leaving = self._leaving
        if len(leaving) < 2:
            metric = (leaving or [*self.limits])[0]
            counted = not leaving or self._coarse(metric) is None
            return self.distributions[metric].shares(self.limits[metric]) if counted else None
        if len(leaving) > 2:
            return self._several.shares() if self._several is not None else None
        metrics = leaving[0], leaving[1]
        pairs, _, halves = self._met(metrics)
        return None if halves is None else shares_within(halves, pairs.base, _in_steps(pairs, metrics, self.limits))

    def draws(self, random: Random) -> Iterator[Path]:
        """Yield different networks of those that keep the limit that fewest keep, each as probable as any other, until
        all are drawn: some exceed another limit."""
        metric = min(self.alone, key=lambda metric: self.alone[metric].upper)
        limit, coarse = self.limits[metric], self._coarse(metric)
        yield from coarse.draws(limit, random) if coarse else self.distributions[metric].fitting(limit).draws(random)

    def keeps(self, path: Path) -> bool:
        """Tell whether a network keeps all limits."""
        sums = dict(zip(self.automaton.metrics, sums_of(self.automaton, path), strict=True))
        return all(sums[metric] <= limit for metric, limit in self.limits.items())

"""How many networks of a space cost how much where there are too many sums to hold: between two bounds, of costs that
are rounded, all up and all down."""

from collections.abc import Iterator
from fractions import Fraction
from random import Random

from archprof.progress import Told, untold
from archprof.space.automaton import Arc, Automaton, Path
from archprof.space.bracket import Bracket
from archprof.space.distribution import Distribution
from archprof.space.paths import greatest, lattice_of, least_from, sums_of

# Steps from the least sum to the greatest. Each choice is rounded by less than one.
_STEPS = 1 << 20


class Coarse:
    """The sums of a metric over all networks of a space, each choice's cost above the least way on in whole steps of a
    *width*.

    No network whose steps, all rounded up, are within a limit exceeds it; none that keeps it has more, all rounded
    down, than the limit.
    """

    def __init__(self, automaton: Automaton, metric: str, told: Told = untold) -> None:
        self.automaton, self.metric = automaton, metric
        self.least, self.greatest = lattice_of(automaton, metric).least, greatest(automaton, metric).sum
        self.width = (self.greatest - self.least) // _STEPS + 1
        self._up, self._down = (Distribution(self._rounded(up), metric, told) for up in (True, False))

    def _rounded(self, up: bool) -> Automaton:
        place = self.automaton.metrics.index(self.metric)
        ahead = least_from(self.automaton, place)
        add = self.width - 1 if up else 0
        arcs = tuple(
            tuple(
                [
                    Arc(arc.target, ((arc.costs[place] + ahead[arc.target] - ahead[node] + add) // self.width,))
                    for arc in own
                ]
            )
            for node, own in enumerate(self.automaton.arcs)
        )
        return Automaton((self.metric,), arcs)

    def count(self, limit: int) -> Bracket:
        """Return how many networks have a sum of at most *limit*, at least and at most."""
        steps = (limit - self.least) // self.width
        return Bracket(self._up.count(steps), self._down.count(steps))

    def quantile(self, share: Fraction | str) -> Bracket:
        """Return between which sums the least lies that at least a share of all networks does not exceed."""
        low = self._down.quantile(share)
        # Rounded up, no network has more steps than rounded down and one more for each of its choices.
        high = self._up.quantile(share, (low, low + len(self.automaton.arcs)))
        return Bracket(self.least + low * self.width, min(self.least + high * self.width, self.greatest))

    def draws(self, limit: int, random: Random) -> Iterator[Path]:
        """Yield different networks within a limit, each as probable as any other, until all are drawn: those that keep
        it rounded down, but for the few of them that exceed it."""
        place = self.automaton.metrics.index(self.metric)
        for path in self._down.fitting((limit - self.least) // self.width).draws(random):
            if sums_of(self.automaton, path)[place] <= limit:
                yield path

"""Two halves of a space that meet in the middle: tables of sums up to every node before a cut and from every node
behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from archprof.errors import usage_error
from archprof.named_tuple import NamedTuple
from archprof.progress import Told, untold
from archprof.space.automaton import Automaton
from archprof.space.exact import CertificateError, total_of
from archprof.space.paths import lattices_from, lattices_to, least_from, least_to, number_of_paths, paths_from, paths_to
from archprof.space.sums import Part, Sums, TooManySums, merged, one_way

# How probable each arc is, by its node and its place there.
Chances = Sequence[Sequence[float]]

_WORD = 1 << 64
# A count takes a tenth of a second where so many entries meet; the cut moves so many nodes for it.
_FEW = 1 << 21
# Several times what the largest spaces take whose sums are exact; some seconds.
_MOST_ENTRIES = 1 << 28
_MOVED = 4
# How often it is told how many nodes are counted.
_TOLD = 100


@dataclass(frozen=True)
class Halves:
    """What was counted of a metric, by its place: *forward* the ways to each node before the *cut*, *backward* those
    from each node behind it, by node; and *crossing*, for each node behind it that arcs across the cut lead to, the
    ways by these arcs.

    Every network crosses the cut once, so that it is one of the ways of *crossing* with one of those of *backward*
    from the same node.
    """

    automaton: Automaton
    metric: int
    cut: int
    forward: dict[int, Sums]
    backward: dict[int, Sums]
    crossing: dict[int, Sums]

    @property
    def greatest(self) -> int:
        """The greatest sum of a network."""
        return -least_from(self.automaton, self.metric, -1)[0]

    def meetings(self) -> Iterator[tuple[int, Sums, Sums]]:
        """Yield each node that arcs across the cut lead to, with its two tables."""
        for node, sums in self.crossing.items():
            yield node, sums, self.backward[node]


class _Bundle(NamedTuple):
    """The arcs from a node to a target that cost the same: how many there are, or how probable they are together."""

    node: int
    target: int
    cost: int
    weight: float


class Builder:
    """Tables of both halves as they grow towards each other."""

    def __init__(self, automaton: Automaton, metric: int, chances: Chances | None = None) -> None:
        self.automaton, self.metric, self.chances = automaton, metric, chances
        last = len(automaton.arcs) - 1
        self.forward: dict[int, Sums] = {}
        self.backward: dict[int, Sums] = {last: one_way(chances is not None)}
        self.front, self.back = 0, last
        self._onward = [self._bundles(node) for node in range(last + 1)]
        self._incoming: list[list[_Bundle]] = [[] for _ in automaton.arcs]
        for bundle in chain.from_iterable(self._onward):
            self._incoming[bundle.target].append(bundle)
        self.lattices_to, self.lattices_from = lattices_to(automaton, metric), lattices_from(automaton, metric)
        self.greatest_to = tuple(-found for found in least_to(automaton, metric, -1))
        self.paths_to, self.paths_from = paths_to(automaton), paths_from(automaton)

    def parts_to(self, node: int) -> list[Part]:
        """Return what comes together in a node from those whose tables are there."""
        if node == 0:
            return [Part(one_way(self.chances is not None), 0)]
        return [
            Part(self.forward[bundle.node], bundle.cost, bundle.weight)
            for bundle in self._incoming[node]
            if bundle.node < self.front
        ]

    def parts_from(self, node: int) -> list[Part]:
        """Return what a node leads to."""
        return [Part(self.backward[bundle.target], bundle.cost, bundle.weight) for bundle in self._onward[node]]

    def _bundles(self, node: int) -> list[_Bundle]:
        """Return the arcs of a node in bundles."""
        weights: dict[tuple[int, int], float] = {}
        for place, arc in enumerate(self.automaton.arcs[node]):
            alike = arc.target, arc.costs[self.metric]
            weights[alike] = weights.get(alike, 0) + (1 if self.chances is None else self.chances[node][place])
        return [_Bundle(node, *alike, weight) for alike, weight in weights.items()]

    def step(self) -> None:
        """Count one node more, of that half where it is less work, and not beyond 64 bits while the other is not."""
        forth = self.paths_to[self.front] >= _WORD, self._work_forth()
        back = self.paths_from[self.back - 1] >= _WORD, self._work_back()
        if forth <= back:
            self.forth()
        else:
            self.back_up()

    def work(self) -> int:
        """Return how many entries the next step takes at most."""
        return min(self._work_forth(), self._work_back())

    def _work_forth(self) -> int:
        """Return how many entries the arcs of the next node before the cut take on to others."""
        node = self.front
        bins = (self.greatest_to[node] - self.lattices_to[node].least) // max(self.lattices_to[node].step, 1) + 1
        entries = sum(part.sums.size for part in self.parts_to(node))
        return min(bins, entries, self.paths_to[node]) * len(self._onward[node])

    def _work_back(self) -> int:
        return sum(part.sums.size for part in self.parts_from(self.back - 1))

    def forth(self) -> None:
        """Count the ways to one node more; those from it are not needed."""
        self.forward[self.front] = self.counted(self.parts_to(self.front), self.front)
        self.backward.pop(self.front, None)
        self.front += 1
        self.back = max(self.back, self.front)

    def back_up(self) -> None:
        """Count the ways from one node more; those to it are not needed."""
        self.back -= 1
        found = merged(self.parts_from(self.back), self.lattices_from[self.back])
        if self.chances is None:
            certify(found, self.paths_from[self.back])
        self.backward[self.back] = found
        self.forward.pop(self.back, None)
        self.front = min(self.front, self.back)

    def crossed(self, cut: int) -> list[int]:
        """Return the nodes behind a cut that arcs from before it lead to."""
        arcs = self.automaton.arcs
        return sorted({arc.target for before in arcs[:cut] for arc in before if arc.target >= cut} or {0})

    def met(self, cut: int) -> int:
        """Return how many entries at most meet others at another cut than where the halves met."""
        nodes = self.crossed(cut)
        if cut > self.back:
            return sum(self.backward[node].size for node in nodes)
        into = [(node, [bundle.node for bundle in self._incoming[node] if bundle.node < cut]) for node in nodes]
        before = [
            self.forward[node].size if node < self.front else sum(self.forward[other].size for other in others)
            for node, others in into
        ]
        if cut < self.back:
            return sum(before)
        return sum(min(size, self.backward[node].size) for size, node in zip(before, nodes, strict=True))

    def move(self) -> None:
        """Move the cut to where few entries meet, if that is near."""
        near = range(max(self.back - _MOVED, 1), min(self.back + _MOVED + 1, len(self.automaton.arcs)))
        cuts = [cut for cut in near if all(self._countable(node) for node in self.crossed(cut))]
        cut = min(cuts, key=lambda cut: (max(self.met(cut), _FEW), abs(cut - self.back)), default=self.back)
        while self.front < cut:
            self.forth()
        while self.back > cut:
            self.back_up()

    def _countable(self, node: int) -> bool:
        return max(self.paths_to[node], self.paths_from[node]) < _WORD

    def finished(self) -> Halves:
        """Return both halves, once they have met."""
        self.move()
        crossing = {node: self.counted(self.parts_to(node), node) for node in self.crossed(self.front)}
        found = Halves(self.automaton, self.metric, self.front, self.forward, self.backward, crossing)
        if self.chances is None:
            certify_meeting(found)
        return found

    def counted(self, parts: list[Part], node: int) -> Sums:
        """Return the table of ways to a node, certified."""
        found = merged(parts, self.lattices_to[node])
        if self.chances is None:
            certify(found, self._ways(node))
        return found

    def _ways(self, node: int) -> int:
        into = [bundle for bundle in self._incoming[node] if bundle.node < self.front]
        return sum(self.paths_to[bundle.node] * int(bundle.weight) for bundle in into) if node else 1


def halves(automaton: Automaton, metric: int, chances: Chances | None = None, told: Told = untold) -> Halves:
    """Return the tables of both halves, of numbers of networks, or of probabilities. It is *told* of nodes before they
    are counted, a hundred times.

    Raises UsageError where a half has too many for 64 bits, TooManySums where its tables are too long.
    """
    return _met(automaton, metric, chances, told).finished()


def apart(automaton: Automaton, metric: int, told: Told = untold) -> Halves:
    """Return the tables of both halves without those of the ways across the cut, which may be far longer. Raises and
    tells as `halves` does."""
    builder = _met(automaton, metric, None, told)
    if builder.front == 0 and automaton.arcs[0]:  # all ways go on behind the cut: let their first arcs cross it
        builder.forth()
    return Halves(automaton, metric, builder.front, builder.forward, builder.backward, {})


def _met(automaton: Automaton, metric: int, chances: Chances | None, told: Told) -> Builder:
    builder = Builder(automaton, metric, chances)
    nodes = builder.back - builder.front
    stretch = max(nodes // _TOLD, 1)
    while builder.front < builder.back:
        counted = nodes - (builder.back - builder.front)
        if counted % stretch == 0:
            told(counted, nodes, f"sums of {automaton.metrics[metric]}")
        if (entries := builder.work()) > _MOST_ENTRIES:
            raise TooManySums(entries)
        builder.step()
    return builder


def certify_meeting(halves: Halves) -> None:
    """Compare what meets at the cut with how many networks there are. Raises CertificateError where it is not that."""
    found = sum(total_of(first.numbers) * total_of(second.numbers) for _, first, second in halves.meetings())
    if found != (number := number_of_paths(halves.automaton)):
        raise CertificateError(f"the halves make {found} networks where there are {number}")


def certify(sums: Sums, ways: int) -> None:
    """Compare the numbers of a table with how many ways there are by the formula of products.

    Raises UsageError where these are too many for 64 bits, CertificateError where the table has others.
    """
    if ways >= _WORD:
        raise usage_error(
            f"half of the space is {ways:.3g} networks, more than 64 bits count",
            help="leave choices open in fewer rows",
        )
    if (found := total_of(sums.numbers)) != ways:
        raise CertificateError(f"a table counts {found} ways where there are {ways}")

"""How many different networks the choices of a space make: a block that is skipped here or there, a width that rounds
to another, make one network of two choices."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Automaton

# Places that paths reach after each thing that they may build, over all sets of states that are followed: some seconds.
_MOST_REACHED = 1_000_000

# What each arc builds, by its node and its place there: numbers that are the same where that is.
Built = Sequence[Sequence[tuple[int, ...]]]


def number_of_networks(automaton: Automaton, built: Built) -> int | None:
    """Return how many different sequences the paths of a space build; None where that takes too long to count.

    Paths that have built the same so far are followed together, as one set of states, so that what they go on to build
    is counted once (the subset construction: Rabin & Scott 1959). Of a set, states that can build nothing alike next
    are counted each on its own, and so once for all sets that they are in.
    """
    return _Counting(automaton, built).number()


# A node, or one on the way along an arc that builds several things: how many of them are built.
_Place = tuple[int, int, int]
# Places that may build the same next.
_Alike = frozenset[_Place]


class _Reached(NamedTuple):
    """Where paths are that have built the same: whether they may *end*, and the places from which they go on."""

    end: bool
    alike: tuple[_Alike, ...]

    def number(self, numbers: Mapping[_Alike, int]) -> int:
        """Return how many sequences go on from here, the empty one among them where paths may end."""
        return self.end + sum([numbers[places] for places in self.alike])


class _Counting:
    def __init__(self, automaton: Automaton, built: Built) -> None:
        self._arcs, self._built = automaton.arcs, built
        self._next: dict[_Place, dict[int, set[_Place]]] = {}
        self._silent: dict[int, tuple[int, ...]] = {}

    def number(self) -> int | None:
        """Return how many there are."""
        numbers: dict[_Alike, int] = {}
        following: dict[_Alike, tuple[_Reached, ...]] = {}
        start = self._reached({(0, 0, 0)})
        waiting = list(start.alike)
        left = _MOST_REACHED
        while waiting:
            here = waiting[-1]
            if here not in following:
                following[here] = tuple(map(self._reached, self._following(here)))
                left -= sum([1 + sum(map(len, after.alike)) for after in following[here]])
                if left < 0:
                    return None
            if first := [places for after in following[here] for places in after.alike if places not in numbers]:
                waiting += first
                continue
            numbers[here] = sum([after.number(numbers) for after in following[here]])
            waiting.pop()
        return start.number(numbers)

    def _reached(self, places: set[_Place]) -> _Reached:
        """Return where paths are that have come to *places*, and on to others without building anything."""
        found, waiting = set(places), [node for node, _, done in places if not done]
        while waiting:
            for target in self._without_building(waiting.pop()):
                if (target, 0, 0) not in found:
                    found.add((target, 0, 0))
                    waiting.append(target)
        return _Reached((len(self._arcs) - 1, 0, 0) in found, self._apart(found))

    def _without_building(self, node: int) -> tuple[int, ...]:
        if node not in self._silent:
            arcs = zip(self._arcs[node], self._built[node], strict=True)
            self._silent[node] = tuple(dict.fromkeys([arc.target for arc, built in arcs if not built]))
        return self._silent[node]

    def _apart(self, places: Iterable[_Place]) -> tuple[_Alike, ...]:
        """Return places in sets: no two of different ones can build the same next. Those that build nothing are in
        none."""
        sets: list[list[_Place]] = []
        for place in places:
            mine = self._next_of(place).keys()
            if not mine:
                continue
            alike = [other for other in sets if any(not mine.isdisjoint(self._next_of(one).keys()) for one in other)]
            sets = [other for other in sets if other not in alike]
            sets.append([place, *chain.from_iterable(alike)])
        return tuple(map(frozenset, sets))

    def _following(self, places: _Alike) -> Collection[set[_Place]]:
        """Return what each thing that may be built next leads to."""
        after: dict[int, set[_Place]] = {}
        for place in places:
            for thing, targets in self._next_of(place).items():
                after[thing] = after[thing] | targets if thing in after else targets
        return after.values()

    def _next_of(self, place: _Place) -> dict[int, set[_Place]]:
        """Return where a place leads to, by what it builds on the way."""
        if place not in self._next:
            node, begun, done = place
            found: dict[int, set[_Place]] = {}
            for number in (begun,) if done else range(len(self._arcs[node])):
                if built := self._built[node][number]:
                    ended = done + 1 == len(built)
                    target = (self._arcs[node][number].target, 0, 0) if ended else (node, number, done + 1)
                    found.setdefault(built[done], set()).add(target)
            self._next[place] = found
        return self._next[place]

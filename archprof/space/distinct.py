"""How many different networks the choices of a space make: a block that is skipped here or there, a width that rounds
to another, make one network of two choices."""

from collections.abc import Sequence

from archprof.space.automaton import Automaton

# Sets of states that are followed, and arcs of them: some seconds.
_MOST_SETS = 20_000
_MOST_ARCS = 2_000_000

# What each arc builds, by its node and its place there: numbers that are the same where that is.
Built = Sequence[Sequence[tuple[int, ...]]]


def number_of_networks(automaton: Automaton, built: Built) -> int | None:
    """Return how many different sequences the paths of a space build; None where that takes too long to count.

    Paths that have built the same so far are followed together, as one set of states, so that what they go on to build
    is counted once (the subset construction: Rabin & Scott 1959).
    """
    return _Counting(automaton, built).number()


class _TooMany(Exception):
    """It takes too long."""


# A node, or one on the way along an arc that builds several things: how many of them are built.
_Place = tuple[int, int, int]


class _Counting:
    def __init__(self, automaton: Automaton, built: Built) -> None:
        self._arcs, self._built = automaton.arcs, built
        self._last = (len(automaton.arcs) - 1, 0, 0)
        self._followed = 0

    def number(self) -> int | None:
        """Return how many there are."""
        numbers: dict[frozenset[_Place], int] = {}
        start = self._closed({(0, 0, 0)})
        waiting = [start]
        try:
            while waiting:
                here = waiting[-1]
                following = self._following(here)
                if left := [after for after in following if after not in numbers]:
                    waiting += left
                    continue
                numbers[here] = (self._last in here) + sum(numbers[after] for after in following)
                waiting.pop()
                if len(numbers) > _MOST_SETS:
                    return None
        except _TooMany:
            return None
        return numbers[start]

    def _closed(self, places: set[_Place]) -> frozenset[_Place]:
        """Return places with all that are reached from them without building anything."""
        found, waiting = set(places), list(places)
        while waiting:
            node, _, done = waiting.pop()
            if done:
                continue
            for place, leaving in enumerate(self._arcs[node]):
                self._count()
                after = (leaving.target, 0, 0)
                if not self._built[node][place] and after not in found:
                    found.add(after)
                    waiting.append(after)
        return frozenset(found)

    def _following(self, places: frozenset[_Place]) -> list[frozenset[_Place]]:
        """Return what each thing that may be built next leads to."""
        after: dict[int, set[_Place]] = {}
        for node, begun, done in places:
            for place in (begun,) if done else range(len(self._arcs[node])):
                self._count()
                built = self._built[node][place]
                if built:
                    ended = done + 1 == len(built)
                    target = (self._arcs[node][place].target, 0, 0) if ended else (node, place, done + 1)
                    after.setdefault(built[done], set()).add(target)
        return list(map(self._closed, after.values()))

    def _count(self) -> None:
        self._followed += 1
        if self._followed > _MOST_ARCS:
            raise _TooMany

"""Ways through half of a space, found again from tables of sums: by a node, a sum and a number."""

from archprof.space.automaton import Path
from archprof.space.meeting import Halves


class Ways:
    """The ways whose numbers both halves of a space hold."""

    def __init__(self, halves: Halves) -> None:
        self._halves = halves
        arcs, metric = halves.automaton.arcs, halves.metric
        self._into: dict[int, list[tuple[int, int, int]]] = {}
        for node in halves.forward:
            for place, arc in enumerate(arcs[node]):
                self._into.setdefault(arc.target, []).append((node, place, arc.costs[metric]))

    def to(self, node: int, value: int, index: int) -> Path:
        """Return that of the ways to a node with a sum which has a number among them."""
        path = []
        while node:
            for before, place, cost in self._into[node]:
                rest = value - cost
                number = self._halves.forward[before].number_at(rest)
                if index < number:
                    path.append(place)
                    node, value = before, rest
                    break
                index -= number
        return tuple(reversed(path))

    def onward(self, node: int, value: int, index: int) -> Path:
        """Return that of the ways from a node with a sum which has a number among them."""
        path = []
        while arcs := self._halves.automaton.arcs[node]:
            for place, arc in enumerate(arcs):
                rest = value - arc.costs[self._halves.metric]
                number = self._halves.backward[arc.target].number_at(rest)
                if index < number:
                    path.append(place)
                    node, value = arc.target, rest
                    break
                index -= number
        return tuple(path)

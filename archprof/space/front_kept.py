"""The front of networks that keep what is no sum: bytes, or a time as a whole. Networks are followed in the order of
the front's first count, and looked at one by one unless one before them beats them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count

import numpy as np

from archprof.ir.arrays import Integers
from archprof.space.automaton import Automaton, Path
from archprof.space.labels import Labels, Objective, labels_of, question_of

_CHUNK = 512

# A network's sums in the order of the objectives, each times its sign.
_Point = tuple[int, ...]


class FrontKept:
    """The networks within limits that are kept and that no other such beats. Of a search that ends too early those are
    known whose first objective is less than that of the point that was *reached*."""

    def __init__(self, automaton: Automaton, objectives: Sequence[Objective], limits: Mapping[str, int]) -> None:
        self._automaton = automaton
        self._question = question_of(automaton, objectives, limits)
        self._number = len(dict.fromkeys(objectives))
        self._ahead = [self._in_order(labels) for labels in labels_of(automaton, self._question)]
        self._front: list[_Point] = []
        self.reached: _Point = ()

    def _in_order(self, labels: Labels) -> Integers:
        """Return the sums of labels, the least first by the first objective, then by the others."""
        sums: Integers = labels.sums[:, np.lexsort(labels.sums[: self._number][::-1])]
        return sums

    def paths(self, keeps: Callable[[Path], bool | None]) -> Iterator[Path]:
        """Yield the networks of the front in its order; of those that are equal in all objectives, one. Each that no
        network before it beats is asked whether it *keeps* what is no sum; None ends the search."""
        numbers = count()  # so that of equal points the first comes first
        start = (0,) * len(self._question.metrics)
        waiting: list[tuple[_Point, int, Path, int, tuple[int, ...]]] = []

        def wait(path: Path, node: int, sums: tuple[int, ...]) -> None:
            if (bound := self._best_ahead(node, sums)) is not None:
                heappush(waiting, (bound, next(numbers), path, node, sums))

        wait((), 0, start)
        while waiting:
            bound, _, path, node, sums = heappop(waiting)
            if any(all(a <= b for a, b in zip(one, bound, strict=True)) for one in self._front):
                wait(path, node, sums)  # something else may be ahead
                continue
            self.reached = bound
            arcs = self._automaton.arcs[node]
            if not arcs:
                if (kept := keeps(path)) is None:
                    return
                if kept:
                    self._front.append(bound)
                    yield path
            for place, arc in enumerate(arcs):
                wait((*path, place), arc.target, self._after(sums, arc.costs))

    def _after(self, sums: tuple[int, ...], costs: tuple[int, ...]) -> tuple[int, ...]:
        lines = zip(sums, self._question.metrics, self._question.signs, strict=True)
        return tuple([total + sign * costs[metric] for total, metric, sign in lines])

    def _best_ahead(self, node: int, sums: tuple[int, ...]) -> _Point | None:
        """Return the first point that ways from a node may lead to, with these sums so far; None where all exceed a
        limit, or are beaten."""
        labels, so_far = self._ahead[node], np.array(sums)[:, None]
        for start in range(0, labels.shape[1], _CHUNK):
            chunk = labels[:, start : start + _CHUNK] + so_far
            fits = np.ones(chunk.shape[1], bool)
            for line, limit in self._question.limits.items():
                fits &= chunk[line] <= limit
            points = chunk[: self._number]
            for one in self._front:
                fits &= (points < np.array(one)[:, None]).any(axis=0)
            if fits.any():
                return tuple(points[:, fits.argmax()].tolist())
        return None

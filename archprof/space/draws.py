"""Networks as training code draws them, choice by choice: not each as probable as any other, where choices lead to
different numbers of them."""

from collections.abc import Sequence
from random import Random

import numpy as np

from archprof.space.automaton import Automaton, Path
from archprof.space.meeting import Chances, halves


def even_chances(automaton: Automaton) -> Chances:
    """Return the probabilities of choices that are each as probable as any other at the same node.

    Where a choice is spread over several nodes, as a depth is that ends or goes on behind each layer, no chances at
    nodes are even for it: those that are have to be given.
    """
    return tuple(tuple(1 / len(arcs) for _ in arcs) for arcs in automaton.arcs)


def draw(automaton: Automaton, number: int, random: Random, chances: Chances | None = None) -> list[Path]:
    """Return so many networks, of which some may be the same: at each node an arc with its probability, those of
    *chances*, or evenly."""
    chances = chances or even_chances(automaton)
    return [_drawn(automaton, random, chances) for _ in range(number)]


def _drawn(automaton: Automaton, random: Random, chances: Sequence[Sequence[float]]) -> Path:
    path, node = [], 0
    while arcs := automaton.arcs[node]:
        path.append(random.choices(range(len(arcs)), chances[node])[0])
        node = arcs[path[-1]].target
    return tuple(path)


class DrawnDistribution:
    """How probable a sum of a metric is where networks are drawn choice by choice, in floats: rounded, not counted."""

    def __init__(self, automaton: Automaton, metric: str, chances: Chances | None = None) -> None:
        self._halves = halves(automaton, automaton.metrics.index(metric), chances or even_chances(automaton))

    def probability(self, limit: int) -> float:
        """Return how probable it is that a network that is drawn has a sum of at most *limit*."""
        found = 0.0
        for _, first, second in self._halves.meetings():
            few, many = sorted((first, second), key=lambda sums: sums.size)
            found += float(np.dot(few.numbers, many.up_to(limit - few.values)))
        return min(found, 1.0)

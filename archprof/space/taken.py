"""Which arcs of a space are taken by networks that keep several limits at once."""

from collections.abc import Mapping

import numpy as np

from archprof.ir.arrays import Integers
from archprof.space.automaton import Arc, Automaton
from archprof.space.labels import Objective, labels_of, question_of
from archprof.space.paths import least_through

# So many pairs of ways are compared at once.
_PAIRS = 1 << 18

# Whether some network takes each arc, by its node and its place there.
Taken = tuple[tuple[bool, ...], ...]


def taken_within(automaton: Automaton, limits: Mapping[str, int]) -> Taken:
    """Return which arcs some network takes that keeps all limits: of the ways to an arc and of those behind it the ones
    that none beats suffice. Raises UsageError where these are too many."""
    if len(limits) < 2:
        return taken_within_each(automaton, limits)
    question = question_of(automaton, [Objective(metric) for metric in limits], limits)
    onward, to = labels_of(automaton, question), labels_of(_turned(automaton), question)[::-1]
    most = np.array([[limit] for limit in limits.values()])

    def is_taken(node: int, arc: Arc) -> bool:
        costs = np.array([[arc.costs[metric]] for metric in question.metrics])
        return _is_met(most - costs - to[node].sums, onward[arc.target].sums)

    return tuple(tuple(is_taken(node, arc) for arc in arcs) for node, arcs in enumerate(automaton.arcs))


def taken_within_each(automaton: Automaton, limits: Mapping[str, int]) -> Taken:
    """Return which arcs some network takes that keeps a limit, for each of these some."""
    through = [(least_through(automaton, metric), limit) for metric, limit in limits.items()]
    return tuple(
        tuple(all(found[node][place] <= limit for found, limit in through) for place in range(len(arcs)))
        for node, arcs in enumerate(automaton.arcs)
    )


def _turned(automaton: Automaton) -> Automaton:
    """Return an automaton whose networks are the same from the last node to the first."""
    last = len(automaton.arcs) - 1
    arcs: list[list[Arc]] = [[] for _ in automaton.arcs]
    for node, own in enumerate(automaton.arcs):
        for arc in own:
            arcs[last - arc.target].append(Arc(last - node, arc.costs))
    return Automaton(automaton.metrics, tuple(map(tuple, arcs)))


def _is_met(left: Integers, sums: Integers) -> bool:
    """Tell whether some way, by its *sums*, takes no more of anything than some other has *left*."""
    rows = max(_PAIRS // max(sums.shape[1], 1), 1)
    for start in range(0, left.shape[1], rows):
        chunk = left[:, start : start + rows]
        fits = np.ones((chunk.shape[1], sums.shape[1]), bool)
        for line, most in zip(sums, chunk, strict=True):
            fits &= line <= most[:, None]
        if fits.any():
            return True
    return False

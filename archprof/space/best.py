"""The best networks of a space, one after the other: by a sum, within limits on others."""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

import numpy as np

from archprof.space.automaton import Automaton, Path
from archprof.space.labels import Labels, Objective, Question, labels_of, question_of
from archprof.space.paths import Network, network_of

_CHUNK = 512


def best(automaton: Automaton, objective: Objective, limits: Mapping[str, int] | None = None) -> Iterator[Network]:
    """Yield the networks within all limits, the best first; those equally good in the order of their paths, which is
    not that of ranks in a space where a depth is drawn behind what its repeats are.

    That no better one was left out is certain: the labels of a node hold the best way from it on within whatever is
    left of the limits, so that every choice is followed in the order of the best network that it leads to. None is
    computed before it is asked for, so that a caller may leave out some by what is no sum.
    """
    question = question_of(automaton, [objective], limits or {})
    ahead = [_by_objective(labels) for labels in labels_of(automaton, question)]
    waiting: list[tuple[int, Path, int, tuple[int, ...]]] = []
    start = (0,) * len(question.metrics)
    if (bound := _best_ahead(ahead[0], question, start)) is not None:
        heappush(waiting, (bound, (), 0, start))
    while waiting:
        _, path, node, sums = heappop(waiting)
        if not automaton.arcs[node]:
            yield network_of(automaton, path)
        for choice, arc in enumerate(automaton.arcs[node]):
            lines = zip(sums, question.metrics, question.signs, strict=True)
            after = tuple(total + sign * arc.costs[metric] for total, metric, sign in lines)
            if (bound := _best_ahead(ahead[arc.target], question, after)) is not None:
                heappush(waiting, (bound, (*path, choice), arc.target, after))


def _by_objective(labels: Labels) -> Labels:
    order = np.argsort(labels.sums[0], kind="stable")
    return Labels(labels.sums[:, order], labels.choices[order], labels.following[order])


def _best_ahead(labels: Labels, question: Question, sums: tuple[int, ...]) -> int | None:
    """Return the best sum of a network that has these sums so far, and goes on as a label; None where none fits."""
    for start in range(0, labels.sums.shape[1], _CHUNK):
        chunk = labels.sums[:, start : start + _CHUNK]
        fits = np.ones(chunk.shape[1], bool)
        for line, limit in question.limits.items():
            fits &= chunk[line] <= limit - sums[line]
        if fits.any():
            return sums[0] + int(chunk[0, fits.argmax()])
    return None

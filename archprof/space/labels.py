"""What nothing beats of all ways from a node on: labels that are set node by node, from the last back to the first."""

from collections.abc import Mapping, Sequence

import numpy as np

from archprof.errors import usage_error
from archprof.ir.arrays import Integers
from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Automaton, Path
from archprof.space.paths import least_to
from archprof.sweep.pareto import front

# Candidates for the labels of a node: some 10 s and 500 MB a node.
_MAX_CANDIDATES = 1 << 22


class Objective(NamedTuple):
    """A metric whose sum shall be small, or, with a *sign* of −1, great."""

    metric: str
    sign: int = 1


class Labels(NamedTuple):
    """Ways from a node on, one a column: *sums* has a line for each objective and for each limit that is none, times
    their signs; each begins with an arc, by its place, and goes on as a label of its target."""

    sums: Integers
    choices: Integers
    following: Integers


class Question(NamedTuple):
    """What labels are compared by, in the order of the lines of their sums: places of metrics and signs; and the
    limits of such lines."""

    metrics: tuple[int, ...]
    signs: tuple[int, ...]
    limits: Mapping[int, int]


def question_of(automaton: Automaton, objectives: Sequence[Objective], limits: Mapping[str, int]) -> Question:
    """Return the question for ways that are best in some objectives within limits: a metric that is limited but not to
    be small is compared too."""
    asked = list(dict.fromkeys(objectives))
    asked += [Objective(metric) for metric in limits if Objective(metric) not in asked]
    lines = {metric: asked.index(Objective(metric)) for metric in limits}
    metrics = tuple(automaton.metrics.index(objective.metric) for objective in asked)
    signs = tuple(objective.sign for objective in asked)
    return Question(metrics, signs, {lines[metric]: limit for metric, limit in limits.items()})


def labels_of(automaton: Automaton, question: Question) -> list[Labels]:
    """Return, for each node, the ways from it on that none beats, of those that a network within the limits may
    take.

    Raises UsageError where they are too many.
    """
    to = {line: least_to(automaton, question.metrics[line]) for line in question.limits}
    labels: list[Labels] = []
    for node in range(len(automaton.arcs) - 1, -1, -1):
        found = _extended(automaton, question, node, labels)
        for line, limit in question.limits.items():
            found = _chosen(found, to[line][node] + found.sums[line] <= limit)
        labels.append(_chosen(found, front(found.sums)))
    return labels[::-1]


def _extended(automaton: Automaton, question: Question, node: int, labels: Sequence[Labels]) -> Labels:
    """Return the ways from a node on by all of its arcs; *labels* are those of the nodes behind it, the last first."""
    arcs, last = automaton.arcs[node], len(automaton.arcs) - 1
    if not arcs:
        return Labels(np.zeros((len(question.metrics), 1), np.int64), *np.zeros((2, 1), np.int64))
    targets = [labels[last - arc.target] for arc in arcs]
    if (number := sum(len(target.choices) for target in targets)) > _MAX_CANDIDATES:
        raise usage_error(
            f"{number:,} ways that no other beats are too many to compare",
            help="ask for fewer objectives and limits, or for a single one",
        )
    costs = [
        np.array([[arc.costs[metric] * sign] for metric, sign in zip(question.metrics, question.signs, strict=True)])
        for arc in arcs
    ]
    return Labels(
        np.concatenate([target.sums + cost for target, cost in zip(targets, costs, strict=True)], axis=1),
        np.repeat(np.arange(len(arcs)), [len(target.choices) for target in targets]),
        np.concatenate([np.arange(len(target.choices)) for target in targets]),
    )


def _chosen(labels: Labels, which: Integers) -> Labels:
    return Labels(labels.sums[:, which], labels.choices[which], labels.following[which])


def way_of(automaton: Automaton, labels: Sequence[Labels], label: int) -> Path:
    """Return the network that a label of the first node is."""
    path, node = [], 0
    while automaton.arcs[node]:
        choice = int(labels[node].choices[label])
        label = int(labels[node].following[label])
        path.append(choice)
        node = automaton.arcs[node][choice].target
    return tuple(path)

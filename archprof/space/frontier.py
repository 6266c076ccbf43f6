"""Networks of a space that no other beats: Pareto fronts of sums, of all networks and exactly."""

from collections.abc import Mapping, Sequence

from archprof.space.automaton import Automaton
from archprof.space.labels import Objective, labels_of, question_of, way_of
from archprof.space.paths import Network, network_of
from archprof.sweep.pareto import front


def frontier(
    automaton: Automaton, objectives: Sequence[Objective], limits: Mapping[str, int] | None = None
) -> list[Network]:
    """Return the networks within all limits that no other is as good as in every objective and better in one, in the
    order of the objectives; of networks that are equal in all objectives, one."""
    question = question_of(automaton, objectives, limits or {})
    labels = labels_of(automaton, question)
    first = labels[0].sums[: len(dict.fromkeys(objectives))]
    # What is compared for a limit alone is no objective.
    kept = sorted(front(first).tolist(), key=lambda label: tuple(first[:, label]))
    return [network_of(automaton, way_of(automaton, labels, label)) for label in kept]

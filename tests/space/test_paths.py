"""Counts, ranks, bounds and lattices of a space, against all of its networks."""

from math import gcd

import pytest
from hypothesis import given

from archprof.space import paths
from tests.space.automata import METRICS, chain, networks, once_for_all, small_automata


@given(small_automata())
def test_numbers_and_ranks(automaton):
    found = networks(automaton)
    assert paths.number_of_paths(automaton) == len(found)
    assert paths.paths_to(automaton)[-1] == len(found)
    for node in range(len(automaton.arcs)):
        assert paths.paths_from(automaton)[node] == len(networks(automaton, node))
    for rank, (path, sums) in enumerate(found):
        assert paths.rank_of(automaton, path) == rank
        assert paths.path_of(automaton, rank) == path
        assert paths.sums_of(automaton, path) == sums


@pytest.mark.parametrize("rank", [-1, 6])
def test_rank_outside(rank):
    automaton = chain(["macs"], [[[1], [2]], [[1], [2], [3]]])
    with pytest.raises(IndexError, match=f"^there is no network {rank} among 6$"):
        paths.path_of(automaton, rank)


@given(small_automata())
def test_bounds(automaton):
    found = networks(automaton)
    for place, metric in enumerate(automaton.metrics):
        by_sum = [(sums[place], path) for path, sums in found]
        assert paths.least(automaton, metric) == min(by_sum)
        highest = max(total for total, _ in by_sum)
        assert paths.greatest(automaton, metric) == next(one for one in by_sum if one[0] == highest)
        assert paths.lattice_of(automaton, metric) == (
            min(by_sum)[0],
            gcd(*(total - min(by_sum)[0] for total, _ in by_sum)),
        )


@given(small_automata(metrics=1))
def test_least_through(automaton):
    through: dict[tuple[int, int], list[int]] = {}
    for path, (total,) in networks(automaton):
        for (node, _), choice in zip(paths.arcs_along(automaton, path), path, strict=True):
            through.setdefault((node, choice), []).append(total)
    found = paths.least_through(automaton, METRICS[0])
    assert {key: min(sums) for key, sums in through.items()} == {
        (node, choice): total for node, sums in enumerate(found) for choice, total in enumerate(sums)
    }


def test_once_for_all():
    """The sums are those of the smallest and the largest network, added up layer by layer apart from this."""
    automaton = once_for_all()
    assert paths.number_of_paths(automaton) == 7371**5 == (9**2 + 9**3 + 9**4) ** 5
    assert paths.least(automaton, "macs").sum == 121_278_672
    assert paths.greatest(automaton, "macs").sum == 566_170_656
    assert paths.lattice_of(automaton, "macs").step == 16
    assert paths.lattice_of(once_for_all(196), "macs").step == 8
    last = 7371**5 - 1
    assert paths.rank_of(automaton, paths.path_of(automaton, last)) == last

"""Networks within several limits, against all networks of small spaces and between bounds of large ones."""

from itertools import islice, pairwise, product
from math import comb
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archprof.errors import UsageError
from archprof.space.automaton import Arc, Automaton
from archprof.space.bracket import Bracket
from archprof.space.coarse import Coarse
from archprof.space.joint import Within
from archprof.space.pairs import dominated
from archprof.space.paths import greatest, least, sums_of
from archprof.space.taken import taken_within
from tests.space.automata import METRICS, chain, networks, once_for_all, small_automata


def asked(automaton, data, number):
    """Limits on some metrics, and the networks that keep them, of all."""
    known = networks(automaton)
    limits = {metric: data.draw(st.integers(-1, 10)) for metric in METRICS[:number]}
    for place, metric in enumerate(limits):
        sums = sorted(sums[place] for _, sums in known)
        limits[metric] = sums[limits[metric] * (len(sums) - 1) // 10] if limits[metric] >= 0 else sums[0] - 1
    return limits, [path for path, sums in known if all(a <= b for a, b in zip(sums, limits.values(), strict=False))]


@given(small_automata(), st.data())
def test_two_limits_exactly(automaton, data):
    limits, fitting = asked(automaton, data, 2)
    assert Within(automaton, limits).number == Bracket(len(fitting), len(fitting))


@pytest.mark.parametrize("most", [0, 4, 16])
@given(automaton=small_automata(), data=st.data())
def test_two_limits_between_bounds(most, automaton, data):
    limits, fitting = asked(automaton, data, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archprof.space.joint._MAX_PAIRS", most)
        patch.setattr("archprof.space.cells._CELLS", 4)
        lower, upper = Within(automaton, limits).number
        assert lower <= len(fitting) <= upper
        # One step a cell rounds nothing.
        patch.setattr("archprof.space.cells._CELLS", 1 << 14)
        if automaton.metrics and max(limits.values()) < 1 << 14:
            assert Within(automaton, limits).number == Bracket(len(fitting), len(fitting))


@pytest.mark.parametrize("most", [0, 8, 1 << 22])
def test_two_limits_of_options_that_cost_the_same(monkeypatch, most):
    """Of six layers, each as it is in two ways or dearer in one: those with at most three dear ones."""
    monkeypatch.setattr("archprof.space.joint._MAX_PAIRS", most)
    automaton = chain(METRICS[:2], [[[1, 2], [1, 2], [3, 5]]] * 6)
    number = sum(comb(6, dear) * 2 ** (6 - dear) for dear in range(4))
    assert Within(automaton, {"macs": 6 + 3 * 2, "params": 12 + 3 * 3}).number == Bracket(number, number)


@given(small_automata(), st.integers(0, 60), st.data())
def test_two_limits_and_another_on_one(automaton, limit, data):
    """As for the bins of a histogram of the one within the other."""
    limits, fitting = asked(automaton, data, 2)
    known = dict(networks(automaton))
    within = Within(automaton, limits)
    for place, metric in enumerate(limits):
        number = sum(known[path][place] <= limit for path in fitting)
        assert within.up_to(metric, limit) == Bracket(number, number)


@given(small_automata(metrics=3), st.data())
def test_three_limits(automaton, data):
    """Exactly; and between bounds where ways are too many to be compared."""
    limits, fitting = asked(automaton, data, 3)
    assert Within(automaton, limits).number == Bracket(len(fitting), len(fitting))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archprof.space.several._MOST_COMPARED", 0)
        lower, upper = Within(automaton, limits).number
        assert 0 <= lower <= len(fitting) <= upper


def test_three_limits_of_a_million_networks():
    """Of twelve layers, each of which takes of one, of another or of a third: 12! / (a! b! c!) take so many of each."""
    automaton = chain(METRICS, [[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]] * 12)
    takes = [(a, b, 12 - a - b) for a in range(6) for b in range(6) if 12 - a - b < 7]
    number = sum(comb(12, a) * comb(12 - a, b) * 2**c for a, b, c in takes)
    found = Within(automaton, dict(zip(METRICS, (5, 5, 6), strict=True)))
    assert found.number == Bracket(number, number)
    shares = found.shares()
    assert shares is not None
    assert [sum(arcs) for arcs in shares] == [number] * 12 + [0]


@given(small_automata(), st.data())
def test_limits_on_sums_that_are_too_many_to_count(automaton, data):
    """Each limit by itself is between bounds then, and samples are of those that keep it."""
    limits, fitting = asked(automaton, data, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Within, "_coarse", lambda within, metric: Coarse(within.automaton, metric))
        found = Within(automaton, limits)
        lower, upper = found.number
        assert lower <= len(fitting) <= upper
        assert sorted(filter(found.keeps, found.draws(Random(1)))) == fitting


@given(small_automata(), st.integers(0, 1), st.data())
def test_one_limit_or_none(automaton, number, data):
    limits, fitting = asked(automaton, data, number)
    assert Within(automaton, limits).number == (len(fitting), len(fitting))
    assert Within(automaton, limits).number.exact


@given(small_automata(metrics=3), st.integers(1, 3), st.data())
def test_samples(automaton, number, data):
    limits, fitting = asked(automaton, data, number)
    within = Within(automaton, limits)
    drawn = list(within.draws(Random(1)))
    assert len(set(drawn)) == len(drawn) == min(one.upper for one in within.alone.values())
    assert sorted(filter(within.keeps, drawn)) == fitting


def taken_by(automaton, paths):
    """How many of some networks take each arc."""
    found = [[0] * len(arcs) for arcs in automaton.arcs]
    for path in paths:
        node = 0
        for place in path:
            found[node][place] += 1
            node = automaton.arcs[node][place].target
    return tuple(map(tuple, found))


@pytest.mark.parametrize("number", [1, 2, 3])
@given(automaton=small_automata(metrics=3), data=st.data())
def test_how_many_take_each_arc(number, automaton, data):
    limits, fitting = asked(automaton, data, number)
    assume(fitting)
    assert Within(automaton, limits).shares() == taken_by(automaton, fitting)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
@given(automaton=small_automata(metrics=3), data=st.data())
def test_which_arcs_are_taken(number, automaton, data):
    limits, fitting = asked(automaton, data, number)
    expected = taken_by(automaton, fitting)
    assert taken_within(automaton, limits) == tuple(tuple(map(bool, arcs)) for arcs in expected)


def test_which_arcs_are_taken_where_ways_are_compared_piece_by_piece(monkeypatch):
    """Two layers of 31 options that take as much together: none beats another."""
    monkeypatch.setattr("archprof.space.taken._PAIRS", 7)
    automaton = chain(METRICS[:2], [[[number, 30 - number] for number in range(31)]] * 2)
    found = taken_within(automaton, {"macs": 30, "params": 30})
    assert found == ((True,) * 31,) * 2 + ((),)
    assert taken_within(automaton, {"macs": 20, "params": 30})[0] == (False,) * 31


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 9)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(-1, 21), st.integers(-1, 21)), max_size=20),
)
def test_dominated(points, limits):
    first, second, numbers = np.array(sorted(points)).T
    most, most_second = np.array(limits, np.int64).reshape(-1, 2).T
    expected = [sum(n for a, b, n in points if a <= x and b <= y) for x, y in limits]
    assert dominated(first, second, numbers, most, most_second).tolist() == expected


def interfaces(stages):
    """Stages between one or two widths each, as AttentiveNAS has them, with kernels, expansions and depths: costs that
    depend on both widths, and no two are the same."""
    random = Random(7)
    nodes = [[0], *([2 * stage + 1, 2 * stage + 2] for stage in range(stages - 1)), [2 * stages - 1]]
    arcs: list[list[Arc]] = [[] for _ in range(2 * stages)]
    for before, behind in pairwise(nodes):
        for node, target in product(before, behind):
            arcs[node] += [Arc(target, (16 * random.randrange(10**6), 8 * random.randrange(10**4))) for _ in range(18)]
    return Automaton(("macs", "params"), tuple(map(tuple, arcs)))


def test_interfaces_exactly():
    """Of 4 · 18³ networks, each added up."""
    automaton = interfaces(3)
    limits = {metric: (least(automaton, metric).sum + greatest(automaton, metric).sum) // 2 for metric in METRICS[:2]}
    found = Within(automaton, limits).number
    assert found.exact
    sums = np.array([sums for _, sums in networks(automaton)])
    assert found.lower == int((sums <= np.array(list(limits.values()))).all(axis=1).sum())


def test_an_upper_and_a_lower_bound_of_once_for_all(monkeypatch):
    """Of networks drawn from those up to 300M MACs, as many keep the other limit, within 5 standard deviations."""
    monkeypatch.setattr("archprof.space.cells._CELLS", 512)
    monkeypatch.setattr("archprof.space.joint._MAX_PAIRS", 1 << 20)
    found = Within(once_for_all(), {"macs": 300_000_000, "params": 5_000_000})
    lower, upper = found.number
    assert not found.number.exact
    assert lower / upper > 0.75
    drawn = list(islice(found.draws(Random(1)), 400))
    kept = list(filter(found.keeps, drawn))
    assert abs(len(kept) / 400 - lower / found.alone["macs"].upper) < 5 * (0.25 / 400) ** 0.5 + 1 - lower / upper
    assert all(sums_of(found.automaton, path)[1] <= 5_000_000 for path in kept)


def test_pairs_too_wide_for_64_bits():
    costs = [[[0, 0], [10**10 + 1, 1], [1, 10**10]]]
    found = Within(chain(["macs", "params"], costs), {"macs": 10**10, "params": 10**9})
    with pytest.raises(UsageError, match="a pair of macs and params does not fit into 64 bits") as error:
        _ = found.number
    assert error.value.problems[0].help == "limit one alone"


def test_too_many_networks_before_the_cut(monkeypatch):
    """2^70 networks on the way to where nothing was counted from behind."""
    monkeypatch.setattr("archprof.space.joint._MAX_PAIRS", 0)
    layers = [[[0, 1], [1, 0]]] * 70
    with pytest.raises(UsageError, match=r"a part of the space is 1\.18e\+21 networks, more than 64 bits count"):
        _ = Within(chain(["macs", "params"], layers), {"macs": 50, "params": 50}).number

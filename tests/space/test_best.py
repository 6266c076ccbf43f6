"""The best networks and the fronts of spaces, against all of their networks."""

from functools import partial
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import UsageError
from archprof.space.across import greatest_across
from archprof.space.best import best
from archprof.space.distribution import Distribution
from archprof.space.front_kept import FrontKept
from archprof.space.frontier import frontier
from archprof.space.labels import Objective
from archprof.space.meeting import apart
from archprof.space.paths import greatest, least, rank_of, sums_of
from archprof.space.sums import TooManySums
from tests.space.automata import METRICS, chain, networks, once_for_all, small_automata

SIGNS = st.sampled_from([1, -1])


def limits_of(draw, known, metrics):
    """Limits that some networks keep, on some of the metrics."""
    limited = draw(st.lists(st.sampled_from(metrics), unique=True))
    return {metric: draw(st.sampled_from(known))[1][METRICS.index(metric)] for metric in limited}


def fitting(known, limits):
    return [
        (path, sums)
        for path, sums in known
        if all(sums[METRICS.index(metric)] <= limit for metric, limit in limits.items())
    ]


@given(small_automata(metrics=3, most=4), SIGNS, st.data())
def test_best(automaton, sign, data):
    known = networks(automaton)
    limits = limits_of(data.draw, known, METRICS)
    expected = sorted(fitting(known, limits), key=lambda network: (sign * network[1][1], network[0]))
    assert list(best(automaton, Objective("params", sign), limits)) == expected


def points_of(sums, signs):
    return tuple(sign * total for total, sign in zip(sums, signs, strict=False))


def unbeaten(points):
    """Those that no other is as good as in every line and better in one, in their order."""
    return sorted(
        point
        for point in points
        if not any(all(a <= b for a, b in zip(other, point, strict=True)) and other != point for other in points)
    )


@given(small_automata(metrics=3, most=4), st.lists(SIGNS, min_size=1, max_size=3), st.data())
def test_frontier(automaton, signs, data):
    objectives = [Objective(metric, sign) for metric, sign in zip(METRICS, signs, strict=False)]
    known = networks(automaton)
    limits = limits_of(data.draw, known, METRICS)
    fits = fitting(known, limits)
    found = frontier(automaton, objectives, limits)
    assert [points_of(one.sums, signs) for one in found] == unbeaten({points_of(sums, signs) for _, sums in fits})
    assert all((one.path, one.sums) in fits for one in found)


@given(small_automata(metrics=3, most=4), st.lists(SIGNS, min_size=1, max_size=3), st.data())
def test_the_front_of_networks_that_keep_what_is_no_sum(automaton, signs, data):
    """As of all that do; and where it is left before its end, all of it whose first objective is less than what was
    reached."""
    objectives = [Objective(metric, sign) for metric, sign in zip(METRICS, signs, strict=False)]
    known = networks(automaton)
    limits = limits_of(data.draw, known, METRICS)
    source = data.draw(st.randoms(use_true_random=False))
    kept = {path for path, _ in known if source.random() < 0.5}
    fits = {path: points_of(sums, signs) for path, sums in fitting(known, limits) if path in kept}
    expected = unbeaten(set(fits.values()))
    assert [fits[path] for path in FrontKept(automaton, objectives, limits).paths(kept.__contains__)] == expected
    left = [data.draw(st.integers(0, 3))]

    def keeps(path):
        left[0] -= 1
        return None if left[0] < 0 else path in kept

    front = FrontKept(automaton, objectives, limits)
    found = [fits[path] for path in front.paths(keeps)]
    assert found == expected[: len(found)]
    if left[0] < 0:
        known_up_to = [point for point in expected if point[0] < front.reached[0]]
        assert found[: len(known_up_to)] == known_up_to
    else:
        assert found == expected


def test_no_network_within_a_limit():
    automaton = chain(["macs", "params"], [[[3, 1], [4, 0]]])
    assert list(best(automaton, Objective("params", -1), {"macs": 2})) == []
    assert frontier(automaton, [Objective("params")], {"macs": 2}) == []


def test_a_filter_by_what_is_no_sum():
    """Networks are found one by one until two pass."""
    automaton = chain(["macs"], [[[cost] for cost in range(100)]] * 9)
    found = islice((one for one in best(automaton, Objective("macs")) if max(one.path) == 1), 2)
    assert [one.path for one in found] == [(0,) * 8 + (1,), (0,) * 7 + (1, 0)]


def test_too_many_labels(monkeypatch):
    """Where a sum shall be great and within a limit, none of 9 × 9 × 9 sums beats
    another."""
    monkeypatch.setattr("archprof.space.labels._MAX_CANDIDATES", 100)
    automaton = chain(["macs"], [[[cost * 9**place] for cost in range(9)] for place in range(3)])
    with pytest.raises(UsageError, match="729 ways that no other beats are too many to compare") as error:
        next(best(automaton, Objective("macs", -1), {"macs": 1000}))
    assert error.value.problems[0].help == "ask for fewer objectives and limits, or for a single one"


@pytest.fixture(scope="module")
def large():
    return once_for_all()


def test_best_of_once_for_all(large):
    assert [one.path for one in islice(best(large, Objective("macs")), 1)] == [least(large, "macs").path]
    assert next(best(large, Objective("params", -1))).sums[1] == greatest(large, "params").sum
    found = list(islice(best(large, Objective("params", -1), {"macs": 250_000_000}), 20))
    assert [one.sums[1] for one in found] == sorted((one.sums[1] for one in found), reverse=True)
    assert all(one.sums[0] <= 250_000_000 and one.sums == sums_of(large, one.path) for one in found)
    assert len({rank_of(large, one.path) for one in found}) == 20


def test_frontier_of_once_for_all(large):
    """Where the front says that a limit's best network is, the best network is."""
    front = frontier(large, [Objective("macs"), Objective("params", -1)])
    for limit in (150_000_000, 250_000_000, 400_000_000):
        most = max(one.sums[1] for one in front if one.sums[0] <= limit)
        assert next(best(large, Objective("params", -1), {"macs": limit})).sums[1] == most
    assert front[0].sums[0] == least(large, "macs").sum
    assert front[-1].sums[1] == greatest(large, "params").sum
    within = frontier(large, [Objective("macs"), Objective("params", -1)], {"macs": 250_000_000})
    assert [one.sums for one in within] == [one.sums for one in front if one.sums[0] <= 250_000_000]


@pytest.mark.parametrize("number", [2, 3])
@given(automaton=small_automata(metrics=3), data=st.data())
def test_the_greatest_within_a_limit_of_its_own_and_others(number, automaton, data):
    """In the order of the sums; of those that are equal in any."""
    known = networks(automaton)
    limits = {metric: data.draw(st.sampled_from(known))[1][place] for place, metric in enumerate(METRICS[:number])}
    expected = sorted((-sums[0], path) for path, sums in fitting(known, limits))
    others = {metric: limit for metric, limit in limits.items() if metric != "macs"}
    searches = [Distribution(automaton, "macs").greatest_first]
    if automaton.arcs[0]:  # else nothing crosses a cut
        searches.append(partial(greatest_across, apart(automaton, 0)))
    for greatest_first in searches:
        found = list(greatest_first(limits["macs"], others))
        assert [-sums_of(automaton, path)[0] for path in found] == [sum_ for sum_, _ in expected]
        assert sorted(found) == sorted(path for _, path in expected)


def test_the_greatest_of_once_for_all_within_two_limits(large):
    found = list(islice(Distribution(large, "macs").greatest_first(250_000_000, {"params": 4_000_000}), 20))
    sums = [sums_of(large, path) for path in found]
    assert all(macs <= 250_000_000 and params <= 4_000_000 for macs, params in sums)
    assert [macs for macs, _ in sums] == sorted((macs for macs, _ in sums), reverse=True)
    assert len(set(found)) == 20
    # 16 is the step between sums.
    assert sums[0][0] > 250_000_000 - 16


def too_many(*_, **__):
    raise TooManySums(1)


def test_the_greatest_where_tables_across_the_cut_are_too_long(monkeypatch, large):
    """As where they are not; and a search that finds nothing for long says what it knows."""
    limits = {"params": 4_000_000}
    first = next(Distribution(large, "macs").greatest_first(250_000_000, limits))
    monkeypatch.setattr("archprof.space.distribution.halves", too_many)
    long = Distribution(large, "macs")
    found = next(long.greatest_first(250_000_000, limits))
    assert sums_of(large, found)[0] == sums_of(large, first)[0] > 250_000_000 - 16
    assert sums_of(large, found)[1] <= 4_000_000
    monkeypatch.setattr("archprof.space.across._MOST_LOOKED_AT", 100)
    with pytest.raises(
        UsageError, match=r"^the search for the most macs within 2 limits gave up: .* at most 250,000,000"
    ):
        next(long.greatest_first(250_000_000, limits))


def test_three_limits_that_none_keeps_but_each_two(monkeypatch):
    """Each layer adds MACs, and with them as many params or as many bytes."""
    monkeypatch.setattr("archprof.space.greatest._MOST_LOOKED_AT", 100)
    automaton = chain(METRICS, [[[1, 0, 0], [2, 1, 0], [2, 0, 1]]] * 12)
    limits = {"params": 3, "bytes": 3}
    with pytest.raises(UsageError) as error:
        list(Distribution(automaton, "macs").greatest_first(21, limits))
    assert (str(error.value.problems[0].message), error.value.problems[0].help) == (
        "the search for the most macs within 3 limits gave up: what it has not found has at most 21",
        "leave out one of the limits, as `--max-params`",
    )

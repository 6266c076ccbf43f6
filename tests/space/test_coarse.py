"""Counts between bounds where sums are too many to hold, against all networks of small spaces."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.language.spellings import spellings
from archprof.space.asked import answer
from archprof.space.coarse import Coarse
from archprof.space.labels import Objective
from archprof.space.meeting import halves
from archprof.space.search import Question
from archprof.space.sums import TooManySums
from archprof.spec.load import read_tree
from tests.space.automata import METRICS, networks, once_for_all, small_automata

SPACE = """archprof: 1
input: 3x32x32
layers:
  - conv: {k: {choice: [1, 3, 5]}, c: {choice: [7, 11, 24]}, n: {choice: [1, 2, 3, 4]}}
"""
TREE = read_tree("net.yaml", spellings, SPACE)


@pytest.mark.parametrize("steps", [2, 5, 1 << 20])
@given(automaton=small_automata(), data=st.data())
def test_bounds_hold_what_there_is(steps, automaton, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archprof.space.coarse._STEPS", steps)
        coarse = Coarse(automaton, METRICS[0])
    sums = sorted(one[0] for _, one in networks(automaton))
    limit = data.draw(st.integers(sums[0] - 2, sums[-1] + 2))
    found = coarse.count(limit)
    assert found.lower <= sum(one <= limit for one in sums) <= found.upper
    assert found.exact or steps < 1 << 20
    share = data.draw(st.fractions(0, 1, max_denominator=20))
    median = coarse.quantile(share)
    assert median.lower <= sums[max(-(-share.numerator * len(sums) // share.denominator), 1) - 1] <= median.upper


@given(automaton=small_automata(), data=st.data())
def test_samples_are_all_that_fit(automaton, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archprof.space.coarse._STEPS", 3)
        coarse = Coarse(automaton, METRICS[0])
    limit = data.draw(st.sampled_from([sums[0] for _, sums in networks(automaton)]))
    fitting = [path for path, sums in networks(automaton) if sums[0] <= limit]
    assert sorted(coarse.draws(limit, Random(1))) == sorted(fitting)


def test_too_many_are_not_begun(monkeypatch):
    monkeypatch.setattr("archprof.space.meeting._MOST_ENTRIES", 1000)
    with pytest.raises(TooManySums, match="groups of networks are too many to be counted one by one"):
        halves(once_for_all(), 0)


@pytest.mark.parametrize("limits", [{"macs": 3_000_000}, {"params": 9_000, "macs": 3_000_000}])
def test_what_is_limited_may_be_as_great_as_it_can(limits):
    """By the networks that a sample of all is, of which none within the limits has more MACs."""
    fitting = answer(TREE, (), "", Question(limits=limits, sample=10_000)).found
    question = Question(limits=limits, objective=Objective("macs", -1), top=10)
    found = answer(TREE, (), "", question).found
    macs = sorted((network.totals["macs"] for network in fitting), reverse=True)
    assert len(macs) > 10
    assert [network.totals["macs"] for network in found] == macs[:10]


def test_a_question_is_answered_between_bounds(monkeypatch):
    question = Question(limits={"macs": 2_000_000}, sample=5, seed=1)
    exact = answer(TREE, (), "", question)
    monkeypatch.setattr("archprof.space.meeting._MOST_ENTRIES", 60)
    monkeypatch.setattr("archprof.space.coarse._STEPS", 5)
    found = answer(TREE, (), "", question)
    assert exact.fitting is not None
    assert exact.fitting.exact
    assert found.fitting is not None
    assert found.fitting.lower <= exact.fitting.lower <= found.fitting.upper
    median, between = exact.ranges[0].median, found.ranges[0]
    assert median is not None
    assert between.median is not None
    assert between.median_high is not None
    assert between.median <= median <= between.median_high
    assert found.drawn is None
    assert len({network.network for network in found.found}) == 5
    assert all(network.totals["macs"] <= 2_000_000 for network in found.found)
    with pytest.raises(TooManySums):
        answer(TREE, (), "", Question(histogram="macs"))


def test_choices_are_told_of_where_sums_are_too_many(monkeypatch):
    """Their shares of all networks are known without sums; within a limit it is told which can fit at all."""
    monkeypatch.setattr("archprof.space.meeting._MOST_ENTRIES", 60)
    monkeypatch.setattr("archprof.space.coarse._STEPS", 5)
    whole = answer(TREE, (), "", Question(shares=True))
    # Of 4 depths, of which each draws a kernel and a width, the kernels of a first repeat.
    assert [one.networks for one in whole.shares if one.place == "layers[0].k[0]"] == [
        (9 + 9**2 + 9**3 + 9**4) // 3
    ] * 3
    within = answer(TREE, (), "", Question(limits={"macs": 100_000}, shares=True))
    assert {one.networks for one in within.shares} == {None}
    assert {one.fits for one in within.shares} == {True, False}

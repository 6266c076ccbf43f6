"""Networks drawn choice by choice."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given

from archprof.space.draws import DrawnDistribution, draw
from archprof.space.paths import sums_of
from tests.space.automata import chain, chance, networks, once_for_all, small_automata


@given(small_automata())
def test_probabilities(automaton):
    known, found = networks(automaton), DrawnDistribution(automaton, "macs")
    for limit in {sums[0] for _, sums in known}:
        expected = float(sum(chance(automaton, path) for path, sums in known if sums[0] <= limit))
        assert found.probability(limit) == pytest.approx(expected, rel=1e-12)
    assert found.probability(-1) == 0


def test_draws_are_even_at_each_choice():
    """Of 4,000 draws, each of 2 × 3 networks comes 667 times: 5 standard deviations are 118."""
    automaton = chain(["macs"], [[[0], [1]], [[0], [1], [2]]])
    drawn = Counter(draw(automaton, 4000, Random(1)))
    assert len(drawn) == 6
    assert all(abs(number - 4000 / 6) < 118 for number in drawn.values())


def test_draws_with_chances():
    automaton = chain(["macs"], [[[0], [1]], [[0], [2]]])
    chances = ((0.25, 0.75), (1.0, 0.0), ())
    assert DrawnDistribution(automaton, "macs", chances).probability(0) == 0.25
    drawn = Counter(draw(automaton, 1000, Random(1), chances))
    assert set(drawn) == {(0, 0), (1, 0)}
    assert abs(drawn[0, 0] - 250) < 68


def test_once_for_all():
    """2,000 draws fit as often as is said of them, within 5 standard deviations."""
    automaton = once_for_all(128)
    limit = 100_000_000
    expected = DrawnDistribution(automaton, "macs").probability(limit)
    fitting = sum(sums_of(automaton, path)[0] <= limit for path in draw(automaton, 2000, Random(1)))
    assert 0.05 < expected < 0.95
    assert abs(fitting - 2000 * expected) < 5 * (2000 * expected * (1 - expected)) ** 0.5

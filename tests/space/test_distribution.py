"""The exact distribution of a metric, against all networks of small spaces and what is known of a large one."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import UsageError
from archprof.space import meeting
from archprof.space.across import number_across
from archprof.space.automaton import Arc, Automaton
from archprof.space.distribution import Bin, Distribution
from archprof.space.exact import CertificateError, unwrapped
from archprof.space.meeting import apart, certify, certify_meeting
from archprof.space.paths import arcs_along, sums_of
from archprof.space.sums import Sums
from tests.space.automata import chain, networks, once_for_all, small_automata

RESOLUTION = 224


def sums_in(automaton):
    return sorted(sums[0] for _, sums in networks(automaton))


@given(small_automata())
def test_counts(automaton):
    sums, found = sums_in(automaton), Distribution(automaton, "macs")
    assert found.total == len(sums)
    for limit in {limit + by for limit in sums for by in (-1, 0, 1)}:
        assert found.count(limit) == sum(total <= limit for total in sums)


@given(small_automata())
def test_counts_arc_by_arc_across_the_cut(automaton):
    sums = sums_in(automaton)
    if not automaton.arcs[0]:  # nothing crosses a cut
        return
    halves = apart(automaton, 0)
    for limit in {limit + by for limit in sums for by in (-1, 0, 1)}:
        assert number_across(halves, limit) == sum(total <= limit for total in sums)
        assert Distribution(automaton, "macs").count_apart(limit) == number_across(halves, limit)


def test_once_for_all_arc_by_arc(monkeypatch, large):
    """As where the ways across the cut are counted together; and it is told where there are too many."""
    assert large.count_apart(200_000_000) == large.count(200_000_000)
    monkeypatch.setattr("archprof.space.across._MOST_COUNTED", 1000)
    with pytest.raises(UsageError, match="groups of networks are too many"):
        large.count_apart(200_000_000)


def test_the_greatest_within_a_limit_below_all_of_a_table():
    """A list of sums starts where its lattice does, which need be none of them."""
    arcs = (
        (Arc(4, (1,)), Arc(1, (9,)), Arc(3, (0,))), (Arc(2, (7,)),), (Arc(3, (0,)), Arc(4, (0,))),
        (Arc(4, (0,)), Arc(4, (1,))), (),
    )  # fmt: skip
    found = Distribution(Automaton(("macs",), arcs), "macs")
    assert sorted(sum_ for (sum_,) in (sums for _, sums in networks(found.automaton))) == [0, 1, 1, 16, 16, 17]
    assert [found.greatest_within(limit).sum for limit in (0, 1, 15, 16, 17)] == [0, 1, 1, 16, 17]


@given(small_automata(), st.integers(-1, 60))
def test_greatest_within(automaton, above):
    known, found = networks(automaton), Distribution(automaton, "macs")
    limit = found.least + above
    sums = [sums[0] for _, sums in known if sums[0] <= limit]
    if sums:
        total, path = found.greatest_within(limit)
        assert total == max(sums) == sums_of(automaton, path)[0]
    else:
        with pytest.raises(ValueError, match=f"^no network has at most {limit} macs: the least is {found.least}$"):
            found.greatest_within(limit)


@given(small_automata(), st.integers(-1, 60))
def test_greatest_first(automaton, above):
    found = Distribution(automaton, "macs")
    known = {path: sums[0] for path, sums in networks(automaton) if sums[0] <= found.least + above}
    paths = [*found.greatest_first(found.least + above)]
    assert sorted(paths) == sorted(known)
    assert [known[path] for path in paths] == sorted(known.values(), reverse=True)


@given(small_automata(), st.fractions(0, 1))
def test_quantiles(automaton, share):
    sums = sums_in(automaton)
    wanted = max(-(-share.numerator * len(sums) // share.denominator), 1)
    assert Distribution(automaton, "macs").quantile(share) == sums[wanted - 1]


def test_quantile_of_a_decimal_number():
    """0.1 of ten networks is one, though the float is a little more than that."""
    ten = chain(["macs"], [[[cost] for cost in range(10)]])
    assert [Distribution(ten, "macs").quantile(share) for share in (0, 0.1, "0.1", Fraction(1, 5), 1)] == [
        0,
        0,
        0,
        1,
        9,
    ]
    with pytest.raises(ValueError, match=r"^a quantile is from 0 to 1, not 1\.5$"):
        Distribution(ten, "macs").quantile(1.5)


@given(small_automata(), st.integers(1, 7), st.none() | st.integers(0, 60))
def test_histograms(automaton, bins, limit):
    sums = [total for total in sums_in(automaton) if limit is None or total <= limit]
    found = Distribution(automaton, "macs").histogram(bins, limit)
    assert [one.number for one in found] == [sum(low <= one <= high for one in sums) for low, high, _ in found]
    assert sum(one.number for one in found) == len(sums)


def test_histogram_between_edges():
    found = Distribution(chain(["macs"], [[[cost] for cost in range(10)]]), "macs")
    assert found.histogram([2, 4, 9]) == [Bin(2, 3, 2), Bin(4, 9, 6)]
    assert found.histogram([2, 4, 9], limit=5) == [Bin(2, 3, 2), Bin(4, 9, 2)]
    assert found.histogram(3, limit=-1) == []


@given(small_automata(), st.data())
def test_every_number_is_another_network(automaton, data):
    known = networks(automaton)
    limit = data.draw(st.sampled_from([sums[0] for _, sums in known]))
    found = Distribution(automaton, "macs")
    fitting = sorted(path for path, sums in known if sums[0] <= limit)
    assert sorted(found.unrank(limit, index) for index in range(found.count(limit))) == fitting
    sample = found.sample(limit, (len(fitting) + 1) // 2, Random(1))
    assert len(set(sample)) == len(sample)
    assert set(sample) <= set(fitting)
    with pytest.raises(IndexError, match=rf"^there is no network {len(fitting)} among the {len(fitting)} within the"):
        found.unrank(limit, len(fitting))


def test_samples_are_as_probable_as_each_other():
    """Of 3 among 12, each is drawn 250 times in 1,000: 5 standard deviations are 68."""
    found = Distribution(chain(["macs"], [[[0], [1], [2]], [[0], [0], [1], [3]]]), "macs")
    drawn = Counter(path for seed in range(1000) for path in found.sample(5, 3, Random(seed)))
    assert len(drawn) == 12
    assert all(abs(number - 250) < 68 for number in drawn.values())


def test_a_sample_of_more_than_there_are():
    found = Distribution(chain(["macs"], [[[0], [1]]]), "macs")
    with pytest.raises(ValueError, match=r"^2 different networks are asked for, and 1 are within the limit$"):
        found.sample(0, 2, Random(0))


@given(small_automata(), st.data())
def test_shares(automaton, data):
    known = networks(automaton)
    limit = data.draw(st.sampled_from([sums[0] for _, sums in known]))
    numbers = Counter(
        (node, choice)
        for path, sums in known
        if sums[0] <= limit
        for (node, _), choice in zip(arcs_along(automaton, path), path, strict=True)
    )
    shares = Distribution(automaton, "macs").shares(limit)
    assert shares == tuple(
        tuple(numbers[node, choice] for choice in range(len(arcs))) for node, arcs in enumerate(automaton.arcs)
    )


@pytest.fixture(scope="module")
def large():
    return Distribution(once_for_all(RESOLUTION), "macs")


def test_once_for_all(large):
    """Counts of an independent program, of one table of bins without a cut."""
    assert large.total == 21_758_655_492_572_485_851
    assert [large.count(limit * 10**6) for limit in (150, 250, 300, 400)] == [
        113_060_354,
        8_973_975_645_621_513,
        856_295_841_105_991_212,
        20_599_264_329_795_529_108,
    ]
    # The median.
    assert 2 * large.count(352_351_584 - 1) < large.total <= 2 * large.count(352_351_584)


def test_once_for_all_by_number(large):
    total, path = large.greatest_within(300_000_007)
    assert total == sums_of(large.automaton, path)[0]
    assert large.count(total) == large.count(300_000_007) > large.count(total - 1)
    assert large.fitting(300_000_000).number == large.count(300_000_000)
    sample = large.sample(300_000_000, 50, Random(1))
    assert all(sums_of(large.automaton, path)[0] <= 300_000_000 for path in sample)


def test_a_table_that_lost_a_way_is_found(large):
    sums = large.halves.crossing[large.halves.cut]
    certify(sums, 7371**3)
    numbers = sums.numbers.copy()
    numbers[numbers.argmax()] -= 1
    with pytest.raises(CertificateError, match=f"^a table counts {7371**3 - 1} ways where there are {7371**3}$"):
        certify(replace(sums, numbers=numbers), 7371**3)


def test_halves_that_lost_a_way_are_found():
    halves = Distribution(chain(["macs"], [[[0], [1]]] * 4), "macs").halves
    for tables in (halves.crossing, halves.backward):
        sums = tables[halves.cut]
        numbers = sums.numbers.copy()
        numbers[0] += 1
        tables[halves.cut] = replace(sums, numbers=numbers)
        with pytest.raises(CertificateError, match=r"^the halves make \d+ networks where there are 16$"):
            certify_meeting(halves)
        tables[halves.cut] = sums
    certify_meeting(halves)


def test_too_many_for_64_bits():
    """2^140 networks: each half has 2^70."""
    found = Distribution(chain(["macs"], [[[0], [1]]] * 140), "macs")
    with pytest.raises(UsageError, match=r"half of the space is 1\.84e\+19 networks, more than 64 bits count") as error:
        found.count(70)
    assert error.value.problems[0].help == "leave choices open in fewer rows"


def test_more_networks_than_64_bits():
    """2^100 networks, of which as many have a sum up to 49 as above 50."""
    found = Distribution(chain(["macs"], [[[0], [1]]] * 100), "macs")
    middle = found.count(50) - found.count(49)
    assert middle == 100891344545564193334812497256
    assert 2 * found.count(49) + middle == 2**100
    assert found.quantile(0.5) == 50


@pytest.mark.parametrize("number", [0, 1, 2**64 - 1, 2**64, 2**80 + 12345, 2**96 - 1])
def test_unwrapped(number):
    assert unwrapped(number % 2**64, float(number), 1000) == number


def test_a_number_too_large_to_unwrap():
    with pytest.raises(CertificateError, match=r"^a count near 1\.27e\+30 is beyond what 64 bits and a float tell"):
        unwrapped(0, 2.0**100, 10**6)


def test_sums_too_many_for_memory(monkeypatch):
    """Two layers whose sums all differ and lie far apart."""
    monkeypatch.setattr("archprof.space.sums._MAX_BINS", 16)
    monkeypatch.setattr("archprof.space.sums._MAX_SORTED", 16)
    layers = [[[cost * 7919**place] for cost in range(9)] for place in range(4)]
    with pytest.raises(UsageError, match="the sums of 81 groups of networks are too many to be") as error:
        Distribution(chain(["macs"], layers), "macs").count(7919**3)
    assert error.value.problems[0].help == ("ask for a metric of fewer values, or leave choices open in fewer rows")


def test_empty_bins_are_not_kept():
    sums = Sums(0, 1, np.array([3], np.uint8), np.array([0]))
    assert [sums.number_at(value) for value in (-1, 0, 1)] == [0, 3, 0]


def test_the_cut_moves_to_where_few_meet(monkeypatch):
    """Wherever halves meet, they count the same."""
    monkeypatch.setattr(meeting, "_FEW", 1)
    automaton, cuts = once_for_all(32), set()
    limit = Distribution(automaton, "params").quantile(0.3)
    for moved in (0, 1, 4, 8):
        monkeypatch.setattr(meeting, "_MOVED", moved)
        found = Distribution(automaton, "params")
        cuts.add(found.halves.cut)
        assert found.count(limit) >= found.total * 3 // 10 > found.count(limit - 1)
    assert len(cuts) > 2

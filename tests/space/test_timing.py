"""Times along a space: the sum of its rows' operators is that of the whole network, and the fastest network is the one
that every network's prediction tells."""

import random

import pytest

from archprof.devices.asked import On
from archprof.devices.calls import calls_of
from archprof.devices.predict import Predictor, latency_of, sums_of
from archprof.devices.profile_file import read_profile
from archprof.language.expand import read_network
from archprof.language.spellings import spellings
from archprof.space.build import space_of
from archprof.space.labels import Objective
from archprof.space.paths import number_of_paths, path_of
from archprof.space.paths import sums_of as sums_along
from archprof.space.search import Question, Search
from archprof.space.timing import LATENCY, LATENCY_MOST
from archprof.spec.load import load, read_tree
from archprof.spec.ranks import rank_of

ON = On(read_profile("h100"))
SPACES = ["space_ofa_mbv3", "space_ofa_resnet50", "space_spos_shufflenet", "space_nats_size"]


def predicted(model, rank):
    """Return the ns that the operators of a network take, and those of the whole."""
    graph = read_network(f"{model}@network={rank}")
    found = latency_of(calls_of(graph, ON.profile.setup, ON.batch), Predictor(ON.profile, ON.batch))
    sums = sums_of(found.calls, 0, 0)
    terms = ON.profile.fits[ON.batch].network
    return (terms.factor * sums.us + sums.copy_us) * 1000, found.us * 1000


@pytest.mark.parametrize("model", SPACES)
def test_operators_along_rows_are_those_of_the_network(model):
    """But for the ns that are rounded off, one a row."""
    space = space_of(load(model, spellings=spellings), ON)
    automaton, source = space.automaton, random.Random(model)
    for _ in range(3):
        path = path_of(automaton, source.randrange(number_of_paths(automaton)))
        sums = dict(zip(automaton.metrics, sums_along(automaton, path), strict=True))
        operators, whole = predicted(model, rank_of(space.choices, space.pick(path)))
        assert operators - len(path) <= sums[LATENCY] <= operators + 1
        assert sums[LATENCY] <= whole <= sums[LATENCY_MOST] + len(path)


@pytest.fixture(scope="module")
def search():
    """64 networks."""
    fixed = tuple((f"layers[{layer}].c", "8") for layer in (0, 2, 3))
    return Search(read_tree("space_nats_size", spellings), fixed, on=ON)


@pytest.mark.parametrize("limits", [{}, {"macs": 6_000_000}])
def test_a_sample_within_a_time_is_drawn_from_those_whose_operators_take_no_longer(search, limits):
    automaton = search.space.automaton
    known = {}
    for number in range(number_of_paths(automaton)):
        path = path_of(automaton, number)
        sums = dict(zip(automaton.metrics, sums_along(automaton, path), strict=True))
        known[rank_of(search.space.choices, search.space.pick(path))] = sums
    latency = sorted(search.ns_of(rank)[0] for rank in known)[20]
    asked = Question(limits=limits, latency=latency, on=ON, sample=64, ranges=False)
    found = search.answer(asked)
    most = limits.get("macs", 10**12)
    fits = {rank for rank, sums in known.items() if search.ns_of(rank)[0] <= latency and sums["macs"] <= most}
    assert {one.network for one in found.found} == fits
    assert 0 < len(fits) <= found.tries <= sum(sums[LATENCY] <= latency for sums in known.values()) < 64
    drawn = search.answer(asked._replace(drawn=True, sample=40)).found
    assert (len(drawn), {one.network for one in drawn} <= fits) == (40, True)


@pytest.mark.parametrize("drawn", [False, True])
def test_no_more_networks_are_timed_than_are_said(search, monkeypatch, drawn):
    monkeypatch.setattr("archprof.space.search.MOST_EXPANDED", 5)
    latency = sorted(search.ns_of(rank)[0] for rank in range(64))[20]
    found = search.answer(Question(latency=latency, on=ON, sample=60, drawn=drawn, ranges=False))
    assert 0 < len(found.found) <= 5 <= found.tries


def test_the_fastest_of_all(search):
    """Each predicted whole."""
    networks = search.space.choices.networks
    assert networks == 8 * 8
    found = search.answer(Question(objective=Objective(LATENCY), top=3, on=ON, median=False))
    assert found.proven is None
    times = sorted(search.ns_of(rank)[0] for rank in range(networks))
    assert [one.ns and one.ns[0] for one in found.found] == times[:3]

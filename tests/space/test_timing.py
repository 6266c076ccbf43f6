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


def test_the_fastest_of_all():
    """Of 64 networks, each predicted whole."""
    fixed = tuple((f"layers[{layer}].c", "8") for layer in (0, 2, 3))
    search = Search(read_tree("space_nats_size", spellings), fixed, on=ON)
    networks = search.space.choices.networks
    assert networks == 8 * 8
    found = search.answer(Question(objective=Objective(LATENCY), top=3, on=ON, median=False))
    assert found.proven is None
    times = sorted(search.ns_of(rank)[0] for rank in range(networks))
    assert [one.ns and one.ns[0] for one in found.found] == times[:3]

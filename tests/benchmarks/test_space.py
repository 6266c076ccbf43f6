"""How long whole spaces take, in the time in which numpy sorts ten million numbers four times: about a second of a
core."""

import random
import time
from fractions import Fraction

import numpy as np
import pytest

from archprof.language.spellings import spellings
from archprof.space.asked import answer
from archprof.space.build import space_of
from archprof.space.distribution import Distribution
from archprof.space.frontier import frontier
from archprof.space.joint import Within
from archprof.space.labels import Objective
from archprof.space.paths import number_of_paths
from archprof.space.search import Question
from archprof.spec.load import load, read_tree

OFA, ATTENTIVE = "space_ofa_mbv3", "space_attentivenas"
CHAINS = ("space_ofa_mbv3", "space_ofa_resnet50", "space_fbnet", "space_proxylessnas", "space_spos_shufflenet")


def taken(make):
    """Return what something makes, and the seconds of this process that it takes."""
    begin = time.process_time()
    found = make()
    return found, time.process_time() - begin


@pytest.fixture(scope="module")
def second():
    """The yardstick: numpy sorts ten million numbers of 40 bits, four times."""
    numbers = np.random.default_rng(1).integers(0, 1 << 40, 10_000_000)
    return 4 * min(taken(lambda: np.sort(numbers))[1] for _ in range(3))


def opened(name):
    return space_of(load(name, (("resolution", "224"),), spellings=spellings))


def scored(space):
    """Return OFA's automaton with a score for each arc, drawn."""
    source = random.Random(1)
    arcs = tuple(
        tuple(arc._replace(costs=(*arc.costs, source.randrange(1000))) for arc in own) for own in space.automaton.arcs
    )
    return space.automaton._replace(metrics=(*space.automaton.metrics, "score"), arcs=arcs)


@pytest.mark.parametrize("name", CHAINS)
def test_count(note, second, name):
    _, seconds = taken(lambda: number_of_paths(opened(name).automaton))
    note(f"{name} counted, its rows traced", f"{seconds / second:.2f}", "≤ 0.5 yardsticks")
    assert seconds <= 0.5 * second


@pytest.mark.parametrize(
    ("name", "goal"), [("space_nas_bench_201", 1), ("space_darts", 4), ("space_mnasnet", 12), ("space_dna", 0.5)]
)
def test_count_of_blocks_in_yaml(note, second, name, goal):
    """Cells, and blocks with hundreds of options, each of which is bound and traced."""
    _, seconds = taken(lambda: number_of_paths(space_of(load(name, spellings=spellings)).automaton))
    note(f"{name} counted, its blocks traced", f"{seconds / second:.2f}", f"≤ {goal} yardsticks")
    assert seconds <= goal * second


def test_budget_and_histogram(note, second):
    distribution = Distribution(opened(OFA).automaton, "macs")
    _, seconds = taken(lambda: (distribution.count(200_000_000), distribution.histogram(20)))
    note("OFA at 224: a budget and 20 bins", f"{seconds / second:.2f}", "≤ 5 yardsticks")
    assert seconds <= 5 * second
    _, seconds = taken(lambda: distribution.count(250_000_000))
    note("OFA at 224: a further budget", f"{seconds / second:.2f}", "≤ 0.4 yardsticks")
    assert seconds <= 0.4 * second
    _, seconds = taken(lambda: distribution.sample(200_000_000, 1000, random.Random(1)))
    note("OFA at 224: 1,000 samples", f"{seconds / second:.2f}", "≤ 2 yardsticks")
    assert seconds <= 2 * second


def test_frontiers(note, second):
    automaton = scored(opened(OFA))
    score = Objective("score", -1)
    _, seconds = taken(lambda: frontier(automaton, [Objective("macs"), score]))
    note("OFA at 224: score × MACs", f"{seconds / second:.2f}", "≤ 0.2 yardsticks")
    assert seconds <= 0.2 * second
    _, seconds = taken(lambda: frontier(automaton, [Objective("macs"), Objective("params"), score]))
    note("OFA at 224: score × MACs × params", f"{seconds / second:.2f}", "≤ 10 yardsticks")
    assert seconds <= 10 * second


def test_two_limits(note, second):
    automaton = opened(ATTENTIVE).automaton
    found, seconds = taken(lambda: Within(automaton, {"macs": 400_000_000, "params": 12_000_000}).number)
    note("AttentiveNAS: two limits, exactly", f"{seconds / second:.2f}", "≤ 5 yardsticks")
    assert found.exact
    assert seconds <= 5 * second


def test_all_resolutions(note, second):
    """100 yardsticks on two cores are 8 of one core a resolution."""
    question = Question({"macs": 200_000_000}, ranges=False)
    tree = read_tree(OFA, spellings)
    _, seconds = taken(lambda: [answer(tree, (), str(size), question) for size in (128, 192, 224, 196)])
    note("OFA, a resolution, with its draws choice by choice", f"{seconds / 4 / second:.2f}", "≤ 8 yardsticks")
    assert seconds / 4 <= 8 * second


def test_grid(note, second):
    """302 million networks, each of which is summed for itself, twice."""
    question = Question({"macs": 400_000_000}, shares=True)
    found, seconds = taken(lambda: answer(read_tree("space_regnet", spellings), (), "", question))
    note("RegNet: a budget and the median", f"{seconds / second:.2f}", "≤ 60 yardsticks")
    assert found.networks == 301_989_888
    assert seconds <= 60 * second


def test_median(note, second):
    distribution = Distribution(opened(OFA).automaton, "macs")
    _, seconds = taken(lambda: distribution.quantile(Fraction(1, 2)))
    note("OFA at 224: the median", f"{seconds / second:.2f}", "")

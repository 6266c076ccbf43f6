"""How many networks differ, against all of small spaces, each told by its operators, and against formulas of large
ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archprof
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.space.build import space_of
from archprof.space.distinct import number_of_networks
from archprof.spec.load import read_tree, resolve
from tests.space.automata import networks, small_automata
from tests.space.test_build import HEAD, SMALL
from tests.space.test_catalog_spaces import NETWORKS

# Blocks that are skipped in one of two rows, a width that rounds to another, repeats of one row that are one of the
# next, and a block that reads one map twice beside one with two layers that are alike.
ALIKE = f"""{HEAD}
blocks:
  once: {{layers: [{{id: a, conv2d: {{k: 1, c: 8}}}}, {{from: [a, a], add: }}]}}
  twice:
    layers:
      - {{id: a, conv2d: {{k: 1, c: 8}}}}
      - {{id: b, from: input, conv2d: {{k: 1, c: 8}}}}
      - {{from: [a, b], add: }}
layers:
  - conv: {{k: 3, c: {{choice: ["make_divisible(9, 8)", 8, 16]}}}}
  - conv: {{k: 3, c: 8}}
  - block: {{choice: [once, twice, skip], columns: [n], rows: [[2]]}}
  - conv:
      columns: [k, c, n]
      rows: [[{{choice: [1, 3]}}, 8, {{choice: [1, 2]}}], [{{choice: [1, 3]}}, 8, {{choice: [1, 2]}}]]
"""


def built(found):
    return [[step.builds for step in steps] for steps in found.steps]


@pytest.mark.few(3)
@pytest.mark.parametrize("name", ["table", "blocks", "widths", "forms", "alike"])
def test_networks_differ_in_their_operators(name):
    text, number = SMALL[name] if name in SMALL else (ALIKE, 3 * 3**2 * 6**2)
    tree = read_tree("net.yaml", spellings, text)
    found = space_of(resolve(tree, (), spellings))
    assert found.choices.networks == number
    seen = set()
    for rank in range(number):
        graph = expand(resolve(tree, (("network", str(rank)),), spellings))
        seen.add(tuple((node.op, node.inputs) for node in graph.nodes))
    assert number_of_networks(found.automaton, built(found)) == len(seen)
    assert (len(seen) < number) == (name in ("table", "blocks", "alike"))  # of the table nothing asks for a knob


@given(small_automata(), st.data())
def test_sequences_are_counted_once(automaton, data):
    things = st.lists(st.integers(0, 2), max_size=2).map(tuple)
    built = [[data.draw(things) for _ in arcs] for arcs in automaton.arcs]
    sequences = set()
    for path, _ in networks(automaton):
        node, made = 0, ()
        for place in path:
            made += built[node][place]
            node = automaton.arcs[node][place].target
        sequences.add(made)
    assert number_of_networks(automaton, built) == len(sequences)


# Of the rows of a stage but its first, which is never skipped, what is built is up to three blocks.
DISTINCT = {
    "space_ofa_mbv3": NETWORKS["space_ofa_mbv3"],
    "space_fbnet": 9**7 * (1 + 8 + 8**2 + 8**3) ** 5,
    "space_proxylessnas": 6**6 * (1 + 6 + 6**2 + 6**3) ** 5,
    # Of its three stems 40 // 2 and 48 // 2 channels in the middle are both made 24.
    "space_ofa_resnet50": NETWORKS["space_ofa_resnet50"] * 2 // 3,
    # Three widths of 16 operations; the first layer of a block never keeps its map, and so has no skip, of which those
    # behind it have three: 16 ways at a depth of 1, 48 at any other.
    "space_mnasnet": 3**7 * (16 + 48) ** 2 * (16 + 48 + 48) * (48 + 48 + 48) ** 4,
}


@pytest.mark.parametrize("name", DISTINCT)
def test_distinct_networks_of_the_catalog(name):
    found = space_of(archprof.load(name))
    assert number_of_networks(found.automaton, built(found)) == DISTINCT[name]


def test_what_takes_too_long_is_not_counted(monkeypatch):
    found = space_of(archprof.load("space_fbnet"))
    monkeypatch.setattr("archprof.space.distinct._MOST_REACHED", 100)
    assert number_of_networks(found.automaton, built(found)) is None

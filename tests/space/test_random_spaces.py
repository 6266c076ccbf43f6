"""Spaces drawn at random, from tables, forms of rows, blocks to choose from, knobs and cells: every network costs along
its path what `summary` counts of it, each has one rank, and as many differ as build something else."""

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archprof.costs.report import analyze_graph
from archprof.language.expand import expand
from archprof.language.spellings import spellings
from archprof.space.build import space_of
from archprof.space.distinct import number_of_networks
from archprof.space.paths import number_of_paths
from archprof.space.traced import ADDING
from archprof.spec.load import read_tree, resolve
from archprof.spec.ranks import rank_of
from tests.space.automata import networks

# Of a space with more networks nothing new is learned.
MOST = 60
WIDTHS = (4, 8, 12)
# A cell whose edges ask for one knob each, and one whose wiring does.
BLOCKS = {
    "cell": {
        "columns": {"c": {"type": "channels"}, "s": {"type": "int", "default": 1}},
        "layers": [
            {"id": "x", "conv": {"k": 1, "s": "$s", "c": "$c"}},
            {"id": "a", "from": "x", "conv": {"k": "$a", "c": "1x"}},
            {"id": "b", "from": "x", "conv2d": {"k": "$b", "c": "1x"}},
            {"from": ["a", "b"], "add": None},
        ],
    },
    "wired": {
        "columns": {"c": {"type": "channels"}, "s": {"type": "int", "default": 1}},
        "layers": [
            {"id": "x", "conv": {"k": 1, "s": "$s", "c": "$c"}},
            {"id": "y", "from": "x", "conv": {"k": 3, "c": "1x"}},
            {"id": "z", "from": ["x", "y"], "pick": "if($b < 2, 0, 1)"},
            {"from": ["x", "y", "z"], "add": None},
        ],
    },
}


def cells(options, *, per=("repeat", "row")):
    """A value, or a choice of some of *options*."""
    some = st.lists(st.sampled_from(options), min_size=2, max_size=3, unique=True)
    choices = st.builds(lambda drawn, scope: {"choice": drawn, "per": scope}, some, st.sampled_from(per))
    return st.sampled_from(options) | choices


@st.composite
def rows(draw, widths):
    """A row of kernel, width, repeats and stride, some of which are drawn, or one of two such rows."""

    def row() -> list[Any]:
        repeats = draw(st.sampled_from([1, 1, 2, {"choice": [1, 2]}, {"choice": [2, 1, 3]}]))
        return [draw(cells([1, 3, 5])), draw(cells(widths, per=("row",))), repeats, draw(st.sampled_from([1, 1, 2]))]

    first, second = row(), row()
    if first == second or draw(st.integers(0, 4)):
        return first
    return {"choice": [first, second], "default": draw(st.integers(0, 1))}


@st.composite
def layers(draw):
    """One layer: a table, a table of a block that is drawn, or cells."""
    kind = draw(st.sampled_from(["conv", "inverted_residual", "depthwise_separable", "drawn", "cell", "wired"]))
    if kind in ("cell", "wired"):
        row = [draw(st.sampled_from(WIDTHS)), draw(st.integers(1, 2)), draw(st.integers(1, 2))]
        return {kind: {"columns": ["c", "s", "n"], "rows": [row]}}
    if kind == "drawn":
        options = [{"inverted_residual": {"t": 2}}, {"conv": {}}, {"depthwise_separable": {}}]
        table = {"columns": ["k", "c", "n"], "rows": [[draw(cells([1, 3])), 8, draw(st.integers(1, 2))]]}
        return {"block": {"choice": draw(st.permutations(options))[: draw(st.integers(2, 3))], **table}}
    table = {"columns": ["k", "c", "n", "s"], "rows": draw(st.lists(rows([*WIDTHS, "$w"]), min_size=1, max_size=2))}
    if kind == "inverted_residual":
        table["t"] = draw(st.sampled_from([2, {"choice": [1, 3], "per": "table"}, {"choice": [2, 3]}]))
    return {kind: table}


@st.composite
def spaces(draw):
    """The text of a spec with choices."""
    knobs = {
        "w": {"choice": draw(st.permutations(WIDTHS))[:2]},
        "a": {"choice": [1, 3]},
        "b": {"choice": draw(st.permutations([1, 3, 5]))[:2]},
    }
    body = draw(st.lists(layers(), min_size=1, max_size=3))
    head: list[object] = ["avg_pool", {"linear": {"c": draw(st.sampled_from(["classes", {"choice": [7, 20]}]))}}]
    document = {
        "archprof": 1,
        "input": f"3x{draw(st.sampled_from([9, 16]))}x16",
        "classes": 10,
        "defaults": {"norm": draw(st.sampled_from(["batch_norm", "frozen_batch_norm"])), "act": "relu", "k": 3},
        "knobs": {name: knob for name, knob in knobs.items() if f"${name}" in json.dumps([body, BLOCKS])},
        "blocks": BLOCKS,
        "layers": [{"conv": {"k": 3, "s": 2, "c": 8}}, *body, *head],
    }
    return json.dumps(document).replace('"add": null', '"add": ')


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(spaces())
def test_every_network_of_a_random_space_costs_what_is_counted_of_it(text):
    tree = read_tree("net.yaml", spellings, text)
    spec = resolve(tree, (), spellings)
    assume(spec.open is not None and spec.open.choices.networks <= MOST)
    found = space_of(spec)
    number = found.choices.networks
    assert number_of_paths(found.automaton) == number
    ranks, built = set(), set()
    for path, sums in networks(found.automaton):
        rank = rank_of(found.choices, found.pick(path))
        graph = expand(resolve(tree, (("network", str(rank)),), spellings))
        totals = analyze_graph(graph).totals
        assert dict(zip(ADDING, sums, strict=True)) == {metric: totals[metric] for metric in ADDING}
        ranks.add(rank)
        built.add(tuple((node.op, node.inputs) for node in graph.nodes))
    assert ranks == set(range(number))
    builds = [[step.builds for step in steps] for steps in found.steps]
    if any(map(any, builds)):  # of cells it is not known
        assert number_of_networks(found.automaton, builds) == len(built)

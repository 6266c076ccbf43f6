"""The order of least peak, held against all orders of small graphs."""

import random

import pytest

import archprof
from archprof.allocation.order import Order, best_order, reordered
from archprof.allocation.report import analyze_memory
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.graph import Edge, Memory
from archprof.ir.operators.act import ReLU
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.join import Add, Concat
from archprof.ir.operators.shape import Split
from archprof.ir.setup import INFERENCE, Setup
from archprof.ir.values import Value


def conv(inputs, outputs):
    return Conv2d(inputs, outputs, (1, 1), (1, 1), (0, 0), (1, 1), 1, False)


def drawn(seed, size=7):
    """Return a network of some calls, with forks, joins, views and activations in place; what nobody reads is put
    out."""
    chance = random.Random(seed)
    builder = GraphBuilder({"input": Value((4, 2, 2))})
    edges = [builder.input]
    for index in range(size):
        x = chance.choice(edges[-4:])
        channels = builder.value(x).channels
        kind = chance.choice(["conv", "conv", "relu", "split", "add", "concat"])
        path = f"op{index}"
        if kind == "relu":
            edges.append(builder.add(path, ReLU(), x))
        elif kind == "split" and channels > 1:
            edges.append(builder.add(path, Split(0, channels // 2), x))
        elif kind == "add" and (same := [y for y in edges if y != x and builder.value(y).channels == channels]):
            edges.append(builder.add(path, Add(), x, chance.choice(same)))
        elif kind == "concat":
            edges.append(builder.add(path, Concat(), x, chance.choice(edges)))
        else:
            edges.append(builder.add(path, conv(channels, chance.randint(1, 12)), x))
    read = {edge for node in builder.nodes for edge in node.inputs}
    return builder.build("drawn", {f"o{k}": edge for k, edge in enumerate(edges[1:]) if edge not in read})


def orders(graph, done=()):
    """Yield all orders in which a graph's calls can run."""
    if len(done) == len(graph.nodes):
        yield done
    for index, node in enumerate(graph.nodes):
        if index not in done and all(edge.node < 0 or edge.node in done for edge in node.inputs):
            yield from orders(graph, (*done, index))


@pytest.mark.few(40)
@pytest.mark.parametrize("setup", [INFERENCE, Setup(batch=3, dtype="fp16", amp="bf16")], ids=["fp32", "autocast"])
@pytest.mark.parametrize("seed", range(50))
def test_no_order_of_a_small_graph_has_a_smaller_peak(seed, setup):
    graph = drawn(seed)
    found = best_order(graph, setup)
    least = min(analyze_memory(reordered(graph, Order(order, True)), setup).peak for order in orders(graph))
    assert found.proven
    assert analyze_memory(reordered(graph, found), setup).peak == least


@pytest.mark.parametrize("name", ["inception_v3", "googlenet", "densenet121", "mobilenet_v2", "R-50-FPN"])
def test_these_networks_run_in_their_best_order(name):
    graph = archprof.expand(name)
    assert best_order(graph, INFERENCE) == Order(tuple(range(len(graph.nodes))), True)


def test_a_shortcut_is_better_convolved_behind_the_wide_maps():
    """torchvision's RegNetX-16GF convolves the shortcut of a block first: its 256 maps of 56×56 lie there while the
    256 of 112×112 are normalised. Behind them, only the block's input does: 32 maps of 112×112."""
    graph = archprof.expand("regnet_x_16gf")
    found = best_order(graph, INFERENCE)
    assert found.proven
    assert analyze_memory(graph, INFERENCE).peak == 4 * (256 * 56 * 56 + 2 * 256 * 112 * 112)
    assert analyze_memory(reordered(graph, found), INFERENCE).peak == 4 * (32 * 112 * 112 + 2 * 256 * 112 * 112)


def test_a_graph_of_more_states_than_are_looked_at_keeps_its_order():
    graph = archprof.expand("regnet_x_16gf")
    assert best_order(graph, INFERENCE, states=20) == Order(tuple(range(len(graph.nodes))), False)


def test_who_writes_over_a_map_comes_behind_all_that_read_it_before():
    """A convolution reads the map, then an activation writes over it, then another convolution reads what it wrote.
    The order is not the network's own: that has wide maps, which are read last, from the start."""
    builder = GraphBuilder({"input": Value((4, 2, 2))})
    wide = builder.add("wide", conv(4, 64), builder.input)
    x = builder.add("a", conv(4, 4), builder.input)
    large = builder.add("before", conv(4, 64), x)
    small = builder.add("small", conv(64, 1), large)
    written = builder.add("act", ReLU(), x, placement=Placement(memory=Memory(aliases=(0,), writes=(0,))))
    behind = builder.add("behind", conv(4, 1), written)
    last = builder.add("last", conv(64, 1), wide)
    outputs = {"small": small, "behind": behind, "last": last}
    graph = builder.build("writes", outputs)._replace(storages="recorded")
    moved = [node.path for node in reordered(graph, best_order(graph, INFERENCE)).nodes]
    assert moved.index("before") < moved.index("act") < moved.index("behind")
    assert moved.index("small") < moved.index("wide")


def test_training_has_the_order_of_its_forward_pass():
    with pytest.raises(ValueError, match="inference"):
        best_order(archprof.expand("mobilenet_v2"), Setup(train="sgd"))


def test_edges_follow_their_nodes():
    graph = drawn(3)
    moved = reordered(graph, best_order(graph, INFERENCE))
    by_path = {node.path: index for index, node in enumerate(moved.nodes)}
    for node in graph.nodes:
        expected = [
            edge if edge.node < 0 else Edge(by_path[graph.nodes[edge.node].path], edge.output) for edge in node.inputs
        ]
        assert list(moved.nodes[by_path[node.path]].inputs) == expected

"""An activation writes over its input only where nobody can see it."""

import pytest
import torch
from torch import nn

import archprof
from archprof.ir.inplace import inplace_paths
from archprof.runtime.build import build_network
from tests.runtime.nets import graph_of

CONV = "conv: {k: 3, c: 8, norm: batch_norm, act: relu}"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("[conv2d: {c: 4, k: 1}, relu]", {"1"}),
        ("[conv2d: {c: 4, k: 1}, batch_norm, hardswish]", {"2"}),
        ("[conv2d: {c: 4, k: 1}, frozen_batch_norm, silu]", {"2"}),
        ("[conv2d: {c: 4, k: 1}, {group_norm: 2}, relu6]", {"2"}),
        ("[avg_pool, flatten, linear: 4, hardsigmoid]", {"3"}),
        ("[residual: {body: [conv2d: {c: 3, k: 1}], act: relu}]", {"0.act"}),
        ("[branches: [[conv2d: {c: 3, k: 1}], [conv2d: {c: 2, k: 1}]], relu]", {"1"}),
    ],
)
def test_behind_an_operator_that_does_not_need_its_output(layers, expected):
    assert inplace_paths(graph_of(f"layers: {layers}")) == expected


@pytest.mark.parametrize(
    "layers",
    [
        "[relu]",  # the network's input
        "[avg_pool: 2, relu]",
        "[flatten, relu]",  # a view of the input
        "[conv2d: {c: 4, k: 1}, identity, relu]",
        "[conv2d: {c: 4, k: 1}, sigmoid]",  # its own backward needs what it returns
        "[conv2d: {c: 4, k: 1}, swish]",
        "[{conv2d: {c: 4, k: 1}, id: a}, {relu: , id: b}, {add: , from: [a, b]}]",  # read twice
    ],
)
def test_not_where_its_input_is_needed(layers):
    assert inplace_paths(graph_of(f"layers: {layers}")) == set()


def test_not_over_the_sum_of_one_map_which_is_that_map():
    graph = graph_of(
        "layers: [{conv2d: {c: 4, k: 1}, id: a}, {add: , from: [a, a]}, {relu: , id: b}, {multiply: , from: [a, b]}]"
    )
    assert inplace_paths(graph) == {"b"}
    nodes = list(graph.nodes)
    nodes[1] = nodes[1]._replace(inputs=nodes[1].inputs[:1])
    assert inplace_paths(graph._replace(nodes=tuple(nodes))) == set()


def test_not_over_an_output():
    assert inplace_paths(graph_of("layers: [{conv2d: {c: 4, k: 1}, id: a}, {relu: , id: b}]\noutputs: [a, b]")) == set()


def test_a_shared_activation_only_where_every_use_allows_it():
    both = "layers: [repeat: {n: 2, shared: true, layers: [conv2d: {c: 3, k: 1}, relu]}]"
    assert inplace_paths(graph_of(both)) == {"0.1"}
    first = "layers: [repeat: {n: 2, shared: true, layers: [relu, conv2d: {c: 3, k: 1}]}]"
    assert inplace_paths(graph_of(first)) == set()


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"])
def test_changes_no_output_and_no_gradient(name):
    """With and without writing in place, outputs and all gradients are the same bits."""
    torch.manual_seed(0)
    network = archprof.build(name, width=0.35, classes=10)
    inplace = [path for path, module in network.named_modules() if getattr(module, "inplace", False)]
    assert inplace
    x = torch.rand(2, 3, 32, 32)
    results = []
    for written in (True, False):
        for path in inplace:
            network.get_submodule(path).inplace = written  # type: ignore[assignment]
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        network.zero_grad()
        output = network(x)
        output.square().sum().backward()
        results.append([output, *(parameter.grad for parameter in network.parameters())])
    assert all(map(torch.equal, *results))


def test_a_map_that_is_read_twice_keeps_its_values():
    network = build_network(graph_of("layers: [{conv2d: {c: 4, k: 1}, id: a}, {relu: , id: b}, {add: , from: [a, b]}]"))
    x = torch.rand(1, 3, 8, 8)
    a = network.get_submodule("a")(x)
    assert torch.equal(network(x), a + a.relu())

"""Every network of the catalog as a module: paths, order of registration, shapes, parameters and buffers are those of
the graph."""

import pytest
import torch
from torch import nn

import archprof
from archprof.ir.graph import INPUT, Edge, Graph
from archprof.runtime.build import build_network
from archprof.spec import catalog
from tests.by_day import core_by_day
from tests.ir.operators_table import elements
from tests.runtime.nets import called

MOBILENETS = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")
SETTINGS = ((0.35, "129"), (0.5, "224"), (0.75, "96x160"), (1.4, "193x97"))


@pytest.mark.parametrize("name", core_by_day(catalog.files()))
def test_the_module_is_that_of_the_graph(name):
    check_module(archprof.expand(name))


@pytest.mark.few(4)
@pytest.mark.parametrize(("width", "resolution"), SETTINGS)
@pytest.mark.parametrize("name", MOBILENETS)
def test_at_other_widths_and_resolutions(name, width, resolution):
    check_module(archprof.expand(name, width=width, resolution=resolution))


def check_module(graph: Graph) -> None:
    network = build_network(graph, initialise=False, device="meta").eval()
    modules = dict(network.named_modules())
    check_names(graph, network, modules)
    values = {
        Edge(INPUT, at): torch.zeros(2, *value.shape, device="meta", dtype=getattr(torch, value.dtype))
        for at, value in enumerate(graph.inputs.values())
    }
    for index, node in enumerate(graph.nodes):
        module = modules.get(node.path, nn.Identity())
        inputs = [values[source] for source in node.inputs]
        values[Edge(index)] = module(*inputs) if node.op.form == "module" else called(node.op, *inputs)
        assert values[Edge(index)].shape == node.output.at_batch(2)  # windows that are maps lie in the batch
        assert sum(parameter.numel() for parameter in module.parameters()) == elements(node.op.parameters())
        kept = [buffer.numel() for name, buffer in module.named_buffers() if name != "num_batches_tracked"]
        assert sum(kept) == elements(node.op.buffers())


def check_names(graph: Graph, network: nn.Module, modules: dict[str, nn.Module]) -> None:
    """A path is the name of its module, and what is listed is listed in the order of registration."""
    registered = sorted(graph.nodes, key=lambda node: node.order)
    paths = [node.path for node in registered if node.op.form == "module" and node.call == 1]
    assert [path for path in modules if path in set(paths)] == paths
    assert not {node.path for node in graph.nodes if node.op.form == "function"} & set(modules)
    assert list(network.state_dict()) == [f"{path}.{key}" for path in paths for key in modules[path].state_dict()]
    named: dict[int, str] = {}  # a weight that is tied has the name that it has first
    for path in paths:
        for key, parameter in modules[path].named_parameters():
            named.setdefault(id(parameter), f"{path}.{key}")
    assert [key for key, _ in network.named_parameters()] == [*named.values()]

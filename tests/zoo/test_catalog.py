"""The promise, for every network of the catalog and every one of its rows: formulas = fvcore = FlopCounterMode, parameters and shapes = the module's.

FlopCounterMode counts at the network's own resolution, on the meta device, which holds no data; fvcore traces real tensors, at a smaller one.
"""

from collections import defaultdict

import pytest
import torch

import archprof
from archprof.analysis.report import analyze_graph, disagreement, with_measured
from archprof.errors import SpecError
from archprof.graph.expand import expand
from archprof.runtime.build import build_network
from archprof.runtime.measure import measure_network
from archprof.spec import catalog

NAMES = list(catalog.files())
SMALL = ("64", "96", "128", "224", "299")


def smallest(name):
    """Return the graph of a network at the smallest of some resolutions that it can take, or at its own."""
    own = archprof.load(name)
    for resolution in SMALL:
        if int(resolution) < min(own.input[1:]):
            try:
                return expand(archprof.load(name, resolution=resolution))
            except SpecError:
                continue
    return expand(own)


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_what_torch_counts(name):
    graph = archprof.expand(name)
    report = with_measured(analyze_graph(graph), measure_network(graph, "torch"))
    assert disagreement(report) == ""
    assert report.measured.macs == report.totals.macs
    assert report.measured.params == report.totals.params


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_what_fvcore_counts(name):
    graph = smallest(name)
    report = with_measured(analyze_graph(graph), measure_network(graph, "fvcore"))
    assert disagreement(report) == ""
    assert report.measured.macs == report.totals.macs


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_parameters_are_the_modules(name):
    graph = archprof.expand(name)
    network = build_network(graph, initialise=False, device="meta").eval()
    modules = dict(network.named_modules())
    made = defaultdict(list)
    for path in {node.path for node in graph.nodes if node.path in modules}:
        modules[path].register_forward_hook(lambda module, inputs, output, path=path: made[path].append(tuple(output.shape[1:])))
    outputs = network(torch.zeros(1, *graph.input, device="meta"))
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    assert {key: tuple(value.shape[1:]) for key, value in outputs.items()} == {key: graph.shape_of(node) for key, node in graph.outputs.items()}
    expected = defaultdict(list)
    for node in graph.nodes:
        if node.path in modules:
            expected[node.path].append(node.shape)
            own = sum(parameter.numel() for parameter in modules[node.path].parameters())
            assert node.shared or own == node.op.params, node.path
            trainable = sum(parameter.numel() for parameter in modules[node.path].parameters() if parameter.requires_grad)
            assert node.shared or trainable == (own if node.trainable else 0), node.path
            kept = sum(buffer.numel() for key, buffer in modules[node.path].named_buffers() if not key.endswith("num_batches_tracked"))
            assert node.shared or kept == node.op.buffers, node.path
    assert made == expected


def test_names_are_those_of_the_files():
    for name, path in catalog.files().items():
        assert archprof.load(name).name == name == path.stem


def test_every_network_is_held_against_numbers():
    """Exact ones from elsewhere, or printed ones: never only our own."""
    specs = [archprof.load(name) for name in NAMES]
    assert [spec.name for spec in specs if not spec.expect and not spec.published] == []

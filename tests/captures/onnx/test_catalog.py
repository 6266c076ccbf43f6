"""Networks of the catalog, exported and read back: the MACs and activations of their specs, and, norms unfolded, their
parameters."""

import re

import pytest
import torch

from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from archprof.ir.terms import total
from archprof.language.expand import read_network
from archprof.runtime.build import build_network
from archprof.spec import catalog
from tests.by_day import smallest, these_by_day
from tests.captures.onnx.exported import write

# Of other families each, whose files are small.
_SMALL = (
    *("R-50-C4", "googlenet", "lenet5", "mixnet_s", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small"),
    *("regnety_002", "shufflenet_v2_x0_5", "squeezenet1_1"),
)
# One of each family: an export takes seconds, a file of a large network a gigabyte.
_ALL = sorted({*_SMALL, *smallest(catalog.files())})
# Of what is made of parameters, or made once, the exporters write the result: tables of positions, masks of shifted
# windows, weights that are standardised, filters that blur.
_MADE = frozenset(("attention_scores", "blur_pool", "fourier_positions", "rotary_positions", "std_conv2d"))


@pytest.mark.few(4)
@pytest.mark.parametrize("network", these_by_day(_ALL, _SMALL))
def test_a_network_exported_is_itself(tmp_path, network):
    graph = read_network(network)
    report = analyze_graph(graph)
    module = build_network(graph, initialise=False).eval()
    torch.manual_seed(0)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.data = torch.rand_like(tensor) / 10 + 0.01
    path = tmp_path / "net.onnx"
    _write(module, _given(*graph.inputs.values()), path, dynamo=_newer(graph))
    found = read_onnx(str(path))
    totals = analyze_graph(found).totals
    assert totals.macs == report.totals.macs
    assert totals.activations == report.totals.activations
    # Of frozen norms the file has weights and biases where the module has buffers.
    frozen = sum(row.cost.buffers // 2 for row in report.rows if row.op == "frozen_batch_norm")
    # A number alone may be a constant.
    alone = sum(total(one) == 1 for row in report.rows for one in row.operator.parameters().values())
    stored = _unfolded(found.origin.remarks, totals.params) + alone
    if not any(row.op in _MADE or any(getattr(row.operator, "shift", ())) for row in report.rows):
        assert stored == report.totals.params + frozen
    else:
        assert stored >= report.totals.params + frozen


def _newer(graph):
    """Tell whether the newer exporter is needed: for a norm that the legacy one does not know, and where convolutions
    that carry a norm have biases too, of which the files of the legacy one no longer tell."""
    if any(node.op.name == "rms_norm" for node in graph.nodes):
        return True
    norms = [node for node in graph.nodes if node.op.name == "batch_norm"]
    return any(getattr(graph.nodes[norm.inputs[0].node].op, "bias", False) for norm in norms)


def _given(value):
    """Return an input of one image, or of the numbers of words."""
    return torch.rand(1, *value.shape) if value.is_float else torch.zeros(1, *value.shape, dtype=torch.int64)


def _write(module, image, path, *, dynamo):
    options = (
        {"dynamic_shapes": ({0: torch.export.Dim.DYNAMIC},), "external_data": False, "verbose": False}
        if dynamo
        else {"dynamic_axes": {"x": {0: "N"}}, "opset_version": 20}
    )
    write(module, [image], path, dynamo=dynamo, input_names=["x"], **options)


def _unfolded(remarks, params):
    said = [match for remark in remarks if (match := re.search("([0-9,]+) before folding", remark))]
    return int(said[0][1].replace(",", "")) if said else params

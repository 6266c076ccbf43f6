"""The peak of inference is what torch holds, for every network of the catalog; where an operator has no rule, that lies
between what is said."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.ir.setup import Setup
from archprof.spec.catalog import files
from tests.by_day import core_by_day

torch = pytest.importorskip("torch")

from archprof.runtime.build import build_network  # noqa: E402
from tests.memory.recorder import inference_peak  # noqa: E402

# With maps that are concatenated, shuffled, resized or kept for long; and with an operator that has no rule.
OTHERS = (
    *("densenet121", "ghostnetv2_100", "hrnet_w18_small", "inception_v3", "shufflenet_v2_x0_5", "unet", "yolov5n"),
    "test_efficientnet_evos",
)


@pytest.mark.parametrize("name", core_by_day(sorted(files()), *OTHERS))
def test_the_peak_is_torchs_to_the_byte(name):
    graph = archprof.expand(name)
    module = build_network(graph, initialise=False, device="meta")
    if any(node.op.category in ("attention", "recurrent") for node in graph.nodes):
        pytest.skip("the meta device has other kernels of attention and of cells than a GPU, which test_h100 is of")
    inputs = [
        torch.empty(2, *value.shape, device="meta", dtype=getattr(torch, value.dtype))
        for value in graph.inputs.values()
    ]
    report = analyze_memory(graph, Setup(batch=2))
    expected = inference_peak(module, *inputs)
    assert report.peak <= expected
    if not _adds_apart(graph):
        assert expected <= report.upper_peak
    assert report.unknown or report.peak == report.upper_peak


def _adds_apart(graph):
    """Tell whether a linear layer works on what was transposed: its bias is added in a tensor of its own while torch is
    watched, as here, and in place where it is not (ATen/native/Linear.cpp asks `isTensorSubclassLike`)."""
    transposed = {index for index, node in enumerate(graph.nodes) if node.op.name == "transpose"}
    return any(node.op.name == "linear" and node.inputs[0].node in transposed for node in graph.nodes)

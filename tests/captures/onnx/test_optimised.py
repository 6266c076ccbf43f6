"""Files that onnxruntime has optimised: nodes fused, and channels put in the blocks that its machine likes."""

from typing import Any

import pytest
from torch import nn

from archprof.captures.onnx.file import read_onnx, runs_of
from archprof.captures.onnx.tensor import Dims
from archprof.costs.report import analyze_graph
from tests.captures.onnx.exported import counted, export, shapes_run
from tests.captures.onnx.files import graph, node, saved, weights
from tests.captures.onnx.modules import FAMILIES, Family


class Blocked(nn.Module):
    """Channels in whole blocks, so that none is filled up."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2))
        self.depthwise = nn.Conv2d(32, 32, 3, 1, 1, groups=32)
        self.grouped = nn.Sequential(nn.Conv2d(32, 64, 3, 1, 1, groups=2), nn.Sigmoid(), nn.AvgPool2d(3, 1, 1))
        self.point = nn.Conv2d(64, 32, 1)
        self.up = nn.Upsample(scale_factor=2)
        self.head = nn.Sequential(nn.Conv2d(32, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.up(self.point(self.grouped(self.depthwise(x))) + x))


_BLOCKED = Family(Blocked, ((1, 3, 32, 48),))


def _optimised(path, into, level="ALL"):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(into)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return into


@pytest.mark.parametrize("name", ["blocked", "vision_transformer", "words", "lstm_both"])
def test_a_file_as_the_session_has_it(tmp_path, name):
    family = _BLOCKED if name == "blocked" else FAMILIES[name]
    exported = export(family, tmp_path, dynamo=False, free=False)
    path = _optimised(exported.path, tmp_path / "optimised.onnx")
    macs = family.macs if family.macs is not None else counted(exported.module, exported.inputs)
    rows = runs_of(str(path))[0].rows
    assert all(row.counted for row in rows)
    ran = shapes_run(path, exported.inputs)
    shapes = {one: tensor.shape for row in rows for one, tensor in zip(row.node.outputs, row.outputs, strict=False)}
    assert {one: shape for one, shape in shapes.items() if one} == {one: ran[one] for one in shapes if one}
    assert analyze_graph(read_onnx(str(path))).totals.macs == macs


def test_convolutions_with_an_activation_carry_norms_too(tmp_path):
    exported = export(FAMILIES["trunk"], tmp_path, dynamo=False, free=False)
    path = _optimised(exported.path, tmp_path / "optimised.onnx", "EXTENDED")
    told = [[one for one in read_onnx(str(file)).origin.remarks if "folding" in one] for file in (exported.path, path)]
    assert told[0] == told[1]
    assert any(row.node.op == "FusedConv" for row in runs_of(str(path))[0].rows)


_NCHWC = "com.microsoft.nchwc"
_LAST = {"channels_last": 1}
# An operator of blocks, its attributes, what it reads, and what it returns.
BLOCKS: dict[str, tuple[str, dict[str, Any], Dims, Dims]] = {
    "in": ("ReorderInput", {}, (1, 32, 6, 8), (1, 32, 6, 8)),
    "in, filled up": ("ReorderInput", {}, (1, 24, 6, 8), (1, None, 6, 8)),
    "in, channels last": ("ReorderInput", _LAST, (1, 6, 8, 32), (1, 32, 6, 8)),
    "out": ("ReorderOutput", {"channels": 24}, (1, 32, 6, 8), (1, 24, 6, 8)),
    "out, channels last": ("ReorderOutput", {"channels": 24, **_LAST}, (1, 32, 6, 8), (1, 6, 8, 24)),
    "larger": ("Upsample", {"scales": [1, 1, 2, 3]}, (1, 32, 6, 8), (1, 32, 12, 24)),
    "pool": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}, (1, 32, 6, 8), (1, 32, 3, 4)),
    "mean": ("AveragePool", {"kernel_shape": [3, 3]}, (1, 32, 6, 8), (1, 32, 4, 6)),
    "means": ("GlobalAveragePool", {}, (1, 32, 6, 8), (1, 32, 1, 1)),
    "maxima": ("GlobalMaxPool", {}, (1, 32, 6, 8), (1, 32, 1, 1)),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_channels_in_blocks(tmp_path, case):
    op, attributes, read, returned = BLOCKS[case]
    path = saved(tmp_path, graph([node(op, "x", "y", domain=_NCHWC, **attributes)], {"x": read}))
    [row] = runs_of(str(path))[0].rows
    assert (row.outputs[0].shape, row.counted) == (returned, True)


def test_filters_in_blocks_cost_what_they_are_filled_up_to(tmp_path):
    nodes = [
        node("ReorderInput", "x", "b", domain=_NCHWC),
        node("Conv", "b w", "c", domain=_NCHWC, pads=[1, 1, 1, 1], activation="Relu"),
        node("ReorderOutput", "c", "y", domain=_NCHWC, channels=20),
    ]
    path = saved(tmp_path, graph(nodes, {"x": (1, 24, 6, 8)}, stored={"w": weights(32, 32, 3, 3)}))
    assert runs_of(str(path))[0].outputs["y"].shape == (1, 20, 6, 8)
    totals = analyze_graph(read_onnx(str(path))).totals
    assert (totals.macs, totals.params) == (6 * 8 * 32 * 32 * 9, 32 * 32 * 9)

"""Fused operators of onnxruntime: the shapes that its own kernels return, where there are any for a CPU, and what they
multiply, written out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from archprof.captures.onnx.file import read_onnx, runs_of
from archprof.captures.onnx.tensor import Dims
from archprof.costs.report import analyze_graph
from tests.captures.onnx.exported import shapes_run
from tests.captures.onnx.files import graph, node, saved, weights


class Fused(NamedTuple):
    """An operator: what it reads, `_` for what is left out; the shapes of inputs; how it is set; what the file stores;
    the shapes that it returns; its multiply-accumulates, None where they depend on elements; whether a CPU runs it."""

    op: str
    reads: str
    inputs: Mapping[str, Dims]
    attributes: Mapping[str, Any]
    stored: Mapping[str, Any]
    returns: tuple[Dims | None, ...]
    macs: int | None = 0
    runs: bool = False


_HEADS = {"num_heads": 2}
_ONE = np.ones((), np.float32)
_ZERO = np.zeros((), np.uint8)
CASES = (
    Fused(
        "Attention", "x w b _ p", {"x": (1, 5, 8), "p": (2, 1, 2, 3, 4)}, {**_HEADS, "unidirectional": 1},
        {"w": weights(8, 24), "b": weights(24)}, ((1, 5, 8), (2, 1, 2, 8, 4)), 5 * 8 * 24 + 2 * 5 * 8 * 8, True,
    ),
    Fused(
        "DecoderMaskedSelfAttention", "x w b _ p _ n", {"x": (1, 1, 8), "p": (2, 1, 2, 9, 4)},
        {**_HEADS, "past_present_share_buffer": 1},
        {"w": weights(8, 24), "b": weights(24), "n": np.array([4], np.int32)}, ((1, 1, 8), (2, 1, 2, 9, 4)), None,
    ),
    Fused(
        "MultiHeadAttention", "x k v _ _ _ pk pv",
        {"x": (1, 5, 8), "k": (1, 4, 8), "v": (1, 4, 8), "pk": (1, 2, 3, 4), "pv": (1, 2, 3, 4)}, _HEADS, {},
        ((1, 5, 8), (1, 2, 7, 4), (1, 2, 7, 4)), 2 * 5 * 7 * 8, True,
    ),
    Fused(
        "MultiHeadAttention", "x k v", {"x": (1, 5, 8), "k": (1, 2, 7, 4), "v": (1, 2, 7, 4)}, _HEADS, {},
        ((1, 5, 8),), 2 * 5 * 7 * 8, True,
    ),
    Fused(
        "DecoderMaskedMultiHeadAttention", "x k v _ _ pk pv",
        {"x": (1, 1, 8), "k": (1, 1, 8), "v": (1, 1, 8), "pk": (1, 2, 3, 4), "pv": (1, 2, 3, 4)}, _HEADS, {},
        ((1, 1, 8), (1, 2, 4, 4), (1, 2, 4, 4)), 2 * 4 * 8,
    ),
    Fused("PackedMultiHeadAttention", "x k v", {"x": (9, 8), "k": (9, 8), "v": (9, 8)}, _HEADS, {}, ((9, 8),), None),
    Fused("PackedAttention", "x w", {"x": (9, 8)}, _HEADS, {"w": weights(8, 24)}, ((9, 8),), None),
    Fused("SparseAttention", "x", {"x": (1, 5, 16)}, _HEADS, {}, (None,), None),
    Fused(
        "GatedRelativePositionBias", "x b r w c e", {"x": (1, 5, 8), "r": (1, 2, 5, 5)}, _HEADS,
        {"b": weights(8), "w": weights(4, 8), "c": weights(8), "e": weights(1, 2, 1, 1)}, ((1, 2, 5, 5),), 5 * 8 * 8,
    ),
    Fused(
        "RelativePositionBias", "t n n", {"t": (32, 4)}, {"max_distance": 20}, {"n": np.array([6])}, ((1, 4, 6, 6),),
    ),
    Fused(
        "MoE", "x r f fb g gb", {"x": (7, 8), "r": (7, 3)}, {"k": 2, "activation_type": "relu"},
        {"f": weights(3, 16, 8), "fb": weights(3, 16), "g": weights(3, 8, 16), "gb": weights(3, 8)},
        ((7, 8),), 7 * 2 * (16 * 8 + 8 * 16), True,
    ),
    # experts of 16 rows of 8 and of 8 rows of 16, two weights in a byte
    Fused(
        "QMoE", "x r f s _ g t", {"x": (7, 8), "r": (7, 3)}, {"k": 2, "activation_type": "relu"},
        {
            "f": np.ones((3, 16, 4), np.uint8), "s": weights(3, 16), "g": np.ones((3, 8, 8), np.uint8),
            "t": weights(3, 8),
        },
        ((7, 8),), 7 * 2 * (16 * 8 + 8 * 16),
    ),
    Fused(
        "GatherBlockQuantized", "t i s", {}, {"block_size": 16, "quantize_axis": 1},
        {"t": np.ones((9, 16), np.uint8), "i": np.array([[1, 2, 3]]), "s": weights(9, 2)}, ((1, 3, 32),), 0, True,
    ),
    Fused("GemmFloat8", "x w", {"x": (3, 8)}, {"transB": 1}, {"w": weights(5, 8)}, ((3, 5),), 3 * 5 * 8),
    Fused(
        "QOrderedMatMul", "x s w s s", {"x": (2, 3, 8)}, {}, {"s": _ONE, "w": weights(8, 5)}, ((2, 3, 5),), 6 * 5 * 8,
    ),
    Fused(
        "SkipGroupNorm", "x g b s", {"x": (1, 4, 4, 8), "s": (1, 4, 4, 8)}, {"groups": 2, "activation": 0},
        {"g": weights(8), "b": weights(8)}, ((1, 4, 4, 8), (1, 4, 4, 8)),
    ),
    Fused("BiasSplitGelu", "x b", {"x": (1, 5, 16)}, {}, {"b": weights(16)}, ((1, 5, 8),)),
    Fused("BiasDropout", "x b", {"x": (1, 5, 16)}, {}, {"b": weights(16)}, ((1, 5, 16), (1, 5, 16))),
    Fused("SwiGLU", "x y", {"x": (1, 5, 16), "y": (1, 5, 16)}, {}, {}, ((1, 5, 16),)),
    Fused(
        "QLinearReduceMean", "x s z s z", {"x": (1, 4, 5, 6)}, {"axes": [2, 3], "keepdims": 0}, {"s": _ONE, "z": _ZERO},
        ((1, 4),),
    ),
    Fused("ReduceSumInteger", "x", {"x": (3, 4)}, {"axes": [1], "keepdims": 1}, {}, ((3, 1),)),
    Fused("MulInteger", "x _ w", {"x": (3, 4)}, {}, {"w": np.ones(4, np.int8)}, ((3, 4),)),
    Fused(
        "CropAndResize", "x r i c", {"x": (1, 3, 9, 9)}, {},
        {"r": weights(5, 4), "i": np.zeros(5, np.int32), "c": np.array([2, 4], np.int32)}, ((5, 3, 2, 4),), 0, True,
    ),
    Fused("GridSample", "x g", {"x": (1, 3, 9, 9), "g": (1, 4, 5, 2)}, {}, {}, ((1, 3, 4, 5),), 0, True),
    Fused("Pad", "x p", {"x": (3, 4)}, {}, {"p": np.array([1, 0, 2, 3])}, ((6, 7),), 0, True),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.op)
def test_a_fused_operator(tmp_path, case):
    outputs = [f"y{k}" for k in range(len(case.returns))]
    made = node(case.op, case.reads, " ".join(outputs), domain="com.microsoft", **case.attributes)
    path = saved(tmp_path, graph([made], case.inputs, outputs, case.stored), ir_version=10)
    [row] = runs_of(str(path))[0].rows
    assert tuple(one.shape for one in row.outputs) == case.returns
    assert (row.macs, row.counted) == (case.macs or 0, case.macs is not None)
    if case.runs:
        found = shapes_run(path, [torch.rand(tuple(size or 1 for size in one)) for one in case.inputs.values()])
        assert tuple(found[name] for name in outputs) == case.returns


@pytest.mark.parametrize(("op", "params"), [("QMoE", 3 * 2 * 16 * 8), ("GatherBlockQuantized", 9 * 32)])
def test_packed_weights_are_counted_one_by_one(tmp_path, op, params):
    [case] = [one for one in CASES if one.op == op]
    made = node(op, case.reads, "y", domain="com.microsoft", **case.attributes)
    path = saved(tmp_path, graph([made], case.inputs, ("y",), case.stored))
    assert analyze_graph(read_onnx(str(path))).totals.params == params


def test_what_a_rule_does_not_say_is_there_for_those_that_read_it(tmp_path):
    nodes = [
        node("Attention", "x w _ _ _", "y p extra", domain="com.microsoft", num_heads=2),
        node("Identity", "extra", "z"),
    ]
    path = saved(tmp_path, graph(nodes, {"x": (1, 5, 8)}, ("y", "z"), {"w": weights(8, 24)}))
    assert runs_of(str(path))[0].outputs["z"].shape is None

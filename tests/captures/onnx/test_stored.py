"""What of a file's tensors is learned: whatever an operator works on, and not its scales, bounds and single numbers."""

import numpy as np
import pytest
from onnx import helper, numpy_helper

from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from tests.captures.onnx.files import FLOAT, INT64, graph, node, saved, weights

# Nodes, what the file stores, and the elements of it that are params.
CASES = {
    "a weight times an input": ([node("MatMul", "w x", "y")], {"w": weights(6, 4)}, 24),
    "a table that is normed": (
        [node("LayerNormalization", "t s b", "n"), node("MatMul", "n x", "y")],
        {"t": weights(5, 4), "s": weights(4), "b": weights(4)},
        20 + 4 + 4,
    ),
    "queries that start as they are stored": (
        [node("MatMul", "q w", "p"), node("MatMul", "p x", "y")],
        {"q": weights(7, 3), "w": weights(3, 4)},
        21 + 12,
    ),
    "scales that sizes are divided by": (
        [
            node("Shape", "x", "s"), node("Cast", "s", "f", to=FLOAT), node("Div", "f half", "d"),
            node("Cast", "d", "to", to=INT64), node("Expand", "x to", "y"),
        ],
        {"half": weights(2) * 0 + 1}, 0,
    ),
    "sizes that are stored as floats": (
        [node("Cast", "to", "whole", to=INT64), node("Reshape", "x whole", "y")], {"to": weights(2) * 0 + 6}, 0,
    ),
    "a bias whose shape is stored as floats": (
        [
            node("Cast", "to", "whole", to=INT64), node("Reshape", "b whole", "c"),
            node("Resize", "x _ _ size", "e"), node("MatMul", "c e", "y"),
        ],
        {"to": weights(2) * 0 + 3, "b": weights(9), "size": np.array([3, 9])}, 9,
    ),
    "a token that is repeated for each image": (
        [
            node("Shape", "x", "s"), node("Concat", "one s", "to", axis=0), node("Expand", "token to", "t"),
            node("Concat", "t x", "y", axis=0),
        ],
        {"token": weights(1, 9), "one": np.array([], np.int64)}, 9,
    ),
    "biases that are joined": (
        [node("Concat", "a b", "c", axis=0), node("Add", "x c", "y")], {"a": weights(4), "b": weights(5)}, 9,
    ),
    "a number that is divided": ([node("Div", "one x", "y")], {"one": weights(1)}, 0),
    "bounds": ([node("Clip", "x low high", "y")], {"low": weights(), "high": weights()}, 0),
    "a table that is stretched": (
        [node("Resize", "t _ scales", "r"), node("Add", "r x", "y")],
        {"t": weights(4, 9), "scales": weights(2) * 0 + 1},
        36,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_params_of_a_file(tmp_path, case):
    nodes, stored, params = CASES[case]
    path = saved(tmp_path, graph(nodes, {"x": (4, 9)}, stored=stored))
    assert analyze_graph(read_onnx(str(path))).totals.params == params


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (3, "32 floats (29 zeros left out) · bytes: int64 24B, float32 12B"),
        (32, "32 floats · bytes: int64 256B, float32 128B"),
    ],
)
def test_zeros_that_a_sparse_tensor_leaves_out_are_said(tmp_path, kept, said):
    values = numpy_helper.from_array(weights(kept), "w")
    places = numpy_helper.from_array(np.arange(kept, dtype=np.int64), "")
    made = graph([node("MatMul", "x w", "y")], {"x": (1, 8)})
    made.sparse_initializer.append(helper.make_sparse_tensor(values, places, [8, 4]))
    found = read_onnx(str(saved(tmp_path, made)))
    assert analyze_graph(found).totals.params == 32
    assert found.origin.remarks == (f"stored: {said}",)

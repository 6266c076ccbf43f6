"""What of a file's tensors is learned: whatever an operator works on, and not its scales, bounds and single numbers."""

import pytest

from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from tests.captures.onnx.files import graph, node, saved, weights

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
    "a number that is divided": ([node("Div", "one x", "y")], {"one": weights(1)}, 0),
    "bounds": ([node("Clip", "x low high", "y")], {"low": weights(), "high": weights()}, 0),
    "a table that is stretched": (
        [node("Resize", "t _ scales", "r"), node("Add", "r x", "y")],
        {"t": weights(4, 9), "scales": weights(2) * 0 + 1},
        36,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_params_of_a_file(tmp_path, case):
    nodes, stored, params = CASES[case]
    path = saved(tmp_path, graph(nodes, {"x": (4, 9)}, stored=stored))
    assert analyze_graph(read_onnx(str(path))).totals.params == params

"""Nodes that a tool has added at the end of a file run where they are needed."""

import onnx
import pytest

from archprof.captures.onnx.file import read_onnx, runs_of
from archprof.costs.report import analyze_graph
from archprof.errors import UsageError
from tests.captures.onnx.files import BOOL, graph, node, saved, weights


def _branch(name, op):
    value = onnx.helper.make_tensor_value_info(name, 1, None)
    return onnx.helper.make_graph([node(op, "cast", name)], name, [], [value])


def _if():
    return node("If", "c", "y", then_branch=_branch("t", "Relu"), else_branch=_branch("e", "Sigmoid"))


CASES = {
    "a cast behind": ([node("MatMul", "cast w", "y"), node("Neg", "x", "cast")], ["Neg", "MatMul"]),
    "what a branch reads": ([_if(), node("Neg", "x", "cast"), node("Not", "d", "c")], ["Neg", "Not", "Relu"]),
    "backwards": (
        [node("Add", "b a", "y"), node("Exp", "a", "b"), node("MatMul", "x w", "a")],
        ["MatMul", "Exp", "Add"],
    ),
    "as they stand": ([node("Exp", "x", "a"), node("Neg", "x", "b"), node("Sum", "b a", "y")], ["Exp", "Neg", "Sum"]),
}


@pytest.mark.parametrize("case", CASES)
def test_nodes_run_when_what_they_read_is_there(tmp_path, case):
    nodes, order = CASES[case]
    path = saved(tmp_path, graph(nodes, {"x": (2, 4)}, stored={"w": weights(4, 4), "d": False}, types={"d": BOOL}))
    rows = runs_of(str(path))[0].rows
    assert [row.node.op for row in rows] == order
    macs = 2 * 4 * 4 if "w" in {name for one in nodes for name in one.input} else 0
    assert analyze_graph(read_onnx(str(path))).totals.macs == macs


@pytest.mark.parametrize("second", [[], [node("Neg", "a", "b", name="second")]])
def test_what_needs_itself_or_what_nothing_makes_is_told(tmp_path, second):
    nodes = [node("Add", "x b", "a", name="first"), *second, node("Exp", "x", "y")]
    path = saved(tmp_path, graph(nodes, {"x": (2, 4)}))
    with pytest.raises(UsageError) as error:
        runs_of(str(path))
    assert str(error.value) == (
        f"{path}: `first` (Add): it reads `b`, which nothing makes\n"
        "  in a run on x 2×4\n"
        "  help: no node may read what it makes itself by way of others, or what none makes: `onnx.checker` finds them"
    )

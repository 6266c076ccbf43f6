"""Memory of what was read from a file is that of the module that it was made from, as far as the file tells."""

import pytest

import archprof
from archprof.allocation.report import analyze_memory
from archprof.captures.lock import read_lock
from archprof.ir.setup import Setup

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402


class Attends(nn.Module):
    """Positions that attend to each other, and a variable of what nobody reads any more."""

    def __init__(self):
        super().__init__()
        self.parts, self.table = nn.Linear(8, 24), nn.Parameter(torch.rand(8))

    def forward(self, x):
        q, k, v = self.parts(x).chunk(3, -1)
        weights = (q @ k.mT).softmax(-1)
        return (weights @ v * self.table).exp().exp()


@pytest.mark.parametrize("setup", [Setup(), Setup(batch=3), Setup(batch=2, train="adamw")])
def test_a_lock_is_the_capture(tmp_path, setup):
    graph = archprof.capture(Attends(), (5, 8), train=bool(setup.train))
    path = str(tmp_path / "net.lock.json")
    archprof.lock(graph._replace(training=False), path)
    read = read_lock(path).graph._replace(training=graph.training)
    assert analyze_memory(read, setup).timeline == analyze_memory(graph, setup).timeline


def test_a_program_has_no_variables(tmp_path):
    """It returns the last of two maps that are made of each other, beside what both need."""
    from archprof.captures.pt2.read import read_exported

    class Three(nn.Module):
        def forward(self, x):
            first = x.exp()
            second = first.exp().view(2, -1)
            return second.exp().exp()

    path = str(tmp_path / "three.pt2")
    torch.export.save(torch.export.export(Three().eval(), (torch.zeros(1, 4, 4),)), path)
    graph = read_exported(path).graph
    each = 4 * 4 * 4
    assert analyze_memory(graph, Setup()).peak == 2 * each
    held = archprof.capture(Three(), args=(torch.zeros(1, 4, 4),))
    assert analyze_memory(held, Setup()).peak == 4 * each


def test_what_an_onnx_file_reshapes_stays_where_it_is(tmp_path):
    """All else is new, a turned map too, and nothing is written over."""
    onnx = pytest.importorskip("onnx")
    from archprof.captures.onnx.file import read_onnx

    helper = onnx.helper
    shape = helper.make_node("Constant", [], ["to"], value_ints=[1, 16])
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["b", "to"], ["y"]),
    ]
    given, returned = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims)
        for name, dims in (("x", (1, 4, 4)), ("y", (1, 16)))
    )
    path = str(tmp_path / "net.onnx")
    onnx.save(helper.make_model(helper.make_graph([shape, *nodes], "net", [given], [returned])), path)
    assert analyze_memory(read_onnx(path), Setup()).peak == 2 * 4 * 4 * 4


# Of what there is a line of operators on (4, 4) features.
PLAIN = {
    "of each element": ["Reciprocal", "Softsign", "Sign", "Reciprocal"],
    "along an axis": ["LogSoftmax", "Hardmax", "Softmax"],
    "a product": ["MatMul", "Relu"],
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_only_reads_and_writes_has_nothing_else_in_memory(name, tmp_path):
    """While the second runs, what it reads and what it puts out: two tensors of 64 bytes."""
    onnx = pytest.importorskip("onnx")
    from archprof.captures.onnx.file import read_onnx

    helper = onnx.helper
    given, returned = (helper.make_tensor_value_info(one, onnx.TensorProto.FLOAT, [1, 4, 4]) for one in ("x", "y"))
    edges = ["x", *[f"t{k}" for k in range(1, len(PLAIN[name]))], "y"]
    nodes = [
        helper.make_node(op, [before] * (2 if op == "MatMul" else 1), [after])
        for op, before, after in zip(PLAIN[name], edges[:-1], edges[1:], strict=True)
    ]
    path = str(tmp_path / "net.onnx")
    onnx.save(helper.make_model(helper.make_graph(nodes, "net", [given], [returned])), path)
    found = analyze_memory(read_onnx(path), Setup())
    assert (found.peak, found.unknown) == (2 * 4 * 4 * 4, {})

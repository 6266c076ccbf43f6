"""Where nodes stand: what the exporter says of modules wins over the names of nodes, and these over operators and
numbers."""

import pytest

from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from tests.captures.onnx.files import FLOAT, INT64, graph, node, saved, weights

SCOPES, CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"


def _said(modules: str, classes: str = "") -> dict[str, str]:
    """Return what an exporter says of a node: modules around it, from without, the node itself last."""
    said = {SCOPES: str(["", *modules.split(), "conv2d"])}
    return said | ({CLASSES: str(["net.Net", *classes.split(), "aten.conv2d.default"])} if classes else {})


# The names and the properties of two convolutions and a ReLU between them; the path, the block and its name of each.
PLACES = {
    "names of nodes": (
        ("/layer1/layer1.0/conv1/Conv", {}), ("/layer1/layer1.0/Relu", {}), ("/layer1/layer1.1/conv1/Conv", {}),
        "layer1.0.conv1 in layer1.0", "layer1.0:Relu[0] in layer1.0", "layer1.1.conv1 in layer1.1",
    ),
    "names of nodes without those around them": (
        ("/stem/conv/Conv", {}), ("/stem/act/Relu", {}), ("/head/Conv", {}),
        "stem.conv in stem", "stem.act in stem", "head in head",
    ),
    "what the exporter says": (
        ("node_conv2d", _said("layer1 layer1.0 layer1.0.conv1", "Sequential Residual torch.nn.Conv2d")),
        ("node_relu", _said("layer1 layer1.0", "Sequential net.Residual")),
        ("node_conv2d_1", _said("layer1 layer1.1 layer1.1.conv1", "Sequential net.Residual torch.nn.Conv2d")),
        "layer1.0.conv1 in layer1.0", "layer1.0:Relu[0] in layer1.0", "layer1.1.conv1 in layer1.1",
    ),
    "what the exporter says, against names": (
        ("/other/conv9/Conv", _said("stem stem.conv")), ("/other/Relu", _said("stem")), ("/other/Conv", _said("head")),
        "stem.conv in stem", "stem:Relu[0] in stem", "head in head",
    ),
    "both, each of some nodes": (
        ("/stem/conv/Conv", {}), ("node_relu", _said("stem")), ("", {}),
        "stem.conv in stem", "stem:Relu[0] in stem", ":Conv[0] in :Conv[0]",
    ),
    "operators and numbers": (
        ("", {}), ("", {}), ("", {}),
        ":Conv[0] in :Conv[0]", ":Relu[0] in :Conv[0]", ":Conv[1] in :Conv[1]",
    ),
    "names that tell of no module": (
        ("Conv_0", {}), ("Relu_1", {}), ("Conv_2", {}),
        ":Conv[0] in :Conv[0]", ":Relu[0] in :Conv[0]", ":Conv[1] in :Conv[1]",
    ),
}  # fmt: skip


def _paths(folder, placed):
    nodes = []
    wires = (("Conv", "x k", "a"), ("Relu", "a", "b"), ("Conv", "b k", "y"))
    for (op, read, made), (name, said) in zip(wires, placed, strict=True):
        nodes.append(node(op, read, made, name=name))
        for key, value in said.items():
            nodes[-1].metadata_props.add(key=key, value=value)
    path = saved(folder, graph(nodes, {"x": (1, 3, 8, 8)}, stored={"k": weights(3, 3, 1, 1)}))
    return analyze_graph(read_onnx(str(path))).rows


@pytest.mark.parametrize("case", PLACES)
def test_where_nodes_stand(tmp_path, case):
    *placed, first, second, third = PLACES[case]
    assert [f"{row.path} in {row.block}" for row in _paths(tmp_path, placed)] == [first, second, third]


def test_the_class_of_a_block_is_what_the_exporter_says(tmp_path):
    *placed, _, _, _ = PLACES["what the exporter says"]
    assert [row.block_type for row in _paths(tmp_path, placed)] == ["Residual", "Residual", "Residual"]
    whole = [("conv2d", _said("stem", "torch.nn.Conv2d")), ("relu", _said("act", "torch.nn.ReLU")), ("", {})]
    assert [row.block_type for row in _paths(tmp_path, whole)] == ["pw conv", "relu", "pw conv"]


def test_a_block_without_a_module_stands_where_what_names_it_does(tmp_path):
    nodes = [
        node("Cast", "ids", "i", to=INT64), node("Gather", "table i", "e"),  # the table is all that this block holds
        node("NonZero", "e", "n"), node("Cast", "n", "f", to=FLOAT), node("MatMul", "f w", "y"),
    ]  # fmt: skip
    stored = {"table": weights(10, 8), "w": weights(3, 5)}
    rows = analyze_graph(read_onnx(str(saved(tmp_path, graph(nodes, {"ids": (1, 4)}, stored=stored))))).rows
    assert [f"{row.path} in {row.block}, {row.block_type}" for row in rows] == [
        ":Cast[0] in :Gather[0], embedding",
        ":Gather[0] in :Gather[0], embedding",
        ":NonZero[0] in :Gather[0], embedding",
        ":Cast[1] in :Gather[0], embedding",
        ":MatMul[0] in :MatMul[0], MatMul",  # how often it multiplies is not known
    ]

"""Modules that torch exports: what their files say equals what torch counts and onnxruntime runs."""

from itertools import chain

import pytest
import torch
from torch import nn

from archprof.captures.onnx.file import read_onnx, runs_of
from archprof.costs.report import analyze_graph
from tests.captures.onnx.exported import counted, export, shapes_run, write
from tests.captures.onnx.modules import FAMILIES, Family

# What exporters leave in a file besides the module's parameters, or take out of it; by family, exporter and axes. Norms
# are folded (a weight and a bias of each feature become a bias); states that a cell starts from and masks are stored;
# what is looked up in a table at fixed places is looked up beforehand.
_STORED = {
    "trunk": -(8 + 8 + 8 + 8 + 16 + 16 + 16),
    "mobile": -(16 + 48 + 48 + 16 + 64 + 64 + 16),
    "windows": 6 * 16 * 16 + 2 * 16 * 16 - 7 * 7 * 2,
    "volume": -(2 * 4),
    ("lstm", "legacy", "static"): 16,
    ("lstm_both", "legacy", "static"): 4 * 16 * 2,
    ("gru", "legacy", "static"): 16,
    ("rnn", "legacy", "static"): 16,
    ("rnn", "dynamo", "static"): 16,
    ("causal", "dynamo", "static"): 12 * 12,
    ("words", "dynamo", "static"): 336,
    ("words", "legacy", "static"): -4 * 16,
}
# Of a state of zeros, the product of the first step is worked out beforehand.
_LESS = {("rnn", "dynamo", "static"): 16 * 16}


def _of(table, *words):
    return sum(amount for key, amount in table.items() if key == words[0] or key in (words[:2], words))


@pytest.mark.few(20)
@pytest.mark.parametrize("axes", ["static", "free"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_file_costs_what_its_module_costs(tmp_path, name, axes):
    check(tmp_path, name, "legacy", axes)


@pytest.mark.few(1)
@pytest.mark.parametrize("axes", ["static", "free"])
@pytest.mark.parametrize("name", FAMILIES)
def test_so_does_one_of_the_newer_exporter(tmp_path, name, axes):
    check(tmp_path, name, "dynamo", axes)


def check(tmp_path, name, exporter, axes):
    family = FAMILIES[name]
    exported = export(family, tmp_path, dynamo=exporter == "dynamo", free=axes == "free")
    path = str(exported.path)
    run = runs_of(path, exported.sizes)[0]
    ran = shapes_run(exported.path, exported.inputs)
    shapes = {
        one: tensor.shape for row in run.rows for one, tensor in zip(row.node.outputs, row.outputs, strict=False) if one
    }
    assert shapes == {one: shape for one, shape in ran.items() if one in shapes}
    totals = analyze_graph(read_onnx(path, exported.sizes)).totals
    params = sum(parameter.numel() for parameter in exported.module.parameters())
    assert totals.params == params + _of(_STORED, name, exporter, axes)
    macs = family.macs if family.macs is not None else counted(exported.module, exported.inputs)
    assert totals.macs == macs - _of(_LESS, name, exporter, axes)


_TRUNK = (
    *("stem.0 conv2d", "stem.2 relu", "stem.3 max_pool"),
    *("layer1.0.conv1 conv2d", "layer1.0:Relu[0] relu", "layer1.0.conv2 conv2d", "layer1.0.shortcut.0 conv2d"),
    *("layer1.0:Add[0] add", "layer1.0:Relu[1] relu"),
    *("layer1.1.conv1 conv2d", "layer1.1:Relu[0] relu", "layer1.1.conv2 conv2d", "layer1.1.shortcut.0 conv2d"),
    *("layer1.1:Add[0] add", "layer1.1:Relu[1] relu"),
)


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_rows_stand_where_the_module_has_them(tmp_path, dynamo):
    exported = export(FAMILIES["trunk"], tmp_path, dynamo=dynamo, free=False)
    graph = read_onnx(str(exported.path))
    rows = analyze_graph(graph).rows
    assert tuple(f"{row.path} {row.op}" for row in rows)[: len(_TRUNK)] == _TRUNK
    assert rows[-1].path == "head"
    assert {row.block_type for row in rows if row.block == "layer1.1"} == ({"Residual"} if dynamo else {"conv"})
    # a weight and a bias for each of so many features, less the bias that convolutions have instead
    said = "7 convolutions carry a folded norm: 6,226 params here, 6,306 before folding"
    assert said in graph.origin.remarks
    untold = "whether they had biases before, the file does not tell: 6,386 before folding if all had"
    assert (untold in graph.origin.remarks) is not dynamo


def test_a_mask_that_is_a_triangle_of_ones_learns_nothing(tmp_path):
    """A larger one is not worked out beforehand: the file stores the ones."""
    family = FAMILIES["causal"]._replace(shapes=((1, 300, 16),))
    exported = export(family, tmp_path, dynamo=True, free=False)
    graph = read_onnx(str(exported.path))
    assert analyze_graph(graph).totals.params == 16 * 48 + 48
    assert any("Trilu" in row.path for row in analyze_graph(graph).rows)


@pytest.mark.few(4)
@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
@pytest.mark.parametrize("biases", [(False, False), (True, True), (False, True)])
def test_params_before_folding_where_convolutions_had_biases(tmp_path, dynamo, biases):
    """The older exporter gives a bias that it folds a name of its own, whether there was one or not."""
    sizes = ((3, 5, biases[0]), (5, 7, biases[1]))
    parts = chain(*((nn.Conv2d(came, out, 3, bias=bias), nn.BatchNorm2d(out)) for came, out, bias in sizes))
    family = Family(lambda: nn.Sequential(*parts), ((1, 3, 9, 9),))
    exported = export(family, tmp_path, dynamo=dynamo, free=False)
    before = sum(parameter.numel() for parameter in exported.module.parameters())
    weights = 5 * 3 * 9 + 7 * 5 * 9
    here, norms, had = weights + 5 + 7, 2 * (5 + 7), 5 * biases[0] + 7 * biases[1]
    assert before == weights + norms + had
    said = read_onnx(str(exported.path)).origin.remarks[1:]
    carried = f"2 convolutions carry a folded norm: {here} params here, {{}} before folding"
    if dynamo:
        assert said == (carried.format(before),)
        return
    most = f"{weights + norms + 5 + 7} before folding if all had"
    assert said == (carried.format(weights + norms), f"whether they had biases before, the file does not tell: {most}")
    assert weights + norms <= before <= weights + norms + 5 + 7


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_ones_and_zeros_of_norms_without_factors_are_no_parameters(tmp_path, dynamo):
    """Those of an untrained norm that has factors are."""
    norms = (nn.GroupNorm(2, 8), nn.InstanceNorm2d(8), nn.InstanceNorm2d(8, affine=True))
    module = nn.Sequential(nn.Conv2d(3, 8, 3), *norms).eval()
    norms[0].weight.data += 1  # equal tensors would be one in the file
    path = tmp_path / "norms.onnx"
    write(module, [torch.zeros(1, 3, 9, 9)], path, dynamo=dynamo, input_names=["x"], external_data=False)
    graph = read_onnx(str(path))
    rows = analyze_graph(graph).rows
    assert sum(row.cost.params for row in rows) == sum(one.numel() for one in module.parameters())
    if not dynamo:  # of 2 groups, and of 8 channels; the newer exporter has those of the two norms but once
        said = "stored: 276 floats (20 ones and zeros of norms without factors)"
        assert graph.origin.remarks[0].startswith(said)
    # Of two norms whose ones are one tensor in the file, the first that reads it holds it.
    assert sorted(row.cost.params for row in rows if row.op == "instance_norm")[-2:] == [0, 16]


@pytest.mark.filterwarnings("ignore")  # the exporter is not the newest
def test_merged_biases_of_an_untrained_network_are_unfolded(tmp_path):
    module = nn.Sequential(*(part for _ in range(3) for part in (nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4))))
    path = tmp_path / "untrained.onnx"
    torch.onnx.export(module.eval(), (torch.zeros(1, 4, 9, 9),), str(path), dynamo=False)
    graph = read_onnx(str(path))
    weights, folded = 3 * 4 * 4 * 9, 4  # the folded biases are all 0, and stand there once
    assert analyze_graph(graph).totals.params == weights + folded
    before = sum(parameter.numel() for parameter in module.parameters())
    [said] = [one for one in graph.origin.remarks if "folded norm" in one]
    assert said == (
        f"3 convolutions carry a folded norm: {weights + folded} params here, {before} before folding"
        "; 2 share the bias of another, as equal tensors are merged"
    )

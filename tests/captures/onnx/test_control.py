"""Graphs in graphs, functions of a file, fused operators, custom ones: what runs is counted, what is not known is
named."""

from typing import Any

import numpy as np
import pytest
from onnx import helper

from archprof.analysis.summary import not_counted, summarize
from archprof.captures.given import Given
from archprof.captures.onnx.file import read_onnx, runs_of
from archprof.costs.at_most import at_most
from archprof.costs.report import analyze_graph
from archprof.errors import InputError
from archprof.render.fold import view
from archprof.render.summary import summary_table
from tests.captures.onnx.files import BOOL, FLOAT, INT64, graph, node, saved, weights


def _branches():
    """Return two graphs that read `x` (1, 8): one multiplies by 8 × 4, the other by 8 × 16 and 16 × 4."""
    small = graph([node("MatMul", "x w", "t")], {}, ["t"], {"w": weights(8, 4)})
    large = graph(
        [node("MatMul", "x a", "s"), node("MatMul", "s b", "e")], {}, ["e"], {"a": weights(8, 16), "b": weights(16, 4)}
    )
    return {"then_branch": small, "else_branch": large}


@pytest.mark.parametrize(
    ("value", "macs", "said"),
    [
        (True, 8 * 4, 0),
        (False, 8 * 16 + 16 * 4, 0),
        (None, 8 * 16 + 16 * 4, 1),
    ],
)
def test_a_condition(tmp_path, value, macs, said):
    made = graph([node("If", "c", "y", name="/gate/If", **_branches())], {"x": (1, 8), "c": ()}, types={"c": BOOL})
    given = [Given("c", value=value)] if value is not None else []
    found = read_onnx(str(saved(tmp_path, made)), (), given)
    report = analyze_graph(found)
    totals = report.totals
    assert totals.macs == macs
    assert (at_most(report) is not None) == bool(said)
    assert totals.params == 8 * 4 + 8 * 16 + 16 * 4  # the file holds both
    remark = "the condition of `/gate/If` is not known: counted as `else` (`then` 32 MACs, `else` 192 MACs)"
    assert [one for one in found.origin.remarks if "condition" in one] == [remark] * said


def _unlike():
    """Return two graphs that read `x` (1, 2, 6, 6) and return (1, 1): `few` multiplies less, and has more of all
    else."""
    few = [
        node("BatchNormalization", "x g b m v", "n"),
        node("GlobalAveragePool", "n", "p"), node("Flatten", "p", "f"),
        node("MatMul", "f w", "h"), node("MatMul", "h u", "few_y"),
    ]  # fmt: skip
    stored = {name: weights(2) for name in "gbmv"} | {"w": weights(2, 100), "u": weights(100, 1)}
    much = [
        node("Conv", "x k", "c", pads=(1, 1, 1, 1)),
        node("GlobalAveragePool", "c", "q"),
        node("Flatten", "q", "much_y"),
    ]
    return graph(few, {}, ["few_y"], stored), graph(much, {}, ["much_y"], {"k": weights(1, 2, 3, 3)})


@pytest.mark.parametrize("fewer", ["then", "else"])
def test_of_branches_each_count_is_the_larger(tmp_path, fewer):
    few, much = _unlike()
    more = "else" if fewer == "then" else "then"
    gate = node("If", "c", "y", name="/gate/If", **{f"{fewer}_branch": few, f"{more}_branch": much})
    found = read_onnx(str(saved(tmp_path, graph([gate], {"x": (1, 2, 6, 6), "c": ()}, types={"c": BOOL}))))
    report = analyze_graph(found)
    assert report.totals.macs == max(2 * 100 + 100, 2 * 9 * 36)
    assert report.totals.activations == max(100 + 1, 36)
    assert report.totals.params == (2 + 2 + 2 * 100 + 100) + 2 * 9  # the file holds both
    assert report.totals.buffers == 2 + 2
    assert at_most(report) is not None
    bounded = [row for row in summarize(report).layers if row.bounded]
    assert {row.op: (row.cost.macs, row.cost.activations) for row in bounded} == {
        "onnx.Conv": (648, 36), f"onnx.If ({fewer})": (0, 101 - 36),
    }  # fmt: skip
    counts = {fewer: ("300 MACs", "101"), more: ("648 MACs", "36")}
    macs, activations = (", ".join(f"`{name}` {counts[name][k]}" for name in ("then", "else")) for k in (0, 1))
    assert found.origin.remarks[0] == (
        f"the condition of `/gate/If` is not known: counted as `{more}` ({macs}), activations as `{fewer}`"
        f" ({activations})"
    )


def test_of_branches_that_multiply_as_much_the_macs_are_exact(tmp_path):
    # 8 × 6 = 8 × 4 + 4 × 4, and 6 < 4 + 4
    one = graph([node("MatMul", "x a", "s"), node("ReduceSum", "s", "r")], {}, ["r"], {"a": weights(8, 6)})
    two = graph(
        [node("MatMul", "x b", "t"), node("MatMul", "t c", "u"), node("ReduceSum", "u", "v")],
        {}, ["v"], {"b": weights(8, 4), "c": weights(4, 4)},
    )  # fmt: skip
    gate = node("If", "on", "y", then_branch=one, else_branch=two)
    found = read_onnx(str(saved(tmp_path, graph([gate], {"x": (1, 8), "on": ()}, types={"on": BOOL}))))
    report = analyze_graph(found)
    assert (report.totals.macs, report.totals.activations) == (48, 8)
    assert at_most(report) is None
    summary = summarize(report)
    footer = summary_table(summary, view(summary.layers)).footer
    assert "params 96 (96) · MACs 48 (48) · activations at most 8" in [note.text for note in footer]


def test_of_branches_one_without_a_rule_is_named(tmp_path):
    secret = graph([helper.make_node("Secret", ["x"], ["s"], domain="my.domain")], {}, ["s"])
    product = graph([node("MatMul", "x k", "l")], {}, ["l"], {"k": weights(8, 4)})
    gate = node("If", "on", "y", then_branch=secret, else_branch=product)
    path = saved(tmp_path, graph([gate], {"x": (1, 8), "on": ()}, types={"on": BOOL}))
    report = analyze_graph(read_onnx(str(path)))
    assert report.totals.macs == 8 * 4
    assert not_counted(report) == {"onnx.If (then)": 1}


def test_of_branches_whose_outputs_differ_the_largest_goes_on(tmp_path):
    same = graph([node("Identity", "x", "s")], {}, ["s"])
    less = graph([node("Conv", "x k", "l", strides=(2, 2))], {}, ["l"], {"k": weights(2, 2, 2, 2)})
    nodes = [node("If", "on", "h", name="gate", then_branch=same, else_branch=less), node("Conv", "h w", "y")]
    made = graph(nodes, {"x": (1, 2, 6, 6), "on": ()}, stored={"w": weights(3, 2, 1, 1)}, types={"on": BOOL})
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert report.totals.macs == 2 * 2 * 4 * 9 + 2 * 3 * 36  # of 3×3 in the branch, and of 6×6 behind it
    bound = at_most(report)
    assert bound is not None
    assert bound.causes == {"onnx.Conv": 1, "onnx.If": 1}


def test_of_branches_of_other_ranks_it_is_told_which_goes_on(tmp_path):
    flat = graph([node("Flatten", "x", "s")], {}, ["s"])
    same = graph([node("MatMul", "x k", "l")], {}, ["l"], {"k": weights(4, 4)})
    nodes = [node("If", "on", "h", name="gate", then_branch=flat, else_branch=same), node("Relu", "h", "y")]
    found = read_onnx(str(saved(tmp_path, graph(nodes, {"x": (1, 2, 4), "on": ()}, types={"on": BOOL}))))
    assert found.origin.remarks[:2] == (
        "the condition of `gate` is not known: counted as `else` (`then` 0 MACs, `else` 32 MACs)",
        "the branches of `gate` return other numbers of axes: what reads them is counted behind `else`",
    )


def _body(opset=18):
    """Return the graph of a loop that multiplies its state (1, 8) by 8 × 8, and returns it beside."""
    nodes = [node("MatMul", "s w", "t"), node("Identity", "c", "on"), node("Identity", "t", "out")]
    inputs = {"i": (), "c": (), "s": (1, 8)}
    return graph(nodes, inputs, ["on", "t", "out"], {"w": weights(8, 8)}, {"i": INT64, "c": BOOL, "on": BOOL})


def test_a_loop_of_a_known_length(tmp_path):
    made = graph([node("Loop", "n _ x", "y all", body=_body())], {"x": (1, 8)}, ["y", "all"], {"n": np.int64(5)})
    found = read_onnx(str(saved(tmp_path, made)))
    report = analyze_graph(found)
    assert report.totals.macs == 5 * 8 * 8
    assert report.totals.params == 8 * 8
    assert [value.shape for value in report.outputs.values()] == [(8,), (5, 1, 8)]
    assert not_counted(report) is None


def test_a_long_loop_is_one_row(tmp_path):
    made = graph(
        [node("Loop", "n _ x", "y all", body=_body())], {"x": (1, 8)}, ["y", "all"], {"n": np.int64(1_000_000)}
    )
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert report.totals.macs == 1_000_000 * 8 * 8
    assert [row.cost.macs for row in report.rows] == [1_000_000 * 8 * 8, 0]


def test_a_loop_of_an_unknown_length_costs_so_much_a_trip(tmp_path):
    made = graph(
        [node("Loop", "n _ x", "y all", name="/loop/Loop", body=_body())], {"x": (1, 8), "n": ()}, types={"n": INT64}
    )
    found = read_onnx(str(saved(tmp_path, made)))
    report = analyze_graph(found)
    assert report.totals.macs == 8 * 8
    assert not_counted(report) == {"onnx.Loop (a trip)": 1}
    assert "`/loop/Loop` runs as often as its inputs say: 64 MACs a trip are counted once" in found.origin.remarks


def _until(grows=False):
    """Return the graph of a loop that multiplies its state (1, 8) by 8 × 8 until data says otherwise; the state may
    grow by a row with each trip."""
    nodes = [node("MatMul", "s w", "m"), node("ReduceSum", "m", "sum", keepdims=0), node("Less", "sum limit", "on")]
    nodes.append(node("Concat", "m row", "t", axis=0) if grows else node("Identity", "m", "t"))
    inputs = {"i": (), "c": (), "s": None}
    stored = {"w": weights(8, 8), "limit": np.float32(3)}
    return graph(nodes, inputs, ["on", "t", "m"], stored, {"i": INT64, "c": BOOL, "on": BOOL})


ENDS: dict[str, Any] = {  # trips, the first condition, whether the state grows; MACs, outputs, what is said
    "by data": (5, True, False, 5 * 64, {"y": (1, 8), "all": (5, 1, 8)}, "5 trips are counted"),
    "perhaps at once": (1, None, False, 64, {"y": (1, 8), "all": (1, 1, 8)}, "1 trip is counted"),
    "surely behind one": (1, True, False, 64, {"y": (1, 8), "all": (1, 1, 8)}, ""),
    "of many": (50_000, True, False, 50_000 * 64, {"y": (1, 8), "all": (50_000, 1, 8)}, "50,000 trips are counted"),
    "with more rows each": (3, True, True, 6 * 64, {"y": (4, 8)}, "3 trips are counted"),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_loop_that_data_ends_is_an_upper_bound(tmp_path, case):
    trips, condition, grows, macs, shapes, said = ENDS[case]
    stored = {"n": np.int64(trips), "row": weights(1, 8)} | ({} if condition is None else {"on": np.array(condition)})
    looped = node("Loop", "n on x", "y all", name="/loop/Loop", body=_until(grows))
    inputs = {"x": (1, 8)} | ({"on": ()} if condition is None else {})
    found = read_onnx(str(saved(tmp_path, graph([looped], inputs, list(shapes), stored, {"on": BOOL}))))
    report = analyze_graph(found)
    assert not_counted(report) is None
    assert report.totals.macs == macs
    assert {name: value.at_batch(1) for name, value in report.outputs.items()} == shapes
    assert (at_most(report) is not None) == bool(said)
    remarks = [one for one in found.origin.remarks if "/loop/Loop" in one]
    assert remarks == ([f"`/loop/Loop` may end early, as data says: {said}"] if said else [])


def test_what_reads_the_largest_state_of_a_loop_is_an_upper_bound(tmp_path):
    looped = node("Loop", "n on x", "s all", body=_until(True))
    stored = {"n": np.int64(2), "on": np.array(True), "row": weights(1, 8), "u": weights(8, 4)}
    made = graph([looped, node("MatMul", "s u", "y")], {"x": (1, 8)}, stored=stored)
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert report.totals.macs == (1 + 2) * 64 + 3 * 32
    bound = at_most(report)
    assert bound is not None
    assert bound.causes == {"onnx.MatMul": 1, "onnx.Loop": 1}


@pytest.mark.parametrize("sure", [False, True])
def test_a_trip_that_does_not_fit_is_none(tmp_path, sure):
    nodes = [  # of half as many rows each
        node("Reshape", "s halves", "h"), node("Gather", "h first", "t", axis=0), node("MatMul", "t w", "m"),
        node("ReduceSum", "m", "sum", keepdims=0), node("Identity", "c", "on") if sure else node("Less", "sum n", "on"),
    ]  # fmt: skip
    types = {"i": INT64, "c": BOOL, "on": BOOL}
    stored = {"w": weights(8, 8), "halves": np.array([2, -1, 8]), "first": np.int64(0), "n": np.float32(3)}
    body = graph(nodes, {"i": (), "c": (), "s": None}, ["on", "m"], stored, types)
    made = graph([node("Loop", "most _ x", "y", body=body)], {"x": (4, 8)}, stored={"most": np.int64(9)})
    path = str(saved(tmp_path, made))
    if not sure:
        report = analyze_graph(read_onnx(path))
        assert (report.totals.macs, at_most(report) is not None) == ((2 + 1) * 64, True)
        return
    with pytest.raises(InputError) as error:
        read_onnx(path)
    assert str(error.value) == (
        f"{path}: `Reshape`: 8 elements 1×8 do not make 2×-1×8\n"
        "  in a run on x 4×8\n"
        "  help: the file may have baked other sizes in: try those that it was exported with"
    )


def test_a_long_loop_whose_state_grows_is_named(tmp_path):
    made = graph(
        [node("Loop", "n on x", "y all", body=_until(True))], {"x": (1, 8)}, ["y"],
        {"n": np.int64(50_000), "on": np.array(True), "row": weights(1, 8)},
    )  # fmt: skip
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert not_counted(report) == {"onnx.Loop": 1}


def test_a_scan(tmp_path):
    body = graph(
        [node("MatMul", "row w", "t"), node("Add", "s t", "s2"), node("Identity", "s2", "o")],
        {"s": (1, 4), "row": (1, 8)}, ["s2", "o"], {"w": weights(8, 4)},
    )  # fmt: skip
    made = graph(
        [node("Scan", "s0 x", "y all", body=body, num_scan_inputs=1)],
        {"x": (6, 1, 8)},
        ["y", "all"],
        {"s0": weights(1, 4)},
    )
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert report.totals.macs == 6 * 8 * 4
    assert report.outputs["all"].at_batch(1) == (6, 1, 4)


LENGTHS = {  # of two sequences of at most 6 steps: those that a file stores, or an input; steps that are counted
    "all": (None, None, 12),
    "stored": ([6, 4], None, 10),
    "given": (None, (2,), 12),
}


@pytest.mark.parametrize("case", LENGTHS)
def test_a_scan_of_images(tmp_path, case):
    stored, given, steps = LENGTHS[case]
    body = graph(
        [node("MatMul", "row w", "t"), node("Add", "s t", "s2"), node("Identity", "s2", "o")],
        {"s": (1, 4), "row": (1, 8)}, ["s2", "o"], {"w": weights(8, 4)},
    )  # fmt: skip
    first = "_" if case == "all" else "n"
    held = {"s0": weights(2, 1, 4)} | ({} if stored is None else {"n": np.array(stored, np.int64)})
    made = graph(
        [node("Scan", f"{first} s0 x", "y all", name="scan", body=body, num_scan_inputs=1)],
        {"x": (2, 6, 1, 8)} | ({} if given is None else {"n": given}),
        ["y", "all"], held, {"n": INT64},
    )  # fmt: skip
    path = saved(tmp_path, made, opset=8, ir_version=4)
    found = read_onnx(str(path))
    report = analyze_graph(found)
    assert not_counted(report) is None
    assert report.totals.macs == steps * 8 * 4
    assert report.totals.params == 8 * 4 + 2 * 4
    assert [value.at_batch(1) for value in report.outputs.values()] == [(2, 1, 4), (2, 6, 1, 4)]
    assert (at_most(report) is not None) == (given is not None)
    said = "`scan` runs as long as its inputs say: 6 steps are counted"
    assert (said in found.origin.remarks) == (given is not None)
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    numbers = {"x": np.zeros((2, 6, 1, 8), np.float32), "n": np.array([6, 4])}
    inputs = {one.name: numbers[one.name] for one in session.get_inputs()}
    assert [one.shape for one in session.run(None, inputs)] == [(2, 1, 4), (2, 6, 1, 4)]


def test_a_long_scan_is_one_row(tmp_path):
    body = graph([node("MatMul", "row w", "t")], {"row": (1, 8)}, ["t"], {"w": weights(8, 4)})
    made = graph([node("Scan", "_ x", "y", body=body, num_scan_inputs=1)], {"x": (3, 50_000, 1, 8)})
    report = analyze_graph(read_onnx(str(saved(tmp_path, made, opset=8, ir_version=4))))
    assert [row.cost.macs for row in report.rows] == [3 * 50_000 * 8 * 4, 0]
    assert report.totals.activations == 3 * 50_000 * 4


def test_a_function_of_the_file(tmp_path):
    function = helper.make_function(
        "mine", "Layer", ["x", "w"], ["y"],
        [node("MatMul", "x w", "t"), helper.make_node("LeakyRelu", ["t"], ["y"])],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    nodes = [helper.make_node("Layer", ["x", "w1"], ["h"], "/first", domain="mine")]
    nodes.append(helper.make_node("Layer", ["h", "w2"], ["y"], "/second", domain="mine"))
    made = graph(nodes, {"x": ("batch", 8)}, stored={"w1": weights(8, 6), "w2": weights(6, 3)})
    model = helper.make_model(
        made, functions=[function], opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    )
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    report = analyze_graph(read_onnx(str(path)))
    assert report.totals.macs == 8 * 6 + 6 * 3
    assert [row.path for row in report.rows if row.cost.macs] == ["first:MatMul[0]", "second:MatMul[0]"]


FUSED: dict[str, Any] = {
    "FusedConv": ("x k", {"activation": "Relu"}, {"k": weights(8, 4, 3, 3)}, (1, 4, 6, 6), 4 * 4 * 8 * 36),
    "FusedGemm": ("x w b", {"activation": "Relu"}, {"w": weights(8, 4), "b": weights(4)}, (2, 8), 2 * 8 * 4),
    "FusedMatMul": ("x w", {"transB": 1}, {"w": weights(4, 8)}, (2, 3, 8), 2 * 3 * 8 * 4),
    "BiasGelu": ("x b", {}, {"b": weights(8)}, (2, 3, 8), 0),
    "Attention": (
        "x w b", {"num_heads": 2}, {"w": weights(8, 24), "b": weights(24)}, (1, 5, 8), 5 * 8 * 24 + 2 * 5 * 5 * 8,
    ),
    "MultiHeadAttention": ("x x x", {"num_heads": 2}, {}, (1, 5, 8), 2 * 5 * 5 * 8),
    "SkipLayerNormalization": ("x x g", {}, {"g": weights(8)}, (1, 5, 8), 0),
    # a weight of 16 rows of 32, two of four bits a byte
    "MatMulNBits": (
        "x w s", {"K": 32, "N": 16, "bits": 4, "block_size": 16},
        {"w": np.ones((16, 2, 8), np.uint8), "s": weights(32)}, (1, 5, 32), 5 * 32 * 16,
    ),
}  # fmt: skip


@pytest.mark.parametrize("op", FUSED)
def test_a_fused_operator(tmp_path, op):
    inputs, attributes, stored, shape, macs = FUSED[op]
    made = graph([node(op, inputs, "y", domain="com.microsoft", **attributes)], {"x": shape}, stored=stored)
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert report.totals.macs == macs
    assert not_counted(report) is None
    learned = {"MatMulNBits": 32 * 16}.get(op, sum(one.size for one in stored.values()))
    assert report.totals.params == learned


# How the factors of a product lie, as a session of onnxruntime fuses what moves their axes into it.
TURNED = {
    "rows in front": ({"transBatchA": 1}, (9, 2, 4, 8), (2, 4, 8, 5)),
    "rows in front of both": ({"transBatchA": 1, "transBatchB": 1, "transB": 1}, (9, 2, 4, 8), (5, 2, 4, 8)),
    "columns in front": ({"transBatchB": 1}, (2, 4, 9, 8), (8, 2, 4, 5)),
    "turned behind that": ({"transBatchA": 1, "transA": 1}, (8, 2, 4, 9), (2, 4, 8, 5)),
}


@pytest.mark.parametrize("case", TURNED)
def test_a_product_of_turned_factors_is_what_runs(tmp_path, case):
    onnxruntime = pytest.importorskip("onnxruntime")
    attributes, first, second = TURNED[case]
    made = graph([node("FusedMatMul", "a b", "y", domain="com.microsoft", **attributes)], {"a": first, "b": second})
    path = saved(tmp_path, made, ir_version=8)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [ran] = session.run(None, {"a": np.zeros(first, np.float32), "b": np.zeros(second, np.float32)})
    [row] = runs_of(str(path))[0].rows
    assert row.outputs[0].shape == ran.shape == (2, 4, 9, 5)
    assert row.macs == 2 * 4 * 9 * 5 * 8


def test_an_operator_without_a_rule_is_named(tmp_path):
    stated = helper.make_tensor_value_info("h", FLOAT, (1, 4))
    made = graph(
        [helper.make_node("Secret", ["x"], ["h"], "/mix/Secret", domain="my.domain"), node("MatMul", "h w", "y")],
        {"x": (1, 8)}, stored={"w": weights(4, 2)},
    )  # fmt: skip
    made.value_info.append(stated)
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert not_counted(report) == {"my.domain.Secret": 1}
    assert report.totals.macs == 4 * 2


def test_a_product_of_an_unknown_size_is_named(tmp_path):
    nodes = [
        node("NonZero", "x", "i"),
        node("Transpose", "i", "t"),
        node("Cast", "t", "f", to=FLOAT),
        node("MatMul", "f w", "y"),
    ]
    made = graph(nodes, {"x": (3, 4)}, stored={"w": weights(2, 5)})
    report = analyze_graph(read_onnx(str(saved(tmp_path, made))))
    assert not_counted(report) == {"onnx.MatMul": 1}
    assert report.totals.macs == 0


@pytest.mark.parametrize("opset", [1, 6, 29, 1000])
def test_an_unknown_version_is_named(tmp_path, opset):
    path = saved(tmp_path, graph([node("Relu", "x", "y")], {"x": (1, 4)}), opset)
    with pytest.raises(InputError) as error:
        read_onnx(str(path))
    assert str(error.value) == (
        f"{path}: operators of version {opset}, of which archprof knows 7 to 28\n"
        "  help: `onnx.version_converter` makes it one of those"
    )


@pytest.mark.parametrize("size", [7, 9, 10, 30, 33, 100])
@pytest.mark.parametrize("scale", [0.7, 0.6, 1 / 3, 1.4, 2.3])
def test_sizes_are_scaled_in_single_precision(tmp_path, size, scale):
    onnxruntime = pytest.importorskip("onnxruntime")
    scales = np.array([1, 1, scale, scale], np.float32)
    nodes = [
        node("Resize", "x _ scales", "a", mode="nearest"),
        node("Shape", "x", "s", start=2), node("Cast", "s", "f", to=FLOAT),
        node("Mul", "f factor", "m"), node("Floor", "m", "g"), node("Cast", "g", "i", to=INT64),
        node("Concat", "front i", "to", axis=0), node("Resize", "x _ _ to", "b", mode="nearest"),
    ]  # fmt: skip
    stored = {"scales": scales, "factor": np.float32(scale), "front": np.array([1, 1], np.int64)}
    path = saved(tmp_path, graph(nodes, {"x": (1, 1, size, size)}, ["a", "b"], stored), ir_version=8)
    found = [value.shape for value in analyze_graph(read_onnx(str(path))).outputs.values()]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ran = session.run(None, {"x": np.zeros((1, 1, size, size), np.float32)})
    assert found == [one.shape[1:] for one in ran]

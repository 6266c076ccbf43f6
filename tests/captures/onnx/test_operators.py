"""Each operator of the standard, on the cases that its own tests have: types, shapes, small known elements, and what an
operator costs against what the nodes cost that it stands for."""

import warnings
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

from archprof.analysis.summary import not_counted
from archprof.captures.onnx import control, rules
from archprof.captures.onnx.elements import TYPES
from archprof.captures.onnx.file import read_onnx, runs_of
from archprof.captures.onnx.interpret import Interpreter
from archprof.captures.onnx.model import MAX_ELEMENTS, read_model
from archprof.captures.onnx.tensor import Tensor, made
from archprof.costs.report import analyze_graph
from tests.captures.onnx.files import graph, node, saved

# Without a rule, and not counted: steps of training, and models that are no networks.
_OPAQUE = {
    *(("ai.onnx.preview.training", name) for name in ("Gradient", "Adagrad", "Adam", "Momentum")),
    *(("ai.onnx.ml", f"TreeEnsemble{name}") for name in ("", "Classifier", "Regressor")),
    *(("ai.onnx.ml", f"SVM{name}") for name in ("Classifier", "Regressor")),
}
# What multiplies and has a rule for its outputs alone.
_UNCOUNTED = {"DFT", "Det", "STFT"}
# What they return depends on elements; a batch stood among the axes of the eighth version's Scan.
_UNKNOWN = (
    "test_unique_",
    "test_string_split_empty",
    "test_scan_sum",
    "test_optional_has_element_empty_optional_input",
)
# The standard takes a product for what is a function of a grid here, as in torch.
_OTHERWISE = ("test_affine_grid_",)


@pytest.fixture(scope="module")
def cases():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {case.name: case for case in collect_testcases(None)}


@pytest.mark.night
def test_the_standards_cases(cases):
    wrong, macs = {}, {}
    for name, case in cases.items():
        operators = {(node.domain, node.op_type) for node in case.model.graph.node}
        if not name.startswith(_UNKNOWN) and not operators & _OPAQUE:
            found, macs[name] = _ran(case)
            if found:
                wrong[name] = found
    assert len(macs) > 1700
    assert wrong == {}
    stood_for = {
        name: (count, macs[f"{name}_expanded"])
        for name, count in macs.items()
        if f"{name}_expanded" in macs and not name.startswith(_OTHERWISE)
    }
    assert sum(count > 0 for count, _ in stood_for.values()) > 100
    assert {name: both for name, both in stood_for.items() if both[0] != both[1]} == {}


def _ran(case: Any) -> tuple[list[Any], int]:
    """Return what differs from what a case says, and what it costs."""
    given, expected = case.data_sets[0]
    graph = case.model.graph
    inputs = {stated.name: _tensor(value) for stated, value in zip(graph.input, given, strict=False)}
    run = Interpreter(read_model(case.model.SerializeToString()))
    outputs = run.run({name: one for name, one in inputs.items() if one is not None})
    wrong: list[Any] = [row.node.op for row in run.rows if row.counted == (row.node.op in _UNCOUNTED)]
    for stated, value in zip(graph.output, expected, strict=True):
        wanted = _tensor(value)
        if wanted is not None:
            wrong += _differences(outputs[stated.name], wanted)
    return wrong, sum(row.macs for row in run.rows)


def _differences(found: Tensor, wanted: Tensor) -> list[Any]:
    if wanted.items is not None:
        pairs = zip(found.items or (), wanted.items, strict=True)
        return [difference for one, other in pairs for difference in _differences(one, other)]
    if (found.dtype, found.shape) != (wanted.dtype, wanted.shape):
        return [(found.dtype, found.shape, wanted.dtype, wanted.shape)]
    elements = zip(found.data or (), wanted.data or (), strict=False)
    return [pair for pair in elements if None not in pair and pair[1] == pair[1] and not _is_near(*pair)]


def _is_near(one: Any, other: Any) -> bool:
    return bool(one == other or abs(one - other) <= 1e-3 * max(1, abs(other)))


def _tensor(value: Any) -> Tensor | None:
    if value is None:
        return None
    if isinstance(value, list):
        items = tuple(one for item in value if (one := _tensor(item)) is not None)
        return Tensor(items[0].dtype if items else "float32", None, items=items)
    proto = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value))
    dtype = TYPES[proto.data_type]
    known = dtype.form and np.prod(proto.dims, dtype=int) <= MAX_ELEMENTS
    return made(dtype.name, tuple(proto.dims), numpy_helper.to_array(proto).ravel().tolist() if known else None)


def test_every_operator_has_a_rule():
    listed = {(one.domain, one.name) for one in onnx.defs.get_all_schemas_with_history()}
    unruled = {pair for pair in listed if rules.find_rule(*pair) is None and pair[1] not in control.RUNS}
    assert unruled == {("", "Constant"), *_OPAQUE}
    assert onnx.defs.onnx_opset_version() <= rules.NEWEST


@pytest.mark.parametrize(
    ("attributes", "inputs", "shape"),
    [
        ({"input_as_shape": 1}, "s", (3, 4)),
        ({"input_as_shape": 1, "extra_shape": [2]}, "s", (3, 4, 2)),
        ({}, "s", (2,)),
        ({"shape": [5, 6]}, "", (5, 6)),
    ],
)
def test_an_operator_that_was_given_up(tmp_path, attributes, inputs, shape):
    stored = {"s": np.array([3, 4])}
    path = saved(tmp_path, graph([node("ConstantFill", inputs, "y", **attributes)], {"x": (1,)}, stored=stored), 7)
    assert runs_of(str(path))[0].outputs["y"].shape == shape


@pytest.mark.parametrize(
    ("length", "attributes", "shape"),
    [  # of 6 complex numbers, or of 10 that stand for them
        (None, {}, (1, 6, 2)),
        (10, {}, (1, 10, 2)),
        (None, {"onesided": 1}, (1, 6 // 2 + 1, 2)),
        (10, {"onesided": 1}, (1, 10 // 2 + 1, 2)),
        (None, {"inverse": 1}, (1, 6, 2)),
        (None, {"onesided": 1, "inverse": 1}, (1, 2 * (6 - 1), 1)),
        (9, {"onesided": 1, "inverse": 1}, (1, 9, 1)),
    ],
)
def test_a_fourier_transform_has_the_length_that_is_asked_for(tmp_path, length, attributes, shape):
    stored = {"a": np.int64(1)} | ({} if length is None else {"n": np.int64(length)})
    made = node("DFT", "x _ a" if length is None else "x n a", "y", **attributes)
    path = saved(tmp_path, graph([made], {"x": (1, 6, 2)}, stored=stored), 20)
    assert runs_of(str(path))[0].outputs["y"].shape == shape


@pytest.mark.parametrize(
    ("op", "inputs", "domain", "shape", "returned"),
    [
        ("DFT", "x", "", (1, 16, 1), (1, 16, 2)),
        ("STFT", "x step _ frame", "", (1, 64, 1), (1, 13, 9, 2)),
        ("Det", "x", "", (1, 8, 8), (1,)),
        ("Inverse", "x", "com.microsoft", (1, 8, 8), (1, 8, 8)),
        ("Rfft", "x", "com.microsoft", (1, 8, 8), None),
    ],
)
def test_transforms_and_decompositions_are_named(tmp_path, op, inputs, domain, shape, returned):
    stored = {"step": np.int64(4), "frame": np.int64(16)} if "step" in inputs else {}
    path = str(saved(tmp_path, graph([node(op, inputs, "y", domain=domain)], {"x": shape}, stored=stored)))
    assert not_counted(analyze_graph(read_onnx(path))) == {f"{domain or 'onnx'}.{op}": 1}
    assert runs_of(path)[0].outputs["y"].shape == returned


@pytest.mark.parametrize(
    ("op", "taken", "stated", "dtype"),
    [
        ("QuantizeLinear", onnx.TensorProto.FLOAT, 0, "uint8"),
        ("QuantizeLinear", onnx.TensorProto.FLOAT, onnx.TensorProto.INT16, "int16"),
        ("DequantizeLinear", onnx.TensorProto.INT8, 0, "float32"),
        ("DequantizeLinear", onnx.TensorProto.INT8, onnx.TensorProto.FLOAT16, "float16"),
    ],
)
def test_what_a_quantiser_returns_is_of_the_type_that_it_states(tmp_path, op, taken, stated, dtype):
    made = node(op, "x s", "y", output_dtype=stated)
    path = saved(tmp_path, graph([made], {"x": (1, 4)}, stored={"s": np.float32(0.5)}, types={"x": taken}), 23)
    assert runs_of(str(path))[0].outputs["y"].dtype == dtype


@pytest.mark.parametrize(
    ("op", "attributes", "shapes", "macs"),
    [
        ("LinearRegressor", {"coefficients": [1.0] * 12, "targets": 3}, [(5, 3)], 5 * 4 * 3),
        (
            "LinearClassifier",
            {"coefficients": [1.0] * 8, "classlabels_ints": [0, 1], "intercepts": [0.0, 1.0]},
            [(5,), (5, 2)],
            5 * 4 * 2,
        ),
        ("Scaler", {"scale": [2.0], "offset": [1.0]}, [(5, 4)], 0),
        ("Normalizer", {}, [(5, 4)], 0),
        ("FeatureVectorizer", {"inputdimensions": [4]}, [(5, 4)], 0),
        ("OneHotEncoder", {"cats_int64s": [1, 2, 3]}, [(5, 4, 3)], 0),
    ],
)
def test_a_learner_that_is_no_network(tmp_path, op, attributes, shapes, macs):
    onnxruntime = pytest.importorskip("onnxruntime")
    outputs = [f"y{k}" for k in range(len(shapes))]
    made = graph([node(op, "x", " ".join(outputs), domain="ai.onnx.ml", **attributes)], {"x": (5, 4)}, outputs)
    for stated in made.output[: len(shapes) - 1]:
        stated.type.tensor_type.elem_type = onnx.TensorProto.INT64
    path = tmp_path / "net.onnx"
    opsets = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    path.write_bytes(onnx.helper.make_model(made, opset_imports=opsets, ir_version=10).SerializeToString())
    [row] = runs_of(str(path))[0].rows
    assert ([one.shape for one in row.outputs], row.macs, row.counted) == (shapes, macs, True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [one.shape for one in session.run(None, {"x": np.ones((5, 4), np.float32)})] == shapes

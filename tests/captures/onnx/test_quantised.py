"""Files that onnxruntime has quantised: by scales known beforehand or found as it runs, with integer products or with
quantisers around the old ones."""

import logging

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from tests.captures.onnx.exported import counted, export
from tests.captures.onnx.files import graph, node, saved
from tests.captures.onnx.modules import FAMILIES


class _Inputs(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, shape):
        self._left = [{"x": np.random.default_rng(0).random(shape, dtype=np.float32)}]

    def get_next(self):
        return self._left.pop() if self._left else None


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.few(8)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator])
@pytest.mark.parametrize("name", ["trunk", "unet_resized", "detector", "vision_transformer"])
def test_a_statically_quantised_file(tmp_path, name, form, per_channel):
    family = FAMILIES[name]
    exported = export(family, tmp_path, dynamo=False, free=False)
    path = tmp_path / "quantised.onnx"
    quantize_static(
        exported.path, path, _Inputs(family.shapes[0]), quant_format=form, per_channel=per_channel,
        weight_type=QuantType.QInt8,
    )  # fmt: skip
    before, now = read_onnx(str(exported.path)), read_onnx(str(path))
    report = analyze_graph(now)
    assert report.totals.macs == counted(exported.module, exported.inputs)
    # A head that runs over two maps has a bias for the scale of each.
    more = 12 + 6 if name == "detector" and form is QuantFormat.QDQ else 0
    assert report.totals.params == analyze_graph(before).totals.params + more
    products = {row.operator.name for row in report.rows if row.cost.macs}
    if form is QuantFormat.QDQ:
        assert products <= {"conv2d", "conv_transpose", "linear", "matmul"}
    else:
        assert any("QLinear" in one or "QGemm" in one for one in products)


@pytest.mark.parametrize("name", ["mobile", "vision_transformer", "lstm"])
def test_a_dynamically_quantised_file(tmp_path, name):
    family = FAMILIES[name]
    exported = export(family, tmp_path, dynamo=False, free=False)
    path = tmp_path / "quantised.onnx"
    quantize_dynamic(exported.path, path, op_types_to_quantize=["Conv", "MatMul", "Gemm", "LSTM"])
    macs = family.macs if family.macs is not None else counted(exported.module, exported.inputs)
    now = read_onnx(str(path))
    totals = analyze_graph(now).totals
    assert totals.macs == macs
    assert totals.params == analyze_graph(read_onnx(str(exported.path))).totals.params
    assert now.origin.stored["quantised"] > totals.params * 2 // 3


@pytest.mark.parametrize(
    ("form", "dynamo"), [(QuantFormat.QDQ, True), (QuantFormat.QDQ, False), (QuantFormat.QOperator, False)]
)
def test_what_norms_were_folded_is_told_as_of_the_file_before(tmp_path, form, dynamo):
    exported = export(FAMILIES["trunk"], tmp_path, dynamo=dynamo, free=False)
    path = tmp_path / "quantised.onnx"
    quantize_static(exported.path, path, _Inputs(FAMILIES["trunk"].shapes[0]), quant_format=form)
    told = [[one for one in read_onnx(str(file)).origin.remarks if "folding" in one] for file in (exported.path, path)]
    assert told[0] == told[1]
    before = sum(parameter.numel() for parameter in exported.module.parameters())
    assert f" {before:,} before folding" in told[0][0]


def test_a_number_among_integers_is_a_constant(tmp_path):
    """As a scale of scores is, which an exporter writes as a tensor of no axes."""
    nodes = [
        node("QuantizeLinear", "x s z", "a"),
        node("QLinearMul", "a s z n s z s z", "b", domain="com.microsoft"),
        node("QLinearAdd", "b s z m s z s z", "y", domain="com.microsoft"),
    ]
    stored = {"s": np.float32(0.1), "z": np.int8(0), "n": np.int8(3), "m": np.ones(4, np.int8)}
    made = graph(nodes, {"x": (1, 4)}, stored=stored, types={"y": onnx.TensorProto.INT8})
    assert analyze_graph(read_onnx(str(saved(tmp_path, made)))).totals.params == 4

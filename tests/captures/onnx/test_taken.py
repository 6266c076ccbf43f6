"""Inputs that are no plain tensors: what may be left out is counted, sequences and maps are refused, whole."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from archprof.errors import UsageError
from tests.captures.onnx.files import FLOAT, graph, node, saved, weights

_TENSOR = helper.make_tensor_type_proto(FLOAT, (1, 4))
_SEQUENCE = helper.make_sequence_type_proto(_TENSOR)


def _typed(folder, made, kind):
    """Write a graph whose input `o` is of another type."""
    made.input.append(helper.make_value_info("o", kind))
    return str(saved(folder, made))


def _given_or_not():
    """Return a graph that multiplies an optional input, or, without it, another."""
    nodes = [node("OptionalGetElement", "o", "g"), node("MatMul", "g w", "t")]
    then = helper.make_graph(nodes, "then", [], [helper.make_tensor_value_info("t", FLOAT, None)])
    other = helper.make_graph(
        [node("Identity", "x", "e")], "other", [], [helper.make_tensor_value_info("e", FLOAT, None)]
    )
    nodes = [node("OptionalHasElement", "o", "has"), node("If", "has", "y", then_branch=then, else_branch=other)]
    return graph(nodes, {"x": (1, 6)}, stored={"w": weights(4, 6)})


def test_an_optional_input_is_counted(tmp_path):
    read = read_onnx(_typed(tmp_path, _given_or_not(), helper.make_optional_type_proto(_TENSOR)))
    assert analyze_graph(read).totals.macs == 4 * 6
    assert "counted with what may be left out: `o`" in read.origin.remarks


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (_SEQUENCE, "sequence"),
        (helper.make_optional_type_proto(_SEQUENCE), "sequence"),
        (helper.make_map_type_proto(TensorProto.INT64, _TENSOR), "map"),
        (helper.make_sequence_type_proto(helper.make_map_type_proto(TensorProto.INT64, _TENSOR)), "map"),
    ],
)
def test_other_inputs_are_refused(tmp_path, kind, word):
    made = graph([node("Relu", "x", "y")], {"x": (1, 4)})
    path = _typed(tmp_path, made, kind)
    with pytest.raises(UsageError) as error:
        read_onnx(path)
    assert str(error.value) == (
        f"{path}: the input `o` is a {word}, which archprof does not take\n"
        "  help: export it with tensors as inputs, optional ones among them"
    )


def test_outputs_whose_shape_is_not_known_are_told(tmp_path):
    nodes = [node("NonZero", "x", "y"), node("MatMul", "x w", "z"), node("Secret", "x", "s", domain="mine")]
    read = read_onnx(str(saved(tmp_path, graph(nodes, {"x": (1, 4)}, ("y", "z", "s"), {"w": weights(4, 2)}))))
    assert list(read.outputs) == ["z"]
    assert "outputs whose shape is not known: `y`, `s`" in read.origin.remarks


def test_a_sequence_may_be_returned(tmp_path):
    nodes = [node("SequenceConstruct", "x x", "s"), node("SequenceAt", "s i", "a"), node("MatMul", "a w", "y")]
    made = graph(nodes, {"x": (1, 4)}, ("y",), {"i": np.int64(1), "w": weights(4, 2)})
    made.output.append(helper.make_value_info("s", _SEQUENCE))
    assert analyze_graph(read_onnx(str(saved(tmp_path, made)))).totals.macs == 4 * 2

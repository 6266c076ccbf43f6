"""Inputs that are no plain tensors: what may be left out is counted, sequences and maps are refused, whole."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from archprof.captures.onnx.file import read_onnx
from archprof.costs.report import analyze_graph
from archprof.errors import UsageError
from tests.captures.onnx.files import FLOAT, INT64, graph, node, saved, weights

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


def _recurrent(folder, shape, op="LSTM", before=(), **attributes):
    """Write a file with a recurrent operator of 8 features and 4 units on `x`, behind other nodes."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    stored = {"w": weights(1, gates * 4, 8), "r": weights(1, gates * 4, 4), "table": weights(10, 8)}
    read = before[-1].output[0] if before else "x"
    types = {"x": INT64} if before and before[-1].op_type == "Gather" else {}
    nodes = [*before, node(op, f"{read} w r", "y", hidden_size=4, **attributes)]
    return str(saved(folder, graph(nodes, {"x": shape}, stored=stored, types=types)))


STEP = 4 * 4 * (8 + 4)  # multiply-accumulates of an LSTM's step
SEQUENCES = {  # the shape in the file, what stands before, attributes, sizes; steps of all sequences, what is said
    "steps first": ((5, "N", 8), (), {}, (), 5, []),
    "steps first, both fixed": ((5, 2, 8), (), {}, (), 10, ["a batch of 2 is counted, which the file fixes"]),
    "one sequence": ((5, "N", 8), (), {}, (("N", "1"),), 5, []),
    "a batch that is asked for": ((5, "N", 8), (), {}, (("N", "3"),), 15, ["a batch of 3 is counted, as asked for"]),
    "a length that is asked for": (("T", "N", 8), (), {}, (("T", "6"),), 6, []),
    "sequences first": (("N", 5, 8), (), {"layout": 1}, (), 5, []),
    "turned": (("N", 5, 8), (node("Transpose", "x", "t", perm=(1, 0, 2)),), {}, (), 5, []),
    "tokens": ((5, "N"), (node("Gather", "table x", "t"),), {}, (), 5, []),
    "behind a product": ((5, "N", 8), (node("Relu", "x", "t"),), {}, (), 5, []),
}


@pytest.mark.parametrize("case", SEQUENCES)
def test_a_recurrent_operator_says_which_axis_is_the_batch(tmp_path, case):
    shape, before, attributes, sizes, steps, said = SEQUENCES[case]
    found = read_onnx(_recurrent(tmp_path, shape, before=before, **attributes), sizes)
    assert analyze_graph(found).totals.macs == steps * STEP
    assert [one for one in found.origin.remarks if "batch" in one] == said


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_a_length_is_asked_for(tmp_path, op):
    path = _recurrent(tmp_path, ("T", "N", 8), op)
    with pytest.raises(UsageError) as error:
        read_onnx(path, (("N", "1"),))
    assert str(error.value) == (
        f"{path}: axes of the input are free: `x` T×N×8\n"
        f"  help: give their sizes, as in `{path}@T=320`, or `--input x=320x8`"
    )


@pytest.mark.parametrize("shape", [(5,), (), ("N",), (5, "N")])
def test_a_recurrent_operator_on_what_is_no_sequence(tmp_path, shape):
    path = _recurrent(tmp_path, shape)
    with pytest.raises(UsageError, match=r"`LSTM`: a cell over "):
        read_onnx(path)


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

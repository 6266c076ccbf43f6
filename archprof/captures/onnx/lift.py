"""Nodes as operators of ours, where one has the shapes, the tensors and the multiply-accumulates of the node; otherwise
as what was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.interpret import Ran
from archprof.captures.onnx.model import Stored
from archprof.captures.onnx.rules.windows import conv_window, window
from archprof.captures.onnx.tensor import Unknown, numbers
from archprof.ir.operators import find_class
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.recorded import Recorded
from archprof.ir.terms import total
from archprof.ir.values import Value

# Returns the operator of a node; None where it is not of that sort.
Lift = Callable[[Call, Sequence[Value]], Operator | None]
_WINDOWS = ("standard", "pointwise", "depthwise", "grouped", "pool")


class Holds(NamedTuple):
    """A stored tensor that a row holds: what the operator calls it, and whether it learns."""

    key: str
    stored: Stored
    learns: bool


def lift(row: Ran, holds: Sequence[Holds], inputs: Sequence[Value], outputs: Sequence[Value]) -> Operator:
    """Return the operator of a row, on these values."""
    lifted = LIFTS.get(row.node.op) if not row.node.domain else None
    if lifted is not None:
        try:
            typed = lifted(call_of(row), inputs)
        except Unknown:
            typed = None
        if typed is not None and _fits(typed, row, holds, inputs, outputs):
            return typed
    kept = {one: tuple([(h.key, h.stored.elements) for h in holds if h.learns is one]) for one in (True, False)}
    return Recorded(_target(row), row.macs, kept[True], kept[False], kind_of(row), row.counted, _divides(row))


def call_of(row: Ran) -> Call:
    """Return the call that a row is."""
    node = row.node
    return Call(node.op, node.domain, row.version, row.inputs, node.attributes, len(node.outputs))


def _target(row: Ran) -> str:
    domain = row.node.domain or "onnx"
    return f"{domain}.{row.node.op}.{row.version}"


def kind_of(row: Ran) -> str:
    """Return what sort of operator a row is, one of the kinds of `Operator`."""
    if row.rule is None:
        return "other"
    if row.rule.kind == "standard":
        return _kind_of_convolution(row)
    if row.rule.kind == "matmul" and any(one is not None and one.source is not None for one in row.inputs):
        return "linear"
    return row.rule.kind


def _kind_of_convolution(row: Ran) -> str:
    assert row.rule is not None
    weight = row.inputs[row.rule.slots.index("weight")]
    if weight is None or weight.shape is None:
        return "standard"
    groups = row.node.attributes.get("group", 1)
    first, each, *kernel = weight.shape
    if groups == 1:
        return "pointwise" if set(kernel) == {1} else "standard"
    return "depthwise" if (first, each) == (groups, 1) else "grouped"


def _divides(row: Ran) -> int | None:
    """Return by how much a row divides the resolution: windows by their stride along the last axis; None where no
    positions are left."""
    first = row.outputs[0] if row.outputs else None
    if first is None or (first.shape is not None and len(first.shape) <= 2):
        return None
    if kind_of(row) not in _WINDOWS or "Transpose" in row.node.op:
        return 1
    strides = row.node.attributes.get("strides") or (1,)
    return int(strides[-1])


def _fits(op: Operator, row: Ran, holds: Sequence[Holds], inputs: Sequence[Value], outputs: Sequence[Value]) -> bool:
    held = {(one.key, one.learns): one.stored.elements for one in holds}
    stated = {(name, True): total(terms) for name, terms in op.parameters().items()}
    stated |= {(name, False): total(terms) for name, terms in op.buffers().items()}
    if stated != held or not inputs:  # what reads constants alone has no shapes to go by
        return False
    try:
        made = op.outputs(*inputs)
    except (ShapeError, ValueError):
        return False
    same_shapes = [value.shape for value in made] == [value.shape for value in outputs]
    return same_shapes and total(op.macs(inputs, made)) == row.macs


def _made(name: str, *values: Any) -> Operator | None:
    """Return an operator by the name of its class."""
    found = find_class(name)
    return None if found is None else found(*values)


def _conv(call: Call, inputs: Sequence[Value]) -> Operator | None:
    image, weight = call.shape(), call.sizes(1)
    if len(weight) != 4:
        return None
    found = conv_window(call, image, weight)
    out, each, *_ = weight
    groups = call.integer("group", 1)
    slides = (found.kernel, found.strides, _padding(found.pads), found.dilations)
    return _made("Conv2d", each * groups, out, *slides, groups, call.has(2))


def _padding(pads: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    (top, bottom), (left, right) = pads
    return (top, left) if (top, left) == (bottom, right) else (top, bottom, left, right)


def _gemm(call: Call, inputs: Sequence[Value]) -> Operator | None:
    if call.integer("transA") or call.number("alpha", 1) != 1 or call.number("beta", 1) != 1:
        return None
    rows, columns = call.sizes(1)
    features, out = (columns, rows) if call.integer("transB") else (rows, columns)
    return _made("Linear", features, out, call.has(2))


def _matmul(call: Call, inputs: Sequence[Value]) -> Operator | None:
    weight = call.input(1)
    if weight.source is None or len(weight.known_shape) != 2:
        return None
    return _made("Linear", *weight.sizes, False)


def _batch_norm(call: Call, inputs: Sequence[Value]) -> Operator | None:
    shape = call.shape()
    momentum = 1 - call.number("momentum", 0.9)
    return _made("BatchNorm2d", *numbers(shape[1:2]), call.number("epsilon", 1e-5), momentum, True, len(shape) == 2)


def _layer_norm(call: Call, inputs: Sequence[Value]) -> Operator | None:
    width = call.sizes(1)
    return _made("LayerNorm", width[0], call.number("epsilon", 1e-5), True) if len(width) == 1 and call.has(2) else None


def _max_pool(call: Call, inputs: Sequence[Value]) -> Operator | None:
    return _pool("MaxPool2d", call)


def _average_pool(call: Call, inputs: Sequence[Value]) -> Operator | None:
    return _pool("AvgPool2d", call, bool(call.integer("count_include_pad")))


def _pool(name: str, call: Call, *more: bool) -> Operator | None:
    kernel = call.integers("kernel_shape") or ()
    if len(kernel) != 2:
        return None
    found = window(call, call.shape()[2:], kernel)
    symmetric = all(before == behind for before, behind in found.pads)
    if set(found.dilations) != {1} or not symmetric:
        return None
    padding = tuple([before for before, _ in found.pads])
    return _made(name, kernel, found.strides, padding, bool(call.integer("ceil_mode")), *more)


def _global_average(call: Call, inputs: Sequence[Value]) -> Operator | None:
    return _made("AdaptiveAvgPool2d", (1, 1)) if len(call.shape()) == 4 else None


def _mean(call: Call, inputs: Sequence[Value]) -> Operator | None:
    axes, rank = call.listed("axes", 1), len(call.shape())
    whole = rank == 4 and axes is not None and sorted(axis % rank for axis in axes) == [2, 3]
    return _made("Mean", bool(call.integer("keepdims", 1))) if whole else None


def _concat(call: Call, inputs: Sequence[Value]) -> Operator | None:
    return _made("Concat") if call.integer("axis") in (1, 1 - len(call.shape())) and len(inputs) > 1 else None


def _transpose(call: Call, inputs: Sequence[Value]) -> Operator | None:
    first, *axes = call.integers("perm") or (1,)
    return _made("Permute", tuple([axis - 1 for axis in axes])) if first == 0 and axes else None


def _clip(call: Call, inputs: Sequence[Value]) -> Operator | None:
    bounds = [call.attributes.get("min"), call.attributes.get("max")]
    if call.version >= 11:
        bounds = [one.data[0] if one and one.data else None for one in (call.optional(1), call.optional(2))]
    return _made("ReLU6") if bounds == [0, 6] else None


def _hard_sigmoid(call: Call, inputs: Sequence[Value]) -> Operator | None:
    usual = abs(call.number("alpha", 0.2) - 1 / 6) < 1e-6 and call.number("beta", 0.5) == 0.5
    return _made("Hardsigmoid") if usual else None


def _gelu(call: Call, inputs: Sequence[Value]) -> Operator | None:
    return _made("GELU") if call.text("approximate", "none") == "none" else None


def _dropout(call: Call, inputs: Sequence[Value]) -> Operator | None:
    ratio = call.optional(1)
    known = ratio.data[0] if ratio is not None and ratio.data else call.number("ratio", 0.5)
    return _made("Dropout", known) if isinstance(known, float) and 0 <= known < 1 else None


def _plain(name: str, count: int = 1) -> Lift:
    return lambda call, inputs: _made(name) if len(inputs) == count else None


LIFTS: Mapping[str, Lift] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "ReduceMean": _mean,
    "Concat": _concat,
    "Transpose": _transpose,
    "Clip": _clip,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _gelu,
    "Dropout": _dropout,
    "Flatten": _plain("Flatten"),
    "Add": _plain("Add", 2),
    "Mul": _plain("Multiply", 2),
    "Relu": _plain("ReLU"),
    "HardSwish": _plain("Hardswish"),
    "Sigmoid": _plain("Sigmoid"),
    "Tanh": _plain("Tanh"),
}

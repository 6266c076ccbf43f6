"""Nodes as operators of ours, where one has the shapes, the tensors and the multiply-accumulates of the node; otherwise
as what was read."""

from __future__ import annotations

from collections.abc import Sequence

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.lift_layers import LAYERS
from archprof.captures.onnx.lift_shapes import SHAPES
from archprof.captures.onnx.model import Stored
from archprof.captures.onnx.paths import plain
from archprof.captures.onnx.ran import Ran
from archprof.captures.onnx.site import Site
from archprof.captures.onnx.tensor import Misfit, Unknown
from archprof.ir.operators.base import Operator
from archprof.ir.operators.recorded import Recorded
from archprof.ir.terms import total
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

_WINDOWS = ("standard", "pointwise", "depthwise", "grouped", "pool")


class Holds(NamedTuple):
    """A stored tensor that a row holds: what the operator calls it, whether it learns, and its elements, of which
    several may be packed in one that is stored."""

    key: str
    stored: Stored
    learns: bool
    elements: int


def lift(row: Ran, holds: Sequence[Holds], inputs: Sequence[Value], outputs: Sequence[Value]) -> Operator:
    """Return the operator of a row, on these values."""
    known = inputs and not row.node.domain and not row.bounded
    typed = _typed(Site(call_of(row), tuple(inputs), tuple(outputs))) if known else None
    if typed is not None and _fits(typed, row, holds, inputs, outputs):
        return typed
    kept = {one: tuple([(h.key, h.elements) for h in holds if h.learns is one]) for one in (True, False)}
    facts = (kind_of(row), row.counted, _divides(row), row.bounded, row.puts_out)
    return Recorded(_target(row), row.macs, kept[True], kept[False], *facts)


def _typed(site: Site) -> Operator | None:
    """Return the operator of ours that a call may be; `_fits` tells whether it is."""
    lifted = LAYERS.get(site.call.op) or SHAPES.get(site.call.op)
    try:
        return lifted(site) if lifted else None
    except (Misfit, Unknown, ArithmeticError, LookupError, TypeError, ValueError):  # attributes of another form
        return None


def call_of(row: Ran) -> Call:
    """Return the call that a row is."""
    node = row.node
    return Call(node.op, node.domain, row.version, row.inputs, node.attributes, len(node.outputs))


def _target(row: Ran) -> str:
    domain = row.node.domain or "onnx"
    return f"{plain(domain)}.{plain(row.node.op)}.{row.version}"


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
    call = call_of(row)
    try:
        first, each, *kernel = call.sizes(row.rule.slots.index("weight"))
        groups = call.integer("group", 1)
    except (Misfit, Unknown, ValueError):  # what it runs on is not known, and so nothing has looked at its weight yet
        return "standard"
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
    try:
        strides = call_of(row).integers("strides") or (1,)
    except Misfit:  # likewise
        return 1
    return strides[-1]


def _fits(op: Operator, row: Ran, holds: Sequence[Holds], inputs: Sequence[Value], outputs: Sequence[Value]) -> bool:
    held = {(one.key, one.learns): one.elements for one in holds}
    try:
        stated = {(name, True): total(terms) for name, terms in op.parameters().items()}
        stated |= {(name, False): total(terms) for name, terms in op.buffers().items()}
        if stated != held:
            return False
        made = op.outputs(*inputs)
        same_shapes = [value.shape for value in made] == [value.shape for value in outputs]
        return same_shapes and total(op.macs(inputs, made)) == row.macs
    except (ArithmeticError, LookupError, TypeError, ValueError):  # in whatever way it finds out
        return False

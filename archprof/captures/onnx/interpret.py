"""Runs a model's nodes on what is known before anything runs: types, shapes, and small tensors of which shapes are
made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archprof.captures.onnx import control
from archprof.captures.onnx.call import Call
from archprof.captures.onnx.model import (
    FunctionRecord,
    GraphRecord,
    ModelRecord,
    NodeRecord,
    ReferredAttribute,
    Stated,
    Stored,
)
from archprof.captures.onnx.ran import NodeError, Place, Ran, Scope
from archprof.captures.onnx.rules import find_rule
from archprof.captures.onnx.rules.shapes import constant
from archprof.captures.onnx.tensor import Misfit, Tensor, Unknown
from archprof.ir.graph import Edge
from archprof.limits import MAX_OPERATORS

_MOST_ELEMENTS = 1 << 53
_MOST_CALLS_DEEP = 16
_UNMADE = "no node may read what it makes itself by way of others, or what none makes: `onnx.checker` finds them"
# Whatever a rule meets in attributes and tensors that are none of its operator's.
_BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Interpreter:
    """A run over a model; *rows* are the nodes that ran, *said* what is to be told of some of them."""

    def __init__(self, model: ModelRecord) -> None:
        self._model = model
        self.rows: list[Ran] = []
        self.said: list[str] = []
        self._left = MAX_OPERATORS

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what the model returns for some inputs, by name. Raises NodeError where a node does not fit."""
        scope = Scope()
        scope.values.update(inputs)
        graph = self._model.graph
        found = self.graph(graph, scope, Place(self._model.opsets))
        return {stated.name: tensor for stated, tensor in zip(graph.outputs, found, strict=True)}

    def graph(self, graph: GraphRecord, scope: Scope, place: Place) -> list[Tensor]:
        """Return what a graph returns; its inputs are in scope."""
        for stored in graph.stored:
            scope.values.setdefault(stored.name, held(stored))
        self._nodes(graph.nodes, scope, place, graph)
        return [scope.find(stated.name) or as_stated(stated) for stated in graph.outputs]

    def inside(self, graph: GraphRecord, scope: Scope, place: Place, node: NodeRecord, *given: Tensor) -> list[Tensor]:
        """Return what a graph returns that a node holds, run on what is *given* and in the scope of the node."""
        inner = Scope(scope)
        inner.values.update({stated.name: one for stated, one in zip(graph.inputs, given, strict=False)})
        return self.graph(graph, inner, place._replace(inside=(*place.inside, node.name or node.op)))

    def _nodes(self, nodes: Sequence[NodeRecord], scope: Scope, place: Place, graph: GraphRecord | None) -> None:
        for node in nodes:
            self._left -= 1
            if self._left < 0:
                raise NodeError(node, f"more than {MAX_OPERATORS:,} operators run")
            try:
                found = self._outputs(node, scope, place, graph)
            except (Misfit, *_BROKEN) as error:
                raise NodeError(node, str(error) if isinstance(error, Misfit) else _broken(error)) from error
            scope.values.update({name: value for name, value in zip(node.outputs, found, strict=False) if name})

    def _outputs(self, node: NodeRecord, scope: Scope, place: Place, graph: GraphRecord | None) -> Sequence[Tensor]:
        inputs = tuple([scope.find(name) if name else None for name in node.inputs])
        missing = next((name for name, one in zip(node.inputs, inputs, strict=True) if name and one is None), None)
        if missing is not None:
            raise NodeError(node, f"it reads `{missing}`, which nothing makes", _UNMADE)
        if any(isinstance(value, ReferredAttribute) for value in node.attributes.values()):
            node = node._replace(attributes=_given(node.attributes, place.attributes))
        function = self._model.functions.get((node.domain, node.op, node.overload)) if self._model.functions else None
        if function is not None:
            return self._called(node, function, inputs, place)
        call = Call(node.op, node.domain, place.opsets.get(node.domain, 1), inputs, node.attributes, len(node.outputs))
        if not node.domain:
            if node.op == "Constant":
                made = constant(call)
                return [held(made) if isinstance(made, Stored) else made]
            if node.op == "Identity" and inputs and inputs[0] is not None and inputs[0].source is not None:
                return [inputs[0]]  # of merged tensors: nothing runs
            if node.op in control.RUNS:
                start = len(self.rows)
                try:
                    return control.RUNS[node.op](self, call, node, scope, place)
                except Unknown:
                    del self.rows[start:]
        return self.ruled(call, node, place, graph)

    def ruled(self, call: Call, node: NodeRecord, place: Place, graph: GraphRecord | None) -> Sequence[Tensor]:
        """Run a node by its operator's rule; without one it returns what the file states."""
        rule = find_rule(call.domain, call.op)
        outputs: list[Tensor] | None = None
        macs: int | None = None
        if rule is not None:
            try:
                outputs = rule.outputs(call)
                macs = rule.macs(call, outputs) if rule.macs else 0
            except Unknown:
                macs = None if rule.macs else 0
            if outputs is not None and rule.keeps:
                first = call.input()
                outputs[0] = outputs[0]._replace(source=first.source if first.edge is None else None)
        outputs = outputs or []
        outputs += [Tensor("unknown", None)] * (len(node.outputs) - len(outputs))
        if any(one.shape is None or None in one.shape for one in outputs) and graph is not None:
            outputs = _completed(outputs, node, graph)
        ran = Ran(node, call.inputs, tuple(outputs), macs or 0, macs is not None, rule, place.inside, call.version)
        return self.append(ran)

    def append(self, ran: Ran) -> Sequence[Tensor]:
        """Note a node that ran, and return its outputs, each with where it was computed."""
        if ran.macs >= _MOST_ELEMENTS:
            raise Misfit(f"{ran.macs:,} multiply-accumulates")
        index = len(self.rows)
        outputs = []
        for k, one in enumerate(ran.outputs[: max(1, len(ran.node.outputs))]):
            _check_size(one)
            outputs.append(Tensor(one.dtype, one.shape, one.data, one.source, Edge(index, k), one.items))
        self.rows.append(ran._replace(outputs=tuple(outputs)))
        return outputs

    def _called(
        self, node: NodeRecord, function: FunctionRecord, inputs: Sequence[Tensor | None], place: Place
    ) -> Sequence[Tensor]:
        """Run a function of the file in the place of a node."""
        if len(place.inside) >= _MOST_CALLS_DEEP:
            raise Misfit(f"functions more than {_MOST_CALLS_DEEP} deep in each other")
        scope = Scope()
        scope.values.update({name: one for name, one in zip(function.inputs, inputs, strict=False) if one is not None})
        # An input that is left out is none for the nodes inside either.
        left_out = frozenset(name for name in function.inputs if name not in scope.values)
        nodes = [_without(one, left_out) for one in function.nodes] if left_out else function.nodes
        given = {**function.defaults, **node.attributes}
        inner = Place({**place.opsets, **function.opsets}, (*place.inside, node.name or node.op), given)
        self._nodes(nodes, scope, inner, None)
        return [scope.find(name) or Tensor("unknown", None) for name in function.outputs]


def held(stored: Stored) -> Tensor:
    """Return what a file stores as a tensor."""
    return Tensor(stored.dtype.name, stored.shape, stored.data, stored)


def as_stated(stated: Stated) -> Tensor:
    """Return a value of which only what the file states is known."""
    if stated.shape is None:
        return Tensor(stated.dtype.name, None)
    return Tensor(stated.dtype.name, tuple([size if isinstance(size, int) else None for size in stated.shape]))


def _without(node: NodeRecord, names: frozenset[str]) -> NodeRecord:
    return node._replace(inputs=tuple(["" if name in names else name for name in node.inputs]))


def _given(attributes: Mapping[str, Any], caller: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes, each that is the caller's with the caller's value; one that it does not give is left out."""
    found = {
        name: caller.get(one.name) if isinstance(one, ReferredAttribute) else one for name, one in attributes.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _completed(outputs: list[Tensor], node: NodeRecord, graph: GraphRecord) -> list[Tensor]:
    """Return outputs with what the file states of their shapes, where that is more than what is known."""
    stated = {**{one.name: one for one in graph.outputs}, **graph.stated()}
    found = []
    for name, one in zip(node.outputs, outputs, strict=False):
        if name in stated and one.items is None:
            there = as_stated(stated[name])
            if one.shape is None:
                one = there
            elif there.shape is not None and len(there.shape) == len(one.shape):
                shape = [b if a is None else a for a, b in zip(one.shape, there.shape, strict=True)]
                one = one._replace(shape=tuple(shape))
        found.append(one)
    return found


def _check_size(tensor: Tensor) -> None:
    """Raise Misfit for a tensor that no memory holds."""
    if tensor.shape is not None:
        elements = 1
        for size in tensor.shape:
            elements *= size or 1
        if elements > _MOST_ELEMENTS:
            raise Misfit(f"{elements:,} elements" if elements < 1 << 200 else "more elements than any tensor has")


def _broken(error: Exception) -> str:
    return f"its attributes or inputs are none of such an operator ({type(error).__name__})"

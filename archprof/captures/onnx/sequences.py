"""Where the batch stands in a model's inputs: behind the steps of sequences, where a recurrent operator has them so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archprof.captures.onnx.model import GraphRecord, NodeRecord

_RECURRENT = ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM")
# What a recurrent operator reads that has a batch: a sequence, and the states that it starts from.
_BATCHED = (0, 5, 6)
# What has the axes of its first input, but for the last.
_KEEPS = ("Identity", "Cast", "Dropout", "Relu", "LayerNormalization", "MatMul", "Add", "Mul")


def batch_axes(graph: GraphRecord) -> dict[str, int]:
    """Return the axis of the batch of each input of which operators tell it, by name; of all others it is the first."""
    found: dict[str, int] = {}
    for node in reversed(graph.nodes):
        found.update((name, axis) for name, axis in _read(node, found) if name)
    return {one.name: found[one.name] for one in graph.inputs if one.name in found}


def _read(node: NodeRecord, known: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the axes of the batch of what a node reads."""
    if node.op in _RECURRENT:
        axis = 0 if node.attributes.get("layout") else 1
        yield from ((node.inputs[index], axis) for index in _BATCHED if index < len(node.inputs))
    elif node.domain or not node.inputs or not node.outputs or node.outputs[0] not in known:
        return
    elif node.op == "Transpose":
        order, axis = node.attributes.get("perm"), known[node.outputs[0]]
        if isinstance(order, tuple) and axis < len(order):
            yield node.inputs[0], order[axis]
    elif node.op == "Gather" and not node.attributes.get("axis") and len(node.inputs) > 1:  # rows of a table
        yield node.inputs[1], known[node.outputs[0]]
    elif node.op in _KEEPS:
        yield node.inputs[0], known[node.outputs[0]]

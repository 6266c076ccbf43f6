"""What a file stores: learned elements, quantised ones, constants; and what the exporter has done to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from archprof.captures.onnx.elements import QUANTISED, is_float
from archprof.captures.onnx.model import REWRITTEN, GraphRecord, ModelRecord, NodeRecord, Stored
from archprof.captures.onnx.ran import Ran
from archprof.named_tuple import NamedTuple

STATISTICS = ("running_mean", "running_var")


class Facts(NamedTuple):
    """What a file stores: elements of floating-point tensors, without running statistics; those of them that are single
    constants, and those that sparse tensors leave out, as zeros; elements of integers of few bits, and of integers that
    are wider or single; bytes by type; bytes of other files."""

    floats: int
    scalars: int
    quantised: int
    constants: int
    weight_bytes: Mapping[str, int]
    external_bytes: int
    zeros: int = 0


def stored_in(model: ModelRecord) -> Iterator[Stored]:
    """Yield all tensors of a file, those of graphs in graphs and of functions among them."""
    yield from _of_graph(model.graph)
    for function in model.functions.values():
        yield from _of_nodes(function.nodes)


def _of_graph(graph: GraphRecord) -> Iterator[Stored]:
    yield from graph.stored
    yield from _of_nodes(graph.nodes)


def _of_nodes(nodes: Iterable[NodeRecord]) -> Iterator[Stored]:
    for node in nodes:
        for value in node.attributes.values():
            if isinstance(value, Stored):
                # What a ConstantOfShape fills a tensor with is none of the file's.
                yield from (value,) if node.op == "Constant" else ()
            elif isinstance(value, GraphRecord):
                yield from _of_graph(value)
            elif isinstance(value, tuple):
                yield from (one for graph in value if isinstance(graph, GraphRecord) for one in _of_graph(graph))


def statistics_of(model: ModelRecord) -> dict[int, str]:
    """Return which stored tensors operators take for running statistics, by their keys, whether they run or not."""
    return dict(_statistics(model.graph, {}))


def _statistics(graph: GraphRecord, around: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    named = {**around, **{one.name: one.key for one in graph.stored}}
    for node in graph.nodes:
        if node.op == "BatchNormalization":
            found = zip(node.inputs[3:], STATISTICS, strict=False)
            yield from ((named[name], slot) for name, slot in found if name in named)
        for value in node.attributes.values():
            if isinstance(value, GraphRecord):
                yield from _statistics(value, named)


def facts_of(model: ModelRecord, roles: Mapping[int, str]) -> Facts:
    """Return what a file stores; *roles* says of stored tensors, by their keys, what an operator takes them for."""
    floats = scalars = quantised = constants = external = zeros = 0
    sizes: Counter[str] = Counter()
    for one in stored_in(model):
        sizes[one.dtype.name] += one.size
        if one.places:
            sizes["int64"] += one.places
        external += one.size if one.external else 0
        if is_float(one.dtype.name):
            if roles.get(one.key) not in STATISTICS:
                floats += one.elements
                zeros += one.zeros
                scalars += one.elements == 1
        elif is_quantised(one, roles.get(one.key) or None):
            quantised += one.elements
        else:
            constants += one.elements
    return Facts(floats, scalars, quantised, constants, dict(sizes), external, zeros)


def stands_for_none(op: str, index: int, stored: Stored) -> bool:
    """Tell whether a factor of one, or a sum with zero, stands where nothing was learned: ONNX has no instance norm
    without them, and so exporters write constants, which have no name, or a number for one. Group norms are written as
    such norms too."""
    neutral = {1: 1, 2: 0}.get(index)
    if op != "InstanceNormalization" or neutral is None or stored.data is None:
        return False
    named = stored.name and not (stored.name.startswith("val_") and stored.name[4:].isdigit())
    return not named and all(one == neutral for one in stored.data)


def unlearned(rows: Iterable[Ran]) -> int:
    """Return how many stored elements stand where norms learned nothing."""
    found = {
        one.source.key: one.source.elements
        for row in rows
        for index, one in enumerate(row.inputs)
        if one is not None and one.source is not None and stands_for_none(row.node.op, index, one.source)
    }
    return sum(found.values())


def is_quantised(stored: Stored, role: str | None) -> bool:
    """Tell whether a tensor of integers holds weights: of few bits, and more than one, or where an operator has
    them."""
    if role is None:
        return stored.dtype.name in QUANTISED and stored.elements > 1
    return role != "" and stored.dtype.name in (*QUANTISED, "int32")


class Folded(NamedTuple):
    """Norms that the exporter has folded into convolutions: how many carry one, how many more elements there were
    before, and how many of them have the bias of another, which was equal. There were so many more if the convolutions
    had biases of their own of which the file does not tell (*untold*)."""

    convolutions: int
    elements: int
    merged: int
    untold: int


def folded(rows: Iterable[Ran]) -> Folded:
    """Return what the rows carry of folded norms: of each, a weight and a bias have become part of the convolution's
    weight and bias, which it may not have had."""
    # A module that is called again has its norm once.
    found = {(_stored(row, _WEIGHT), _stored(row, _BIAS)): row for row in rows if is_folded(row)}
    elements, untold, biases = 0, 0, set()
    for (_, bias), row in found.items():
        elements += _before(row, merged=bias in biases)
        untold += _features(row) if _is_renamed(row) else 0
        biases.add(bias)
    return Folded(len(found), elements, len(found) - len(biases), untold)


# Convolutions, and where their weight and bias stand; those of onnxruntime have an activation of their own, or stay
# among integers.
_CONVOLUTIONS = {"Conv": (1, 2), "ConvTranspose": (1, 2), "FusedConv": (1, 2), "QLinearConv": (3, 8)}
_WEIGHT, _BIAS = 0, 1


def _stored(row: Ran, which: int) -> object:
    """Return which stored tensor the weight or the bias is, several names may lead to one; its name where it is
    none."""
    index = _CONVOLUTIONS[row.node.op][which]
    tensor = row.inputs[index] if index < len(row.inputs) else None
    return row.node.inputs[index : index + 1] if tensor is None or tensor.source is None else tensor.source.key


def _name(row: Ran, which: int) -> str:
    """Return what the exporter called the weight or the bias, before quantising gave it a name of its own; empty where
    there is none."""
    index = _CONVOLUTIONS[row.node.op][which]
    tensor = row.inputs[index] if index < len(row.inputs) else None
    if tensor is None:
        return ""
    return (row.node.inputs[index] if tensor.source is None else tensor.source.name).removesuffix("_quantized")


def is_folded(row: Ran) -> bool:
    """Tell whether a convolution carries a norm: one exporter names such a bias itself, another says what it did."""
    if row.node.op not in _CONVOLUTIONS or row.node.domain not in ("", "com.microsoft"):
        return False
    return "FuseBatchNorm" in row.node.metadata.get(REWRITTEN, "") or _is_renamed(row)


def _is_renamed(row: Ran) -> bool:
    """Tell whether the exporter has given the bias a name of its own, whether the convolution had one before or not."""
    return _name(row, _BIAS).startswith("onnx::Conv_")


def _before(row: Ran, *, merged: bool) -> int:
    """Return how many more elements there were before folding: a weight and a bias for each feature, less the bias of
    the convolution where that came by it, and is not *merged* into that of another."""
    came = _is_renamed(row) or _name(row, _BIAS) == f"{_name(row, _WEIGHT)}_bias"
    return _features(row) if came and not merged else 2 * _features(row)


def _features(row: Ran) -> int:
    return (row.outputs[0].shape or (0, 0))[1] or 0

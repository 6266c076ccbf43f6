"""A run over an ONNX model as a graph: nodes with paths, values, and the tensors that they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archprof.captures.batch import batch_axis
from archprof.captures.onnx.channels import channel_axes
from archprof.captures.onnx.elements import is_float
from archprof.captures.onnx.facts import STATISTICS, is_folded, is_quantised, stands_for_none
from archprof.captures.onnx.lift import Holds, call_of, lift
from archprof.captures.onnx.model import Stored
from archprof.captures.onnx.paths import RowPlace, places, plain
from archprof.captures.onnx.ran import Ran
from archprof.captures.onnx.rules.quantised import BITS, in_a_byte
from archprof.captures.onnx.tensor import Tensor
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.graph import Edge, Graph, Node, Provenance
from archprof.ir.operators.base import Operator
from archprof.ir.operators.recorded import Recorded
from archprof.ir.origin import Origin
from archprof.ir.terms import total
from archprof.ir.values import BatchAxis, Value
from archprof.named_tuple import NamedTuple

NOT_RUN = "not run"


class Run(NamedTuple):
    """A run at a batch size: what went in, the nodes that ran, what came out, by name."""

    inputs: Mapping[str, Tensor]
    rows: Sequence[Ran]
    outputs: Mapping[str, Tensor]


def graph_of(runs: Sequence[Run], origin: Origin, stored: Iterable[Stored], roles: Mapping[int, str]) -> Graph:
    """Return the graph of a model that was run at the batch sizes of `captures.batch`, or, where the file fixes one,
    once. What of the *stored* tensors no node reads, a row of its own holds. Its outputs are those whose shape is
    known."""
    first = runs[0]
    alike = len(runs) > 1 and all([row.node for row in one.rows] == [row.node for row in first.rows] for one in runs)
    seen = runs if alike else runs[:1]
    channels = channel_axes(first.rows)
    inputs = {plain(name): _value([one.inputs[name] for one in seen], channels) for name in first.inputs}
    builder = GraphBuilder(inputs)
    holder = _Holder(roles)
    for index, place in enumerate(places(first.rows)):
        _add(builder, [one.rows[index] for one in seen], place, holder, channels)
    _name_blocks(builder.nodes, first.rows)
    _add_unused(builder, stored, holder)
    known = {name: one for name, one in first.outputs.items() if one.elements is not None}
    outputs = {plain(name): one.edge for name, one in known.items() if one.edge is not None}
    graph = builder.build(origin.name, outputs, origin, named=len(outputs) > 1)
    return graph._replace(single_batch=len(seen) == 1, storages="assumed")


def _add(
    builder: GraphBuilder, rows: Sequence[Ran], place: RowPlace, holder: _Holder, channels: Mapping[Edge, int]
) -> None:
    row = rows[0]
    read = tuple([one.edge for one in row.inputs if one is not None and one.edge is not None])
    inputs = [builder.value(edge) for edge in read]
    outputs = tuple([_value(ones, channels) for ones in zip(*(one.outputs for one in rows), strict=True)])
    holds = holder.holds(row)
    op = lift(row, holds, inputs, outputs)
    names = {one.key: plain(one.stored.name) or f"constant {one.stored.key}" for one in holds}
    provenance = Provenance(None, block=place.block, block_type=place.block_type)
    placement = Placement(True, {}, provenance, names or None, folds_norm=is_folded(row))
    builder.append(place.path, op, read, _as_operator(op, inputs, outputs), op.kind, op.form, placement)


def _name_blocks(nodes: list[Node], rows: Sequence[Ran]) -> None:
    """Name each block of which no class is known by what multiplies most in it, or else holds most, or stands first;
    one that is no module stands where that does."""
    most: dict[str, tuple[tuple[int, int], Node]] = {}
    unnamed = [index for index, node in enumerate(nodes) if node.provenance and not node.provenance.block_type]
    for index in unnamed:
        node = nodes[index]
        weight = rows[index].macs, sum(int(total(terms)) for terms in node.op.parameters().values())
        if node.block not in most or weight > most[node.block][0]:
            most[node.block] = (weight, node)
    bare = {node.block for node in nodes if node.block == node.path}
    for index in unnamed:
        node = nodes[index]
        assert node.provenance is not None
        names = most[node.block][1]
        place = node.provenance._replace(block=names.path if node.block in bare else node.block)
        nodes[index] = node._replace(provenance=place._replace(block_type=names.op.describe()))


class _Holder:
    """Who holds which stored tensor: the first that reads it."""

    def __init__(self, roles: Mapping[int, str]) -> None:
        self._roles = roles
        self.taken: set[int] = set()

    def holds(self, row: Ran) -> list[Holds]:
        """Return the tensors that a row holds. Whoever only hands on elements holds none."""
        rule = row.rule
        if rule is not None and rule.keeps:
            return []
        found: list[Holds] = []
        for index, one in enumerate(row.inputs):
            if one is None or one.source is None or not self.is_weight(one.source):
                continue
            slot = rule.slots[index] if rule is not None and index < len(rule.slots) else ""
            key = slot or "weight"
            key = f"{key}_{index}" if key in {held.key for held in found} else key
            found.append(Holds(key, one.source, slot not in STATISTICS, _elements(row, key, one.source)))
            self.taken.add(one.source.key)
        return found

    def is_weight(self, stored: Stored) -> bool:
        """Tell whether a stored tensor holds weights or running statistics, rather than a constant."""
        role = self._roles.get(stored.key)
        if is_float(stored.dtype.name):
            return bool(role) or (role is None and stored.elements > 1)
        return is_quantised(stored, role)

    def learns(self, stored: Stored) -> bool:
        """Tell whether a stored tensor is a weight, rather than running statistics."""
        return self._roles.get(stored.key) not in STATISTICS


def activations_of(rows: Sequence[Ran]) -> int:
    """Return what rows put out that multiply by weights, as the metric of that name counts it."""
    holder = _Holder(roles_of(rows))
    return sum(_put_out(row, holder) for row in rows)


def _put_out(row: Ran, holder: _Holder) -> int:
    if row.puts_out is not None:
        return row.puts_out
    convolves = row.rule is not None and row.rule.kind == "standard"
    weighted = row.macs and (convolves or any(one.learns for one in holder.holds(row)))
    return (row.outputs[0].elements or 0) if weighted else 0


def _elements(row: Ran, key: str, stored: Stored) -> int:
    """Return the elements of a tensor; weights of a few bits are packed, several in a byte."""
    if row.node.op in ("MatMulNBits", "MatMulBnb4") and key == "weight":
        rows, columns = (row.node.attributes.get(name) for name in ("N", "K"))
        return rows * columns if isinstance(rows, int) and isinstance(columns, int) else stored.elements
    if row.node.op in BITS and key.startswith("weight"):
        return stored.elements * in_a_byte(call_of(row), stored.dtype.name)
    return stored.elements


def roles_of(rows: Iterable[Ran]) -> dict[int, str]:
    """Return what operators take stored tensors for, by their keys: `weight`, or nothing for scales and bounds. What
    has both roles is a weight."""
    found: dict[int, str] = {}
    for row in rows:
        slots = row.rule.slots if row.rule is not None else ()
        # A triangle of what is stored is a mask.
        of_sizes = _is_of_sizes(row) or row.node.op == "Trilu"
        for index, one in enumerate(row.inputs if of_sizes else row.inputs[: len(slots)]):
            if one is not None and one.source is not None and (of_sizes or not _is_worked_on(row, index)):
                constant = of_sizes or _is_number(row, one.source) or stands_for_none(row.node.op, index, one.source)
                found[one.source.key] = found.get(one.source.key) or ("" if constant else slots[index])
    return found


def _is_number(row: Ran, stored: Stored) -> bool:
    """Tell whether what is stored is a single number that a sum or a product of integers has, as a scale of scores."""
    return row.rule is not None and row.rule.kind == "join" and stored.elements == 1


def _is_of_sizes(row: Ran) -> bool:
    """Tell whether a row computes sizes: a list of known numbers from such and what the file stores, or whole ones of
    what the file has as floats."""
    if any(one.data is None or None in one.data or len(one.shape or ()) > 1 for one in row.outputs):
        return False
    if row.node.op == "Cast":
        return row.outputs[0].dtype in ("int32", "int64", "bool")
    joins = row.rule is not None and row.rule.kind == "join"
    return joins and any(one is not None and one.edge is not None for one in row.inputs)


def _is_worked_on(row: Ran, index: int) -> bool:
    """Tell whether an input is what an operator works on: what is stored there says by its own type what it is."""
    rule = row.rule
    return rule is not None and index == 0 and (rule.keeps or not rule.slots[0])


def _add_unused(builder: GraphBuilder, stored: Iterable[Stored], holder: _Holder) -> None:
    """Add what the file stores and nothing reads, as branches that are not taken do."""
    unused = [one for one in stored if one.key not in holder.taken and holder.is_weight(one)]
    if unused:
        held, kept = (
            tuple([(_named(one), one.elements) for one in unused if holder.learns(one) is learns])
            for learns in (True, False)
        )
        op = Recorded(NOT_RUN, held=held, kept=kept)
        names = {key: key for key, _ in (*held, *kept)}
        place = Provenance(None, block=NOT_RUN, block_type=NOT_RUN)
        builder.append(NOT_RUN, op, (), (_NOTHING,), op.kind, "function", Placement(True, {}, place, names))


def _named(stored: Stored) -> str:
    return f"{plain(stored.name) or 'constant'}.{stored.key}"


# What a row returns of which not even the rank is known.
_NOTHING = Value((), None, None)


def _value(tensors: Sequence[Tensor], channels: Mapping[Edge, int]) -> Value:
    """Return a tensor as a value, of one batch size or of three; where its channels are not known, of three axes the
    first is taken for them, of others the last."""
    first = tensors[0]
    if first.shape is None or None in first.shape:
        return _NOTHING._replace(dtype=first.dtype)
    shapes = [one.sizes for one in tensors if one.shape is not None and None not in one.shape]
    axis: BatchAxis = 0 if first.sizes[:1] == (1,) else None
    if len(tensors) > 1 and len(shapes) == len(tensors):
        axis = batch_axis(shapes)
    shape = first.sizes
    if isinstance(axis, int):
        shape = (*shape[:axis], *shape[axis + 1 :])
    channel = None if not shape else 0 if len(shape) == 3 else len(shape) - 1
    known = channels.get(first.edge) if first.edge is not None else None
    if known is not None and known != axis:
        channel = known - (isinstance(axis, int) and known > axis)
    return Value(shape, channel, axis, first.dtype)


def _as_operator(op: Operator, inputs: Sequence[Value], outputs: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return values with the channels where the operator puts them, if it has the same shapes."""
    try:
        made = op.outputs(*inputs) if inputs else ()
    except (ArithmeticError, LookupError, TypeError, ValueError):  # of what is not its input
        return outputs
    if [one.shape for one in made] != [one.shape for one in outputs]:
        return outputs
    return tuple([one._replace(channel=like.channel) for one, like in zip(outputs, made, strict=True)])

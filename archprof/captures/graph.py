"""A recording as a graph: calls as nodes, with paths, values and the tensors that they hold."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archprof.captures.batch import batch_axes, batch_axis
from archprof.captures.calls import Dispatched, Recording, SeenTensor
from archprof.captures.channels import channel_axes
from archprof.captures.held import read_through
from archprof.captures.lift import held_tensors, lift
from archprof.captures.site import moved_axes, without_batch
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.graph import INPUT, Edge, Graph, ModuleClass, Provenance
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.recorded import Recorded
from archprof.ir.origin import Origin
from archprof.ir.values import BatchAxis, Value

# What an operator returns that returns nothing.
_NOTHING = Value((), None, None)
NOT_RUN = "not run"
# What returns states too, which have the layers in front of the batch.
_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")


class Parameter(NamedTuple):
    """A parameter of a module: its elements, and whether it learns."""

    elements: int
    trainable: bool


class Parts(NamedTuple):
    """What a module is made of: the class of each module by its path, and its parameters by name."""

    modules: Mapping[str, ModuleClass]
    parameters: Mapping[str, Parameter]


class RowPlace(NamedTuple):
    """Where a call stands: the path of its row, how the module runs it, and the block that it belongs to: the module
    that calls it, or, of a module that is a single operator, the one around it."""

    path: str
    form: str
    block: str


def graph_of(recordings: Sequence[Recording], origin: Origin, parts: Parts) -> Graph:
    """Return the graph of a network that was recorded at the batch sizes of `captures.batch`, or, where it is bound to
    one, once. Of the *parts*, parameters that no call holds are rows of their own.
    """
    recordings = [read_through(one) for one in recordings]
    first = recordings[0]
    axes = batch_axes(recordings)
    channels = channel_axes(first.calls)
    batches = {
        name: batch_axis([one.inputs[name].shape for one in recordings]) if axes else _first_axis(seen)
        for name, seen in first.inputs.items()
    }
    inputs = {
        name: _value(seen, batches[name], channels.get(Edge(INPUT, k)))
        for k, (name, seen) in enumerate(first.inputs.items())
    }
    builder = GraphBuilder(inputs)
    read = _read(first)
    for index, (made, place) in enumerate(zip(first.calls, _places(first.calls), strict=True)):
        call = _without_extras(made, index, read)
        batch = axes[index] if axes else _first_axes(call, builder)
        known = [channels.get(Edge(index, k)) for k in range(len(call.outputs))]
        _add(builder, call, place, tuple(map(_value, call.outputs, batch, known)), known, parts)
    _add_unused(builder, first.calls, parts)
    returned = {name: seen.source for name, seen in first.outputs.items() if isinstance(seen.source, Edge)}
    return builder.build(origin.name, returned, origin, len(returned) > 1, parts.modules)


def _read(recording: Recording) -> set[Any]:
    """Return where everything comes from that a call reads, or the network returns."""
    read = {seen.source for call in recording.calls for seen in call.tensors()}
    return read | {seen.source for seen in recording.outputs.values()}


def _without_extras(call: Dispatched, index: int, read: Collection[Any]) -> Dispatched:
    """Return a call without what it returns for its backward pass alone: statistics, indices, seeds."""
    if not call.name.startswith(_WITH_EXTRAS) or any(Edge(index, k) in read for k in range(1, len(call.outputs))):
        return call
    return call._replace(outputs=call.outputs[:1])


# Whose outputs behind the first the backward pass reads, in decomposed programs above all.
_WITH_EXTRAS = (
    *("native_layer_norm", "native_group_norm", "native_batch_norm", "_native_batch_norm_legit", "cudnn_batch_norm"),
    *("_scaled_dot_product_", "_fused_rms_norm", "_embedding_bag", "native_dropout"),
    *("max_pool2d_with_indices", "max_pool3d_with_indices"),
)


def _add(
    builder: GraphBuilder,
    call: Dispatched,
    place: RowPlace,
    outputs: tuple[Value, ...],
    channels: Sequence[int | None],
    parts: Parts,
) -> None:
    read = tuple([seen.source for seen in call.tensors() if isinstance(seen.source, Edge)])
    inputs = [builder.value(edge) for edge in read]
    op, names = lift(call, inputs, outputs, place.form)
    held = {names.get(key, key): held.name for key, (_, held) in held_tensors(call)}
    learns = {key: parts.parameters[name].trainable for key, name in held.items() if name in parts.parameters}
    some = any(learns.values())
    frozen = frozenset(key for key, one in learns.items() if not one) if some else frozenset()
    renamed = {key: name for key, name in held.items() if name != f"{place.path}.{key}"}
    placement = Placement(some or not learns, {}, _provenance(call, place, parts), renamed or None, frozen)
    values = _as_operator(op, inputs, outputs, channels) or (_NOTHING,)
    edges = (*read, *_written(call, read))
    builder.append(place.path, op, edges, values, op.kind, _form(call, place, parts), placement)


def _form(call: Dispatched, place: RowPlace, parts: Parts) -> str:
    """Return how an operator is run: as a module of torch's own, or in the way that a module's code calls it."""
    if place.form == "module" and parts.modules[place.path].own:
        return place.form
    in_place = call.written == "method" and call.target.split(".")[1].endswith("_")
    return "in place" if in_place else call.written


def _add_unused(builder: GraphBuilder, calls: Sequence[Dispatched], parts: Parts) -> None:
    """Add what a module holds and its forward does not use: auxiliary heads in evaluation, for one."""
    used = {held.name for call in calls for _, (_, held) in held_tensors(call)}
    unused: dict[tuple[str, bool], dict[str, int]] = defaultdict(dict)
    for name, (elements, trainable) in parts.parameters.items():
        if name not in used:
            path, _, key = name.rpartition(".")
            unused[path, trainable][key] = elements
    for (path, trainable), held in unused.items():
        names = {key: f"{path}.{key}" if path else key for key in held}
        op = Recorded(NOT_RUN, held=tuple(held.items()))
        place = Provenance(None, block=path or NOT_RUN, block_type=f"{parts.modules[path].short}, {NOT_RUN}")
        builder.append(path, op, (), (_NOTHING,), op.kind, "function", Placement(trainable, {}, place, names))


def _provenance(call: Dispatched, place: RowPlace, parts: Parts) -> Provenance:
    """Return the block of a call; of what stands outermost, itself."""
    block = place.block
    return Provenance(None, block=block or place.path, block_type=parts.modules[block].short if block else call.name)


def _first_axes(call: Dispatched, builder: GraphBuilder) -> list[BatchAxis]:
    """Return where the batch stands in what a call returns for a single image, as far as that can be told: where the
    call has moved it, or in front, where that is 1."""
    if call.name in _RECURRENT:
        return [_first_axis(call.outputs[0]), *(1 if seen.shape[1:2] == (1,) else None for seen in call.outputs[1:])]
    first = next(call.tensors(), None)
    if first is not None and isinstance(first.source, Edge):
        batch = builder.value(first.source).batch
        moved = moved_axes(call)
        if isinstance(batch, int) and moved:
            return [moved.index(batch)]
        if isinstance(batch, int) and [seen.shape for seen in call.outputs] == [first.shape]:
            return [batch]
    return [_first_axis(seen) for seen in call.outputs]


def _first_axis(seen: SeenTensor) -> BatchAxis:
    return 0 if seen.shape[:1] == (1,) else None


def _written(call: Dispatched, read: Collection[Edge]) -> Iterator[Edge]:
    """Yield the calls that have written over what a call reads since it was made, each once."""
    written = dict.fromkeys(edge for seen in call.tensors() for edge in seen.after)
    yield from (edge for edge in written if edge not in read)


def _value(seen: SeenTensor, batch: BatchAxis, channels: int | None) -> Value:
    """Return a tensor as a value, with its channels where they are known to be in the whole shape; else of three axes
    the first is taken for them, of others the last."""
    shape = (*seen.shape[:batch], *seen.shape[batch + 1 :]) if isinstance(batch, int) else seen.shape
    value = Value(shape, None if not shape else 0 if len(shape) == 3 else len(shape) - 1, batch, seen.dtype)
    axis = None if channels is None else without_batch(channels, value)
    return value if axis is None else value._replace(channel=axis)


def _as_operator(
    op: Operator, inputs: Sequence[Value], outputs: tuple[Value, ...], channels: Sequence[int | None]
) -> tuple[Value, ...]:
    """Return values with the channels where the operator puts them, if it has the same shapes, and nobody knows."""
    try:
        made = op.outputs(*inputs) if inputs and None in channels else ()
    except ShapeError:
        return outputs
    if [one.shape for one in made] != [one.shape for one in outputs]:
        return outputs
    beside = zip(outputs, made, channels, strict=True)
    return tuple(one._replace(channel=like.channel) if known is None else one for one, like, known in beside)


def _places(calls: Sequence[Dispatched]) -> list[RowPlace]:
    """Return where each call stands: a module that runs a single operator, or a single one with parameters, is that
    operator; others are functions of the module that calls them."""
    visits: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index, call in enumerate(calls):
        visits[call.path, call.visit].append(index)
    parents = {call.path.rpartition(".")[0] for call in calls}
    places: dict[int, RowPlace] = {}
    for (path, _), indices in visits.items():
        own = [index for index in indices if any(held_tensors(calls[index]))] or indices
        alone = own[0] if len(own) == 1 and path not in parents else None
        block = path if alone is None else path.rpartition(".")[0]
        counted: Counter[str] = Counter()
        for index in indices:
            if index == alone and path:
                places[index] = RowPlace(path, "module", block)
                continue
            name = calls[index].name
            places[index] = RowPlace(f"{path}:{name}[{counted[name]}]", "function", block)
            counted[name] += 1
    return [places[index] for index in range(len(calls))]

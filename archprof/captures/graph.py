"""A recording as a graph: calls as nodes, with paths, values and the tensors that they hold."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from archprof.captures.batch import Matched, batch_axes, batch_axis, matched
from archprof.captures.calls import Dispatched, Recording, SeenTensor
from archprof.captures.channels import channel_axes
from archprof.captures.held import read_through
from archprof.captures.lift import held_tensors, is_counted_buffer, lift
from archprof.captures.memory import memory_of, outlived, strides_of
from archprof.captures.one_image import axes_of_one
from archprof.captures.site import without_batch
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.graph import INPUT, Edge, Graph, Memory, ModuleClass, Provenance
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.recorded import Recorded
from archprof.ir.origin import Origin
from archprof.ir.values import BatchAxis, Value
from archprof.named_tuple import NamedTuple

# What an operator returns that returns nothing.
_NOTHING = Value((), None, None)
NOT_RUN = "not run"


class ModuleTensor(NamedTuple):
    """A parameter or a buffer of a module: its elements, their type, and whether it learns."""

    elements: int
    dtype: str
    trainable: bool
    buffer: bool = False


class Parts(NamedTuple):
    """What a module is made of: the class of each module by its path, and its parameters and buffers by name."""

    modules: Mapping[str, ModuleClass]
    tensors: Mapping[str, ModuleTensor]


class RowPlace(NamedTuple):
    """Where a call stands: the path of its row, how the module runs it, and the block that it belongs to: the module
    that calls it, or, of a module that is a single operator, the one around it."""

    path: str
    form: str
    block: str


def graph_of(recordings: Sequence[Recording], origin: Origin, parts: Parts) -> Graph:
    """Return the graph of a network that was recorded at the batch sizes of `captures.batch`, or, where it is bound to
    one, once. Of the *parts*, parameters and buffers that no call holds are rows of their own.
    """
    recordings = [read_through(one) for one in recordings]
    first = recordings[0]
    found = matched(recordings)
    single = found is None
    calls: Sequence[Matched] = [(call,) for call in first.calls] if found is None else found
    axes = axes_of_one(first) if single else batch_axes(calls, recordings)
    channels = channel_axes(first.calls)
    builder = GraphBuilder(_inputs(recordings[:1] if single else recordings, channels))
    read, outlives = _read(first), outlived(first)
    for index, (made, place) in enumerate(zip(calls, _places(first.calls), strict=True)):
        same = _without_extras(made, index, read)
        known = [channels.get(Edge(index, k)) for k in range(len(same[0].outputs))]
        seen = zip(*[one.outputs for one in same], strict=True)
        _add(builder, same, place, tuple(map(_value, seen, axes[index], known)), known, parts, outlives[index])
    _add_unused(builder, first.calls, parts)
    returned = {name: seen.source for name, seen in first.outputs.items() if isinstance(seen.source, Edge)}
    graph = builder.build(origin.name, returned, origin, len(returned) > 1, parts.modules)
    return graph._replace(single_batch=single, storages="recorded")


def _inputs(recordings: Sequence[Recording], channels: Mapping[Edge, int]) -> dict[str, Value]:
    inputs = {}
    for k, name in enumerate(recordings[0].inputs):
        seen = [one.inputs[name] for one in recordings]
        batch = batch_axis([one.shape for one in seen]) if len(seen) > 1 else _first_axis(seen[0])
        inputs[name] = _value(seen, batch, channels.get(Edge(INPUT, k)))
    return inputs


def _read(recording: Recording) -> set[Any]:
    """Return where everything comes from that a call reads, or the network returns."""
    read = {seen.source for call in recording.calls for seen in call.tensors()}
    return read | {seen.source for seen in recording.outputs.values()}


def _without_extras(same: Matched, index: int, read: Collection[Any]) -> Matched:
    """Return a call without what it returns for its backward pass alone: statistics, indices, seeds."""
    call = same[0]
    if not call.name.startswith(_WITH_EXTRAS) or any(Edge(index, k) in read for k in range(1, len(call.outputs))):
        return same
    return tuple([one._replace(outputs=one.outputs[:1]) for one in same])


# Whose outputs behind the first the backward pass reads, in decomposed programs above all.
_WITH_EXTRAS = (
    *("native_layer_norm", "native_group_norm", "native_batch_norm", "_native_batch_norm_legit", "cudnn_batch_norm"),
    *("_scaled_dot_product_", "_fused_rms_norm", "_embedding_bag", "native_dropout"),
    *("max_pool2d_with_indices", "max_pool3d_with_indices"),
)


def _add(
    builder: GraphBuilder,
    same: Matched,
    place: RowPlace,
    outputs: tuple[Value, ...],
    channels: Sequence[int | None],
    parts: Parts,
    outlives: tuple[int, ...],
) -> None:
    call = same[0]
    read = tuple([seen.source for seen in call.tensors() if isinstance(seen.source, Edge)])
    inputs = [builder.value(edge) for edge in read]
    op, names = lift(call, inputs, outputs, place.form)
    held = {names.get(key, key): held.name for key, (_, held) in held_tensors(call)}
    named = {key: parts.tensors[name] for key, name in held.items() if name in parts.tensors}
    learns = {key: one.trainable for key, one in named.items() if not one.buffer}
    some = any(learns.values())
    frozen = frozenset(key for key, one in learns.items() if not one) if some else frozenset()
    renamed = {key: name for key, name in held.items() if name != f"{place.path}.{key}"}
    values = _as_operator(op, inputs, outputs, channels) or (_NOTHING,)
    edges = (*read, *_written(call, read))
    provenance = _provenance(op, place, parts)
    memory = memory_of(same, len(edges), outlives[: len(values)], names)
    placement = Placement(some or not learns, {}, provenance, renamed or None, frozen, memory)
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
    unused: dict[tuple[str, bool], dict[str, ModuleTensor]] = defaultdict(dict)
    for name, one in parts.tensors.items():
        path, _, key = name.rpartition(".")
        if name in used or (one.buffer and not is_counted_buffer(key)):
            continue
        trainable = (path, True) in unused if one.buffer else one.trainable
        unused[path, trainable][key] = one
    for (path, trainable), found in unused.items():
        names = {key: f"{path}.{key}" if path else key for key in found}
        held, kept = [
            tuple((key, one.elements) for key, one in found.items() if one.buffer is buffer) for buffer in (False, True)
        ]
        op = Recorded(NOT_RUN, held=held, kept=kept)
        place = Provenance(None, block=path or NOT_RUN, block_type=f"{parts.modules[path].short}, {NOT_RUN}")
        dtypes = {key: one.dtype for key, one in found.items() if one.dtype != "float32"}
        memory = Memory(dtypes=dtypes) if dtypes else None
        placement = Placement(trainable, {}, place, names, memory=memory)
        builder.append(path, op, (), (_NOTHING,), op.kind, "function", placement)


def _provenance(op: Operator, place: RowPlace, parts: Parts) -> Provenance:
    """Return the block of a call; of what stands outermost, itself."""
    block = place.block
    kind = parts.modules[block].short if block else op.describe()
    return Provenance(None, block=block or place.path, block_type=kind)


def _first_axis(seen: SeenTensor) -> BatchAxis:
    return 0 if seen.shape[:1] == (1,) else None


def _written(call: Dispatched, read: Collection[Edge]) -> Iterator[Edge]:
    """Yield the calls that have written over what a call reads since it was made, each once."""
    written = dict.fromkeys(edge for seen in call.tensors() for edge in seen.after)
    yield from (edge for edge in written if edge not in read)


def _value(seen: Sequence[SeenTensor], batch: BatchAxis, channels: int | None) -> Value:
    """Return a tensor, as it was seen at one or several batch sizes, as a value, with its channels where they are known
    to be in the whole shape; else of three axes the first is taken for them, of others the last."""
    shape = seen[0].shape
    if isinstance(batch, int):
        shape = (*shape[:batch], *shape[batch + 1 :])
    channel = None if not shape else 0 if len(shape) == 3 else len(shape) - 1
    value = Value(shape, channel, batch, seen[0].dtype, strides_of(seen))
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
    operator; others are functions of the module that calls them. What writes over a buffer of its module, as one that
    counts batches, is not what the module is."""
    visits: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index, call in enumerate(calls):
        visits[call.path, call.visit].append(index)
    parents = {call.path.rpartition(".")[0] for call in calls}
    places: dict[int, RowPlace] = {}
    for (path, _), indices in visits.items():
        own = [index for index in indices if not calls[index].writes and any(held_tensors(calls[index]))] or indices
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

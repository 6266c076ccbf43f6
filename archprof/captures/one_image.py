"""Where the batch stands in each tensor of a forward pass that was recorded once, on one image: followed from the
inputs, through what moves axes."""

from collections.abc import Mapping, Sequence
from typing import Any

from archprof.captures.calls import Dispatched, Recording, SeenTensor
from archprof.captures.site import moved_axes
from archprof.ir.dims import Shape
from archprof.ir.graph import INPUT, Edge
from archprof.ir.values import BatchAxis

# Where the batch stands: on an axis, in a shape that does not tell where, or nowhere.
_Place = int | None
_SOMEWHERE = -1
# What takes axes together or leaves one out: along that of the batch, no batch is left.
_ALONG = frozenset(
    (
        *("mean", "sum", "amax", "amin", "max", "min", "argmax", "argmin", "var", "std", "logsumexp", "prod"),
        *("all", "any", "select", "unbind", "squeeze"),
    )
)
# What makes a tensor of a size of its own: of what it reads, it takes the type.
_OWN = frozenset(("new_zeros", "new_ones", "new_full", "new_empty"))
# What returns states too, which have the layers in front of the batch.
_RECURRENT = frozenset(("lstm", "gru", "rnn_tanh", "rnn_relu"))
# What lays the same elements out in other axes.
_LAID_OUT = frozenset(("view", "reshape", "_unsafe_view", "flatten", "unflatten", "_reshape_alias"))


def axes_of_one(recording: Recording) -> list[list[BatchAxis]]:
    """Return, for each output of each call, where the batch stands, as far as one image tells: nowhere in what is made
    of no input; where no call tells, in front, if a single one can stand there."""
    inputs = [_first(seen.shape) for seen in recording.inputs.values()]
    places: list[list[_Place]] = []
    for call in recording.calls:
        read = [(seen.shape, _place_of(seen, inputs, places)) for seen in call.tensors()]
        found = [_followed(call, read, one.shape) for one in call.outputs]
        if call.name in _RECURRENT:
            found[1:] = [1 if one.shape[1:2] == (1,) else _SOMEWHERE for one in call.outputs[1:]]
        places.append(found)
    return [
        [_axis(place, one.shape) for place, one in zip(found, call.outputs, strict=True)]
        for found, call in zip(places, recording.calls, strict=True)
    ]


def _first(shape: Shape) -> _Place:
    return 0 if shape[:1] == (1,) else _SOMEWHERE


def _axis(place: _Place, shape: Shape) -> BatchAxis:
    if place != _SOMEWHERE:
        return place
    return 0 if shape[:1] == (1,) else None


def _place_of(seen: SeenTensor, inputs: Sequence[_Place], places: Sequence[Sequence[_Place]]) -> _Place:
    if not isinstance(seen.source, Edge):
        return None
    return inputs[seen.source.output] if seen.source.node == INPUT else places[seen.source.node][seen.source.output]


def _followed(call: Dispatched, read: Sequence[tuple[Shape, _Place]], shape: Shape) -> _Place:
    """Return where the batch of what a call reads has gone in one of its outputs."""
    known = [(one, place) for one, place in read if place is not None]
    if not known or call.name in _OWN:
        return None
    alike = [(one, place) for one, place in known if len(one) == len(shape) and place != _SOMEWHERE]
    source, place = (alike or known)[0]
    if place == _SOMEWHERE or (call.name in _LAID_OUT and source[: place + 1] != shape[: place + 1]):
        return _SOMEWHERE
    axes = moved_axes(call)
    moved = axes.index(place) if axes else _moved(call.name, call.arguments, len(source), place, len(shape))
    return moved if moved is None or shape[moved : moved + 1] == (1,) else _SOMEWHERE


def _moved(name: str, given: Mapping[str, Any], rank: int, place: int, left: int) -> _Place:
    """Return where an operator puts an axis of so many, of which so many are left."""
    if name in ("unsqueeze", "stack"):
        return place + int(given["dim"] % (rank + 1) <= place)
    if name in _ALONG:
        along = _listed(given.get("dim"), rank)
        return None if place in along else place - (sum(axis < place for axis in along) if left < rank else 0)
    return place if left == rank or not place or name in _LAID_OUT else _SOMEWHERE


def _listed(dim: Any, rank: int) -> list[int]:
    """Return the axes that an argument names: all where it names none."""
    axes = dim if isinstance(dim, list) else [] if dim is None else [dim]
    return [axis % rank for axis in axes] or [*range(rank)]

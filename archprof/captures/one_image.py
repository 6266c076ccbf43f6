"""Where the batch stands in each tensor of a forward pass that was recorded once, on one image: followed from the
inputs, through what moves axes."""

from collections.abc import Mapping, Sequence
from typing import Any

from archprof.captures.calls import Dispatched, Recording, SeenTensor, tensors_in
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
    of no input, unless images are written over it; where no call tells, in front, if a single one can stand there."""
    followed = _Followed(recording)
    if filled := followed.filled():
        followed = _Followed(recording, filled)
    return [
        [_axis(place, one.shape) for place, one in zip(found, call.outputs, strict=True)]
        for found, call in zip(followed.places, recording.calls, strict=True)
    ]


class _Followed:
    """Where the batch stands in what each call returns; of storages that are known to be *filled*, as code does it that
    takes images of several sizes, somewhere."""

    def __init__(self, recording: Recording, filled: frozenset[int] = frozenset()) -> None:
        self._inputs = [_first(seen.shape) for seen in recording.inputs.values()]
        self._calls, self._filled = recording.calls, filled
        self.places: list[list[_Place]] = []
        for call in recording.calls:
            self.places.append(self._of_call(call))

    def filled(self) -> frozenset[int]:
        """Return the storages of what is made of no input and written over with what is."""
        found = set[int]()
        for call in self._calls:
            over = [seen for name in call.writes for seen in tensors_in(call.arguments[name])]
            if over and any(self._of(seen) is not None for seen in call.tensors()):
                found.update(seen.storage for seen in over if self._of(seen) is None)
        return frozenset(found)

    def _of_call(self, call: Dispatched) -> list[_Place]:
        read = [(seen.shape, self._of(seen)) for seen in call.tensors()]
        found = [self._known(_followed(call, read, one.shape), one) for one in call.outputs]
        if call.name in _RECURRENT:
            found[1:] = [1 if one.shape[1:2] == (1,) else _SOMEWHERE for one in call.outputs[1:]]
        return found

    def _of(self, seen: SeenTensor) -> _Place:
        if not isinstance(seen.source, Edge):
            return self._known(None, seen)
        node, output = seen.source
        return self._known(self._inputs[output] if node == INPUT else self.places[node][output], seen)

    def _known(self, place: _Place, seen: SeenTensor) -> _Place:
        return _SOMEWHERE if place is None and seen.storage in self._filled else place


def _first(shape: Shape) -> _Place:
    return 0 if shape[:1] == (1,) else _SOMEWHERE


def _axis(place: _Place, shape: Shape) -> BatchAxis:
    if place != _SOMEWHERE:
        return place
    return 0 if shape[:1] == (1,) else None


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

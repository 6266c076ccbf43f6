"""Where the tensors of a forward pass lie: their strides, what shares a storage, what is written over."""

from collections.abc import Iterator, Mapping, Sequence

from archprof.captures.calls import Dispatched, Recording, SeenTensor, tensors_in
from archprof.captures.lift import held_tensors
from archprof.ir.dims import Shape
from archprof.ir.graph import HELD, Edge, Memory, Place
from archprof.ir.values import Strides


def memory_of(
    calls: Sequence[Dispatched], reads: int, outlives: tuple[int, ...], names: Mapping[str, str]
) -> Memory | None:
    """Return where a call that was recorded at one or several batch sizes, and that reads so much, puts what it
    returns; None where nothing is to be said. Its outputs' storages are there for as many calls as they *outlive*;
    *names* are the operator's own of the parameters and buffers that the call has as arguments."""
    first = calls[0]
    aliases, *others = [_aliases(call, reads) for call in calls]
    aliases_of_many = others[0] if others and others[0] != aliases else None
    writes = dict.fromkeys(place for name, _, place in _places(first) if name in first.writes)
    dtypes = {names.get(key, key): seen.dtype for key, (seen, _) in held_tensors(first) if seen.dtype != "float32"}
    slots = _slots(first, reads)
    again = first.checkpoint, first.reentrant
    found = Memory(aliases, aliases_of_many, tuple(writes), dtypes, slots, outlives, first.detached, *again)
    return found if found != Memory() else None


def outlived(recording: Recording) -> list[tuple[int, ...]]:
    """Return, for each call, during how many further calls the storages of its outputs are there, of those that are
    there longer than anybody reads them; nothing where there are none."""
    last: dict[int, int] = {}
    for index, call in enumerate(recording.calls):
        for seen in (*call.tensors(), *call.outputs):
            last[seen.storage] = index
    last.update((seen.storage, len(recording.calls)) for seen in recording.outputs.values())
    made = set[int]()
    found = []
    for index, call in enumerate(recording.calls):
        longer = []
        for output, until in zip(call.outputs, call.until, strict=bool(call.until)):
            longer.append(until - index if output.storage not in made and until > last[output.storage] else 0)
            made.add(output.storage)
        found.append(tuple(longer) if any(longer) else ())
    return found


def _slots(call: Dispatched, reads: int) -> tuple[int, ...] | None:
    """Return which of the tensors among a call's arguments the edges are that it reads; None where they are simply the
    first, and it waits for no others."""
    found = tuple([slot for slot, (_, _, place) in enumerate(_places(call)) if place != HELD])
    return found if found != tuple(range(reads)) else None


def _aliases(call: Dispatched, reads: int) -> tuple[Place | None, ...]:
    """Return the place of each output's storage; nothing where each has its own."""
    places: dict[int, Place] = {}
    for _, seen, place in _places(call):
        places.setdefault(seen.storage, place)
    found = []
    for number, output in enumerate(call.outputs):
        found.append(places.get(output.storage))
        places.setdefault(output.storage, reads + number)
    return tuple(found) if any(place is not None for place in found) else ()


def _places(call: Dispatched) -> Iterator[tuple[str, SeenTensor, Place]]:
    """Yield the tensors that a call reads, each with the name of its argument and its place."""
    edges = 0
    for name, value in call.arguments.items():
        for seen in tensors_in(value):
            if isinstance(seen.source, Edge):
                yield name, seen, edges
                edges += 1
            else:
                yield name, seen, HELD


def strides_of(tensors: Sequence[SeenTensor]) -> Strides | None:
    """Return the strides of a tensor that was recorded at one batch size, or at those of `captures.batch`; None where
    it is contiguous at all of them."""
    if all(one.strides is None for one in tensors):
        return None
    first, *more = [_strides(one) for one in tensors]
    if not more:
        return first
    # Along a batch of one image there is no next one: two and three tell.
    grown = [(2 * two - three, three - two) for two, three in zip(*more, strict=True)]
    known = [(size, one, *both) for size, one, both in zip(tensors[0].shape, first, grown, strict=True)]
    if any(start < 0 or growth < 0 or (size > 1 and one != start) for size, one, start, growth in known):
        return first  # laid out in another way where there are more
    return tuple([(start, growth) if growth else start for start, growth in grown])


def _strides(seen: SeenTensor) -> Shape:
    found = _contiguous(seen.shape) if seen.strides is None else seen.strides
    return tuple([stride if size > 1 else 0 for size, stride in zip(seen.shape, found, strict=True)])


def _contiguous(shape: Shape) -> Shape:
    found, span = [], 1
    for size in reversed(shape):
        found.append(span)
        span *= size
    return tuple(reversed(found))

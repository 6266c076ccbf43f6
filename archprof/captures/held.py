"""Views of parameters, as a decomposed product has them: read through, so that what multiplies by one holds it."""

from collections.abc import Mapping
from math import prod
from typing import Any

from archprof.captures.calls import Dispatched, HeldTensor, Recording, SeenTensor
from archprof.captures.site import is_held
from archprof.ir.graph import Edge

_VIEWS = frozenset(("t", "transpose", "permute", "detach", "alias", "lift_fresh_copy"))


def read_through(recording: Recording) -> Recording:
    """Return a recording without the calls that only see a whole parameter or buffer otherwise: who reads their output
    reads the tensor itself, in that shape."""
    returned = {seen.source for seen in recording.outputs.values()}
    sources: dict[Edge, Edge | HeldTensor] = {}
    kept: list[Dispatched] = []
    before: list[int] = []  # for each call, the place of the last one that is left
    for index, call in enumerate(recording.calls):
        arguments = {name: _renamed(value, sources) for name, value in call.arguments.items()}
        held = _viewed(call._replace(arguments=arguments))
        if held is not None and Edge(index) not in returned:
            sources[Edge(index)] = held
            before.append(len(kept) - 1)
            continue
        before.append(len(kept))
        places = [Edge(len(kept), k) for k in range(len(call.outputs))]
        sources.update((Edge(index, k), place) for k, place in enumerate(places))
        outputs = tuple(seen._replace(source=place) for seen, place in zip(call.outputs, places, strict=True))
        kept.append(call._replace(arguments=arguments, outputs=outputs))
    if len(kept) == len(recording.calls):
        return recording
    found = {name: _renamed(seen, sources) for name, seen in recording.outputs.items()}
    calls = tuple([call._replace(until=tuple([before[last] for last in call.until])) for call in kept])
    return recording._replace(calls=calls, outputs=found)


def _viewed(call: Dispatched) -> HeldTensor | None:
    """Return the tensor of which a call is a whole view, if it is one of a parameter or buffer that nobody writes."""
    if call.name not in _VIEWS:
        return None
    [seen] = call.tensors()
    whole = is_held(seen) and not seen.after and prod(seen.shape) == prod(call.outputs[0].shape)
    return seen.source if whole and isinstance(seen.source, HeldTensor) else None


def _renamed(value: Any, sources: Mapping[Edge, Edge | HeldTensor]) -> Any:
    """Return an argument with the places of the calls that are left."""
    if isinstance(value, SeenTensor):
        after = tuple(edge for one in value.after if isinstance(edge := sources.get(one, one), Edge))
        source = sources.get(value.source, value.source) if isinstance(value.source, Edge) else value.source
        return value._replace(source=source, after=after)
    return [_renamed(item, sources) for item in value] if isinstance(value, list) else value

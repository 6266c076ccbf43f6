"""What each call of a forward pass leaves to its backward pass."""

from collections import Counter
from collections.abc import Mapping

from archprof.allocation.forward import Forward
from archprof.allocation.timeline import Builder
from archprof.ir.dims import Dim
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup


def saved_by_calls(graph: Graph, setup: Setup) -> tuple[list[Dim], Mapping[str, int]]:
    """Return the bytes that each call saves for its backward pass, and the operators that may save more, for which
    there is no rule, by name with how often they run; what several calls save counts at the first, and what goes into
    calls that run again at the first of those.

    Raises SingleImageError where shapes are known for one image alone.
    """
    builder = Builder()
    forward = Forward(graph, setup, builder)
    forward.run()
    storages = builder.timeline().storages
    entering = {segment.first: forward.storages(segment.inputs) for segment in forward.segments}
    seen = set[int]()
    found = []
    for index, passed in enumerate(forward.passed):
        own = [one for one in dict.fromkeys((*entering.get(index, ()), *passed.kept)) if one not in seen]
        seen.update(own)
        found.append(sum(storages[one].bytes for one in own))
    return found, Counter(forward.unknown.values())

"""Will it fit? The largest batch that runs in a given memory."""

from collections.abc import Callable

from archprof.allocation.caching import has_room
from archprof.allocation.report import analyze_memory
from archprof.errors import usage_error
from archprof.ir.dims import Dim
from archprof.ir.graph import Graph
from archprof.ir.setup import HALVES, Setup
from archprof.named_tuple import NamedTuple

# Per cent on top of what is counted, which are weights, buffers, the optimiser's state, gradients, inputs and targets,
# activations, and the most that convolutions may take beside them. It is there for what an allocator keeps in reserve,
# more of it where sizes differ more. Not in it are the context of CUDA and its libraries, some hundred MiB, and what
# other programs hold.
MARGIN, MARGIN_HALF = 7, 13


class LargestBatch(NamedTuple):
    """The largest batch that fits, 0 where not even one image does; the bytes that are counted for it and for one image
    more, the margin on top in per cent, and whether one image more would have that: then the allocator finds no room
    for it between its blocks."""

    batch: int
    bytes: Dim
    more: Dim
    margin: int
    scattered: bool


def fits(graph: Graph, setup: Setup, limit: int) -> LargestBatch:
    """Return the largest batch of a setup that fits in *limit* bytes, with its margin and, on a GPU, between the blocks
    of torch's allocator: itself it does, and one image more does not.

    The batch of the setup is of no matter. Raises SingleImageError where shapes are known for one image alone, and
    UsageError where the bytes do not grow with it.
    """
    margin = margin_of(setup)
    one, two = (analyze_memory(graph, setup._replace(batch=batch)).total for batch in (1, 2))
    if two <= one:
        raise usage_error(f"`{graph.origin.variant}` takes as much for any batch")

    def counted(batch: int) -> Dim:
        return analyze_memory(graph, setup._replace(batch=batch)).span.high

    def does(batch: int) -> bool:
        return bool(counted(batch) * (100 + margin) <= limit * 100)

    def is_served(batch: int) -> bool:
        return setup.kernels != "cuda" or has_room(analyze_memory(graph, setup._replace(batch=batch)), limit)

    above = 1
    while does(above):
        above *= 2
    batch = _last(does, above // 2, above)
    scattered = batch > 0 and not is_served(batch)
    if scattered:
        batch = _last(is_served, 0, batch)
    return LargestBatch(batch, counted(batch) if batch else 0, counted(batch + 1), margin, scattered)


def _last(does: Callable[[int], bool], below: int, above: int) -> int:
    """Return a batch, from one *below* that does, or is 0, to one *above* that does not, behind which is one that does
    not."""
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if does(middle) else (below, middle)
    return below


def margin_of(setup: Setup) -> int:
    """Return the per cent that are kept free on top of what is counted."""
    return MARGIN_HALF if setup.amp or setup.dtype in HALVES else MARGIN

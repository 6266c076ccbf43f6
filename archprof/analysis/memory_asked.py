"""What else is asked of a network's memory: the largest batch that fits, the order of execution of least peak."""

from archprof.analysis.memory import BestOrder, FittingBatch, Memory, describe_memory, known_at
from archprof.errors import Location, suggest, usage_error
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup
from archprof.memory.fits import fits
from archprof.memory.order import best_order, reordered
from archprof.memory.report import analyze_memory
from archprof.spec.printed_number import BYTES, parse_printed

ORDERS = ("best",)


def size_of(text: str, place: str) -> int:
    """Return the bytes of `24GiB` or `320 MB`, as they stand in a place. Raises SpecError for a text that is none."""
    return int(parse_printed(text, Location(place, 0, 0), BYTES).value)


def describe_largest(graph: Graph, setup: Setup, limit: int) -> Memory:
    """Return the memory of the largest batch that fits into *limit* bytes, or of one image where not even that does.

    Raises UsageError where the bytes of a batch are not known, or do not grow with it.
    """
    with known_at(graph):
        if analyze_memory(graph, setup._replace(batch=2)).total <= analyze_memory(graph, setup._replace(batch=1)).total:
            raise usage_error(f"`{graph.origin.variant}` takes as much for any batch")
        found = fits(graph, setup, limit)
    memory = describe_memory(graph, setup._replace(batch=found.batch or 1))
    return memory._replace(fit=FittingBatch(limit, *found))


def describe_ordered(graph: Graph, setup: Setup) -> Memory:
    """Return the memory of a network that runs in the order of least peak, as far as that is proven.

    Raises UsageError in training, and where shapes are known for one image alone.
    """
    if setup.train:
        raise usage_error("the order of least peak is that of inference", help="a backward pass goes by the forward's")
    with known_at(graph):
        order, own = best_order(graph, setup), analyze_memory(graph, setup).peak
    found = describe_memory(reordered(graph, order), setup)
    return found._replace(order=BestOrder(order.proven, own))


def described(graph: Graph, setup: Setup, limit: int | None = None, order: str | None = None) -> Memory:
    """Return the memory of a network: of the largest batch where there is a *limit*, in the best *order* where that is
    asked for. Raises UsageError for another order, and as the functions above do."""
    if order not in (None, *ORDERS):
        raise usage_error(f"unknown order `{order}`", help=suggest(str(order), ORDERS, "orders"))
    if limit is not None:
        return describe_largest(graph, setup, limit)
    return describe_ordered(graph, setup) if order else describe_memory(graph, setup)

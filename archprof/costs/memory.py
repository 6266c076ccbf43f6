"""The bytes of a network as a whole, at a setup, among its counts."""

from archprof.allocation.report import analyze_memory
from archprof.costs.metrics import Counts
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup


def with_memory(counts: Counts, graph: Graph, setup: Setup) -> Counts:
    """Return counts of a network with its bytes of memory. Raises ValueError where its shapes are known for one batch
    alone."""
    found = analyze_memory(graph, setup)
    return Counts([*counts.items(), ("peak", found.peak), ("weights", found.resident.weights)])

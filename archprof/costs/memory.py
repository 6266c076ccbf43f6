"""What only a whole network has among its counts: bytes at a setup, and the arithmetic of training."""

from archprof.allocation.forward import Tensors
from archprof.allocation.report import analyze_memory
from archprof.allocation.training import train_macs
from archprof.costs.metrics import Counts
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup


def with_memory(counts: Counts, graph: Graph, setup: Setup) -> Counts:
    """Return counts of a network with its bytes of memory. Raises SingleImageError where its shapes are known for
    one image alone."""
    found = analyze_memory(graph, setup, follows=Tensors)
    return Counts([*counts.items(), ("peak", found.peak), ("weights", found.resident.weights)])


def with_training(counts: Counts, graph: Graph) -> Counts:
    """Return counts of a network with its multiply-accumulates of training."""
    return Counts([*counts.items(), ("train_macs", train_macs(graph))])

"""Checkpointing: of each block only what goes in is kept, and the backward pass runs it forward again (Chen et al.
2016)."""

from itertools import groupby

from archprof.ir.graph import Edge, Graph
from archprof.named_tuple import NamedTuple


class Segment(NamedTuple):
    """Calls that run again in the backward pass, by the first and the last; what they read of others, and what of
    theirs is read by others or returned."""

    first: int
    last: int
    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]


def segments(graph: Graph) -> list[Segment]:
    """Return the blocks of a graph that are worth to run again: those of more than one call."""
    found = []
    for _, calls in groupby(range(len(graph.nodes)), lambda index: graph.nodes[index].block):
        first, *others = calls
        if others:
            found.append(_segment(graph, first, others[-1]))
    return found


def _segment(graph: Graph, first: int, last: int) -> Segment:
    within = range(first, last + 1)
    read = dict.fromkeys(edge for index in within for edge in graph.nodes[index].inputs)
    outside = [edge for index, node in enumerate(graph.nodes) if index not in within for edge in node.inputs]
    outputs = dict.fromkeys(edge for edge in (*outside, *graph.outputs.values()) if edge.node in within)
    return Segment(first, last, tuple(edge for edge in read if edge.node not in within), tuple(outputs))

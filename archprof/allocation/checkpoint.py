"""Checkpointing: of each block only what goes in is kept, and the backward pass runs it forward again (Chen et al.
2016)."""

from itertools import groupby

from archprof.ir.graph import Edge, Graph
from archprof.named_tuple import NamedTuple


class Segment(NamedTuple):
    """Calls that run again in the backward pass, by the first and the last; what they read of others, and what of
    theirs is read by others or returned. A *reentrant* one runs to its end, and has a backward pass of its own, which
    holds what comes out and the gradients of that; another stops when all is there that the backward pass needs."""

    first: int
    last: int
    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]
    reentrant: bool


def segments(graph: Graph, blocks: bool) -> list[Segment]:
    """Return what of a graph runs again: what its code checkpoints, and of all else the *blocks* that are worth it,
    those of more than one call, if they are to."""
    found = []

    def of(index: int) -> tuple[int, str]:
        node = graph.nodes[index]
        number = node.memory.checkpoint if node.memory else 0
        return number, node.block if blocks and not number else ""

    for (number, _), calls in groupby(range(len(graph.nodes)), of):
        first, *others = calls
        if number or (blocks and others):
            found.append(_segment(graph, first, others[-1] if others else first))
    return found


def _segment(graph: Graph, first: int, last: int) -> Segment:
    within = range(first, last + 1)
    read = dict.fromkeys(edge for index in within for edge in graph.nodes[index].inputs)
    outside = [edge for index, node in enumerate(graph.nodes) if index not in within for edge in node.inputs]
    outputs = dict.fromkeys(edge for edge in (*outside, *graph.outputs.values()) if edge.node in within)
    memory = graph.nodes[first].memory
    reentrant = memory is None or memory.reentrant or not memory.checkpoint
    return Segment(first, last, tuple(edge for edge in read if edge.node not in within), tuple(outputs), reentrant)

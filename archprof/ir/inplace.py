"""Which activations may write over their input, so that training keeps one map less for each."""

from collections import Counter
from collections.abc import Container

from archprof.ir.graph import INPUT, Edge, Graph, Node
from archprof.ir.liveness import readers


def inplace_paths(graph: Graph, lent: Container[Edge] = ()) -> frozenset[str]:
    """Return the paths of the activations that nobody can see writing over their input, wherever they are applied.
    Inputs of the graph are written over where they are *lent*: of a part of a network, whose inputs nobody else
    reads."""
    counted = readers(graph)
    able = {node.path for node in graph.nodes if node.op.inplace}
    asked = [node for node in graph.nodes if node.path in able]
    return frozenset(able - {node.path for node in asked if not may_write_over(node, graph, counted, lent)})


def may_write_over(node: Node, graph: Graph, counted: Counter[Edge], lent: Container[Edge] = ()) -> bool:
    """Tell whether nobody can see a call writing over its input, where values are read as often as *counted*."""
    source = node.inputs[0]
    if counted[source] != 1:
        return False
    return source in lent if source.node == INPUT else is_overwritable(graph.nodes[source.node])


def is_overwritable(producer: Node) -> bool:
    """Tell whether who alone reads what a call puts out may write over it."""
    # A sum of one map is that map itself.
    return producer.op.overwritable and not (producer.op.joins and len(producer.inputs) == 1)

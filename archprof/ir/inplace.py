"""Which activations may write over their input, so that training keeps one map less for each."""

from collections import Counter

from archprof.ir.graph import INPUT, Edge, Graph, Node
from archprof.ir.liveness import readers


def inplace_paths(graph: Graph) -> frozenset[str]:
    """Return the paths of the activations that nobody can see writing over their input, wherever they are applied."""
    counted = readers(graph)
    able = {node.path for node in graph.nodes if node.op.inplace}
    asked = [node for node in graph.nodes if node.path in able]
    return frozenset(able - {node.path for node in asked if not _is_sole_reader(node, graph, counted)})


def _is_sole_reader(node: Node, graph: Graph, counted: Counter[Edge]) -> bool:
    source = node.inputs[0]
    if source.node == INPUT or counted[source] != 1:
        return False
    producer = graph.nodes[source.node]
    # A sum of one map is that map itself.
    return producer.op.overwritable and not (producer.op.joins and len(producer.inputs) == 1)

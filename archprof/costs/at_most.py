"""Which counts are the most that there can be: what comes behind operators that return as much as data has it."""

from collections import Counter
from collections.abc import Mapping

from archprof.costs.report import Report
from archprof.ir.graph import INPUT, Graph, Node
from archprof.ir.operators.recorded import Recorded
from archprof.named_tuple import NamedTuple


class AtMost(NamedTuple):
    """Why a count is at most so much: *causes*, operators that may return fewer elements, by name with how often they
    run before something adds to the count, and the modules *within* which they are called, by path."""

    causes: Mapping[str, int]
    within: tuple[str, ...]


def at_most(report: Report, count: str = "macs") -> AtMost | None:
    """Return why the MACs, or another count, are the most that there can be; None where they are exact."""
    column = report.columns[count]
    return _because(report.graph, {index for index in bounded_nodes(report.graph) if column[index]})


def anything_at_most(graph: Graph) -> AtMost | None:
    """Return why what a network holds and how long it runs are the most that there can be; None where data decides on
    nothing."""
    return _because(graph, set(bounded_nodes(graph)))


def _because(graph: Graph, needed: set[int]) -> AtMost | None:
    """Return which operators decide on those that are *needed*."""
    if not needed:
        return None
    nodes = graph.nodes
    for index in reversed(range(len(nodes))):
        if index in needed:
            if _takes_sizes(nodes[index]):
                needed.update(range(index))
            needed.update([edge.node for edge in nodes[index].inputs if edge.node != INPUT])
    causes = [nodes[index] for index in sorted(needed) if _is_bounded(nodes[index])]
    modules = dict.fromkeys(node.path.rpartition(":")[0] for node in causes)
    return AtMost(dict(Counter(node.op.name for node in causes)), tuple(filter(None, modules)))


def bounded_nodes(graph: Graph) -> frozenset[int]:
    """Return the indices of the operators that return as much as data has it, and of all that read what those have
    made; of those that are told sizes too, which may be the sizes that stand there.

    What multiplies less where a mask or a condition says so is among them, and what reads it is not: its output is as
    large as ever.
    """
    if not any(type(node.op) is Recorded and node.op.bounded for node in graph.nodes):
        return frozenset()  # as of all networks but few
    found: set[int] = set()
    less: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if found and (_takes_sizes(node) or any(edge.node in found for edge in node.inputs)):
            found.add(index)
        elif isinstance(node.op, Recorded) and node.op.bounded:
            (less if node.op.multiplies else found).add(index)
    return frozenset(found | less)


def _is_bounded(node: Node) -> bool:
    return isinstance(node.op, Recorded) and node.op.bounded


# Operators that are told sizes, besides those that read nothing.
_SIZED = ("expand", "slice", "repeat", "new_empty", "new_zeros", "new_ones", "new_full")


def _takes_sizes(node: Node) -> bool:
    """Tell whether an operator is told how large its output is to be; what did not run is no operator."""
    made = not node.inputs and isinstance(node.op, Recorded) and node.op.ran
    return made or node.op.name.rpartition(".")[2] in _SIZED

"""Who reads a value, and until when it is needed."""

from collections import Counter

from archprof.ir.graph import INPUT, Edge, Graph


def readers(graph: Graph) -> Counter[Edge]:
    """Return how often each value is read, by operators and as an output of the network."""
    counted = Counter(edge for node in graph.nodes for edge in node.inputs)
    counted.update(graph.outputs.values())
    return counted


def dying(graph: Graph) -> tuple[tuple[Edge, ...], ...]:
    """Return, for each node, the values that nobody needs behind it: read there for the last time, and no output."""
    last = {edge: index for index, node in enumerate(graph.nodes) for edge in node.inputs}
    dead: list[list[Edge]] = [[] for _ in graph.nodes]
    kept = set(graph.outputs.values())
    for edge, index in last.items():
        if edge not in kept:
            dead[index].append(edge)
    return tuple(map(tuple, dead))


def constant(graph: Graph) -> list[int]:
    """Return the nodes that depend on no input of the network, only on parameters, buffers and constants."""
    depends: list[bool] = []
    for node in graph.nodes:
        depends.append(any(index == INPUT or depends[index] for index, _ in node.inputs))
    return [index for index, reads in enumerate(depends) if not reads]


def leading_nowhere(graph: Graph) -> list[int]:
    """Return the nodes that no output of the network depends on."""
    nodes = graph.nodes
    alive = [False] * (len(nodes) + 1)  # the last place is that of `INPUT`
    for edge in graph.outputs.values():
        alive[edge.node] = True
    for index in range(len(nodes) - 1, -1, -1):
        if alive[index]:
            for node, _ in nodes[index].inputs:
                alive[node] = True
    return [index for index in range(len(nodes)) if not alive[index]]

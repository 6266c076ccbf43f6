"""What of a network learns, and which calls and values the backward pass goes through."""

from collections.abc import Collection

from archprof.ir.graph import Edge, Graph, Node
from archprof.named_tuple import NamedTuple

_DIFFERENTIABLE = ("float", "bfloat", "complex")


class Learning(NamedTuple):
    """What a call has to do with learning: which of its inputs hang on something that learns, which of its own
    parameters learn, and whether a gradient of the network's outputs arrives at it."""

    wanted: tuple[bool, ...]
    learned: tuple[str, ...]
    reached: bool = True

    @property
    def recorded(self) -> bool:
        """Whether autograd records the call."""
        return bool(self.learned) or any(self.wanted)


def learning(graph: Graph, train: bool = True) -> list[Learning]:
    """Return what each call has to do with learning, as torch's `requires_grad` goes from tensor to tensor; nothing
    learns but to *train*.

    What a call returns hangs on something that learns where one of its inputs does, or one of its parameters learns.
    The network's own inputs do not, nor do numbers that are no fractions.
    """
    hanging = set[Edge]()
    found = []
    for index, node in enumerate(graph.nodes):
        detached = node.op.detaches or (node.memory is not None and node.memory.detached)
        differentiable = [] if detached else _differentiable(index, node)
        reads = 1 if node.op.sized_by_others else len(node.inputs)
        wanted = [bool(differentiable) and edge in hanging and k < reads for k, edge in enumerate(node.inputs)]
        call = Learning(tuple(wanted), learned(node) if train and differentiable else ())
        found.append(call)
        if call.recorded:
            hanging.update(differentiable)
    return _reached(graph, found, hanging)


def learned(node: Node) -> tuple[str, ...]:
    """Return which parameters of a call learn, by name."""
    if not node.trainable:
        return ()
    return tuple([name for name in node.op.parameters() if name not in node.frozen])


def _differentiable(index: int, node: Node) -> list[Edge]:
    return [Edge(index, k) for k, value in enumerate(node.outputs) if value.dtype.startswith(_DIFFERENTIABLE)]


def _reached(graph: Graph, calls: list[Learning], hanging: Collection[Edge]) -> list[Learning]:
    """Note which calls no gradient arrives at: nothing that the network returns hangs on them."""
    arriving = {edge.node for edge in graph.outputs.values() if edge in hanging}
    for index in range(len(calls) - 1, -1, -1):
        if index not in arriving:
            calls[index] = calls[index]._replace(reached=False)
            continue
        edges = zip(graph.nodes[index].inputs, calls[index].wanted, strict=True)
        arriving.update(edge.node for edge, wanted in edges if wanted)
    return calls

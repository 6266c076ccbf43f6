"""Which activations may write over their input, so that training keeps one map less for each."""

from collections import Counter

from archprof.graph.operators.act import Activation
from archprof.graph.operators.conv import Conv2d, Linear
from archprof.graph.operators.deform import DeformConv2d
from archprof.graph.operators.norm import BatchNorm2d, FrozenBatchNorm2d, GroupNorm
from archprof.graph.operators.shape import Add, Concat
from archprof.graph.trace import INPUT, Graph, Node

# Their outputs are fresh tensors, which their own backward does not need.
_PRODUCERS = (Conv2d, DeformConv2d, Linear, BatchNorm2d, FrozenBatchNorm2d, GroupNorm, Add, Concat)


def inplace_paths(graph: Graph) -> frozenset[str]:
    """Return the paths of the activations that nobody can see writing over their input, wherever they are applied."""
    readers = Counter(source for node in graph.nodes for source in node.inputs)
    readers.update(graph.outputs.values())
    able = {node.path for node in graph.nodes if isinstance(node.op, Activation) and node.op.inplace}
    return frozenset(able - {node.path for node in graph.nodes if not _is_sole_reader(node, graph, readers)})


def _is_sole_reader(node: Node, graph: Graph, readers: Counter[int]) -> bool:
    source = node.inputs[0]
    if source == INPUT or readers[source] != 1:
        return False
    producer = graph.nodes[source]
    # A sum of one map is that map itself.
    return isinstance(producer.op, _PRODUCERS) and (len(producer.inputs) > 1 or not isinstance(producer.op, Add))

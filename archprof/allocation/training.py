"""The arithmetic of a step of training: multiply-accumulates forward and backward."""

from archprof.errors import usage_error
from archprof.ir.dims import Dim
from archprof.ir.graph import Graph, Node
from archprof.ir.learning import Learning, learned, learning
from archprof.ir.terms import total

_TRAINING = "capture it in training mode: `--train`, in Python `train=True`, or a lock of `--modes eval,train`"


def check_trains(graph: Graph) -> None:
    """Raise UsageError for a network that is known as it runs in evaluation, and that no rules tell more of."""
    if not (graph.training or graph.origin.is_table):
        message = f"`{graph.origin.name}` is known as it runs in evaluation, and nothing of how it trains"
        raise usage_error(message, help=_TRAINING)


def train_macs(graph: Graph) -> Dim:
    """Return the multiply-accumulates of one image in training, forward and backward: each call's own, and for the
    gradients of its inputs and parameters, where something there learns.

    What is computed a second time, by checkpointing or by fused attention, is left out (the "model FLOPs" of Chowdhery
    et al. 2022, appendix B).
    """
    return sum(forward + backward for forward, backward in macs_of_calls(graph))


def more_to_torch(graph: Graph) -> Dim:
    """Return what torch's FlopCounterMode counts more of a step of training: it takes the gradient of a grouped
    convolution's weight for one of all pairs of channels, which are so many times as there are groups
    (torch.utils.flop_counter, conv_backward_flop)."""
    more: Dim = 0
    for node in graph.nodes:
        if hasattr(node.op, "groups") and node.op.groups != 1 and "weight" in learned(node):
            inputs = [graph.value(edge) for edge in node.read]
            more = more + (node.op.groups - 1) * total(node.op.macs(inputs, node.outputs))
    return more


def macs_of_calls(graph: Graph) -> list[tuple[Dim, Dim]]:
    """Return the multiply-accumulates of each call for one image, forward and backward."""
    return [_macs(graph, node, call) for node, call in zip(graph.nodes, learning(graph), strict=True)]


def _macs(graph: Graph, node: Node, call: Learning) -> tuple[Dim, Dim]:
    inputs = [graph.value(edge) for edge in node.read]
    forward = total(node.op.macs(inputs, node.outputs))
    if not call.reached:
        return forward, 0
    return forward, total(node.op.backward_macs(inputs, node.outputs, call.wanted, call.learned))

"""How much arithmetic a call does for each byte that it reads or writes: its arithmetic intensity."""

from archprof.allocation.forward import Forward, Passed, is_halved
from archprof.allocation.timeline import Builder
from archprof.ir.dims import Dim, maximum
from archprof.ir.graph import Graph, Node
from archprof.ir.setup import WIDTHS, Setup
from archprof.ir.terms import NOTHING, total
from archprof.named_tuple import NamedTuple


class Traffic(NamedTuple):
    """The multiply-accumulates of a forward pass, and the bytes of the tensors that it reads and writes, each once:
    inputs, outputs, and weights with all buffers, of which some are *unread*, as the rows of a table are for which
    nothing asks."""

    macs: Dim
    inputs: Dim
    outputs: Dim
    weights: Dim
    unread: Dim = 0

    @property
    def bytes(self) -> Dim:
        """All bytes that are read or written."""
        return self.inputs + self.outputs + self.weights - self.unread

    @property
    def intensity(self) -> float:
        """Multiply-accumulates per byte, 0 where nothing moves.

        This is the operational intensity of the roofline model (Williams, Waterman & Patterson 2009), in
        multiply-accumulates, each call from memory to memory: a device of so many multiply-accumulates and bytes a
        second waits for memory where their ratio is above it.
        """
        return float(self.macs / self.bytes) if self.bytes else 0.0


def traffic(graph: Graph, setup: Setup) -> list[Traffic]:
    """Return what each call computes and moves forward at a setup, its whole batch; in int8, what folds into a call
    moves nothing but weights. Raises SingleImageError where shapes are known for one image alone."""
    if setup.dtype != "int8":
        return _of_calls(graph, setup)
    from archprof.allocation.deployed import folded

    run = folded(graph)
    found = [Traffic(0, 0, 0, _weights(node, setup)) for node in graph.nodes]
    for (first, *_), moved in zip(run.calls, _of_calls(run.graph, setup), strict=True):
        found[first] = moved
    return found


def _of_calls(graph: Graph, setup: Setup) -> list[Traffic]:
    forward = Forward(graph, setup, Builder())
    forward.run()
    return [traffic_of(passed, setup) for passed in forward.passed]


def traffic_of(passed: Passed, setup: Setup) -> Traffic:
    """Return what a call that has run computes and moves at a setup."""
    node, run = passed.node, passed.run
    if is_view(node):
        return Traffic(0, 0, 0, 0)
    macs = total(node.op.macs(run.inputs, run.outputs)) * setup.batch
    # Behind what a call reads stands what it waits for: what was written over it since.
    read = dict(zip(node.inputs[: len(run.inputs)], run.inputs, strict=True))
    inputs, outputs, held = sum(map(run.bytes, read.values())), sum(map(run.bytes, run.outputs)), _weights(node, setup)
    asked = node.op.rows_read(run)
    return Traffic(macs, inputs, outputs, held, 0 if asked is None else maximum(held - asked, 0))


def is_view(node: Node) -> bool:
    """Tell whether a call only looks at its input in another way."""
    if node.memory is None:
        return node.op.view
    return node.memory.aliases[:1] not in ((), (None,)) and not node.memory.writes


def _weights(node: Node, setup: Setup) -> Dim:
    tensors = {**node.op.parameters(), **node.op.buffers()}
    if is_halved(node, setup):
        return total(sum(tensors.values(), NOTHING)) * WIDTHS[setup.amp]
    dtypes = node.memory.dtypes if node.memory else {}
    return sum(total(terms) * setup.width(dtypes.get(name, "float32")) for name, terms in tensors.items())

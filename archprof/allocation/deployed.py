"""Inference in int8 as microcontrollers run it: what has no storage of its own there, and what is computed in parts.

Each rule makes a graph of a graph: what runs, on what. How much that takes is counted as ever.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from archprof.allocation.forward import Forward
from archprof.allocation.order import best_order, reordered
from archprof.allocation.timeline import Builder
from archprof.ir.dims import Dim, ceil_div, maximum, minimum, same_shape
from archprof.ir.footprint import Footprint, Run
from archprof.ir.graph import INPUT, Edge, Graph, Memory, Node
from archprof.ir.inplace import may_write_over
from archprof.ir.liveness import readers
from archprof.ir.operators.act import ReLU, ReLU6
from archprof.ir.operators.base import Operator
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.frozen_batch_norm import FrozenBatchNorm2d
from archprof.ir.operators.join import Add
from archprof.ir.operators.pool import AvgPool2d, MaxPool2d
from archprof.ir.setup import Setup
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

# What a rule is, in the words of a note.
FOLDED = (
    "batch norms are part of the weights before them, ReLU and ReLU6 of what computes their input: neither has a map of"
    " its own (Jacob et al. 2018, section 3.2 and 2.4); weights and buffers are those of the network before that"
)
IN_PLACE = (
    "a depthwise convolution writes over its input, channel by channel, with room for one channel more (Lin et al."
    " 2020, MCUNet, section 3.2)"
)
PATCHES = (
    "the first stage, up to {place}, is computed in {patches} × {patches} patches with what their windows reach beyond"
    " them; its output alone is there as a whole (Lin et al. 2021, MCUNetV2, section 3.1)"
)

BEST = "calls run in an order of which no other has a smaller peak"
NOT_PROVEN = "there are too many orders to prove one of them best: calls run in the network's own"
NO_PATCHES = "no first stage does better in {patches} × {patches} patches"


class FoldedGraph(NamedTuple):
    """A graph without what other calls compute along with theirs, and, of each of its calls, the places that it and
    those have in the whole."""

    graph: Graph
    calls: tuple[tuple[int, ...], ...]


def folds(op: Operator, into: Operator) -> bool:
    """Tell whether an operator is computed by the one before it, if nothing else reads what is between them.

    The scale and the shift of a batch norm become those of the weights and the bias (Jacob et al. 2018, arXiv
    1712.05877, section 3.2); ReLU and ReLU6 are bounds of the numbers that a convolution, a linear layer or a sum puts
    out, which are brought to eight bits anyway (section 2.4). Other activations are tables that are looked up.
    """
    if isinstance(op, _NORMS):
        return into.weighted
    return isinstance(op, _BOUNDS) and (into.weighted or isinstance(into, Add))


def is_foldable(op: Operator) -> bool:
    """Tell whether an operator folds into some others."""
    return isinstance(op, (*_NORMS, *_BOUNDS))


_NORMS = (BatchNorm2d, FrozenBatchNorm2d)
_BOUNDS = (ReLU, ReLU6)


class Deployed(NamedTuple):
    """What runs of a graph, and the rules by which that is not the network as it stands."""

    graph: Graph
    rules: tuple[str, ...]


def deployed(graph: Graph, setup: Setup, *, best: bool = False) -> Deployed:
    """Return what runs of a graph at a setup, in the *best* order that there is: in int8, what is left when all is
    folded that folds."""
    rules = []
    if setup.dtype == "int8":
        graph = folded(graph).graph
        rules.append(FOLDED)
    if setup.in_place:
        graph = depthwise_in_place(graph)
        rules.append(IN_PLACE)
    if best:
        order = best_order(graph, setup)
        graph = reordered(graph, order)
        rules.append(BEST if order.proven else NOT_PROVEN)
    if setup.patches > 1:
        patches = setup.patches
        graph, last = patched(graph, patches, setup)
        rules.append(PATCHES.format(place=last, patches=patches) if last else NO_PATCHES.format(patches=patches))
    return Deployed(graph, tuple(rules))


def folded(graph: Graph) -> FoldedGraph:
    """Return a graph without the norms and activations that fold into what is before them."""
    counted = readers(graph)
    nodes: list[Node] = []
    calls: list[list[int]] = []
    closed = set[int]()  # calls with an activation, behind which no norm is part of the weights
    moved: dict[Edge, Edge] = {}
    for index, node in enumerate(graph.nodes):
        inputs = tuple([moved.get(edge, edge) for edge in node.inputs])
        into = inputs[0].node if inputs and counted[node.inputs[0]] == 1 else INPUT
        if into != INPUT and into not in closed and folds(node.op, nodes[into].op):
            if node.op.category == "act":
                closed.add(into)
            calls[into].append(index)
            moved[Edge(index)] = inputs[0]
            continue
        moved.update((Edge(index, k), Edge(len(nodes), k)) for k in range(len(node.outputs)))
        nodes.append(node._replace(inputs=inputs))
        calls.append([index])
    outputs = {name: moved.get(edge, edge) for name, edge in graph.outputs.items()}
    return FoldedGraph(graph._replace(nodes=tuple(nodes), outputs=outputs), tuple(map(tuple, calls)))


class DepthwiseInPlace(Conv2d):
    """A depthwise convolution that writes over its input. Each channel depends on that channel alone: once it is
    computed, in a buffer of one channel, what was there is not needed any more (Lin et al. 2020, arXiv 2007.10319,
    section 3.2: (N + 1)·H·W bytes for 2·N·H·W)."""

    __slots__ = ()

    def footprint(self, run: Run) -> Footprint:
        return Footprint(shares=0, buffer=run.bytes(run.outputs[0]) // self.out_channels)


def depthwise_in_place(graph: Graph) -> Graph:
    """Return a graph whose depthwise convolutions write over what they alone read, and is no network's input."""
    counted = readers(graph)
    return graph._replace(nodes=tuple([_in_place(node, graph, counted) for node in graph.nodes]))


def _in_place(node: Node, graph: Graph, counted: Counter[Edge]) -> Node:
    op = node.op
    if not isinstance(op, Conv2d) or op.kind != "depthwise" or not may_write_over(node, graph, counted):
        return node
    own = DepthwiseInPlace(*[getattr(op, name) for name in op.__match_args__])
    return node._replace(op=own, memory=Memory(aliases=(0,), writes=(0,)))


# What looks at windows of a map, and categories of what looks at the same place of each input.
_WINDOWS = (Conv2d, MaxPool2d, AvgPool2d)
_POINTWISE = ("norm", "act", "join", "dropout")


class Patched(NamedTuple):
    """A graph whose first calls run in patches, and the id of the last of those; empty where none do."""

    graph: Graph
    last: str


class Assembled(Operator):
    """The map that patches are written into, one after the other."""

    __slots__ = ()
    name = "assembled"


class _Into(Operator):
    """The last operator of a patch, which writes into the assembled map."""

    __slots__ = ()
    name = "patch"

    def footprint(self, run: Run) -> Footprint:
        return Footprint(shares=len(run.inputs) - 1)


def patched(graph: Graph, patches: int, setup: Setup) -> Patched:
    """Return a graph whose first stage runs in *patches* × *patches* parts of its output, the stage that leaves the
    least peak: none where no stage does better than the whole.

    A patch needs of the maps before it what its windows reach: of a window of k with stride s and dilation d,
    (h − 1)·s + d·(k − 1) + 1 rows for h, but no more than there are (Lin et al. 2021, arXiv 2110.15352, section 3.1).
    No output has more patches along a side than it has rows or columns.
    """
    best, least = Patched(graph, ""), _peak(graph, setup)
    for last in _stages(graph):
        if any(patches > size for size in graph.nodes[last].output.shape[1:]):
            continue
        sizes = _needed(graph, last, patches)
        if sizes is None:
            break
        found = Patched(_assembled(graph, last, sizes), graph.nodes[last].id)
        if (peak := _peak(found.graph, setup)) < least:
            best, least = found, peak
    return best


def _peak(graph: Graph, setup: Setup) -> Dim:
    builder = Builder()
    Forward(graph, setup, builder).run()
    return builder.timeline().peak()


def _stages(graph: Graph) -> Iterator[int]:
    """Yield the calls behind which nothing but their output is needed."""
    last = {edge: index for index, node in enumerate(graph.nodes) for edge in node.inputs}
    last.update(dict.fromkeys(graph.outputs.values(), len(graph.nodes)))
    open_ends = set[Edge]()
    for index, node in enumerate(graph.nodes):
        open_ends |= {Edge(index, k) for k in range(len(node.outputs))} | {
            edge for edge in node.inputs if edge.node < 0
        }
        open_ends = {edge for edge in open_ends if last.get(edge, -1) > index}
        if open_ends == {Edge(index)} and len(node.output.shape) == 3:
            yield index


def _needed(graph: Graph, last: int, patches: int) -> dict[Edge, tuple[Dim, Dim]] | None:
    """Return the rows and columns that a patch needs of each map up to a call; None where one of these looks at more
    than windows."""
    height, width = graph.nodes[last].output.shape[1:]
    needed = {Edge(last): (ceil_div(height, patches), ceil_div(width, patches))}
    for index in range(last, -1, -1):
        node = graph.nodes[index]
        if len(node.outputs) > 1 or not _is_local(node, graph):
            return None
        rows, columns = needed.get(Edge(index), (0, 0))
        for edge in node.inputs:
            full = graph.value(edge).shape[1:]
            found = _window(node.op, 0, rows, full[0]), _window(node.op, 1, columns, full[1])
            before = needed.get(edge, (0, 0))
            needed[edge] = maximum(before[0], found[0]), maximum(before[1], found[1])
    return needed


def _is_local(node: Node, graph: Graph) -> bool:
    """Tell whether each place of the output depends on a window of the input, or on the same place of each input."""
    shapes = [graph.value(edge).shape for edge in node.inputs]
    if any(len(shape) != 3 for shape in (*shapes, node.output.shape)):
        return False
    alike = all(same_shape(shape[1:], node.output.shape[1:]) for shape in shapes)
    return isinstance(node.op, _WINDOWS) or (node.op.category in _POINTWISE and alike)


def _window(op: Operator, axis: int, size: Dim, full: Dim) -> Dim:
    if not isinstance(op, _WINDOWS):
        return size
    dilation = op.dilation[axis] if isinstance(op, Conv2d) else 1
    assert isinstance(op, Conv2d | MaxPool2d | AvgPool2d)
    return minimum((size - 1) * op.stride[axis] + dilation * (op.kernel_size[axis] - 1) + 1, full)


def _assembled(graph: Graph, last: int, needed: dict[Edge, tuple[Dim, Dim]]) -> Graph:
    """Return a graph whose calls up to one run on patches and write into a whole map, which the others read."""
    whole = graph.nodes[last].output
    nodes = [Node("patches", Assembled(), (), (whole,), "other")]
    for index, node in enumerate(graph.nodes[: last + 1]):
        inputs = _behind(node.inputs, last)
        output = _of_size(node.output, needed[Edge(index)])
        if index == last:
            nodes.append(node._replace(op=_Into(), inputs=(*inputs, Edge(0)), outputs=(output,)))
        else:
            nodes.append(node._replace(inputs=inputs, outputs=(output,)))
    nodes += [node._replace(inputs=_behind(node.inputs, last, whole=True)) for node in graph.nodes[last + 1 :]]
    outputs = {name: _behind((edge,), last, whole=True)[0] for name, edge in graph.outputs.items()}
    return graph._replace(nodes=tuple(nodes), outputs=outputs)


def _behind(edges: Sequence[Edge], last: int, *, whole: bool = False) -> tuple[Edge, ...]:
    """Return edges of a graph that has one call more in front, to which those lead that lead to the *whole* map."""
    return tuple([
        edge if edge.node == INPUT else Edge(0) if whole and edge.node == last else Edge(edge.node + 1, edge.output)
        for edge in edges
    ])  # fmt: skip


def _of_size(value: Value, size: tuple[Dim, Dim]) -> Value:
    return value.with_shape((value.shape[0], *size))

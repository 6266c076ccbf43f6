"""What a network costs: a graph with a column for each metric, and totals that are what the columns add up to."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from archprof.costs.agreement import Agreement, Measured
from archprof.costs.convention import ARCHPROF, Convention
from archprof.costs.metrics import METRICS, Counts, Metric, SeenCall, together, totals_of
from archprof.errors import Location
from archprof.ir.dims import Shape
from archprof.ir.graph import Graph, ModuleClass, Node
from archprof.ir.operators.base import Operator
from archprof.ir.origin import Origin
from archprof.ir.setup import INFERENCE, Setup
from archprof.ir.strides import Stride
from archprof.ir.terms import Terms, total
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

# A size for each axis of a map: (height, width), with frames in front where there are some.
Sizes = tuple[int, ...]


class Row(NamedTuple):
    """One call of an operator: its node, what it reads, and what it costs."""

    node: Node
    values: tuple[Value, ...]
    cost: Counts
    measured: Measured | None = None
    modules: Mapping[str, ModuleClass] = {}  # those of the network, by path

    @property
    def module(self) -> ModuleClass | None:
        """The module that is the operator, or that calls it; None where no classes are known."""
        found = self.modules.get(self.node.path)
        return self.modules.get(self.node.path.rpartition(":")[0]) if found is None else found

    @property
    def path(self) -> str:
        """What tells the call from others: the module's path, `#2` behind it from the second call on."""
        return self.node.id

    @property
    def operator(self) -> Operator:
        """The operator itself."""
        return self.node.op

    @property
    def op(self) -> str:
        """The operator's name."""
        return self.node.op.name

    @property
    def label(self) -> str:
        """The operator in a word or two."""
        return self.node.op.describe()

    @property
    def kind(self) -> str:
        """What sort of operator it is: `depthwise`, `norm`, `se` …"""
        return self.node.kind

    @property
    def form(self) -> str:
        """How the module runs it."""
        return self.node.form

    @property
    def block(self) -> str:
        """The path of the block that it belongs to."""
        return self.node.block

    @property
    def block_type(self) -> str:
        """That block's name."""
        return self.node.block_type

    @property
    def stage(self) -> Stride:
        """The stride of its output, 0 in the head."""
        return self.node.stage

    @property
    def location(self) -> Location | None:
        """Its row's place in the table, if there is one."""
        return self.node.location

    @property
    def address(self) -> str:
        """Its row's address in the table; empty without one."""
        return self.node.address

    @property
    def inputs(self) -> tuple[Shape, ...]:
        """The shapes that it reads, without the batch."""
        return tuple([value.shape for value in self.values])

    @property
    def output(self) -> Shape:
        """The shape of its (first) output, without the batch."""
        return self.node.outputs[0].shape

    @property
    def kernel(self) -> Sizes | None:
        """The kernel or window, of an operator that has one."""
        return getattr(self.node.op, "kernel_size", None)

    @property
    def stride(self) -> Sizes | None:
        """The stride, of an operator that has one."""
        return getattr(self.node.op, "stride", None)

    @property
    def padding(self) -> tuple[int, ...] | None:
        """The padding, of an operator that has one."""
        return getattr(self.node.op, "padding", None)

    @property
    def groups(self) -> int | None:
        """The groups, of an operator that has some."""
        return getattr(self.node.op, "groups", None)

    @property
    def dilation(self) -> Sizes | None:
        """The dilation, of an operator that has one."""
        return getattr(self.node.op, "dilation", None)

    @property
    def agrees(self) -> bool:
        """Whether everything measured equals the analytic count."""
        return self.measured is None or self.measured.agrees(self.cost)


@dataclass(frozen=True)
class Report:
    """A network's costs by one convention, for one setup, and what was measured if anything was.

    *columns* has the counts of the graph's nodes, in their order, for each metric.
    """

    graph: Graph
    columns: Mapping[str, tuple[int, ...]]
    totals: Counts
    setup: Setup = INFERENCE
    convention: Convention = ARCHPROF
    measured: Agreement | None = None

    @property
    def origin(self) -> Origin:
        """Where the network comes from."""
        return self.graph.origin

    @property
    def inputs(self) -> Mapping[str, Value]:
        """What the network takes, by name."""
        return self.graph.inputs

    @property
    def input(self) -> Shape:
        """The shape of the (first) input, without the batch."""
        return next(iter(self.graph.inputs.values())).shape

    @cached_property
    def outputs(self) -> Mapping[str, Value]:
        """What the network returns, by name."""
        return {name: self.graph.value(edge) for name, edge in self.graph.outputs.items()}

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """A row for each node."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[Row]:
        names = tuple(self.columns)
        columns = tuple(self.columns.values())
        measured = self.measured.rows if self.measured else ()
        for index, node in enumerate(self.graph.nodes):
            counts = Counts(zip(names, [column[index] for column in columns], strict=True))
            values = tuple([self.graph.value(edge) for edge in node.read])
            yield Row(node, values, counts, measured[index] if measured else None, self.graph.modules)


def analyze_graph(graph: Graph, setup: Setup = INFERENCE, metrics: Sequence[Metric] = METRICS) -> Report:
    """Return the report of a graph: closed formulas over shapes, nothing is run."""
    calls = list(seen_calls(graph))
    counted = {of: _counted(of, calls, setup) for of in dict.fromkeys([metric.of for metric in metrics])}
    columns = {metric.name: _column(metric, counted[metric.of], calls) for metric in metrics}
    return Report(graph, columns, totals_of(metrics, columns), setup)


def _counted(of: Callable[[SeenCall, Setup], Terms], calls: Sequence[SeenCall], setup: Setup) -> tuple[int, ...]:
    return tuple([total(terms) if (terms := of(call, setup)) else 0 for call in calls])


def _column(metric: Metric, counted: tuple[int, ...], calls: Sequence[SeenCall]) -> tuple[int, ...]:
    if not metric.trained:
        return counted
    return tuple([_learned(count, call) if call.trainable else 0 for count, call in zip(counted, calls, strict=True)])


def _learned(count: int, call: SeenCall) -> int:
    """Return what learns of a call's parameters, *count* in all."""
    if not call.frozen:
        return count
    return count - int(sum(total(terms) for name, terms in call.parameters.items() if name in call.frozen))


_made = tuple.__new__


def total_cost(rows: Iterable[Row]) -> Counts:
    """Return what rows cost together."""
    return together(row.cost for row in rows)


def seen_calls(graph: Graph) -> Iterator[SeenCall]:
    """Yield the calls of a graph as metrics see them: a tensor that several calls use belongs to the first."""
    nodes = graph.nodes
    # What each node returns; what the network takes stands last, where `INPUT` leads.
    made = [node.outputs for node in nodes]
    made.append(tuple(graph.inputs.values()))
    # Of most networks no tensor has a name of its own: then nobody needs to remember any.
    tied = any(node.parameters is not None for node in nodes)
    owned: set[str] = set()
    for node in nodes:
        op = node.op
        values = tuple([made[index][k] for index, k in node.read])
        parameters, buffers = op.parameters(), op.buffers()
        if tied:
            parameters, buffers = _owned(node, parameters, owned), _owned(node, buffers, owned)
        elif node.call > 1:
            parameters, buffers = {}, {}
        # As `SeenCall(…)`, without the function that names arguments.
        yield _made(SeenCall, (op, values, node.outputs, parameters, buffers, node.trainable, node.frozen))


def _owned(node: Node, tensors: Mapping[str, Terms], owned: set[str]) -> Mapping[str, Terms]:
    """Return the tensors that no call before has had, and note that they are taken."""
    found = {}
    for name, terms in tensors.items():
        identity = node.tensor(name)
        if identity not in owned:
            owned.add(identity)
            found[name] = terms
    return found

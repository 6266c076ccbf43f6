"""What a network costs: a row for every operator, totals that are the sums of the rows."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from archprof.analysis.conventions import ARCHPROF, Convention
from archprof.errors import Location
from archprof.graph.dims import Shape
from archprof.graph.operators.base import Operator
from archprof.graph.trace import INPUT, Graph, Node
from archprof.spec.types import Spec

Pair = tuple[int, int]


class Cost(NamedTuple):
    """Exact counts of one operator, of several, or of a network; `trainable` leaves out frozen parameters."""

    params: int = 0
    trainable: int = 0
    buffers: int = 0
    macs: int = 0
    activations: int = 0


class Measured(NamedTuple):
    """What the counters found for a row: `macs` is that of the counter asked for, `macs_torch` the second one's where
    two ran."""

    params: int
    macs: int
    macs_torch: int | None = None


class Row(NamedTuple):
    """One operator at its place, with its costs. Shapes leave out the batch; `stage` is the stride of its output, 0 in
    the head."""

    path: str
    op: str
    label: str
    kind: str
    form: str
    block: str
    block_type: str
    stage: int
    inputs: tuple[Shape, ...]
    output: Shape
    kernel: Pair | None
    stride: Pair | None
    padding: tuple[int, ...] | None
    groups: int | None
    dilation: Pair | None
    operator: Operator
    cost: Cost
    location: Location
    measured: Measured | None = None
    address: str = ""  # of its row in the spec

    @property
    def agrees(self) -> bool:
        """Whether everything measured equals the analytic count."""
        return self.measured is None or (
            self.measured.params == self.cost.params
            and self.measured.macs == self.cost.macs
            and self.measured.macs_torch in (None, self.cost.macs)
        )


class Measurement(NamedTuple):
    """The totals that were measured, by which counter, under which torch."""

    counter: str
    torch: str
    params: int
    macs: int
    macs_torch: int | None
    agree: bool


class Report(NamedTuple):
    """A network's costs by one convention, row by row, and what was measured if anything was."""

    spec: Spec
    input: Shape
    outputs: Mapping[str, Shape]
    rows: tuple[Row, ...]
    totals: Cost
    convention: Convention = ARCHPROF
    measured: Measurement | None = None


def analyze_graph(graph: Graph) -> Report:
    """Return the report of a graph: closed formulas over shapes, nothing is run."""
    rows = tuple(_row(graph, node) for node in graph.nodes)
    outputs = {name: graph.shape_of(node) for name, node in graph.outputs.items()}
    return Report(graph.spec, graph.input, outputs, rows, total(rows))


def total(rows: Iterable[Row]) -> Cost:
    """Return the sum of rows."""
    params = trainable = buffers = macs = activations = 0
    for row in rows:
        cost = row.cost
        params += cost.params
        trainable += cost.trainable
        buffers += cost.buffers
        macs += cost.macs
        activations += cost.activations
    return Cost(params, trainable, buffers, macs, activations)


def _row(graph: Graph, node: Node) -> Row:
    op, shape = node.op, node.shape
    params = 0 if node.shared else op.params
    cost = Cost(
        params, params if node.trainable else 0, 0 if node.shared else op.buffers, op.macs(shape), op.activations(shape)
    )
    return Row(
        node.path,
        op.name,
        op.describe(),
        node.kind,
        op.form,
        node.block,
        node.block_type,
        node.stage,
        tuple([graph.input if index == INPUT else graph.nodes[index].shape for index in node.inputs]),
        shape,
        getattr(op, "kernel_size", None),
        getattr(op, "stride", None),
        getattr(op, "padding", None),
        getattr(op, "groups", None),
        getattr(op, "dilation", None),
        op,
        cost,
        node.location,
        address=node.address,
    )


class Counted(Protocol):
    """What a counter found for one module."""

    @property
    def params(self) -> int: ...
    @property
    def macs(self) -> int: ...
    @property
    def macs_torch(self) -> int | None: ...


class Counts(Protocol):
    """What counters found for a module, path by path."""

    @property
    def counter(self) -> str: ...
    @property
    def torch(self) -> str: ...
    @property
    def rows(self) -> Mapping[str, Counted]: ...
    @property
    def params(self) -> int: ...
    @property
    def macs(self) -> int: ...
    @property
    def macs_torch(self) -> int | None: ...


def with_measured(report: Report, counts: Counts) -> Report:
    """Return the report with what was measured beside each row.

    An operator that is applied several times is one module: its first row takes what the module's count leaves after
    the others' own.
    """
    repeated: dict[str, list[Row]] = {}
    for row in report.rows:
        repeated.setdefault(row.path, []).append(row)
    rows = []
    for row in report.rows:
        first, *others = repeated[row.path]
        found = counts.rows.get(row.path)
        if found is None:
            measured = Measured(0, 0, None if counts.macs_torch is None else 0)
        elif row is not first:
            measured = Measured(0, row.cost.macs, None if found.macs_torch is None else row.cost.macs)
        else:
            beside = sum(other.cost.macs for other in others)
            measured = Measured(
                found.params, found.macs - beside, None if found.macs_torch is None else found.macs_torch - beside
            )
        rows.append(row._replace(measured=measured))
    totals = report.totals
    agree = all(row.agrees for row in rows) and counts.params == totals.params and counts.macs == totals.macs
    agree = agree and counts.macs_torch in (None, totals.macs)
    measurement = Measurement(counts.counter, counts.torch, counts.params, counts.macs, counts.macs_torch, agree)
    return report._replace(rows=tuple(rows), measured=measurement)


def disagreement(report: Report) -> str:
    """Return what a disagreement between analytic and measured counts is, naming the first row that differs; empty when
    there is none."""
    if report.measured is None or report.measured.agree:
        return ""
    for row in report.rows:
        if not row.agrees and row.measured is not None:
            pairs = [("params", row.cost.params, row.measured.params), ("MACs", row.cost.macs, row.measured.macs)]
            if row.measured.macs_torch is not None:
                pairs.append(("MACs (torch)", row.cost.macs, row.measured.macs_torch))
            differing = [
                f"{mine:,} {what} analytic, {found:,} measured" for what, mine, found in pairs if mine != found
            ]
            return f"`{row.path}` ({row.op}): {'; '.join(differing)}"
    totals, measured = report.totals, report.measured
    return f"the totals differ: {totals.params:,} params, {totals.macs:,} MACs analytic, {measured.params:,}, {measured.macs:,} measured"

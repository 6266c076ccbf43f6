"""What a network costs, call by call."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from archprof.analysis.document import ConventionTotal, Head, Tensor, head, tensor, total_by
from archprof.costs.agreement import Agreement, Measured
from archprof.costs.at_most import AtMost, at_most, bounded_nodes
from archprof.costs.convention import Convention, convention_sum
from archprof.costs.metrics import Counts
from archprof.costs.report import Report, Row, Sizes
from archprof.errors import Location
from archprof.ir.graph import Graph
from archprof.ir.liveness import constant
from archprof.ir.operators.recorded import Recorded
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple
from archprof.spec import catalog

# A stride; where a map is larger than the network's input its fraction in words, `1/2`; or `head`.
Stage = int | str


class CallBytes(NamedTuple):
    """The bytes that calls read and write: of inputs, of outputs, and of the weights and buffers that they hold, each
    once; rows of a table that nothing asks for are *unread*. Their *intensity* is multiply-accumulates of the batch per
    byte that is read or written. In training, the bytes that they save for backward, and their multiply-accumulates for
    one image, forward and backward."""

    input_bytes: int
    output_bytes: int
    held_bytes: int
    intensity: float
    saved_bytes: int | None = None
    train_macs: int | None = None
    unread_bytes: int | None = None


class Layer(NamedTuple):
    """One call of an operator. *counts* are those of other conventions, each in its unit, None where it is not known;
    *bounded* says that data decides how much it returns or reads, and its counts are the most that there can be,
    *constant* that it depends on no input of the network, *folds_norm* that a norm behind it is part of it."""

    path: str
    op: str
    label: str
    kind: str
    block: str
    block_type: str
    stage: Stage
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    kernel: Sizes | None
    stride: Sizes | None
    padding: tuple[int, ...] | None
    groups: int | None
    dilation: Sizes | None
    cost: Counts
    location: Location | None
    counts: Mapping[str, int | None] | None = None
    measured: Measured | None = None
    bounded: bool = False
    constant: bool = False
    folds_norm: bool | None = None
    traffic: CallBytes | None = None

    @property
    def agrees(self) -> bool:
        """Whether everything measured equals the analytic count."""
        return self.measured is None or self.measured.agrees(self.cost, at_most=bool(self.bounded))


class MeasuredTotals(NamedTuple):
    """What counters found in all, and whether that, and every row, is what the formulas say; operators that a counter
    has no rule for, by how often they ran. Where modules were compared rather than operators,
    there were so many *compared_modules*."""

    counter: str
    torch: str
    params: int
    macs: int
    agree: bool
    macs_torch: int | None = None
    not_counted: Mapping[str, int] | None = None
    compared_modules: int | None = None


class Summary(NamedTuple):
    """A network and its calls in the order of execution. Where operators are *not_counted*, by name with how often they
    run, because they may multiply and there is no rule for them, the MACs are at least so many; where there is
    *at_most*, they are at most so many; *constant_macs* are those of calls that depend on no input, by path. Operators
    with *packed_weights* hold what is not among the parameters. Of a file that stores a network, *stored* says what it
    holds, and *remarks* what else is to be told. Where bytes are asked for, *setup* says of what, and *traffic* are
    those of all calls; where operators are *unknown*, by name with how often they run, because there is no rule for
    what they save for backward, at least so many are saved."""

    head: Head
    layers: tuple[Layer, ...]
    conventions: tuple[ConventionTotal, ...] = ()
    measured: MeasuredTotals | None = None
    not_counted: Mapping[str, int] | None = None
    constant_macs: Mapping[str, int] | None = None
    at_most: AtMost | None = None
    packed_weights: Mapping[str, int] | None = None
    stored: Mapping[str, Any] | None = None
    remarks: tuple[str, ...] = ()
    setup: Setup | None = None
    traffic: CallBytes | None = None
    unknown: Mapping[str, int] | None = None


def summarize(report: Report, conventions: Sequence[Convention] = ()) -> Summary:
    """Return a report as a result, with what other *conventions* count."""
    counted = _counted(report, conventions) if conventions else {}
    bounded, constants = bounded_nodes(report.graph), frozenset(_constant_calls(report.graph))
    layers = [
        _layer(row, counted, bounded=index in bounded, constant=index in constants)
        for index, row in enumerate(report.rows)
    ]
    tallies = tuple([total_by(report, one) for one in conventions])
    measured = _measured(report.measured)
    found = not_counted(report), constant_macs(report), at_most(report), _packed_weights(report)
    told = (report.origin.stored or None, report.origin.remarks)
    return Summary(head(report), tuple(layers), tallies, measured, *found, *told)


def _counted(report: Report, conventions: Sequence[Convention]) -> dict[str, dict[str, int | None]]:
    """Return what conventions count of each path, by name; None where that is not known."""
    from archprof.costs.priced import priced

    found: dict[str, dict[str, int | None]] = {row.path: {} for row in report.rows}
    for one in conventions:
        counted, unseen, unknown = priced(report, one)
        for row in counted:
            found[row.path][one.name] = convention_sum([row], one)
        for row in unseen:
            found[row.path][one.name] = 0
        for row in unknown:
            found[row.path][one.name] = None
    return found


def not_counted(report: Report) -> dict[str, int] | None:
    """Return the operators for whose MACs there is no rule, by name, with how often they run; None where there are
    none."""
    recorded = [node.op for node in report.graph.nodes if type(node.op) is Recorded]
    return dict(Counter(op.name for op in recorded if not op.counted)) or None if recorded else None


def constant_macs(report: Report) -> dict[str, int] | None:
    """Return the MACs that depend on parameters and constants alone, and so are the same for a batch of any size, by
    the paths of their calls; None where there are none."""
    column, nodes = report.columns["macs"], report.graph.nodes
    return {nodes[index].id: column[index] for index in _constant_calls(report.graph) if column[index]} or None


def _constant_calls(graph: Graph) -> Iterator[int]:
    """Yield the nodes that depend on no input; parameters that no call reads are no call."""
    for index in constant(graph):
        op = graph.nodes[index].op
        if not isinstance(op, Recorded) or op.ran:
            yield index


def _packed_weights(report: Report) -> dict[str, int] | None:
    """Return the quantised operators whose weights are no parameters, by name, with how often they run."""
    operators = [node.op for node in report.graph.nodes if isinstance(node.op, Recorded)]
    return dict(Counter(op.name for op in operators if op.multiplies and op.packed)) or None


def _layer(row: Row, counted: Mapping[str, Mapping[str, int | None]], *, bounded: bool, constant: bool) -> Layer:
    place = row.location
    return Layer(
        row.path,
        row.op,
        row.label,
        row.kind,
        row.block,
        row.block_type,
        stage_of(row),
        tuple([tensor(value) for value in row.values]),
        tuple([tensor(value) for value in row.node.outputs]),
        row.kernel,
        row.stride,
        row.padding,
        row.groups,
        row.dilation,
        row.cost,
        None if place is None else Location(catalog.portable(place.file), *place[1:]),
        counted.get(row.path),
        row.measured,
        bounded,
        constant,
        row.node.folds_norm or None,
    )


def stage_of(row: Row) -> Stage:
    """Return by how much a row's output is smaller than the network's input."""
    stage = row.stage or "head"
    return str(stage) if isinstance(stage, Fraction) else stage


def _measured(found: Agreement | None) -> MeasuredTotals | None:
    if found is None:
        return None
    totals = (found.params, found.macs, found.agree, found.macs_torch)
    return MeasuredTotals(found.counter, found.torch, *totals, found.not_counted or None, found.compared_modules)

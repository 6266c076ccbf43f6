"""What a network holds in memory at a setup: what is there all along, what comes and goes, and where there is most."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from archprof.allocation.checkpoint import segments
from archprof.allocation.report import MemoryReport, analyze_memory
from archprof.allocation.timeline import BACKWARD, FORWARD, SCRATCH, STEP, Timeline
from archprof.allocation.training import more_to_torch
from archprof.analysis.document import Estimate, Head, bytes_between, head
from archprof.analysis.one_image import known_at
from archprof.costs.at_most import AtMost, anything_at_most, bounded_nodes
from archprof.costs.report import analyze_graph
from archprof.ir.graph import Graph, Node
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple
from archprof.units import plural

# What is there beside tensors, and is not counted.
_RESERVED = "memory that the allocator reserves"
# What is not counted, by whose kernels run.
_NOT_INCLUDED = {"cuda": (_RESERVED, "the context of the device"), "cpu": (_RESERVED, "workspace of kernels")}
_NOT_INCLUDED_IN_INT8 = ("buffers of a library's kernels",)


class ResidentBytes(NamedTuple):
    """Bytes that are there all along: of parameters, buffers, what an optimiser keeps, gradients of passes before, and
    of inputs, in training with their targets."""

    weight_bytes: int
    buffer_bytes: int
    optimizer_bytes: int
    gradient_bytes: int
    input_bytes: int


class PeakAt(NamedTuple):
    """Where there is most: in which part of the pass, at which call, what that is in a word or two, and at which of
    the steps of the timeline, counted from 1."""

    phase: str
    path: str
    label: str
    step: int


class AliveTensor(NamedTuple):
    """A tensor that is there at the peak: the call that it belongs to, its block, what it is for, its bytes."""

    path: str
    label: str
    block: str
    block_type: str
    role: str
    bytes: int


class Moment(NamedTuple):
    """A step of a pass: the bytes that have come and not gone while it runs, and behind it."""

    phase: str
    path: str
    bytes: int
    bytes_after: int


class FittingBatch(NamedTuple):
    """The largest batch that fits into so many bytes, 0 where none does: what is counted for it, with as much workspace
    as kernels may take, and for one image more, the margin on top that is kept free, in per cent, and whether one image
    more has that too, and torch's allocator finds no room for it between its blocks."""

    limit_bytes: int
    batch: int
    counted_bytes: int
    next_bytes: int
    margin_percent: int
    scattered: bool


class Memory(NamedTuple):
    """The memory of a network at a setup: `peaks` are the most bytes that come and go at once in each part of the pass,
    and `saved_bytes` what the forward pass leaves to the backward pass, in training, where `train_macs` are the
    multiply-accumulates of one image, forward and backward, and `train_macs_torch` those that torch's FlopCounterMode
    counts, where they are others. `total_bytes` are those of everything at the peak, of which
    `alive` is what comes and goes. Where kernels take workspace beside all tensors, `estimates` say by name between
    which bytes those at the peak lie with it. Where operators have no rule, by name with how often they run in
    `unknown`, all bytes are the least that there are, and `estimates` say how many there may be. Where there is
    `at_most`, the bytes at the peak, and in training what is saved and multiplied, are the most that there can be.
    `rules` tell of what runs otherwise than the network stands: what folds in int8, another order, whole blocks,
    checkpoints of the code."""

    head: Head
    setup: Setup
    resident: ResidentBytes
    peaks: Mapping[str, int]
    peak_at: PeakAt
    peak_bytes: int
    total_bytes: int
    alive: tuple[AliveTensor, ...]
    timeline: tuple[Moment, ...]
    not_included: tuple[str, ...]
    saved_bytes: int | None = None
    train_macs: int | None = None
    estimates: Mapping[str, Estimate] | None = None
    unknown: Mapping[str, int] | None = None
    rules: tuple[str, ...] = ()
    fit: FittingBatch | None = None
    train_macs_torch: int | None = None
    at_most: AtMost | None = None


def describe_memory(graph: Graph, setup: Setup, *, best: bool = False, rounding: int | None = None) -> Memory:
    """Return the memory of a network as a result, in the *best* order of its calls, every tensor *rounding* up to whole
    blocks of so many bytes. Raises UsageError where its shapes are known for one image alone."""
    from archprof.allocation.deployed import deployed

    with known_at(graph):
        runs, rules = deployed(graph, setup, best=best)
        found = analyze_memory(graph, setup, runs, block=rounding or 1)
    if rounding is not None:
        rules += (f"every tensor takes whole blocks of {plural(rounding, 'byte')}, as allocators give them",)
    if setup.checkpoint and not segments(graph, blocks=True):
        rules += ("no block has more than one call: nothing is computed again",)
    if setup.train:
        rules += graph.origin.remarks
    moments = tuple(_moments(found.timeline))
    at, alive = _peak(found, moments)
    peak = found.peak
    total = found.resident.total + peak
    macs = found.train_macs if setup.train else None
    more = more_to_torch(graph) if setup.train else 0
    return Memory(
        head(analyze_graph(graph)),
        setup,
        ResidentBytes(*found.resident),
        {phase: found.phase(phase) for phase in ((FORWARD, BACKWARD, STEP) if setup.train else (FORWARD,))},
        at,
        peak,
        total,
        alive,
        moments,
        _NOT_INCLUDED_IN_INT8 if setup.dtype == "int8" else _NOT_INCLUDED[setup.kernels],
        found.timeline.after(FORWARD) if setup.train else None,
        macs,
        _estimates(found, peak, total),
        found.unknown or None,
        rules,
        train_macs_torch=macs + more if macs is not None and more else None,
        at_most=anything_at_most(graph) if setup.train else peak_at_most(found),
    )


def peak_at(found: MemoryReport) -> tuple[PeakAt, tuple[AliveTensor, ...]]:
    """Return where the peak of a network is, and what is there then."""
    return _peak(found, tuple(_moments(found.timeline)))


def peak_at_most(found: MemoryReport) -> AtMost | None:
    """Return why the bytes at the peak are the most that there can be; None where what is there then is as large
    whatever data decides."""
    nodes = found.graph.nodes
    bounded = {nodes[index].id for index in bounded_nodes(found.graph)}
    at, alive = peak_at(found)
    return anything_at_most(found.graph) if bounded.intersection([at.path, *(one.path for one in alive)]) else None


def _peak(found: MemoryReport, moments: Sequence[Moment]) -> tuple[PeakAt, tuple[AliveTensor, ...]]:
    at = max(range(len(moments)), key=lambda index: moments[index].bytes, default=0)
    nodes = {node.id: node for node in found.graph.nodes}
    return _peak_at(moments, at, nodes), tuple(_alive(found.timeline, at, nodes))


def _estimates(found: MemoryReport, peak: int, total: int) -> Mapping[str, Estimate] | None:
    """Return what is not exact of a network: bytes with the workspace of kernels, and with what operators may take
    for which there is no rule."""
    span = found.span
    if span.high == total and not found.unknown:
        return None
    tensors = {"peak_bytes": bytes_between(peak, found.upper_peak)} if found.unknown else {}
    return {**tensors, "total_bytes": bytes_between(*span)}


def _moments(timeline: Timeline) -> Iterator[Moment]:
    for step, (during, after) in zip(timeline.steps, timeline.levels(), strict=True):
        yield Moment(step.phase, step.of, during, after)


def phases(timeline: Sequence[Moment]) -> Iterator[tuple[str, int, int]]:
    """Yield each part of a pass, with its first and last step, counted from 1; what is let go between two belongs to
    the first."""
    names = [moment.phase for moment in timeline]
    for index, name in enumerate(names):
        names[index] = name or names[index - 1]
    for name, run in groupby(enumerate(names, 1), lambda one: one[1]):
        numbers = [number for number, _ in run]
        yield name, numbers[0], numbers[-1]


def _peak_at(moments: Sequence[Moment], at: int, nodes: Mapping[str, Node]) -> PeakAt:
    if not moments:
        return PeakAt(FORWARD, "", "", 0)
    node = nodes.get(moments[at].path)
    return PeakAt(moments[at].phase, moments[at].path, node.op.describe() if node else "", at + 1)


def _alive(timeline: Timeline, at: int, nodes: Mapping[str, Node]) -> Iterator[AliveTensor]:
    """Yield what is there while a step runs, in the order in which it came."""
    for storage in timeline.alive(at):
        if storage.bytes:
            yield _tensor(storage.of, storage.holds, storage.bytes, nodes)
    if timeline.steps and timeline.steps[at].scratch:
        yield _tensor(timeline.steps[at].of, SCRATCH, timeline.steps[at].scratch, nodes)


def _tensor(of: str, holds: str, size: int, nodes: Mapping[str, Node]) -> AliveTensor:
    node = nodes.get(of)
    if node is None:  # the loss, the optimiser, or the map of patches
        return AliveTensor(of, of, of, of, holds, size)
    return AliveTensor(of, node.op.describe(), node.block, node.block_type, holds, size)

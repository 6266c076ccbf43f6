"""What a network holds in memory at a setup: what is there all along, what comes and goes, and where there is most."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import NamedTuple

from archprof.analysis.document import Head, head
from archprof.costs.report import analyze_graph
from archprof.errors import usage_error
from archprof.ir.graph import Graph, Node
from archprof.ir.setup import Setup
from archprof.memory.report import analyze_memory
from archprof.memory.timeline import BACKWARD, FORWARD, SCRATCH, STEP, Timeline

# What is there beside tensors, and is not counted.
NOT_INCLUDED = ("memory that the allocator reserves", "the context of the device", "workspaces of kernels")


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


class Memory(NamedTuple):
    """The memory of a network at a setup: `peaks` are the most bytes that come and go at once in each part of the pass,
    and `saved_bytes` what the forward pass leaves to the backward pass, in training, where `train_macs` are the
    multiply-accumulates of one image, forward and backward. `total_bytes` are those of
    everything at the peak, of which `alive` is what comes and goes."""

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


@contextmanager
def known_at(graph: Graph) -> Iterator[None]:
    """Raise UsageError where what is asked of a network's shapes is known for one image alone."""
    try:
        yield
    except ValueError:
        name = graph.origin.variant
        advice = "ask for one image, or of the code that it comes from"
        raise usage_error(f"shapes of `{name}` are known for one image alone", help=advice) from None


def describe_memory(graph: Graph, setup: Setup) -> Memory:
    """Return the memory of a network as a result. Raises UsageError where its shapes are known for one image alone."""
    with known_at(graph):
        found = analyze_memory(graph, setup)
    moments = tuple(_moments(found.timeline))
    at = max(range(len(moments)), key=lambda index: moments[index].bytes, default=0)
    peak = moments[at].bytes if moments else 0
    nodes = {node.id: node for node in graph.nodes}
    forward = [moment for moment in moments if moment.phase == FORWARD]
    return Memory(
        head(analyze_graph(graph)),
        setup,
        ResidentBytes(*found.resident),
        {phase: _most(moments, phase) for phase in ((FORWARD, BACKWARD, STEP) if setup.train else (FORWARD,))},
        _peak_at(moments, at, nodes),
        peak,
        found.resident.total + peak,
        tuple(_alive(found.timeline, at, nodes)),
        moments,
        NOT_INCLUDED,
        forward[-1].bytes_after if setup.train else None,
        found.train_macs if setup.train else None,
    )


def _most(moments: Iterable[Moment], phase: str) -> int:
    return max((moment.bytes for moment in moments if moment.phase == phase), default=0)


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


def _peak_at(moments: tuple[Moment, ...], at: int, nodes: Mapping[str, Node]) -> PeakAt:
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
    if node is None:  # the loss, or the optimiser
        return AliveTensor(of, of, of, of, holds, size)
    return AliveTensor(of, node.op.describe(), node.block, node.block_type, holds, size)

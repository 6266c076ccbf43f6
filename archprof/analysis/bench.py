"""How long networks take on this machine: measured whole and part by part, beside the device's roofline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archprof.allocation.traffic import Traffic, traffic
from archprof.analysis.document import Head, head
from archprof.analysis.latency import DeviceCeilings, ceilings_text
from archprof.analysis.one_image import known_at
from archprof.costs.report import analyze_graph
from archprof.devices.predict import roofline
from archprof.devices.profile import Ceilings
from archprof.errors import described, usage_error
from archprof.ir.graph import Graph, Node
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple
from archprof.progress import Told
from archprof.runtime.timing.measure import (
    How,
    NetworkTimes,
    RunNode,
    built,
    ceilings,
    laid_calls,
    measure_network,
    measuring,
    provenance,
)
from archprof.runtime.timing.rounds import Timing
from archprof.units import US_PER_MS

if TYPE_CHECKING:
    from archprof.captures.source import Runnable
    from archprof.runtime.timing.laid_out import LaidCall
    from archprof.runtime.timing.torch_times import Subject

# Of a network's parts so much of the time may be noise, as a part of it, until all of it is.
_NOISY_PARTS = 0.10


class MeasuredTime(NamedTuple):
    """A time that was measured: the least of all rounds, in ms, and the spread, by how much the least of both halves of
    the rounds differ, as a part of the smaller one."""

    ms: float
    spread: float
    rounds: int


class MeasuredCall(NamedTuple):
    """A call of a network, or a node that onnxruntime made of some: how long it takes alone, or, of a node, in the
    network, and what it would take at the ceilings of the device, of which one binds. `time` is left out where nothing
    runs, and where it cannot be run alone; of the former there are no `bytes` either."""

    path: str
    label: str
    block: str
    block_type: str
    roofline_ms: float
    bound: str
    macs: int
    bytes: int
    time: MeasuredTime | None = None


class MeasuredNetworkTimes(NamedTuple):
    """A network that was measured at a batch: `latency` whole, `eager` also called from Python where it was replayed
    otherwise, `parts_ms` of its parts together. Of onnxruntime, `fused` are the operators that it runs within others,
    `inserted` those that it adds, by name with how many; of torch, `not_timed` are the calls that cannot be run alone,
    likewise. A *noisy* one is in no profile, nor are its parts."""

    head: Head
    batch: int
    latency: MeasuredTime
    parts_ms: float
    noisy: bool
    layers: tuple[MeasuredCall, ...]
    eager: MeasuredTime | None = None
    fused: Mapping[str, int] | None = None
    inserted: Mapping[str, int] | None = None
    not_timed: Mapping[str, int] | None = None


class Bench(NamedTuple):
    """How long networks take on this machine, all that identifies the run, and what the device does at most."""

    provenance: Mapping[str, str]
    on: str
    dtype: str
    layout: str
    runtime: str
    execution: str
    threads: int
    ceilings: DeviceCeilings
    networks: tuple[MeasuredNetworkTimes, ...]


class Wanted(NamedTuple):
    """A network to be measured: its graph, and its module at a batch, ready to run."""

    graph: Graph
    at: Callable[[int], Subject]


def of_table(graph: Graph, how: How) -> Wanted:
    """Return the network of a block table, which is built to be measured. Raises UsageError for what comes from
    none."""
    return Wanted(graph, lambda batch: built(graph, how, batch))


def describe_bench(
    networks: Sequence[Wanted], how: How, batches: Sequence[int], told: Callable[[str], Told] | None = None
) -> Bench:
    """Return how long networks take at some batches. Raises UsageError where a network cannot be built."""
    with measuring(how):
        known = ceilings(how)
        found = tuple([
            _measured(one, how, batch, known, told(f"{one.graph.origin.variant}, batch {batch}") if told else None)
            for one in networks
            for batch in batches
        ])  # fmt: skip
        run = provenance(how)
    setup = how.setup
    how_it_runs = (setup.dtype, setup.layout, setup.runtime, setup.execution, setup.threads)
    return Bench(run, how.on, *how_it_runs, ceilings_text(known), found)


@contextmanager
def _told_apart(graph: Graph) -> Iterator[None]:
    """Raise UsageError where a network does not run so: its code fails in a number format, or memory is short."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, MemoryError) as error:
        raise usage_error(f"running `{graph.origin.variant}` fails: {described(error)}") from error


def _measured(wanted: Wanted, how: How, batch: int, known: Ceilings, told: Told | None) -> MeasuredNetworkTimes:
    graph = wanted.graph
    with known_at(graph):
        calls = laid_calls(graph, how, batch)
    with _told_apart(graph):
        times = measure_network(wanted.at(batch), calls, how, told)
    if how.by_onnxruntime:
        layers = tuple([_node(node, known) for node in times.nodes])
    else:
        moved = traffic(graph, Setup(batch=batch, dtype=how.setup.dtype, layout=how.setup.layout))
        moved = [one if call.runs else Traffic(0, 0, 0, 0) for one, call in zip(moved, calls, strict=True)]
        rows = zip(graph.nodes, times.calls, moved, strict=True)
        layers = tuple([_call(*row, known) for row in rows])
    return MeasuredNetworkTimes(
        head(analyze_graph(graph)),
        batch,
        _time(times.whole),
        sum(layer.time.ms for layer in layers if layer.time),
        is_noisy(times),
        layers,
        _time(times.eager) if times.eager else None,
        times.fused or None,
        times.inserted or None,
        _not_timed(graph, calls, times) or None,
    )


def _not_timed(graph: Graph, calls: Sequence[LaidCall], times: NetworkTimes) -> dict[str, int]:
    """Return the calls that run and cannot be run alone, by name with how often they run."""
    timed = zip(graph.nodes, calls, times.calls, strict=False)
    return dict(Counter(node.op.name for node, call, timing in timed if call.runs and timing is None))


def is_noisy(times: NetworkTimes) -> bool:
    """Tell whether a run is noise: the network does not repeat within 10 %, or parts that take more than 10 % of the
    time of all do not."""
    parts = [one for one in (*times.calls, *(node.timing for node in times.nodes)) if one]
    noise = sum(one.us for one in parts if one.noisy)
    return times.whole.noisy or noise > _NOISY_PARTS * sum(one.us for one in parts)


def _time(timing: Timing) -> MeasuredTime:
    return MeasuredTime(timing.us / US_PER_MS, timing.spread, timing.rounds)


def _call(node: Node, timing: Timing | None, moved: Traffic, known: Ceilings) -> MeasuredCall:
    us, bound = roofline(moved.macs, moved.bytes, known) if timing else (0.0, "")
    where = node.id, node.op.describe(), node.block, node.block_type
    return MeasuredCall(*where, us / US_PER_MS, bound, moved.macs, moved.bytes, _time(timing) if timing else None)


def _node(node: RunNode, known: Ceilings) -> MeasuredCall:
    us, bound = roofline(node.macs, node.bytes, known)
    where = node.name, node.operator, node.name, node.operator
    return MeasuredCall(*where, us / US_PER_MS, bound, node.macs, node.bytes, _time(node.timing))


def of_code(found: Runnable, how: How) -> Wanted:
    """Return what code makes, to be measured."""
    from archprof.runtime.timing.torch_times import Subject, drawn, placed

    def at(batch: int) -> Subject:
        arguments, keywords = drawn(found.at(batch))
        return placed(Subject(found.graph, found.module, tuple(arguments), keywords), how.place)

    return Wanted(found.graph, at)

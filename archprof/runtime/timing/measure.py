"""What is measured: a network, whole and part by part; operators alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

from archprof.devices.profile import Ceilings, DeviceSetup
from archprof.errors import usage_error
from archprof.ir.graph import Graph, Node
from archprof.named_tuple import NamedTuple
from archprof.progress import Told
from archprof.runtime.timing.rounds import Timing, interleaved, timing_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.runtime.timing.alone import RunPlace
    from archprof.runtime.timing.laid_out import LaidCall
    from archprof.runtime.timing.onnx_times import NodeTimes
    from archprof.runtime.timing.torch_times import Subject

WHOLE, EAGER = "whole", "eager"


class How(NamedTuple):
    """How everything is measured: on which device, how it runs there, in how many rounds."""

    on: str
    setup: DeviceSetup
    rounds: int

    @property
    def place(self) -> RunPlace:
        """Where and in which form tensors are."""
        from archprof.runtime.timing.alone import RunPlace

        return RunPlace(self.on, self.setup.dtype, self.setup.layout)

    @property
    def by_onnxruntime(self) -> bool:
        """Whether onnxruntime runs it, not torch."""
        return self.setup.runtime == "onnxruntime"


class RunNode(NamedTuple):
    """A node that onnxruntime ran in a network: its name, its operator, its time, the multiply-accumulates and bytes
    that its shapes tell."""

    name: str
    operator: str
    timing: Timing
    macs: int
    bytes: int


class NetworkTimes(NamedTuple):
    """How long a network takes: whole, called from Python besides where it was replayed; and its parts. Of torch those
    are its calls, in their order, None for what runs nothing or cannot be run alone; of onnxruntime the *nodes* that it
    made of the network, those that it *fused*, by operator with how many are gone, and those that it *inserted*."""

    whole: Timing
    eager: Timing | None
    calls: tuple[Timing | None, ...]
    nodes: tuple[RunNode, ...] = ()
    fused: Mapping[str, int] = {}
    inserted: Mapping[str, int] = {}


def require(how: How) -> None:
    """Raise UsageError where what measures is not installed, or there is no such device."""
    from archprof.runtime.imports import require_torch

    require_torch("measuring time")
    if how.by_onnxruntime:
        from archprof.runtime.timing.onnx_times import require_onnxruntime

        require_onnxruntime()
    if how.on == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise usage_error("torch finds no CUDA device on this machine", help="`--on cpu` measures on the CPU")


@contextmanager
def measuring(how: How) -> Iterator[None]:
    """Run in a process that is set up to be measured, and leave it as it was."""
    from archprof.runtime.timing.torch_times import pinned

    with pinned(how.setup.threads):
        yield


def ceilings(how: How) -> Ceilings:
    """Return the ceilings of the device, as the runtime reaches them."""
    from archprof.runtime.timing.ceilings import measured_ceilings

    return measured_ceilings(how.place, how.setup.runtime, how.setup.threads)


def provenance(how: How) -> dict[str, str]:
    """Return what identifies the run."""
    from archprof.runtime.timing.machine import described_machine

    return described_machine(how.on, how.setup.runtime, how.setup.threads)


def built(graph: Graph, how: How, batch: int) -> Subject:
    """Return the network of a block table, ready to run. Raises UsageError for a graph that comes from none."""
    from archprof.runtime.timing.torch_times import subject_of

    return subject_of(graph, how.place, batch)


def laid_calls(graph: Graph, how: How, batch: int) -> list[LaidCall]:
    """Return how the inputs of each call lie."""
    from archprof.runtime.timing.laid_out import calls_of

    return calls_of(graph, how.setup.layout, batch, how.on)


def measure_network(subject: Subject, calls: Sequence[LaidCall], how: How, told: Told | None = None) -> NetworkTimes:
    """Return how long a network takes, whole and part by part; *calls* tell how its calls' inputs lie."""
    return _by_onnxruntime(subject, how, told) if how.by_onnxruntime else _by_torch(subject, calls, how, told)


def measure_whole(subject: Subject, how: How) -> tuple[Timing, Timing | None]:
    """Return how long a network takes whole, and called from Python besides where it was replayed."""
    if how.by_onnxruntime:
        from archprof.runtime.timing.onnx_times import Session, exported
        from archprof.runtime.timing.rounds import host_sampler

        session = Session(exported(subject.module, subject.arguments), subject.arguments, how.setup.threads)
        return interleaved({WHOLE: host_sampler(session.run)}, how.rounds)[WHOLE], None
    times = interleaved(_whole(subject, how), how.rounds)
    return times[WHOLE], times.get(EAGER)


def _whole(subject: Subject, how: How) -> dict[Hashable, Any]:
    from archprof.runtime.timing.torch_times import network_sampler

    executions = {WHOLE: how.setup.execution, **({EAGER: "eager"} if how.setup.execution == "graph" else {})}
    return {name: network_sampler(subject, how.place, execution) for name, execution in executions.items()}


def _by_torch(subject: Subject, calls: Sequence[LaidCall], how: How, told: Told | None) -> NetworkTimes:
    from archprof.runtime.timing.torch_times import alone_key, operator_samplers

    pairs = list(zip(subject.graph.nodes, calls, strict=True))
    samplers = {**_whole(subject, how), **operator_samplers(pairs, how.place, how.setup.execution)}
    times = interleaved(samplers, how.rounds, told)
    found = tuple([times.get(alone_key(node, call)) if call.runs else None for node, call in pairs])
    return NetworkTimes(times[WHOLE], times.get(EAGER), found)


def measure_alone(nodes: Sequence[tuple[Node, LaidCall]], how: How, told: Told | None = None) -> dict[Hashable, Timing]:
    """Return how long operators take alone, by `alone_key`; those that cannot be run so are left out."""
    from archprof.runtime.timing.torch_times import operator_samplers

    if how.by_onnxruntime:
        return _alone_by_onnxruntime(nodes, how, told)
    return interleaved(operator_samplers(nodes, how.place, how.setup.execution), how.rounds, told)


def _alone_by_onnxruntime(
    nodes: Sequence[tuple[Node, LaidCall]], how: How, told: Told | None
) -> dict[Hashable, Timing]:
    from archprof.runtime.timing.alone import Store
    from archprof.runtime.timing.onnx_alone import alone_session, alone_timing
    from archprof.runtime.timing.onnx_times import profiles
    from archprof.runtime.timing.torch_times import alone_key

    with profiles() as profile:
        store, sessions = Store(how.place), {}
        for place, (node, call) in enumerate(nodes):
            if told:
                told(place, len(nodes), node.id)
            session = alone_session(node, call, store, how.setup.threads, profile())
            if session is not None:
                sessions[alone_key(node, call)] = session
        # A run of each in turn: weights are where the others have left them, as in a network.
        for number in range(how.rounds + 1):
            if told:
                told(number, how.rounds + 1, f"round {number + 1}")
            for session in sessions.values():
                session.run()
        found = {key: alone_timing(session.nodes()) for key, session in sessions.items()}
    return {key: timing for key, timing in found.items() if timing is not None}


def _by_onnxruntime(subject: Subject, how: How, told: Told | None) -> NetworkTimes:
    from archprof.runtime.timing.onnx_times import REORDERS, Session, exported, profiles
    from archprof.runtime.timing.rounds import host_sampler

    model, given, threads = exported(subject.module, subject.arguments), subject.arguments, how.setup.threads
    with profiles() as profile:
        plain = Session(model, given, threads, profile(), optimised=False)
        plain.run()
        before = Counter(node.operator for node in plain.nodes())
        session, profiled = Session(model, given, threads), Session(model, given, threads, profile())
        samplers = {WHOLE: host_sampler(session.run), "nodes": host_sampler(profiled.run)}
        whole = interleaved(samplers, how.rounds, told)[WHOLE]
        nodes = profiled.nodes()
    after = Counter(node.operator for node in nodes)
    inserted = {name: after[name] for name in REORDERS if after[name]}
    return NetworkTimes(whole, None, (), tuple(map(_run_node, nodes)), dict(before - after), inserted)


def _run_node(node: NodeTimes) -> RunNode:
    return RunNode(node.name, node.operator, timing_of(node.us, 1.0), _macs(node), node.bytes)


def _macs(node: NodeTimes) -> int:
    """Return the multiply-accumulates that the shapes of a node tell: an output of a convolution takes as many as its
    filter has weights, one of a product as many as a row has."""
    if len(node.shapes) < 2:
        return 0
    if node.operator in ("Conv", "FusedConv"):
        return prod(node.output) * prod(node.shapes[1][1:])
    return prod(node.output) * node.shapes[0][-1] if node.operator in ("Gemm", "FusedGemm", "MatMul") else 0

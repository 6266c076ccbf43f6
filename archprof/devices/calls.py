"""What runs of a network: the kernel of each call, the copies that it forces, and the bytes that caches may hold."""

from collections.abc import Sequence

from archprof.allocation.forward import Forward, Passed
from archprof.allocation.timeline import Builder
from archprof.allocation.traffic import Traffic, is_view, traffic_of
from archprof.devices.fusion import fused
from archprof.devices.kernels import Kernel, parts_of, runs_nothing
from archprof.devices.profile import DeviceSetup
from archprof.ir.dims import Dim
from archprof.ir.graph import Edge, Graph
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple

# Views of some channels, which lie apart in maps whose channels are last.
_SLICES = frozenset(("split", "slice", "chunk", "select", "unbind"))
_COPIERS = frozenset(("conv1d", "conv2d", "conv3d"))


class KernelCall(NamedTuple):
    """A call: the kernels that it runs, none where it is a view or profiles know no such kind (*known* tells them
    apart); the bytes that are read and written to copy what it reads, None where nothing is; and what it computes
    and moves."""

    id: str
    kernels: tuple[Kernel, ...]
    known: bool
    copied: Dim | None
    traffic: Traffic


class KernelCalls(NamedTuple):
    """The calls of a network, and the bytes of its weights and of the peak of its activations."""

    calls: tuple[KernelCall, ...]
    bytes: Dim


def calls_of(graph: Graph, on: DeviceSetup, batch: int) -> KernelCalls:
    """Return what runs of a network on a device. Raises SingleImageError where shapes are known for one image alone."""
    builder = Builder()
    forward = Forward(graph, setup_of(on, batch), builder)
    forward.run()
    calls = calls_of_part(graph, forward.passed, on, batch)
    weights = sum([call.traffic.weights for call in calls])
    return KernelCalls(calls, weights + builder.timeline().peak())


def calls_of_part(graph: Graph, passed: Sequence[Passed], on: DeviceSetup, batch: int) -> tuple[KernelCall, ...]:
    """Return what runs of a network, or of a part of one, whose calls have passed."""
    setup = setup_of(on, batch)
    slices = _slices(graph) if on.runtime == "torch" and (batch > 1 or on.layout == "channels_last") else set[Edge]()
    found = fused(graph, passed, on.fusion)
    return tuple([
        _call(one, setup, slices, None if place in found.within else (kernel,))
        for place, (one, kernel) in enumerate(zip(passed, found.kernels, strict=True))
    ])  # fmt: skip


def setup_of(on: DeviceSetup, batch: int) -> Setup:
    """Return how a network runs on a device, in the words of bytes."""
    return Setup(batch=batch, dtype=on.dtype, layout=on.layout)


def held_at(on: DeviceSetup, batch: int) -> Setup:
    """Return the setup of what a network holds on a device: of one that runs threads, by the kernels of a CPU."""
    return setup_of(on, batch)._replace(kernels="cpu" if on.threads else "cuda")


def _slices(graph: Graph) -> set[Edge]:
    """Return what are views of some of the channels of a map."""
    found = set[Edge]()
    for index, node in enumerate(graph.nodes):
        if node.op.name in _SLICES or (is_view(node) and found.intersection(node.inputs)):
            found.update(Edge(index, k) for k in range(len(node.outputs)))
    return found


def _call(passed: Passed, setup: Setup, slices: set[Edge], run: tuple[Kernel | None] | None) -> KernelCall:
    """Return a call with the kernel that it *runs*, if it is known; None for one that runs within another's."""
    node = passed.node
    if run is None or runs_nothing(node):
        return KernelCall(node.id, (), True, None, Traffic(0, 0, 0, 0))
    (kernel,), moved = run, traffic_of(passed, setup)
    slice_ = node.op.name in _COPIERS and node.inputs[0] in slices
    copied = 2 * passed.run.bytes(passed.run.inputs[0]) if slice_ else None
    return KernelCall(node.id, () if kernel is None else parts_of(kernel), kernel is not None, copied, moved)

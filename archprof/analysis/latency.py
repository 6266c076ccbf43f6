"""How long a network takes on a device: predicted from a profile of it, call by call."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archprof.allocation.traffic import Traffic, traffic
from archprof.analysis.document import EstimatedTime, Head, head
from archprof.analysis.memory import known_at
from archprof.costs.report import analyze_graph
from archprof.devices.predict import CallTime, Latency, Source, predict
from archprof.devices.profile import Profile
from archprof.errors import UsageError, usage_error
from archprof.ir.graph import Graph, Node
from archprof.ir.setup import Setup

_MS = 1000.0  # µs
# Where the time of a call is from whose kind a profile does not know.
UNKNOWN: Source = "out of range"


class Asked(NamedTuple):
    """What is asked of a device's profile: images at once, number format, layout, runtime and execution; None where
    anything is welcome, and then it is the profile's first."""

    batch: int | None = None
    dtype: str | None = None
    layout: str | None = None
    runtime: str | None = None
    execution: str | None = None


class DeviceText(NamedTuple):
    """A device, and how the network is taken to run on it."""

    name: str
    hardware: str
    batch: int
    dtype: str
    layout: str
    runtime: str
    execution: str
    threads: int = 0


class CallLatency(NamedTuple):
    """The time of a call, with copies that it forces, in ms, and where it is from; what it would take at the ceilings
    of the device, and which of them binds; the multiply-accumulates of the
    batch, and the bytes that it moves."""

    path: str
    label: str
    block: str
    block_type: str
    ms: float
    source: Source
    roofline_ms: float
    bound: str
    macs: int
    bytes: int


class DeviceCeilings(NamedTuple):
    """What a device does at most in a second: bytes that it copies, multiply-accumulates of a matrix product; and how
    long its smallest kernel takes, and a launch from Python."""

    bytes_per_s: float
    macs_per_s: float
    kernel_ms: float
    launch_ms: float


class LatencyPrediction(NamedTuple):
    """How long a network takes on a device: `estimates` have its latency with the ends between which nine of ten
    networks lie. `layers` are its calls, whose times together are `calls_ms`; `beside_ms` is what a network takes
    beside them, less than nothing where calls overlap. *shares* are the parts of the calls' time by where it is from;
    what the profile does not know is *out_of_range*, by name with how often it runs."""

    head: Head
    device: DeviceText
    estimates: Mapping[str, EstimatedTime]
    calls_ms: float
    beside_ms: float
    shares: Mapping[str, float]
    ceilings: DeviceCeilings
    layers: tuple[CallLatency, ...]
    out_of_range: Mapping[str, int] | None = None


def describe_latency(graph: Graph, profile: Profile, asked: Asked) -> LatencyPrediction:
    """Return how long a network takes on a device. Raises UsageError for what its profile was not calibrated for, and
    where shapes are known for one image alone."""
    batch, execution = chosen(profile, asked)
    with known_at(graph):
        found = predict(graph, profile, batch, execution)
        moved = traffic(graph, Setup(batch=batch, dtype=profile.setup.dtype, layout=profile.setup.layout))
    rows = zip(graph.nodes, found.calls, moved, strict=True)
    layers = tuple([_layer(*row) for row in rows])
    missing = Counter(
        node.op.name for node, call in zip(graph.nodes, found.calls, strict=True) if call.source == UNKNOWN
    )
    return LatencyPrediction(
        head(analyze_graph(graph)),
        device_text(profile, batch, execution),
        {"latency": in_ms(found)},
        sum(layer.ms for layer in layers),
        found.beside_us / _MS,
        found.shares,
        _ceilings(profile),
        layers,
        missing or None,
    )


def _layer(node: Node, call: CallTime, moved: Traffic) -> CallLatency:
    ms, roofline = (call.us + call.copy_us) / _MS, call.roofline_us / _MS
    where = node.id, node.op.describe(), node.block, node.block_type
    return CallLatency(*where, ms, call.source, roofline, call.bound, moved.macs, moved.bytes)


def _ceilings(profile: Profile) -> DeviceCeilings:
    moved, macs, kernel, launch = profile.ceilings
    return DeviceCeilings(moved * 1e6, macs * 1e6, kernel / _MS, launch / _MS)


def in_ms(found: Latency) -> EstimatedTime:
    """Return the time of a network as results have it."""
    return EstimatedTime(found.us / _MS, found.low / _MS, found.high / _MS, "ms")


def device_text(profile: Profile, batch: int, execution: str) -> DeviceText:
    """Return a device as results have it."""
    dtype, layout, runtime, _, threads = profile.setup
    hardware = profile.provenance.get("hardware", "")
    return DeviceText(profile.name, hardware, batch, dtype, layout, runtime, execution, threads)


def chosen(profile: Profile, asked: Asked) -> tuple[int, str]:
    """Return the batch and the execution that are asked of a profile, its first unless one is. Raises UsageError for
    what it was not calibrated for."""
    for name in ("dtype", "layout", "runtime"):
        has, wanted = getattr(profile.setup, name), getattr(asked, name)
        if wanted not in (None, has):
            raise _lacks(profile, f"{name} {has}, not {wanted}")
    batch = profile.batches[0] if asked.batch is None else asked.batch
    if batch not in profile.fits:
        raise _lacks(profile, f"{_of_batches(profile.batches)}, not {batch}")
    if asked.execution not in (None, *executions(profile)):
        raise _lacks(profile, f"execution {' or '.join(executions(profile))}, not {asked.execution}")
    return batch, asked.execution or profile.setup.execution


def executions(profile: Profile) -> tuple[str, ...]:
    """Return how networks may run on a device; of one that replays graphs calls from Python may be known too."""
    own = profile.setup.execution
    eager = own == "graph" and any(fit.network.eager_us for fit in profile.fits.values())
    return (own, "eager") if eager else (own,)


def _of_batches(batches: Sequence[int]) -> str:
    return f"{'batch' if len(batches) == 1 else 'batches'} {' and '.join(map(str, batches))}"


def _lacks(profile: Profile, what: str) -> UsageError:
    advice = "leave it out, or make a profile at it: `archprof calibrate`"
    return usage_error(f"the profile `{profile.name}` is of {what}", help=advice)

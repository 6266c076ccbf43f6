"""How long a network takes on a device: predicted from a profile of it, call by call."""

from collections.abc import Mapping
from math import isfinite

from archprof.analysis.document import Head, head
from archprof.analysis.one_image import known_at
from archprof.analysis.timed import DeviceText, EstimatedTime, HeldAgainst, TimedNetwork
from archprof.costs.at_most import AtMost, anything_at_most
from archprof.costs.report import analyze_graph
from archprof.devices.asked import Asked, On, chosen
from archprof.devices.predict import CallTime, Latency, Source, predict, unknown_in
from archprof.devices.profile import Ceilings, Profile
from archprof.ir.graph import Graph, Node
from archprof.named_tuple import NamedTuple
from archprof.units import US_PER_MS


class CallLatency(NamedTuple):
    """The time of a call, with copies that it forces, in ms, and where it is from; what it would take at the ceilings
    of the device, and which of them binds; the multiply-accumulates of the batch, the bytes that it moves, and what it
    was measured to take where that is held against it."""

    path: str
    label: str
    block: str
    block_type: str
    ms: float
    basis: Source
    roofline_ms: float
    bound: str
    macs: int
    bytes: int
    measured_ms: float | None = None


class DeviceCeilings(NamedTuple):
    """What a device does at most in a second: bytes that it copies, multiply-accumulates of a matrix product; and how
    long its smallest kernel takes, and a launch from Python."""

    bytes_per_s: float
    macs_per_s: float
    kernel_ms: float
    launch_ms: float


class LatencyPrediction(NamedTuple):
    """How long a network takes on a device: `estimates` have its latency with the ends between which nine of ten
    networks lie, the lower one alone where any of it is out of range. `layers` are its calls, whose times together are
    `calls_ms`; `beside_ms` is what a network takes
    beside them, less than nothing where calls overlap. *shares* are the parts of the calls' time by where it is from;
    what the profile does not know is *out_of_range*, by name with how often it runs; what was *measured* may be held
    against it. Where there is *at_most*, data decides how much runs, and all times are of the most that can."""

    head: Head
    device: DeviceText
    estimates: Mapping[str, EstimatedTime]
    calls_ms: float
    beside_ms: float
    shares: Mapping[str, float]
    ceilings: DeviceCeilings
    layers: tuple[CallLatency, ...]
    out_of_range: Mapping[str, int] | None = None
    measured: HeldAgainst | None = None
    at_most: AtMost | None = None


def describe_latency(graph: Graph, profile: Profile, asked: Asked) -> LatencyPrediction:
    """Return how long a network takes on a device. Raises UsageError for what its profile was not calibrated for, and
    where shapes are known for one image alone."""
    batch, execution = chosen(profile, asked)
    with known_at(graph):
        found = predict(graph, profile, batch, execution)
    layers = tuple([_layer(*row) for row in zip(graph.nodes, found.calls, strict=True)])
    return LatencyPrediction(
        head(analyze_graph(graph)),
        device_text(profile, batch, execution),
        {"latency": in_ms(found)},
        sum(layer.ms for layer in layers),
        found.beside_us / US_PER_MS,
        found.shares,
        ceilings_text(profile.ceilings),
        layers,
        unknown_in(graph, found) or None,
        at_most=anything_at_most(graph),
    )


def held_against(found: LatencyPrediction, path: str) -> LatencyPrediction:
    """Return a prediction with what a file of `archprof bench` has of the network. Raises UsageError as
    `held_against.read_measured` does."""
    from archprof.analysis.held_against import read_measured

    ms, calls, hardware, noisy = read_measured(path, found.head.model, found.device)
    value, low, high, _ = found.estimates["latency"]
    layers = tuple([layer._replace(measured_ms=calls.get(layer.path)) for layer in found.layers])
    held = HeldAgainst(ms, hardware, value / ms - 1, None if high is None else low <= ms <= high, noisy)
    return found._replace(layers=layers, measured=held)


def timed(graph: Graph, on: On) -> TimedNetwork:
    """Return how long a network takes. Raises UsageError as `describe_latency` does."""
    batch, execution = chosen(on.profile, on.asked)
    with known_at(graph):
        found = predict(graph, on.profile, batch, execution)
    return TimedNetwork({"latency": in_ms(found)}, unknown_in(graph, found) or None)


def _layer(node: Node, call: CallTime) -> CallLatency:
    ms, roofline = (call.us + call.copy_us) / US_PER_MS, call.roofline_us / US_PER_MS
    where = node.id, node.op.describe(), node.block, node.block_type
    return CallLatency(*where, ms, call.source, roofline, call.bound, call.traffic.macs, call.traffic.bytes)


def ceilings_text(ceilings: Ceilings) -> DeviceCeilings:
    """Return the ceilings of a device as results have them."""
    moved, macs, kernel, launch = ceilings
    return DeviceCeilings(moved * 1e6, macs * 1e6, kernel / US_PER_MS, launch / US_PER_MS)


def on_device(on: On) -> DeviceText:
    """Return a device as results have it. Raises UsageError for what its profile was not calibrated for."""
    return device_text(on.profile, *chosen(*on))


def in_ms(found: Latency) -> EstimatedTime:
    """Return the time of a network as results have it."""
    high = found.high / US_PER_MS
    return EstimatedTime(found.us / US_PER_MS, found.low / US_PER_MS, high if isfinite(high) else None, "ms")


def device_text(profile: Profile, batch: int, execution: str) -> DeviceText:
    """Return a device as results have it."""
    dtype, layout, runtime, _, threads, _ = profile.setup
    hardware = profile.provenance.get("hardware", "")
    return DeviceText(profile.name, hardware, batch, dtype, layout, runtime, execution, threads)

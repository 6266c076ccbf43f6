"""How long a network takes on a device, from its profile."""

from typing import Literal, NamedTuple

from archprof.devices.kernels import Kernel
from archprof.devices.profile import Profile
from archprof.ir.dims import Dim
from archprof.ir.graph import Graph

# Where the time of a call is from: a point of the profile, a formula with its residual, the roofline alone, since the
# profile has nothing of its kind; or nothing runs.
Source = Literal["measured", "predicted", "out of range", "nothing"]


class CallTime(NamedTuple):
    """The time of a call, in µs, and of copies that it forces; what it is from; what it would take at the ceilings of
    the device, and which of them binds (`compute`, `memory`, `launch`)."""

    id: str
    kernel: Kernel | None
    us: Dim
    copy_us: Dim
    source: Source
    roofline_us: Dim
    bound: str


class Latency(NamedTuple):
    """The time of a network, in µs: of all calls in their order, of what it takes beside them, and between which times
    nine of ten networks like it lie. *shares* are the parts of the calls' time by where they are from."""

    calls: tuple[CallTime, ...]
    us: Dim
    low: Dim
    high: Dim
    beside_us: Dim
    shares: dict[str, float]


def predict(graph: Graph, profile: Profile, batch: int, execution: str = "") -> Latency:
    """Return how long a network takes, as the profile says unless another *execution* is asked for.

    Raises UsageError for a batch that the profile has no fit for, and SingleImageError where shapes are known for one
    image alone.
    """
    raise NotImplementedError

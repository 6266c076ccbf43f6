"""Times that were predicted, as results have them: another type than counts, each with its interval."""

from collections.abc import Mapping

from archprof.named_tuple import NamedTuple
from archprof.units import NS_PER_MS, in_ms, plural


class EstimatedTime(NamedTuple):
    """A time that was predicted: the likeliest, and the ends between which it lies nine times of ten, in a unit. Where
    the device's profile does not know some of it, it is at least *low*, and *high* is nobody's to say."""

    value: float
    low: float
    high: float | None
    unit: str

    @property
    def ns(self) -> int:
        """The time as arrays and limits have it, where its unit is ms."""
        return round(self.value * NS_PER_MS)

    @property
    def text(self) -> str:
        """The time with its interval: `0.412 ms (0.361–0.463)`; one that is open above, `at least 0.361 ms`."""
        if self.high is None:
            return f"at least {in_ms(self.low)} {self.unit}"
        return f"{in_ms(self.value)} {self.unit} ({in_ms(self.low)}–{in_ms(self.high)})"


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

    @property
    def short(self) -> str:
        """What tells it from others on the same device: `h100, batch 1, graph`."""
        return f"{self.name}, batch {self.batch:,}, {self.execution}"

    @property
    def words(self) -> str:
        """The device in words: `h100, fp16, channels last, batch 1, torch graph`."""
        threads = f", {plural(self.threads, 'thread')}" if self.threads else ""
        layout = self.layout.replace("_", " ")
        how = f"{layout}, batch {self.batch:,}, {self.runtime} {self.execution}{threads}"
        return f"{self.name}, {self.dtype}, {how}"


class HeldAgainst(NamedTuple):
    """What was measured of a network: its time, in ms, on which hardware, by how much the prediction is more, as a part
    of it, and whether it lies in the interval of that, None where that has none. *noisy* tells that it does not
    repeat."""

    ms: float
    hardware: str
    error: float
    inside: bool | None
    noisy: bool


class TimedNetwork(NamedTuple):
    """How long a network takes on a device, without its calls; what its profile does not know is *out_of_range*."""

    estimates: Mapping[str, EstimatedTime]
    out_of_range: Mapping[str, int] | None = None

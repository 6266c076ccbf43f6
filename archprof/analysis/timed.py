"""Times that were predicted, as results have them: another type than counts, each with its interval."""

from collections.abc import Mapping
from typing import NamedTuple


class EstimatedTime(NamedTuple):
    """A time that was predicted: the likeliest, and the ends between which it lies nine times of ten, in a unit."""

    value: float
    low: float
    high: float
    unit: str


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


class TimedNetwork(NamedTuple):
    """How long a network takes on a device, without its calls; what its profile does not know is *out_of_range*."""

    estimates: Mapping[str, EstimatedTime]
    out_of_range: Mapping[str, int] | None = None

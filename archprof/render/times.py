"""Times in tables of several networks: predicted, each with its interval."""

from collections.abc import Mapping

from archprof.analysis.timed import DeviceText, EstimatedTime
from archprof.render.table import Heading, Note
from archprof.units import NS_PER_MS, in_ms


def ns_text(ns: int) -> str:
    """Return ns as `0.412 ms`."""
    return f"{in_ms(ns / NS_PER_MS)} ms"


def time_headings(device: DeviceText | None) -> list[Heading]:
    """Return the columns of a time and its interval, where there is a device."""
    if device is None:
        return []
    return [
        Heading("ms", "estimates_latency_value", in_ms),
        Heading("from", "estimates_latency_low", in_ms, drop=1),
        Heading("to", "estimates_latency_high", lambda ms: "" if ms is None else in_ms(ms), drop=1),
    ]


def times_of(estimates: Mapping[str, EstimatedTime] | None) -> tuple[float | None, ...]:
    """Return the cells of a time and its interval; none where there is none."""
    return estimates["latency"][:3] if estimates else ()


def time_note(device: DeviceText) -> Note:
    """Return where times are from."""
    return Note("estimate", f"ms predicted, of nine of ten networks between `from` and `to`: {device.words}")

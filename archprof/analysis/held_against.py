"""What was measured of a network, from a file of `archprof bench`: what a prediction is held against."""

from collections.abc import Mapping
from typing import Any

from archprof.analysis.timed import DeviceText
from archprof.errors import usage_error
from archprof.inputs import read_named
from archprof.json_fields import Refused, field, integer, items, mapping, number, text
from archprof.json_text import FileKind, JsonText
from archprof.limits import MAX_BATCH
from archprof.named_tuple import NamedTuple

_KIND = FileKind("result of a bench", 1 << 26, "`archprof bench NETWORK -o measured.json` makes one")
# What has to be the same where times are held against each other.
_ALIKE = ("dtype", "layout", "runtime", "execution", "threads")


class BenchedNetwork(NamedTuple):
    """What was measured of a network, in ms: whole, and of its calls, by path; on which hardware."""

    ms: float
    calls: Mapping[str, float]
    hardware: str
    noisy: bool


def read_measured(path: str, model: str, device: DeviceText) -> BenchedNetwork:
    """Return what a file has of a network at the batch of a device. Raises UsageError, with the place, for a file that
    is no result of `bench`, or has not measured it so."""
    data = read_named(path, _KIND.most + 1, _KIND.advice)
    document = (found := JsonText(path, data, _KIND)).parse()
    try:
        record = mapping(document)
        networks = [_network(one) for one in field(record, "networks", items)]
        provenance = field(record, "provenance", mapping)
        how = {name: record.get(name) for name in _ALIKE}
        hardware = field(provenance, "hardware", text)
    except Refused as error:
        raise found.wrong(f"this is no {_KIND.name}: {error}") from None
    for name, value in how.items():
        if value != (wanted := getattr(device, name)):
            advice = f"`archprof bench` at {name} {wanted}, or predict by a profile of {name} {value}"
            raise usage_error(f"`{path}` was measured with {name} {value}, not {wanted}", help=advice)
    for one in networks:
        if (one.model, one.batch) == (model, device.batch):
            return BenchedNetwork(one.ms, one.calls, hardware, one.noisy)
    there = ", ".join(f"{one.model}, batch {one.batch}" for one in networks)
    raise usage_error(f"`{path}` has nothing of {model}, batch {device.batch}", help=f"it has: {there}")


class _Network(NamedTuple):
    model: str
    batch: int
    ms: float
    noisy: bool
    calls: Mapping[str, float]


def _network(value: Any) -> _Network:
    record = mapping(value)
    return _Network(
        field(record, "model", text),
        field(record, "batch", lambda one: integer(one, 1, MAX_BATCH)),
        field(record, "latency", _ms),
        record.get("noisy") is True,
        dict(filter(None, map(_call, field(record, "layers", items)))),
    )


def _call(value: Any) -> tuple[str, float] | None:
    record = mapping(value)
    return (field(record, "path", text), field(record, "time", _ms)) if "time" in record else None


def _ms(value: Any) -> float:
    ms: float = field(mapping(value), "ms", number)
    return ms

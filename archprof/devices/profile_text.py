"""A device's profile as the text of its file: JSON to be kept in git, a kernel a line."""

import json
from collections.abc import Mapping
from typing import Any

from archprof.devices.kernels import columns_of
from archprof.devices.profile import BatchFit, DeviceSetup, MeasuredNetwork, Profile
from archprof.devices.profile_file import SCHEMA
from archprof.outputs import write_file


def write_profile(profile: Profile, path: str, *, anew: bool = False) -> None:
    """Write a profile to a file, whole or not at all; *anew*: one that was read. Raises UsageError where it cannot."""
    write_file(path, profile_text(profile), anew=anew)


def profile_text(profile: Profile) -> str:
    """Return a profile as the text of its file."""
    return _indented(_record(profile)) + "\n"


def _record(profile: Profile) -> dict[str, Any]:
    return {
        "archprof_profile": SCHEMA,
        "name": profile.name,
        "provenance": dict(profile.provenance),
        "setup": _setup_record(profile.setup),
        "batches": list(profile.batches),
        "ceilings": profile.ceilings._asdict(),
        "kinds": {kind: {"columns": list(columns_of(kind)), "points": rows} for kind, rows in _rows(profile).items()},
        "networks": [_network_record(one, profile.batches) for one in profile.networks],
        "fits": {str(batch): _fit_record(fit) for batch, fit in profile.fits.items()},
    }


def _setup_record(setup: DeviceSetup) -> dict[str, Any]:
    record = setup._asdict()
    rules = [rule._asdict() for rule in record.pop("fusion")]
    return {**record, "fusion": rules} if rules else record


def _rows(profile: Profile) -> dict[str, list[list[Any]]]:
    kinds: dict[str, list[list[Any]]] = {}
    for kernel, times in profile.points.items():
        kinds.setdefault(kernel.kind, []).append([*kernel.sizes, *_in_order(times, profile.batches)])
    return kinds


def _in_order(times: Mapping[int, float], batches: tuple[int, ...]) -> list[float | None]:
    return [times.get(batch) for batch in batches]


def _network_record(network: MeasuredNetwork, batches: tuple[int, ...]) -> dict[str, Any]:
    eager = {"eager_us": _in_order(network.eager_us, batches)} if network.eager_us else {}
    return {"model": network.model, "us": _in_order(network.us, batches), **eager}


def _fit_record(fit: BatchFit) -> dict[str, Any]:
    kinds = {
        kind: {**one._asdict(), "residual": one.residual and one.residual._asdict()} for kind, one in fit.kinds.items()
    }
    return {"kinds": kinds, "network": fit.network._asdict(), "interval": list(fit.interval)}


def _indented(value: Any, indent: str = "") -> str:
    """Return JSON in which objects and lists of lists have a line for each entry."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        entries = ",\n".join(f"{inner}{json.dumps(key)}: {_indented(one, inner)}" for key, one in value.items())
        return f"{{\n{entries}\n{indent}}}"
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple | dict):
        return "[\n" + ",\n".join(f"{inner}{json.dumps(one)}" for one in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)

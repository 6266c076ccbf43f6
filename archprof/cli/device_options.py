"""The options that say on which device a network runs, and how: the same words wherever latency is asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.errors import usage_error

if TYPE_CHECKING:
    from archprof.devices.asked import AskedOf, On
    from archprof.ir.setup import Setup

Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="A device's profile: a name, as `h100`, or a file of `archprof calibrate`.",
        metavar="NAME",
    ),
]
WithDevice = Annotated[
    str | None, typer.Option("--device", help="Predict latency on a device, by its profile: `h100`.", metavar="NAME")
]
Batch = Annotated[int | None, typer.Option("--batch", min=1, help="So many images at once.", metavar="N")]
Dtype = Annotated[str | None, typer.Option("--dtype", help="The number format: fp32, fp16 or bf16.", metavar="FORMAT")]
Layout = Annotated[
    str | None, typer.Option("--layout", help="Of maps: channels_first or channels_last.", metavar="LAYOUT")
]
Runtime = Annotated[
    str | None, typer.Option("--runtime", help="What runs it: torch or onnxruntime.", metavar="RUNTIME")
]
Execution = Annotated[
    str | None,
    typer.Option("--execution", help="How: graph (a CUDA graph is replayed), eager, compiled, session.", metavar="HOW"),
]


def asked_of(device: str | None, asked: Mapping[str, object]) -> "AskedOf | None":
    """Return a device by its name, with what is asked of it; None without one. Raises UsageError for what only a device
    has."""
    if device is not None:
        from archprof.devices.asked import Asked, AskedOf

        return AskedOf(device, Asked(**asked))  # type: ignore[arg-type]
    for name in ("runtime", "execution"):
        if asked[name] is not None:
            raise usage_error(f"`--{name}` says how a device runs networks", help="`--device` names one")
    return None


def device_if_asked(device: str | None, asked: Mapping[str, object]) -> "On | None":
    """Return a device by its profile, with what is asked of it; None without one. Raises UsageError for what a device
    alone has and for what its profile was not calibrated for."""
    found = asked_of(device, asked)
    if found is None:
        return None
    from archprof.devices.asked import On, chosen
    from archprof.devices.profile_file import read_profile

    on = On(read_profile(found.device), found.asked)
    chosen(*on)
    return on


def device_of_search(device: str | None, asked: Mapping[str, object], setup: "Setup | None") -> "On | None":
    """Return the device of a sweep or of what is looked for. Raises UsageError as `device_if_asked` does, and for
    training there."""
    on = device_if_asked(device, asked)
    if setup is not None:
        refuse_training(on, setup.train or None, setup.amp or None)
    return on


def refuse_training(on: "On | None", train: str | None, amp: str | None) -> None:
    """Raise UsageError for training on a device."""
    if on is not None and (train is not None or amp is not None):
        message = f"`--device` and `--{'amp' if train is None else 'train'}` at once"
        raise usage_error(message, help="a device's profile is of inference")

"""The options that say on which device a network runs, and how: the same words wherever latency is asked for."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.errors import usage_error
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.cli.setup_options import Words
    from archprof.devices.asked import Asked, AskedOf, On

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
Dtype = Annotated[str | None, typer.Option("--dtype", help="The number format: fp32, fp16 or bf16.", metavar="FORMAT")]
Runtime = Annotated[
    str | None, typer.Option("--runtime", help="What runs it: torch or onnxruntime.", metavar="RUNTIME")
]
Execution = Annotated[
    str | None,
    typer.Option("--execution", help="How: graph (a CUDA graph is replayed), eager, compiled, session.", metavar="HOW"),
]


class OnDevice(NamedTuple):
    """A device beside other questions, and how it runs networks."""

    device: WithDevice = None
    runtime: Runtime = None
    execution: Execution = None


def asked_of(on: OnDevice, words: "Words") -> "AskedOf | None":
    """Return a device by its name, with what is asked of it; None without one. Raises UsageError for what only a device
    has."""
    if not any(on):
        return None
    from archprof.devices import asked

    return asked.asked_of(on.device, _asked(on, words))


def device_if_asked(on: OnDevice, words: "Words") -> "On | None":
    """Return a device by its profile, with what is asked of it; None without one. Raises UsageError as
    `devices.asked.on_device` does."""
    if not any(on):
        return None
    from archprof.devices import asked

    return asked.on_device(on.device, _asked(on, words))


def _asked(on: OnDevice, words: "Words") -> "Asked":
    from archprof.devices.asked import Asked

    return Asked(words.batch, words.dtype, words.layout, on.runtime, on.execution)


def device_in_inference(on: OnDevice, words: "Words", train: str | None) -> "On | None":
    """Return the device of what is not to train. Raises UsageError as `device_if_asked` does, and for training
    there."""
    found = device_if_asked(on, words)
    if found is not None and (train is not None or words.amp is not None):
        message = f"`--device` and `--{'amp' if train is None else 'train'}` at once"
        raise usage_error(message, help="a device's profile is of inference")
    return found


def device_of_all(on: OnDevice, words: "Words", train: str | None) -> "On | None":
    """Return the device that bytes are those of too. Raises UsageError as `device_in_inference` does, and for kernels,
    which are the device's."""
    if on.device is not None and words.kernels is not None:
        raise usage_error("`--device` and `--kernels` at once", help="a device's kernels are its own")
    return device_in_inference(on, words, train)

"""The options that say how a network runs: the same words wherever bytes are asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.ir.setup import Setup

Bytes = Annotated[
    bool,
    typer.Option("--bytes", help="Show bytes of inputs, outputs, weights, in training those saved, and MACs per byte."),
]

Batch = Annotated[int | None, typer.Option("--batch", min=1, help="So many images at once.", metavar="N")]
Dtype = Annotated[
    str | None, typer.Option("--dtype", help="The number format: fp32, fp16, bf16 or int8.", metavar="FORMAT")
]
Optimizer = Annotated[
    str | None,
    typer.Option("--train", help="A step of training, by sgd, momentum, adam or adamw.", metavar="OPTIMISER"),
]
Amp = Annotated[str | None, typer.Option("--amp", help="Under autocast, to fp16 or bf16.", metavar="FORMAT")]
Checkpoint = Annotated[
    str | None,
    typer.Option("--checkpoint", help="Compute `blocks` again in the backward pass.", metavar="WHAT"),
]
Accumulate = Annotated[
    int | None, typer.Option("--accumulate", min=1, help="Add up so many passes for a step.", metavar="N")
]
Layout = Annotated[
    str | None, typer.Option("--layout", help="Of maps: channels_first or channels_last.", metavar="LAYOUT")
]
Kernels = Annotated[
    str | None, typer.Option("--kernels", help="Whose kernels run: cuda, unless given, or cpu.", metavar="WHOSE")
]

InPlace = Annotated[
    str | None,
    typer.Option("--in-place", help="In int8: `depthwise` convolutions write over their input.", metavar="WHAT"),
]
Patches = Annotated[
    int | None,
    typer.Option("--patches", min=2, help="In int8: the first stage in N × N patches of its output.", metavar="N"),
]


class Deployed(NamedTuple):
    """How microcontrollers run a network."""

    in_place: InPlace = None
    patches: Patches = None


class Words(NamedTuple):
    """The words that say how a network runs, but for the optimiser, which some commands let stand for training mode
    too."""

    batch: Batch = None
    dtype: Dtype = None
    amp: Amp = None
    checkpoint: Checkpoint = None
    accumulate: Accumulate = None
    layout: Layout = None
    kernels: Kernels = None

    def asked(self, train: str | None, deployed: Deployed | None = None) -> dict[str, object]:
        """Return what they ask for, as `archprof.allocation.asked.setup_of` takes it."""
        return {**self._asdict(), "train": train, **(deployed or Deployed())._asdict()}


def setup_of_bytes(asked: Mapping[str, object], *, wanted: bool) -> "Setup | None":
    """Return the setup of `--bytes`, where they are *wanted*. Raises UsageError for a word of it without them, and as
    `archprof.allocation.asked.setup_of` does."""
    if wanted:
        from archprof.allocation.asked import setup_of

        return setup_of(asked)
    for name, value in asked.items():
        if value not in (None, ""):
            from archprof.allocation.asked import spelled
            from archprof.errors import usage_error

            raise usage_error(f"`{spelled(name, '--{}')}` says how bytes are counted", help="`--bytes` counts them")
    return None


def setup_if_asked(asked: Mapping[str, object]) -> "Setup | None":
    """Return the setup that words ask for; None where there are none. Raises UsageError as `allocation.asked.setup_of`
    does."""
    if all(value is None for value in asked.values()):
        return None
    from archprof.allocation.asked import setup_of

    return setup_of(asked)

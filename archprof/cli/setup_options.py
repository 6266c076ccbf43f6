"""The options that say how a network runs: the same words wherever bytes are asked for."""

from typing import Annotated

import typer

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

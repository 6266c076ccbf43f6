"""The options that say on which device a network runs, and how: the same words wherever latency is asked for."""

from typing import Annotated

import typer

Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="A device's profile: a name, as `h100`, or a file of `archprof calibrate`.",
        metavar="NAME",
    ),
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

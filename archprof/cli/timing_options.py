"""The options that say where and how networks are run to be measured, and what they come to."""

from typing import TYPE_CHECKING, Annotated

import typer

from archprof.errors import suggest, usage_error
from archprof.limits import MAX_BATCH
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.runtime.timing.measure import How

DEVICES = ("cpu", "cuda")

On = Annotated[str, typer.Option("--on", help="Where to run: cpu or cuda.", metavar="DEVICE")]
Dtype = Annotated[str, typer.Option("--dtype", help="The number format: fp32, fp16 or bf16.", metavar="FORMAT")]
Batches = Annotated[str, typer.Option("--batch", help="So many images at once; several: `1,32`.", metavar="N,…")]
Layout = Annotated[
    str | None,
    typer.Option(
        "--layout", help="Of maps: channels_first or channels_last; by default last on cuda, first on a CPU.",
        metavar="LAYOUT",
    ),
]  # fmt: skip
Runtime = Annotated[str, typer.Option("--runtime", help="What runs it: torch or onnxruntime.", metavar="RUNTIME")]
Compile = Annotated[bool, typer.Option("--compile", help="Compile by torch.compile first.")]
Execution = Annotated[
    str | None,
    typer.Option("--execution", help="On cuda: graph (a CUDA graph is replayed) or eager.", metavar="HOW"),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads on a CPU.", metavar="N")]
Rounds = Annotated[
    int, typer.Option("--rounds", min=4, help="In so many rounds, of which the least time counts.", metavar="N")
]


class Ran(NamedTuple):
    """Where and how networks run."""

    on: On = "cpu"
    dtype: Dtype = "fp32"
    batch: Batches = "1"
    layout: Layout = None
    runtime: Runtime = "torch"
    compile: Compile = False
    execution: Execution = None
    threads: Threads = 1


def how_of(ran: Ran, rounds: int) -> "How":
    """Return how everything is measured. Raises UsageError for what there is not, and for what does not go together."""
    from archprof.devices.fusion import RULES
    from archprof.devices.profile import DTYPES, RUNTIMES, DeviceSetup
    from archprof.ir.setup import LAYOUTS
    from archprof.runtime.timing.measure import How, require

    on, dtype, _, layout, runtime, compile, execution, threads = ran
    for option, value, known in (
        ("on", on, DEVICES), ("dtype", dtype, DTYPES), ("layout", layout, LAYOUTS), ("runtime", runtime, RUNTIMES),
    ):  # fmt: skip
        if value is not None and value not in known:
            raise usage_error(f"`--{option} {value}` is not known", help=suggest(value, known, option))
    if runtime == "onnxruntime":
        _refuse_beside_onnxruntime(ran)
    if execution is not None and on == "cpu":
        raise usage_error("`--execution` is of cuda", help="on a CPU torch is called from Python, as it is used there")
    if execution not in (None, "graph", "eager"):
        raise usage_error(
            f"`--execution {execution}` is not known", help=suggest(execution, ("graph", "eager"), "ways")
        )
    if compile and execution is not None:
        raise usage_error("`--compile` and `--execution` at once", help="what is compiled is replayed as torch has it")
    if runtime == "onnxruntime":
        way = "session"
    else:
        way = "compiled" if compile else execution or ("graph" if on == "cuda" else "eager")
    laid = layout or ("channels_last" if on == "cuda" else "channels_first")
    setup = DeviceSetup(dtype, laid, runtime, way, threads if on == "cpu" else 0, RULES.get(runtime, ()))
    how = How(on, setup, rounds)
    require(how)
    return how


def _refuse_beside_onnxruntime(ran: Ran) -> None:
    """Raise UsageError for what onnxruntime is not measured with."""
    refused = {
        f"--on {ran.on}": ran.on != "cpu",
        f"--dtype {ran.dtype}": ran.dtype != "fp32",
        f"--layout {ran.layout}": ran.layout == "channels_last",
        f"--execution {ran.execution}": ran.execution is not None,
        "--compile": ran.compile,
    }
    for option, wrong in refused.items():
        if wrong:
            advice = "onnxruntime is measured on the CPU, in fp32, in the layout that it chooses itself"
            raise usage_error(f"`{option}` and `--runtime onnxruntime` at once", help=advice)


def batches_of(text: str) -> tuple[int, ...]:
    """Return the batches of `1,32`, each once. Raises UsageError for what are none."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and 0 < int(word[:9]) <= MAX_BATCH for word in words):
        raise usage_error(f"`--batch {text}` are no batches", help="whole numbers from 1, as in `--batch 1,32`")
    return tuple(dict.fromkeys(map(int, words)))

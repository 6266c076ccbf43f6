"""An ONNX file's graph as a lock."""

from collections.abc import Sequence

from archprof.captures.lock_text import Captured, Lock
from archprof.captures.onnx.file import read_onnx
from archprof.captures.onnx.inputs import read_input
from archprof.inputs import shown_name
from archprof.spec.variant import Setting, settings_text


def lock_onnx(file: str, sizes: Sequence[Setting], inputs: Sequence[str], version: str) -> Lock:
    """Return what a *version* of archprof reads of an ONNX file, with sizes of its axes, and inputs as `--input` has
    them. Raises UsageError as `read_onnx` does."""
    graph = read_onnx(file, sizes, tuple(map(read_input, inputs)))
    name = shown_name(file)
    model = f"{name}@{settings_text(sizes)}" if sizes else name
    return Lock(graph, Captured(model, tuple(inputs), "eval", version, "", graph.origin.note))

"""An ONNX file's graph as a lock."""

from collections.abc import Sequence

from archprof.captures.given import read_given
from archprof.captures.lock_text import Captured, Lock
from archprof.captures.onnx.file import read_onnx
from archprof.spec.variant import parse_reference


def lock(reference: str, given: Sequence[str], version: str) -> Lock:
    """Return what a *version* of archprof reads of an ONNX file, with sizes of its axes behind its name, and inputs as
    `--input` has them. Raises UsageError as `read_onnx` does."""
    file, sizes = parse_reference(reference)
    graph = read_onnx(file, sizes, tuple(map(read_given, given)))
    return Lock(graph, Captured(reference, tuple(given), "eval", version, "", graph.origin.note))

"""A graph that Python captured → its lock."""

from archprof.captures.lock_text import Captured, Lock
from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.ir.values import Value


def lock_of(graph: Graph, version: str) -> Lock:
    """Return the lock of a graph that was captured by a *version* of archprof, here and now.

    Raises UsageError for a graph that comes from a spec or from a lock.
    """
    origin = graph.origin
    if origin.is_table:
        raise usage_error(f"`{origin.variant}` is a spec, which needs no lock", help="its file can be kept in git")
    if origin.file:
        raise usage_error(f"`{origin.file}` is a lock already", help="copy the file")
    import torch

    inputs = tuple(input_text(name, value) for name, value in graph.inputs.items())
    release = torch.__version__.partition("+")[0]
    return Lock(graph, Captured(origin.name, inputs, "eval", version, release, getattr(origin, "note", "")))


def input_text(name: str, value: Value) -> str:
    """Return an input as it is typed: `x=3x224x224`, `ids=128:int64`; a part of an argument goes by its place."""
    of = f"{name}=" if name.isidentifier() else ""
    kind = "" if value.dtype == "float32" else f":{value.dtype}"
    # Only a batch in front can be left out.
    shape, whole = (value.shape, "") if value.batch == 0 else (value.at_batch(1), ":whole")
    return f"{of}{'x'.join(map(str, shape))}{kind}{whole}"

"""The bytes of each call at a setup, and how much arithmetic it does for each that it moves."""

from collections.abc import Iterable, Mapping

from archprof.allocation.saved import saved_by_calls
from archprof.allocation.traffic import Traffic, traffic
from archprof.allocation.training import macs_of_calls
from archprof.analysis.one_image import known_at
from archprof.analysis.summary import CallBytes, Summary
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup


def bytes_of_calls(graph: Graph, setup: Setup) -> tuple[list[CallBytes], Mapping[str, int]]:
    """Return the bytes of each call, and the operators that may save more for backward, by name with how often they
    run. Raises UsageError where shapes are known for one image alone."""
    with known_at(graph):
        moved = traffic(graph, setup)
        if not setup.train:
            return [_bytes(one) for one in moved], {}
        (saved, unknown), macs = saved_by_calls(graph, setup), map(sum, macs_of_calls(graph))
    return [_bytes(*one) for one in zip(moved, saved, macs, strict=True)], unknown


def _bytes(moved: Traffic, saved: int | None = None, macs: int | None = None) -> CallBytes:
    return CallBytes(moved.inputs, moved.outputs, moved.weights, moved.intensity, saved, macs, moved.unread or None)


def bytes_together(calls: Iterable[CallBytes], macs: int) -> CallBytes:
    """Return the bytes of several calls that have so many multiply-accumulates in a batch."""
    listed = list(calls)
    inputs, outputs = sum(one.input_bytes for one in listed), sum(one.output_bytes for one in listed)
    held, unread = sum(one.held_bytes for one in listed), sum(one.unread_bytes or 0 for one in listed)
    together = Traffic(macs, inputs, outputs, held, unread)
    trained = [(one.saved_bytes, one.train_macs or 0) for one in listed if one.saved_bytes is not None]
    return _bytes(together, *map(sum, zip(*trained, strict=True))) if trained else _bytes(together)


def with_traffic(found: Summary, graph: Graph, setup: Setup) -> Summary:
    """Return a summary of a graph with the bytes of its calls. Raises UsageError as `bytes_of_calls` does."""
    calls, unknown = bytes_of_calls(graph, setup)
    layers = tuple([row._replace(traffic=one) for row, one in zip(found.layers, calls, strict=True)])
    whole = bytes_together(calls, found.head.totals.macs * setup.batch)
    return found._replace(layers=layers, setup=setup, traffic=whole, unknown=unknown or None)

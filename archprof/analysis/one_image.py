"""What is known for one image alone: asked for more, a network says so."""

from collections.abc import Iterator
from contextlib import contextmanager

from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.ir.values import SingleImageError


@contextmanager
def known_at(graph: Graph) -> Iterator[None]:
    """Raise UsageError where what is asked of a network's shapes is known for one image alone."""
    try:
        yield
    except SingleImageError:
        name = graph.origin.variant
        advice = "ask for one image, or of the code that it comes from"
        raise usage_error(f"shapes of `{name}` are known for one image alone", help=advice) from None

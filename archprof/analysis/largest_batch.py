"""The memory of the largest batch that fits into so many bytes."""

from archprof.allocation.fits import fits
from archprof.analysis.memory import FittingBatch, Memory, describe_memory
from archprof.analysis.one_image import known_at
from archprof.errors import Location, usage_error
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup
from archprof.spec.printed_number import BYTES, parse_printed


def size_of(text: str, place: str) -> int:
    """Return the bytes of `24GiB` or `320 MB`, as they stand in a place. Raises SpecError for a text that is none."""
    return int(parse_printed(text, Location(place, 0, 0), BYTES).value)


def describe_largest(graph: Graph, setup: Setup, limit: int) -> Memory:
    """Return the memory of the largest batch that fits into *limit* bytes, or of one image where not even that does.

    Raises UsageError in int8, and where the bytes of a batch are not known, or do not grow with it.
    """
    if setup.dtype == "int8":
        raise usage_error(
            "no batch is looked for in int8", help="microcontrollers run an image at a time: `check --max-peak 320KiB`"
        )
    with known_at(graph):
        found = fits(graph, setup, limit)
    memory = describe_memory(graph, setup._replace(batch=found.batch or 1))
    return memory._replace(fit=FittingBatch(limit, *found))

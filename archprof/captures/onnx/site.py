"""A call and the values around it, as what lifts it to an operator of ours sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.tensor import axis_of
from archprof.ir.operators import find_class
from archprof.ir.operators.base import Operator
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple


class Site(NamedTuple):
    """A call, what it reads that is computed, and what it returns; the values are without the batch."""

    call: Call
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    def axis(self, axis: int) -> int:
        """Return which axis of a value an axis of the first input is. Raises LookupError for that of the batch."""
        whole = axis_of(axis, len(self.call.shape()))
        batch = self.inputs[0].batch
        if not isinstance(batch, int):
            return whole
        if whole == batch:
            raise LookupError("the batch")
        return whole - (whole > batch)


# Returns the operator of a call, None where it is not of that sort; raises whatever an odd call makes it raise.
Lift = Callable[[Site], Operator | None]


def made(name: str, *values: Any) -> Operator:
    """Return an operator by the name of its class."""
    found = find_class(name)
    assert found is not None, name
    return found(*values)


def plain(name: str, count: int = 1) -> Lift:
    """Return the lift to an operator without settings, on so many computed inputs."""
    return lambda site: made(name) if len(site.inputs) == count == len(site.call.inputs) else None

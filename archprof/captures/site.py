"""A call as its operator is looked for: what it was given, and what it reads and returns, as values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archprof.captures.calls import Dispatched, HeldTensor, SeenTensor
from archprof.ir.operators.base import Operator
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple


class Site(NamedTuple):
    """A call, how the module runs it (`form`), and the values that it reads and returns."""

    call: Dispatched
    form: str
    inputs: Sequence[Value]
    outputs: Sequence[Value]

    @property
    def given(self) -> Mapping[str, Any]:
        """The arguments by name."""
        return self.call.arguments

    def has(self, name: str) -> bool:
        """Tell whether an argument is given, and not None."""
        return self.given.get(name) is not None

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the whole shape of a tensor among the arguments."""
        seen: SeenTensor = self.given[name]
        return seen.shape

    def holds(self, name: str) -> bool:
        """Tell whether an argument is a parameter or a buffer."""
        return is_held(self.given.get(name))

    @property
    def first(self) -> tuple[int, ...]:
        """The whole shape of the first tensor."""
        return next(self.call.tensors()).shape

    def own_axis(self, axis: int, rank: int = 0) -> int | None:
        """Return where an axis of the first tensor, of so many in all, stands without the batch; None for the batch."""
        return without_batch(axis % (rank or len(self.first)), self.inputs[0])


# Returns the operator of a call, None where it is not of that sort.
Lift = Callable[[Site], Operator | None]


def without_batch(axis: int, value: Value) -> int | None:
    """Return where an axis of a whole shape stands in a value's own; None for the batch."""
    batch = value.batch
    if not isinstance(batch, int):
        return axis
    return None if axis == batch else axis - (axis > batch)


def moved_axes(call: Dispatched) -> list[int]:
    """Return which axis of what a call reads stands at each place of what it returns; nothing unless it moves axes."""
    rank = len(next(call.tensors()).shape)
    if call.name == "permute":
        return [axis % rank for axis in call.arguments["dims"]]
    axes = list(range(rank))
    if call.name not in ("transpose", "t") or rank < 2:
        return []
    first, second = (call.arguments.get(name, axis) % rank for name, axis in (("dim0", 0), ("dim1", 1)))
    axes[first], axes[second] = second, first
    return axes


def is_held(value: Any) -> bool:
    """Tell whether an argument is a parameter or a buffer."""
    return isinstance(value, SeenTensor) and isinstance(value.source, HeldTensor) and bool(value.source.name)


def sizes(given: Sequence[int] | int, rank: int) -> tuple[int, ...]:
    """Return a size for each of so many axes, of which a single one stands for all."""
    listed = [given] if isinstance(given, int) else list(given)
    return tuple(listed * rank if len(listed) == 1 else listed)

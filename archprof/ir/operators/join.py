"""Operators of several inputs: sums, products, and tensors in a row. They cost no MACs by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.dims import Dim, Shape, same, same_shape
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import Operator, ShapeError, channel_axis, operator
from archprof.ir.values import Value, show_shape


class Function(Operator):
    """An operator without state, called in forward."""

    __slots__ = ()
    numbers: ClassVar[str] = "any"

    @property
    def form(self) -> str:
        return "function"


class Add(Function):
    """The sum of maps of one shape: a shortcut; a map of one channel, or of 1×1, stretches."""

    __slots__ = ()
    name: ClassVar[str] = "add"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        return broadcast(inputs, "added")

    def footprint(self, run: Run) -> Footprint:
        if len(run.inputs) == 1:
            return Footprint(shares=0)
        # Of three, the sum of two is there beside the sum of all.
        return Footprint(0 if run.in_place else None, run.bytes(run.outputs[0]) if len(run.inputs) > 2 else 0)

    def gradients(self, run: Run) -> Gradients:
        whole = run.outputs[0].shape
        return Gradients(tuple([same_shape(value.shape, whole) for value in run.inputs]))

    def expression(self, *tensors: str) -> str:
        return " + ".join(tensors)


class Subtract(Function):
    """The first of two maps less the second; a map of one channel, or of 1×1, stretches."""

    __slots__ = ()
    numbers: ClassVar[str] = "floats"
    tried: ClassVar[str] = "none"
    name: ClassVar[str] = "subtract"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    keeps_channels: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        if len(inputs) != 2:
            raise ShapeError(f"{len(inputs)} maps in a difference", "a difference is that of two maps")
        return broadcast(inputs, "subtracted")

    def footprint(self, run: Run) -> Footprint:
        return Footprint()

    def gradients(self, run: Run) -> Gradients:
        from archprof.ir.operators.gpu import stretched_sums

        # The first one's is the one that comes in, the second's its negative.
        scratch = stretched_sums(run) if run.stretched() else 0
        return Gradients((same_shape(run.inputs[0].shape, run.outputs[0].shape), False), scratch)

    def expression(self, *tensors: str) -> str:
        return " - ".join(tensors)


class Multiply(Function):
    """The product of maps; C×1×1 stretches over C×H×W, which is a gate, and 1×H×W over its channels."""

    __slots__ = ()
    name: ClassVar[str] = "multiply"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True
    saves: ClassVar[str] = "inputs"

    def output(self, *inputs: Value) -> Value:
        return broadcast(inputs, "multiplied")

    def footprint(self, run: Run) -> Footprint:
        if len(run.inputs) == 1:
            return Footprint(shares=0)
        product = run.bytes(run.outputs[0]) if len(run.inputs) > 2 else 0
        # Each factor is needed for the gradients of the others.
        needed = [any(run.wanted[:place] + run.wanted[place + 1 :]) for place in range(len(run.inputs))]
        copied = run.in_place and needed[0]
        inputs = tuple([place for place, one in enumerate(needed) if one and not (copied and place == 0)])
        own = run.bytes(run.inputs[0]) if copied else product
        return Footprint(0 if run.in_place else None, product, inputs, own=own)

    def gradients(self, run: Run) -> Gradients:
        from archprof.ir.operators.gpu import stretched_sums

        # That of a gate is as large as the map before it is summed over it.
        scratch = run.bytes(run.outputs[0]) + stretched_sums(run) if run.stretched() else 0
        return Gradients((False,) * len(run.inputs), scratch)

    def expression(self, *tensors: str) -> str:
        return " * ".join(tensors)


@operator
class Concat(Function):
    """Maps of one size, one after the other along the channels; *axis* is where these stand, behind the windows
    of maps that lie in the axis of the batch."""

    axis: int = 0

    name: ClassVar[str] = "concat"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True
    joins_channels: ClassVar[bool] = True
    overwritable: ClassVar[bool] = True
    hands_on_gradient: ClassVar[bool] = True

    @classmethod
    def of(cls, *inputs: Value) -> Concat:
        return cls(channel_axis(inputs[0]))

    def output(self, *inputs: Value) -> Value:
        first = inputs[0]
        if first.channel is None:
            advice = "numbers of words have none: concatenate what an `embedding` makes of them"
            raise ShapeError(f"{show_shape(first.shape)} has no channels to concatenate", advice)
        channels: Dim = 0
        for value in inputs:
            beside = value.channel == first.channel and same_shape(value.space, first.space)
            if not beside:
                message = f"{show_shape(value.shape)} cannot be concatenated to {show_shape(first.shape)}"
                raise ShapeError(message, "bring the paths to one size")
            channels = channels + value.channels
        return first.with_channels(channels)

    def expression(self, *tensors: str) -> str:
        return f"torch.cat([{', '.join(tensors)}], {self.axis + 1})"


def broadcast(values: tuple[Value, ...], verb: str) -> Value:
    """Return the common shape of maps that are added or multiplied; a size of 1 stretches along its axis, as torch
    has it."""
    result = values[0]
    for value in values[1:]:
        if len(value.shape) != len(result.shape):
            raise _unlike(result, value, verb, "bring both to one shape")
        result = result.with_shape(_stretched(result, value, verb), result.channel)
    return result


def stretched(*shapes: Shape) -> Shape:
    """Return the common shape of tensors of any rank, aligned at their last axes, as torch has it."""
    common: Shape = ()
    for shape in shapes:
        longer, shorter = (shape, common) if len(shape) >= len(common) else (common, shape)
        around = len(longer) - len(shorter)
        common = (*longer[:around], *map(_stretched_axis, longer[around:], shorter))
    return common


def _stretched_axis(first: Dim, second: Dim) -> Dim:
    if same(first, second) or same(second, 1):
        return first
    if same(first, 1):
        return second
    raise ShapeError(f"sizes of {first} and {second} do not stretch over each other")


def _stretched(first: Value, second: Value, verb: str) -> tuple[Dim, ...]:
    axes = []
    for axis, (mine, other) in enumerate(zip(first.shape, second.shape, strict=True)):
        if same(mine, other) or same(other, 1):
            axes.append(mine)
        elif same(mine, 1):
            axes.append(other)
        else:
            advice = "the channels must agree" if axis == first.channel else "bring both to one size"
            raise _unlike(first, second, verb, advice)
    return tuple(axes)


def _unlike(first: Value, second: Value, verb: str, help: str) -> ShapeError:
    return ShapeError(f"{show_shape(first.shape)} and {show_shape(second.shape)} cannot be {verb}", help)

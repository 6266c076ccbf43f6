"""Functions of each element, of one tensor or of several that stretch over each other, and of all along axes. They cost
no MACs by the convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from archprof.ir.dims import Shape, product, same
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import Elementwise, ShapeError, Word, no_windows, operator
from archprof.ir.operators.derivatives import autocast_of, footprint_of, gradients_of, is_detached
from archprof.ir.operators.join import Function, stretched
from archprof.ir.operators.layout import copied_in_order
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value

# What a function is, for shares and filters; what is not here is `other`.
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("add", "sub", "rsub", "mul", "div"), "join"),
    **dict.fromkeys(("relu", "gelu", "silu", "sigmoid", "tanh", "leaky_relu", "elu", "hardtanh", "prelu"), "act"),
    **dict.fromkeys(("mish", "softplus", "celu", "selu", "log_sigmoid_forward", "relu6"), "act"),
    **dict.fromkeys(("clone", "contiguous", "roll", "flip", "to", "_to_copy", "alias", "detach"), "shape"),
}


@operator
class Pointwise(Function):
    """A function of each element of one tensor or several: of a constant, and, where its shape is given, of a learned
    *weight*. Tensors stretch over each other, aligned at their last axes."""

    function: Word
    weight: tuple[int, ...] = ()

    params_formula: ClassVar[str] = "N"
    as_layer: ClassVar[bool] = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """The function's name in torch: `mul`."""
        return self.function

    @property
    def kind(self) -> str:
        return _KINDS.get(self.function, "other")

    @property
    def detaches(self) -> bool:  # type: ignore[override]
        return is_detached(self.function)

    def output(self, *inputs: Value) -> Value:
        shape = stretched(*(value.shape for value in inputs), self.weight)
        most = max(len(value.shape) for value in inputs)
        around = len(shape) - most
        if not all(same(size, 1) for size in shape[:around]):
            raise ShapeError("a learned tensor that has more axes than what it meets")
        longest = next(value for value in inputs if len(value.shape) == most)
        return longest.with_shape(shape[around:], longest.channel)

    @property
    def autocast(self) -> str:  # type: ignore[override]
        """A learned tensor is of float32, and so is what is made with it."""
        return autocast_of(self.function) or ("promote" if self.weight else "")

    def parameters(self) -> Mapping[str, Terms]:
        return {"weight": term(product(self.weight))} if self.weight else {}

    def footprint(self, run: Run) -> Footprint:
        return footprint_of(self.function, run)

    def gradients(self, run: Run) -> Gradients:
        return gradients_of(self.function, run, product(self.weight) if self.weight else 0)


@operator
class Softmax(Elementwise):
    """e^x over its sum along an axis, the last one as a layer."""

    axis: int

    name: ClassVar[str] = "softmax"
    category: ClassVar[str] = "act"
    saves: ClassVar[str] = "output"
    autocast: ClassVar[str] = "wide"

    @property
    def form(self) -> str:
        return "method"

    @classmethod
    def of(cls, *inputs: Value) -> Softmax:
        return cls(len(no_windows(inputs[0], "a softmax").shape) - 1)

    def output(self, *inputs: Value) -> Value:
        check_axis(self.axis, inputs[0].shape)
        return inputs[0]

    def footprint(self, run: Run) -> Footprint:
        return Footprint(scratch=copied_in_order(run), outputs=(0,), own=0)

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.softmax({self.axis + 1})"


@operator
class Reduce(Function):
    """The mean, sum, largest or whatever *function* of all elements along *axes*."""

    function: Word
    axes: tuple[int, ...]
    keep: bool = False

    as_layer: ClassVar[bool] = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """The function's name in torch: `sum`."""
        return self.function

    @property
    def kind(self) -> str:
        return "pool" if self.function == "mean" else "other"

    def output(self, *inputs: Value) -> Value:
        shape, channel = inputs[0].shape, inputs[0].channel
        for axis in self.axes:
            check_axis(axis, shape)
        if self.keep:
            return inputs[0].with_shape(tuple(1 if k in self.axes else size for k, size in enumerate(shape)), channel)
        left = [axis for axis in range(len(shape)) if axis not in self.axes]
        moved = left.index(channel) if channel in left else len(left) - 1 if left else None
        return inputs[0].with_shape(tuple(shape[axis] for axis in left), moved)

    @property
    def autocast(self) -> str:  # type: ignore[override]
        return autocast_of(self.function)

    def footprint(self, run: Run) -> Footprint:
        # The largest along an axis keeps its place, that of all is looked for again.
        return footprint_of(self.function, run, "default" if self.function in ("max", "min") else "")

    def gradients(self, run: Run) -> Gradients:
        return gradients_of(self.function, run)

    def stride_factor(self, *inputs: Value) -> int | None:
        return 1 if len(self.output(*inputs).shape) > 1 else None


def check_axis(axis: int, shape: Shape) -> None:
    """Raise ShapeError where a shape has no such axis."""
    if axis >= len(shape):
        raise ShapeError(f"axis {axis} of {len(shape)}")

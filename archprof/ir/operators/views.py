"""Operators that move elements and compute none: other shapes, parts, tensors in a row. They cost no MACs."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import FLAG, Column, count
from archprof.ir.dims import Dim, Shape, product, same, same_shape
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import ShapeError, Sizes, Word, map_axis, operator
from archprof.ir.operators.join import Function, stretched
from archprof.ir.operators.pointwise import check_axis
from archprof.ir.strides import Stride, stride_between, stride_of_growth
from archprof.ir.values import Value, show_shape
from archprof.limits import MAX_REPEATS


class View(Function):
    """The elements of a tensor, or some of them, in another shape."""

    __slots__ = ()
    category: ClassVar[str] = "shape"
    as_layer: ClassVar[bool] = False

    def gradients(self, run: Run) -> Gradients:
        # That of a part is zeros around it, that of what was stretched is summed.
        whole = same(run.inputs[0].elements, run.outputs[0].elements) and len(run.outputs) == 1
        return Gradients((self.hands_on_gradient or (self.view and whole),) * len(run.inputs))

    def stride_factor(self, *inputs: Value) -> Stride | None:
        return 1 if len(self.outputs(*inputs)[0].shape) > 1 else None


def _of(value: Value, shape: Shape) -> Value:
    """Return a value of another shape; of three axes the first is taken for the channels, of others the last."""
    if len(shape) == len(value.shape):
        return value.with_shape(shape, value.channel)
    return value.with_shape(shape, None if not shape else 0 if len(shape) == 3 else len(shape) - 1)


@operator
class Reshape(View):
    """All elements in their order, in another shape."""

    shape: tuple[int, ...]

    name: ClassVar[str] = "reshape"
    view: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        if not same(product(self.shape), inputs[0].elements):
            raise ShapeError(f"{show_shape(inputs[0].shape)} has no shape of {show_shape(self.shape)}")
        return _of(inputs[0], self.shape)


@operator
class Expand(View):
    """A tensor stretched along axes of size 1, and along new ones in front."""

    shape: tuple[int, ...]

    name: ClassVar[str] = "expand"
    view: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        shape = inputs[0].shape
        if len(shape) > len(self.shape) or stretched(shape, self.shape) != self.shape:
            raise ShapeError(f"{show_shape(shape)} does not stretch to {show_shape(self.shape)}")
        return _of(inputs[0], self.shape)


@operator
class Slice(View):
    """Some of the positions along an axis: *size* of them, from *start* on, every *step*-th."""

    axis: int
    start: int
    size: Dim
    step: int = 1

    name: ClassVar[str] = "slice"
    view: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        shape = inputs[0].shape
        check_axis(self.axis, shape)
        if self.start + (self.size - 1) * self.step >= shape[self.axis]:
            raise ShapeError(f"a slice up to {self.start + (self.size - 1) * self.step} of {shape[self.axis]}")
        return _of(inputs[0], (*shape[: self.axis], self.size, *shape[self.axis + 1 :]))


@operator
class Select(View):
    """One position of an axis."""

    axis: int

    name: ClassVar[str] = "select"
    view: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        check_axis(self.axis, inputs[0].shape)
        return _of(inputs[0], (*inputs[0].shape[: self.axis], *inputs[0].shape[self.axis + 1 :]))


@operator
class Chunk(View):
    """Parts of an axis, of *sizes*, each an output."""

    axis: int
    sizes: tuple[int, ...]

    name: ClassVar[str] = "chunk"
    view: ClassVar[bool] = True

    def outputs(self, *inputs: Value) -> tuple[Value, ...]:
        shape = inputs[0].shape
        check_axis(self.axis, shape)
        if not same(sum(self.sizes), shape[self.axis]):
            raise ShapeError(f"parts of {sum(self.sizes)} of {shape[self.axis]}")
        before, behind = shape[: self.axis], shape[self.axis + 1 :]
        return tuple(_of(inputs[0], (*before, size, *behind)) for size in self.sizes)

    def output(self, *inputs: Value) -> Value:
        return self.outputs(*inputs)[0]

    def describe(self) -> str:
        return f"split in {len(self.sizes)}"


@operator
class Unbind(View):
    """Every position of an axis, each an output."""

    axis: int

    name: ClassVar[str] = "unbind"
    view: ClassVar[bool] = True

    def outputs(self, *inputs: Value) -> tuple[Value, ...]:
        shape = inputs[0].shape
        check_axis(self.axis, shape)
        parts: int = shape[self.axis]
        if parts > MAX_REPEATS:
            raise ShapeError(f"an axis of {parts} positions, each an output")
        return (_of(inputs[0], (*shape[: self.axis], *shape[self.axis + 1 :])),) * parts

    def output(self, *inputs: Value) -> Value:
        return self.outputs(*inputs)[0]


@operator
class ConcatAxis(View):
    """Tensors one after the other along an axis."""

    axis: int

    name: ClassVar[str] = "concat_axis"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True
    hands_on_gradient: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        first, total = inputs[0].shape, 0
        check_axis(self.axis, first)
        for value in inputs:
            shape = value.shape
            total = total + (shape[self.axis] if len(shape) == len(first) else 0)
            if not _beside(shape, first, self.axis):
                raise ShapeError(f"{show_shape(shape)} cannot be concatenated to {show_shape(first)}")
        return _of(inputs[0], (*first[: self.axis], total, *first[self.axis + 1 :]))

    def describe(self) -> str:
        return "concat"


def _beside(shape: Shape, first: Shape, axis: int) -> bool:
    """Tell whether two shapes are the same but for an axis."""
    if len(shape) != len(first):
        return False
    return all(k == axis or same(mine, other) for k, (mine, other) in enumerate(zip(shape, first, strict=True)))


@operator
class Stack(View):
    """Tensors of one shape beside each other along a new axis."""

    axis: int

    name: ClassVar[str] = "stack"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True
    hands_on_gradient: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        first = inputs[0].shape
        if not all(same_shape(value.shape, first) for value in inputs):
            raise ShapeError("only tensors of one shape are stacked")
        if self.axis > len(first):
            raise ShapeError(f"a new axis {self.axis} beside {len(first)}")
        return _of(inputs[0], (*first[: self.axis], len(inputs), *first[self.axis :]))


@operator
class PadAxes(View):
    """More positions, *before* and *behind* those of each axis: of a *mode*, "constant", or mirrored, "reflection", or
    copies, "replication"."""

    before: tuple[int, ...]
    behind: tuple[int, ...]
    mode: Word = "constant"

    name: ClassVar[str] = "pad_axes"

    def footprint(self, run: Run) -> Footprint:
        return Footprint(inputs=() if self.mode == "constant" else (0,))

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,))

    def output(self, *inputs: Value) -> Value:
        shape = inputs[0].shape
        if not len(self.before) == len(self.behind) == len(shape):
            raise ShapeError(f"padding of {len(self.before)} axes on {len(shape)}")
        return _of(inputs[0], tuple(a + size + b for a, size, b in zip(self.before, shape, self.behind, strict=True)))

    def describe(self) -> str:
        return "pad"


@operator
class Interpolate(View):
    """A map brought to a size, of one to three dimensions."""

    size: Sizes
    mode: Word

    name: ClassVar[str] = "interpolate"
    autocast: ClassVar[str] = "full"

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], len(self.size), "resizing")
        return inputs[0].with_shape((*inputs[0].shape[: at + 1], *self.size), at)

    def stride_factor(self, *inputs: Value) -> Stride | None:
        return stride_between(inputs[0].space, self.size)

    def describe(self) -> str:
        return f"resize {self.mode}"


@operator
class PixelShuffle(View):
    """Channels as pixels: (C·r², H, W) to (C, H·r, W·r) (Shi et al. 2016); *back* the other way round."""

    factor: int
    back: bool = False

    name: ClassVar[str] = "pixel_shuffle"
    as_layer: ClassVar[bool] = True
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("factor", count(), "by how much the map grows", ("upscale_factor",), required=True),
        Column("back", FLAG, "the other way round: pixels as channels"),
    )

    @classmethod
    def of(cls, *inputs: Value, factor: int, back: bool = False) -> PixelShuffle:
        return cls(factor, back)

    def expression(self, *tensors: str) -> str:
        return f"functional.pixel_{'un' if self.back else ''}shuffle({tensors[0]}, {self.factor})"

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], 2, "a pixel shuffle")
        *around, channels, height, width = inputs[0].shape
        side, area = self.factor, self.factor**2
        if self.back:
            divided, sizes = (height, side, width, side), (channels * area, height // side, width // side)
        else:
            divided, sizes = (channels, area, 1, 1), (channels // area, height * side, width * side)
        if divided[0] % divided[1] or divided[2] % divided[3]:
            raise ShapeError(f"{show_shape(inputs[0].shape)} is not divisible by {side}")
        return inputs[0].with_shape((*around, *sizes), at)

    def stride_factor(self, *inputs: Value) -> Stride | None:
        return self.factor if self.back else stride_of_growth((self.factor,))

    def describe(self) -> str:
        return "pixel unshuffle" if self.back else "pixel shuffle"


class GridSample(View):
    """A map sampled where a second input says: (C, H, W) at (H', W', 2) places to (C, H', W')."""

    __slots__ = ()
    name: ClassVar[str] = "grid_sample"
    joins: ClassVar[bool] = True
    saves: ClassVar[str] = "inputs"

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], 2, "sampling")
        if len(inputs) != 2 or len(inputs[1].shape) != at + 3 or inputs[1].shape[-1] != 2:
            raise ShapeError("sampling needs a map and, for each position, a place")
        return inputs[0].with_shape((*inputs[0].shape[: at + 1], *inputs[1].shape[at:-1]), at)

    def stride_factor(self, *inputs: Value) -> int | None:
        return 1

"""A window that slides over each channel: its options, and what pooling by one has in common."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import FLAG, PLAIN_PADDING, SIDES, Column
from archprof.ir.dims import Dim, conv_out
from archprof.ir.operators.base import Operator, ShapeError, map_axis
from archprof.ir.operators.padding import ends
from archprof.ir.values import Value

WINDOW = (
    Column("k", SIDES, "window", ("kernel", "kernel_size")),
    Column("s", SIDES, "stride; the window's size unless given", ("stride",), needs="k"),
    Column("p", PLAIN_PADDING, "padding; 0 unless given", ("padding",), needs="k"),
    Column("ceil", FLAG, "round the output size up", ("ceil_mode",), needs="k"),
)


class Window(Operator):
    """A window that slides over each channel."""

    __slots__ = ()
    category: ClassVar[str] = "pool"
    keeps_channels: ClassVar[bool] = True
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    ceil: bool

    @property
    def steps(self) -> tuple[int, ...]:
        """The dilation along each axis."""
        return (1,) * len(self.kernel_size)

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], len(self.kernel_size), "pooling")
        shape = inputs[0].shape
        sizes = [self._slide(axis, size) for axis, size in enumerate(shape[at + 1 :])]
        return inputs[0].with_shape((*shape[: at + 1], *sizes), at)

    def _slide(self, axis: int, size: Dim) -> Dim:
        kernel, padding = self.kernel_size[axis], ends(self.padding, axis)
        self._check_padding(kernel, max(padding))
        windows = conv_out(size, kernel, self.stride[axis], padding, self.steps[axis], self.ceil)
        # Rounded up, a window may reach beyond the input by less than a stride.
        if windows < 1:
            extent = self.steps[axis] * (kernel - 1) + 1
            message = f"a window of {extent} is larger than the padded input of {size + sum(padding)}"
            raise ShapeError(message, columns=("k",))
        return windows

    def _check_padding(self, kernel: int, padding: int) -> None:
        """Raise ShapeError where torch's own pooling, which pads opposite sides alike, refuses the padding, or where a
        window would lie in it as a whole."""
        if len(self.padding) == len(self.kernel_size) and 2 * padding > kernel:
            raise ShapeError(f"a padding of {padding} is more than half the window of {kernel}", columns=("p",))
        if padding >= kernel:
            raise ShapeError(f"a padding of {padding} is no smaller than the window of {kernel}", columns=("p",))

    def stride_factor(self, *inputs: Value) -> int | None:
        return max(self.stride)

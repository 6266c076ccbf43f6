"""Operators that split, reorder and resize feature maps. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import ClassVar

from archprof.ir.columns import Column, count, one_of
from archprof.ir.dims import Dim
from archprof.ir.footprint import Gradients, Run
from archprof.ir.operators.base import ShapeError, Word, channel_axis, feature_map, operator
from archprof.ir.operators.join import Function
from archprof.ir.values import Value, show_shape

_AXES = {"channels_last": (1, 2, 0), "channels_first": (2, 0, 1)}


@operator
class Split(Function):
    """One part of a map's channels: *channels* of them, from *start* on; *axis* is where they stand, behind
    the windows of maps that lie in the axis of the batch."""

    start: Dim
    channels: Dim
    axis: int = 0

    name: ClassVar[str] = "split"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("start", count(0), "the first channel", required=True),
        Column("channels", count(), "how many channels", ("c",), required=True),
    )

    @classmethod
    def of(cls, *inputs: Value, start: Dim, channels: Dim) -> Split:
        if inputs[0].channel is None:
            advice = "numbers of words have none: split what an `embedding` makes of them"
            raise ShapeError(f"{show_shape(inputs[0].shape)} has no channels to split", advice)
        return cls(start, channels, channel_axis(inputs[0]))

    def output(self, *inputs: Value) -> Value:
        shape, at = inputs[0].shape, self.axis + inputs[0].in_windows
        end, available = self.start + self.channels, shape[at]
        if end > available:
            message = f"channels {self.start} to {end - 1} of {available}"
            raise ShapeError(message, "channels are counted from 0", ("channels",))
        return inputs[0].with_shape((*shape[:at], self.channels, *shape[at + 1 :]), inputs[0].channel)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False,))  # zeros where the other channels are

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.narrow({self.axis + 1}, {self.start}, {self.channels})"


@operator
class ChannelShuffle(Function):
    """The channels in another order: the first of each of g groups, then the second of each, and so on (Zhang et al.
    2018, Figure 1)."""

    groups: int

    name: ClassVar[str] = "channel_shuffle"
    category: ClassVar[str] = "shape"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("g", count(), "groups", ("groups",), required=True),)

    @classmethod
    def of(cls, *inputs: Value, g: int) -> ChannelShuffle:
        return cls(g)

    def output(self, *inputs: Value) -> Value:
        channels = feature_map(inputs[0], "a channel shuffle").channels
        if channels % self.groups != 0:
            message = f"{channels} channels are not divisible by the {self.groups} groups of a shuffle"
            raise ShapeError(message, columns=("g",))
        return inputs[0]

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.unflatten(1, ({self.groups}, -1)).transpose(1, 2).flatten(1, 2)"


@operator
class Permute(Function):
    """The axes of a map in another order: (C, H, W) to (H, W, C), or back; its rows and columns exchanged."""

    axes: tuple[int, ...]

    name: ClassVar[str] = "permute"
    category: ClassVar[str] = "shape"
    view: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("to", one_of(*_AXES, "transposed"), "where the channels go; or rows as columns", required=True),
    )

    @classmethod
    def of(cls, *inputs: Value, to: str) -> Permute:
        if to == "transposed":
            return cls((1, 0, 2) if inputs[0].channel == 2 else (0, 2, 1))
        return cls.to(to)

    @classmethod
    def to(cls, place: str) -> Permute:
        """Return the permutation that brings the channels there, to "channels_last" or "channels_first"."""
        return cls(_AXES[place])

    def output(self, *inputs: Value) -> Value:
        shape, channel = inputs[0].shape, inputs[0].channel
        if len(shape) != len(self.axes):
            message = f"{len(self.axes)} axes to permute in {show_shape(shape)}"
            advice = "it is for images; `tokens` puts the channels of any map last, `transpose` those of tokens first"
            raise ShapeError(message, advice)
        moved = None if channel is None else self.axes.index(channel)
        return inputs[0].with_shape(tuple([shape[axis] for axis in self.axes]), moved)

    def gradients(self, run: Run) -> Gradients:
        return Gradients((True,), permuted=True)

    def expression(self, *tensors: str) -> str:
        return f"{tensors[0]}.permute({', '.join(map(str, (0, *(axis + 1 for axis in self.axes))))})"


@operator
class ResizeLike(Function):
    """A map brought to the size of a second one: each position that of its nearest neighbour, as in the top-down step
    of a pyramid (Lin et al. 2017), or interpolated between four."""

    mode: Word = "nearest"

    name: ClassVar[str] = "resize"
    sized_by_others: ClassVar[bool] = True
    category: ClassVar[str] = "shape"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (
        Column("mode", one_of("nearest", "bilinear"), "how positions in between are filled"),
    )

    @classmethod
    def of(cls, *inputs: Value, mode: Word = "nearest") -> ResizeLike:
        return cls(mode)

    def output(self, *inputs: Value) -> Value:
        channels = feature_map(inputs[0], "resizing").channels
        return inputs[0].with_shape((channels, *feature_map(inputs[1], "resizing").space))

    def expression(self, *tensors: str) -> str:
        corners = ", align_corners=False" if self.mode == "bilinear" else ""
        return f'functional.interpolate({tensors[0]}, size={tensors[1]}.shape[-2:], mode="{self.mode}"{corners})'

    def describe(self) -> str:
        return f"resize {self.mode}" if self.mode != "nearest" else "resize"


@operator
class SpaceToChannels(Function):
    """Squares of pixels as channels: (C, H, W) to (size²·C, H/size, W/size), pixel by pixel, row by row (Ridnik et al.
    2021)."""

    size: int

    name: ClassVar[str] = "space_to_channels"
    category: ClassVar[str] = "shape"
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = (Column("size", count(1), "pixels along a side", required=True),)

    @classmethod
    def of(cls, *inputs: Value, size: int) -> SpaceToChannels:
        return cls(size)

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "space to channels").shape
        if height % self.size != 0 or width % self.size != 0:
            message = f"squares of {self.size} on a map of {height}×{width}"
            raise ShapeError(message, "a size that divides the map, or another resolution", ("size",))
        return inputs[0].with_shape((channels * self.size**2, height // self.size, width // self.size))

    def stride_factor(self, *inputs: Value) -> int | None:
        return self.size

    def expression(self, *tensors: str) -> str:
        squares = f"{tensors[0]}.unflatten(2, (-1, {self.size})).unflatten(4, (-1, {self.size}))"
        return f"{squares}.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)"


class CropLike(Function):
    """A map cut to the size of a second one, around its middle: what a U-Net without padding has on its way across
    (Ronneberger et al. 2015)."""

    __slots__ = ()
    name: ClassVar[str] = "crop"
    category: ClassVar[str] = "shape"
    joins: ClassVar[bool] = True
    takes: ClassVar[tuple[int, int]] = (2, 2)
    view: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True
    sized_by_others: ClassVar[bool] = True
    tried: ClassVar[str] = "none"

    def output(self, *inputs: Value) -> Value:
        whole, cut = feature_map(inputs[0], "cropping"), feature_map(inputs[1], "cropping")
        if any(mine < other for mine, other in zip(whole.space, cut.space, strict=True)):
            message = f"{show_shape(whole.space)} cannot be cropped to {show_shape(cut.space)}"
            raise ShapeError(message, "the larger map comes first: `from: [large, small]`")
        return inputs[0].with_shape((whole.channels, *cut.space))

    def gradients(self, run: Run) -> Gradients:
        return Gradients((False, False))  # zeros around what is left

    def expression(self, *tensors: str) -> str:
        whole, cut = tensors
        sides = [f"({whole}.shape[{axis}] - {cut}.shape[{axis}]) // 2, {cut}.shape[{axis}]" for axis in (2, 3)]
        return f"{whole}.narrow(2, {sides[0]}).narrow(3, {sides[1]})"

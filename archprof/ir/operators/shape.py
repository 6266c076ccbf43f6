"""Operators that split, reorder and reshape feature maps. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.columns import PADDING, Column, count, one_of
from archprof.ir.dims import Dim, ceil_div
from archprof.ir.operators.base import Operator, ShapeError, feature_map, operator
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.join import Function
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


_AXES = {"channels_last": (1, 2, 0), "channels_first": (2, 0, 1)}


@operator
class Split(Function):
    """One part of a map's channels: *channels* of them, from *start* on."""

    start: Dim
    channels: Dim

    name: ClassVar[str] = "split"
    category: ClassVar[str] = "shape"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("start", count(0), "the first channel", required=True),
        Column("channels", count(), "how many channels", ("c",), required=True),
    )

    def output(self, *inputs: Value) -> Value:
        end, available = self.start + self.channels, inputs[0].shape[0]
        if end > available:
            raise ShapeError(f"channels {self.start} to {end - 1} of {available}", "channels are counted from 0")
        return inputs[0].with_shape((self.channels, *inputs[0].shape[1:]), inputs[0].channel)

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        return tensors[0].narrow(1, self.start, self.channels)


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
            raise ShapeError(f"{channels} channels are not divisible by the {self.groups} groups of a shuffle")
        return inputs[0]

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        batch, channels, *sides = tensors[0].shape
        grouped = tensors[0].reshape(batch, self.groups, channels // self.groups, *sides)
        return grouped.transpose(1, 2).flatten(1, 2)


@operator
class Permute(Function):
    """The axes of a map in another order: (C, H, W) to (H, W, C), or back."""

    axes: tuple[int, ...]

    name: ClassVar[str] = "permute"
    category: ClassVar[str] = "shape"
    columns: ClassVar[tuple[Column, ...]] = (Column("to", one_of(*_AXES), "where the channels go", required=True),)

    @classmethod
    def of(cls, *inputs: Value, to: str) -> Permute:
        return cls.to(to)

    @classmethod
    def to(cls, place: str) -> Permute:
        """Return the permutation that brings the channels there, to "channels_last" or "channels_first"."""
        return cls(_AXES[place])

    def output(self, *inputs: Value) -> Value:
        shape, channel = inputs[0].shape, inputs[0].channel
        if len(shape) != len(self.axes):
            message = f"{len(self.axes)} axes to permute in {show_shape(shape)}"
            raise ShapeError(message, "place it before pooling and flattening")
        moved = None if channel is None else self.axes.index(channel)
        return inputs[0].with_shape(tuple([shape[axis] for axis in self.axes]), moved)

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        return tensors[0].permute(0, *(axis + 1 for axis in self.axes))


class Flatten(Operator):
    """(C, H, W) to (C·H·W,)."""

    __slots__ = ()
    name: ClassVar[str] = "flatten"
    category: ClassVar[str] = "shape"

    def output(self, *inputs: Value) -> Value:
        return inputs[0].with_shape((inputs[0].elements,))

    def stride_factor(self, *inputs: Value) -> int | None:
        return None

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Flatten()


class Unflatten(Function):
    """(C,) to (C, 1, 1), so that it can gate a map."""

    __slots__ = ()
    name: ClassVar[str] = "unflatten"
    category: ClassVar[str] = "shape"
    keeps_channels: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        return inputs[0].with_shape((inputs[0].shape[0], 1, 1))

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        return tensors[0][:, :, None, None]


@operator
class PadShortcut(Function):
    """A shortcut without parameters (He et al. 2016, option A): every s-th position, and zeros for the channels that
    are new."""

    stride: Pair
    channels: Dim

    name: ClassVar[str] = "pad_shortcut"
    category: ClassVar[str] = "shape"
    as_layer: ClassVar[bool] = False

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "a shortcut").shape
        if channels > self.channels:
            message = f"a shortcut of kind A from {channels} to {self.channels} channels"
            raise ShapeError(message, "zeros can add channels, not remove them")
        sizes = (ceil_div(height, self.stride[0]), ceil_div(width, self.stride[1]))
        return inputs[0].with_shape((self.channels, *sizes))

    def stride_factor(self, *inputs: Value) -> int | None:
        return max(self.stride)

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        kept = tensors[0][:, :, :: self.stride[0], :: self.stride[1]]
        return functional.pad(kept, (0, 0, 0, 0, 0, self.channels - kept.shape[1]))


class ResizeLike(Function):
    """A map brought to the size of a second one, each position that of its nearest neighbour: the top-down step of a
    pyramid (Lin et al. 2017)."""

    __slots__ = ()
    name: ClassVar[str] = "resize"
    category: ClassVar[str] = "shape"
    joins: ClassVar[bool] = True
    keeps_channels: ClassVar[bool] = True

    def output(self, *inputs: Value) -> Value:
        channels = feature_map(inputs[0], "resizing").channels
        return inputs[0].with_shape((channels, *feature_map(inputs[1], "resizing").space))

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.interpolate(tensors[0], size=tensors[1].shape[-2:], mode="nearest")


@operator
class Pad(Operator):
    """Zeros around a map: (top, bottom, left, right)."""

    padding: tuple[int, ...]

    name: ClassVar[str] = "pad"
    category: ClassVar[str] = "shape"
    keeps_channels: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("p", PADDING, "padding", ("padding",), required=True),)

    @classmethod
    def of(cls, *inputs: Value, p: tuple[int, ...]) -> Pad:
        return cls((p[0], p[0], p[1], p[1]) if len(p) == 2 else p)

    def output(self, *inputs: Value) -> Value:
        channels, height, width = feature_map(inputs[0], "padding").shape
        top, bottom, left, right = self.padding
        return inputs[0].with_shape((channels, height + top + bottom, width + left + right))

    def module(self) -> torch.nn.Module:
        from torch import nn

        top, bottom, left, right = self.padding
        return nn.ZeroPad2d((left, right, top, bottom))


class Identity(Operator):
    """What comes in goes out."""

    __slots__ = ()
    name: ClassVar[str] = "identity"
    keeps_channels: ClassVar[bool] = True

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Identity()

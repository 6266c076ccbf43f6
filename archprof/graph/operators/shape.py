"""Operators that join, split and reshape feature maps. They cost no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.graph.columns import PADDING, Column, count, one_of
from archprof.graph.dims import Dim, Shape, ceil_div, product, same
from archprof.graph.operators.base import Operator, ShapeError, operator
from archprof.graph.operators.conv import Pair, feature_map, show_shape

if TYPE_CHECKING:
    import torch


_AXES = {"channels_last": (1, 2, 0), "channels_first": (2, 0, 1)}


class Function(Operator):
    """An operator without state, called in forward."""

    __slots__ = ()

    @property
    def form(self) -> str:
        return "function"


class Add(Function):
    """The sum of maps of one shape: a shortcut."""

    __slots__ = ()
    name: ClassVar[str] = "add"
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True

    def output(self, *inputs: Shape) -> Shape:
        return broadcast(inputs, "added")

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        total = tensors[0]
        for tensor in tensors[1:]:
            total = total + tensor
        return total


class Multiply(Function):
    """The product of maps; C×1×1 stretches over C×H×W, which is a gate."""

    __slots__ = ()
    name: ClassVar[str] = "multiply"
    spellings: ClassVar[tuple[str, ...]] = ("mul",)
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True

    def output(self, *inputs: Shape) -> Shape:
        return broadcast(inputs, "multiplied")

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        total = tensors[0]
        for tensor in tensors[1:]:
            total = total * tensor
        return total


class Concat(Function):
    """Maps of one size, one after the other along the channels."""

    __slots__ = ()
    name: ClassVar[str] = "concat"
    spellings: ClassVar[tuple[str, ...]] = ("concatenate", "cat")
    category: ClassVar[str] = "join"
    joins: ClassVar[bool] = True

    def output(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        channels: Dim = 0
        for shape in inputs:
            if len(shape) != len(first) or not all(map(same, shape[1:], first[1:])):
                raise ShapeError(
                    f"{show_shape(shape)} cannot be concatenated to {show_shape(first)}", "bring the paths to one size"
                )
            channels = channels + shape[0]
        return (channels, *first[1:])

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.cat(tensors, 1)


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

    def output(self, *inputs: Shape) -> Shape:
        if self.start + self.channels > inputs[0][0]:
            raise ShapeError(
                f"channels {self.start} to {self.start + self.channels - 1} of {inputs[0][0]}",
                "channels are counted from 0",
            )
        return (self.channels, *inputs[0][1:])

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        return tensors[0].narrow(1, self.start, self.channels)


@operator
class ChannelShuffle(Function):
    """The channels in another order: the first of each of g groups, then the second of each, and so on (Zhang et al.
    2018, Figure 1)."""

    groups: int

    name: ClassVar[str] = "channel_shuffle"
    spellings: ClassVar[tuple[str, ...]] = ("shuffle",)
    category: ClassVar[str] = "shape"
    columns: ClassVar[tuple[Column, ...]] = (Column("g", count(), "groups", ("groups",), required=True),)

    @classmethod
    def of(cls, *inputs: Shape, g: int) -> ChannelShuffle:
        return cls(g)

    def output(self, *inputs: Shape) -> Shape:
        channels = feature_map(inputs[0], "a channel shuffle")[0]
        if channels % self.groups != 0:
            raise ShapeError(f"{channels} channels are not divisible by the {self.groups} groups of a shuffle")
        return inputs[0]

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        batch, channels, *sides = tensors[0].shape
        return tensors[0].reshape(batch, self.groups, channels // self.groups, *sides).transpose(1, 2).flatten(1, 2)


@operator
class Permute(Function):
    """The axes of a map in another order: (C, H, W) to (H, W, C), or back."""

    axes: tuple[int, ...]

    name: ClassVar[str] = "permute"
    category: ClassVar[str] = "shape"
    columns: ClassVar[tuple[Column, ...]] = (Column("to", one_of(*_AXES), "where the channels go", required=True),)

    @classmethod
    def of(cls, *inputs: Shape, to: str) -> Permute:
        return cls.to(to)

    @classmethod
    def to(cls, place: str) -> Permute:
        """Return the permutation that brings the channels to that *place*, "channels_last" or "channels_first"."""
        return cls(_AXES[place])

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != len(self.axes):
            raise ShapeError(
                f"{len(self.axes)} axes to permute in {show_shape(inputs[0])}", "place it before pooling and flattening"
            )
        return tuple(inputs[0][axis] for axis in self.axes)

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        return tensors[0].permute(0, *(axis + 1 for axis in self.axes))


class Flatten(Operator):
    """(C, H, W) to (C·H·W,)."""

    __slots__ = ()
    name: ClassVar[str] = "flatten"
    category: ClassVar[str] = "shape"

    def output(self, *inputs: Shape) -> Shape:
        return (product(inputs[0]),)

    def stride_factor(self, *inputs: Shape) -> int | None:
        return None

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Flatten()


class Unflatten(Function):
    """(C,) to (C, 1, 1), so that it can gate a map."""

    __slots__ = ()
    name: ClassVar[str] = "unflatten"
    category: ClassVar[str] = "shape"

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], 1, 1)

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

    def output(self, *inputs: Shape) -> Shape:
        channels, height, width = feature_map(inputs[0], "a shortcut")
        if channels > self.channels:
            raise ShapeError(
                f"a shortcut of kind A from {channels} to {self.channels} channels",
                "zeros can add channels, not remove them",
            )
        return (self.channels, ceil_div(height, self.stride[0]), ceil_div(width, self.stride[1]))

    def stride_factor(self, *inputs: Shape) -> int | None:
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

    def output(self, *inputs: Shape) -> Shape:
        channels, _, _ = feature_map(inputs[0], "resizing")
        return (channels, *feature_map(inputs[1], "resizing")[1:])

    def stride_factor(self, *inputs: Shape) -> int | None:
        return 1

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.interpolate(tensors[0], size=tensors[1].shape[-2:], mode="nearest")


@operator
class Pad(Operator):
    """Zeros around a map: (top, bottom, left, right)."""

    padding: tuple[int, ...]

    name: ClassVar[str] = "pad"
    category: ClassVar[str] = "shape"
    columns: ClassVar[tuple[Column, ...]] = (Column("p", PADDING, "padding", ("padding",), required=True),)

    @classmethod
    def of(cls, *inputs: Shape, p: tuple[int, ...]) -> Pad:
        return cls((p[0], p[0], p[1], p[1]) if len(p) == 2 else p)

    def output(self, *inputs: Shape) -> Shape:
        channels, height, width = feature_map(inputs[0], "padding")
        top, bottom, left, right = self.padding
        return (channels, height + top + bottom, width + left + right)

    def module(self) -> torch.nn.Module:
        from torch import nn

        top, bottom, left, right = self.padding
        return nn.ZeroPad2d((left, right, top, bottom))


class Identity(Operator):
    """What comes in goes out."""

    __slots__ = ()
    name: ClassVar[str] = "identity"
    category: ClassVar[str] = "other"

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Identity()


def broadcast(shapes: tuple[Shape, ...], verb: str) -> Shape:
    """Return the common shape of maps that are added or multiplied; a size of 1 on the map's axes stretches."""
    result = shapes[0]
    for shape in shapes[1:]:
        if len(shape) != len(result) or not same(shape[0], result[0]):
            raise ShapeError(
                f"{show_shape(result)} and {show_shape(shape)} cannot be {verb}", "the channels must agree"
            )
        axes = []
        for mine, other in zip(result[1:], shape[1:], strict=True):
            if same(mine, other) or same(other, 1):
                axes.append(mine)
            elif same(mine, 1):
                axes.append(other)
            else:
                raise ShapeError(
                    f"{show_shape(result)} and {show_shape(shape)} cannot be {verb}", "bring both to one size"
                )
        result = (result[0], *axes)
    return result

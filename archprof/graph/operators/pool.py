"""Pooling. It costs no multiply-accumulates by the convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archprof.graph.columns import FLAG, PADDING, SIZE, Column, one_of
from archprof.graph.dims import Shape, conv_out, is_array
from archprof.graph.operators.base import Operator, ShapeError, operator
from archprof.graph.operators.conv import Pair, feature_map

if TYPE_CHECKING:
    import torch

_WINDOW = (
    Column("k", SIZE, "window", ("kernel", "kernel_size")),
    Column("s", SIZE, "stride; the window's size unless given", ("stride",)),
    Column("p", PADDING, "padding; 0 unless given", ("padding",)),
    Column("ceil", FLAG, "round the output size up", ("ceil_mode",)),
)
FORM = Column(
    "form",
    one_of("module", "function"),
    "as a module or as a call in forward: the same result, priced differently by some tools",
)


class Window(Operator):
    """A window that slides over each channel."""

    __slots__ = ()
    category: ClassVar[str] = "pool"
    kernel_size: Pair
    stride: Pair
    padding: Pair
    ceil: bool

    def output(self, *inputs: Shape) -> Shape:
        channels, height, width = feature_map(inputs[0], "pooling")
        sizes = []
        for axis, size in enumerate((height, width)):
            kernel, padding = self.kernel_size[axis], self.padding[axis]
            if 2 * padding > kernel:
                raise ShapeError(f"a padding of {padding} is more than half the window of {kernel}")
            windows = conv_out(size, kernel, self.stride[axis], padding, 1, self.ceil)
            # Rounded up, a window may reach beyond the input by less than a stride.
            if windows < 1:
                raise ShapeError(f"a window of {kernel} is larger than the padded input of {size + 2 * padding}")
            sizes.append(windows)
        return (channels, *sizes)

    def stride_factor(self, *inputs: Shape) -> int | None:
        return max(self.stride)


@operator
class MaxPool2d(Window):
    """The largest element of each window."""

    kernel_size: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil: bool = False

    name: ClassVar[str] = "max_pool"
    columns: ClassVar[tuple[Column, ...]] = (_WINDOW[0]._replace(required=True), *_WINDOW[1:])

    @classmethod
    def of(cls, *inputs: Shape, k: Pair, s: Pair | None = None, p: Pair = (0, 0), ceil: bool = False) -> MaxPool2d:
        return cls(k, k if s is None else s, symmetric(p), ceil)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.MaxPool2d(self.kernel_size, self.stride, self.padding, ceil_mode=self.ceil)


@operator
class AvgPool2d(Window):
    """The mean of each window; *count_padding* says whether padded zeros take part in it."""

    kernel_size: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil: bool = False
    count_padding: bool = True

    name: ClassVar[str] = "avg_pool"

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.AvgPool2d(
            self.kernel_size, self.stride, self.padding, ceil_mode=self.ceil, count_include_pad=self.count_padding
        )


class Adaptive(Operator):
    """Pooling to a fixed size, whatever the input's."""

    __slots__ = ()
    category: ClassVar[str] = "pool"
    size: Pair

    def output(self, *inputs: Shape) -> Shape:
        channels, _, _ = feature_map(inputs[0], "pooling")
        return (channels, *self.size)

    def stride_factor(self, *inputs: Shape) -> int | None:
        if self.size == (1, 1):
            return None
        height, side = inputs[0][1], self.size[0]
        return 1 if is_array(height) else max(1, height // side)


@operator
class AdaptiveAvgPool2d(Adaptive):
    """The mean over equal parts of the map; to 1×1 it is global average pooling (Lin et al. 2013)."""

    size: Pair = (1, 1)
    form: str = "module"

    name: ClassVar[str] = "avg_pool"
    spellings: ClassVar[tuple[str, ...]] = ("global_avg_pool",)

    @classmethod
    def of(cls, *inputs: Shape, **options: Any) -> Operator:
        return average(**options)

    columns: ClassVar[tuple[Column, ...]] = (
        *_WINDOW,
        Column(
            "size",
            SIZE,
            "the output's size, of adaptive pooling; 1, global pooling, where neither `k` nor `size` is given",
        ),
        Column("count_padding", FLAG, "whether padded zeros take part in the mean of a window", ("count_include_pad",)),
        FORM,
    )

    def module(self) -> torch.nn.Module | None:
        from torch import nn

        return nn.AdaptiveAvgPool2d(self.size) if self.form == "module" else None

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.adaptive_avg_pool2d(tensors[0], self.size)


def average(
    k: Pair | None = None,
    s: Pair | None = None,
    p: Pair = (0, 0),
    ceil: bool = False,
    size: Pair | None = None,
    count_padding: bool = True,
    form: str = "module",
) -> Operator:
    """Return average pooling by windows of *k*, or to a *size*; global where neither is given."""
    if k is None:
        return AdaptiveAvgPool2d(size or (1, 1), form)
    if size is not None:
        raise ShapeError("average pooling by a window `k` and to a `size` at once", "give one of the two")
    return AvgPool2d(k, k if s is None else s, symmetric(p), ceil, count_padding)


@operator
class AdaptiveMaxPool2d(Adaptive):
    """The largest element of equal parts of the map."""

    size: Pair = (1, 1)

    name: ClassVar[str] = "adaptive_max_pool"
    columns: ClassVar[tuple[Column, ...]] = (Column("size", SIZE, "the output's size; 1 unless given"),)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.AdaptiveMaxPool2d(self.size)


@operator
class Mean(Operator):
    """The mean of each channel over the map, as a function; (C, H, W) to (C,), or (C, 1, 1) with *keep*."""

    keep: bool = False

    name: ClassVar[str] = "mean"
    category: ClassVar[str] = "pool"
    form: ClassVar[str] = "function"
    columns: ClassVar[tuple[Column, ...]] = (Column("keep", FLAG, "keep the map's axes, with size 1", ("keepdim",)),)

    def output(self, *inputs: Shape) -> Shape:
        channels, _, _ = feature_map(inputs[0], "the mean over a map")
        return (channels, 1, 1) if self.keep else (channels,)

    def stride_factor(self, *inputs: Shape) -> int | None:
        return None

    def call(self, *tensors: torch.Tensor) -> torch.Tensor:
        return tensors[0].mean((2, 3), keepdim=self.keep)


def symmetric(padding: tuple[int, ...]) -> Pair:
    """Return (height, width) padding; raises ShapeError for four different sides, which pooling does not take."""
    if len(padding) == 2:
        return padding[0], padding[1]
    top, bottom, left, right = padding
    if (top, left) != (bottom, right):
        raise ShapeError("pooling with different padding on opposite sides", "place a `pad` layer before it")
    return top, left

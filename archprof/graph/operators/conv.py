"""Convolution and the linear layer: the operators that the convention counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archprof.graph.columns import CHANNELS, FLAG, GROUPS, PADDING, SIZE, Column
from archprof.graph.dims import Dim, Shape, conv_out, is_array, same
from archprof.graph.operators.base import Operator, ShapeError, operator

if TYPE_CHECKING:
    import torch

Pair = tuple[int, int]

K = Column("k", SIZE, "kernel size", ("kernel", "kernel_size"))
S = Column("s", SIZE, "stride", ("stride",))
P = Column("p", PADDING, "padding; dilation·(k−1)/2 unless given", ("padding",))
D = Column("d", SIZE, "dilation", ("dilation",))
G = Column("g", GROUPS, "groups; `depthwise` for one group a channel", ("groups",))
C = Column("c", CHANNELS, "output channels", ("out", "out_channels"), required=True)
BIAS = Column("bias", FLAG, "whether a bias is added")


@operator
class Conv2d(Operator):
    """Two-dimensional convolution of (M, H, W) to (N, H', W'): every position costs K²·M/g·N multiply-accumulates."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: Dim = 1
    bias: bool = False

    name: ClassVar[str] = "conv2d"
    spellings: ClassVar[tuple[str, ...]] = ("Conv2d",)
    formula: ClassVar[str] = "K²·(M/g)·N·F²"
    params_formula: ClassVar[str] = "K²·(M/g)·N + N"
    columns: ClassVar[tuple[Column, ...]] = (C, K, S, P, D, G, BIAS)

    @classmethod
    def of(
        cls,
        *inputs: Shape,
        c: Dim,
        k: Pair = (1, 1),
        s: Pair = (1, 1),
        p: Any = None,
        d: Pair = (1, 1),
        g: Any = 1,
        bias: bool = True,
    ) -> Conv2d:
        channels = inputs[0][0]
        return cls(
            channels, c, k, s, same_padding(k, d) if p is None else p, d, channels if g == "depthwise" else g, bias
        )

    @property
    def kind(self) -> str:
        if not is_array(self.groups) and self.groups == 1:
            return "pointwise" if self.kernel_size == (1, 1) else "standard"
        return (
            "depthwise"
            if same(self.groups, self.in_channels) and same(self.in_channels, self.out_channels)
            else "grouped"
        )

    @property
    def macs_formula(self) -> str:
        return {"standard": "K²·M·N·F²", "pointwise": "M·N·F²", "depthwise": "K²·M·F²", "grouped": self.formula}[
            self.kind
        ]

    def output(self, *inputs: Shape) -> Shape:
        channels, height, width = feature_map(inputs[0], "a convolution")
        if not same(channels, self.in_channels):
            raise ShapeError(f"a convolution of {self.in_channels} channels on {channels}")
        self._check_groups()
        return (self.out_channels, *self._slide(height, width))

    def _check_groups(self) -> None:
        if not is_array(self.groups) and self.groups == 1:
            return
        for what, channels in (("input", self.in_channels), ("output", self.out_channels)):
            if self.groups is not channels and channels % self.groups != 0:
                raise ShapeError(
                    f"{channels} {what} channels are not divisible by {self.groups} groups",
                    "choose groups that divide both",
                )

    def _slide(self, height: Dim, width: Dim) -> Shape:
        sizes = []
        for axis, size in enumerate((height, width)):
            kernel, stride, padding, dilation = (
                self.kernel_size[axis],
                self.stride[axis],
                self.padding[axis],
                self.dilation[axis],
            )
            extent = dilation * (kernel - 1) + 1
            # With "same" padding the window fits whenever the input has a pixel: no comparison, so no split of a batch.
            if 2 * padding < extent - 1 and size + 2 * padding < extent:
                padded = size + 2 * padding
                what = f"a window of {extent} is larger than the padded input of {padded}"
                raise ShapeError(what, "a larger input, a smaller kernel or more padding")
            sizes.append(conv_out(size, kernel, stride, padding, dilation))
        return tuple(sizes)

    @property
    def weights(self) -> Dim:
        """Elements of the weight: N·(M/g)·K²."""
        area = self.kernel_size[0] * self.kernel_size[1]
        if self.groups is self.in_channels:
            return self.out_channels * area
        # Arrays are spared what does not change them: a division and a multiplication by 1.
        per_group = (
            self.in_channels if not is_array(self.groups) and self.groups == 1 else self.in_channels // self.groups
        )
        return self.out_channels * (per_group if area == 1 else per_group * area)

    @property
    def params(self) -> Dim:
        return self.weights + self.out_channels if self.bias else self.weights

    @property
    def macs_per_position(self) -> Dim:
        return self.weights

    @property
    def activations_per_position(self) -> Dim:
        return self.out_channels

    def stride_factor(self, *inputs: Shape) -> int | None:
        return max(self.stride)

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Conv2d(
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
        )

    def describe(self) -> str:
        return {"standard": "conv", "pointwise": "pw conv", "depthwise": "dw conv", "grouped": "group conv"}[self.kind]


@operator
class Linear(Operator):
    """A fully connected layer from M to N features of the last axis: M·N multiply-accumulates at every position of the
    others."""

    in_features: Dim
    out_features: Dim
    bias: bool = True

    name: ClassVar[str] = "linear"
    formula: ClassVar[str] = "M·N"
    params_formula: ClassVar[str] = "M·N + N"
    category: ClassVar[str] = "linear"

    def output(self, *inputs: Shape) -> Shape:
        *positions, features = inputs[0]
        if not same(features, self.in_features):
            advice = "flatten or pool the map first" if positions else ""
            raise ShapeError(f"a linear layer of {self.in_features} features on {show_shape(inputs[0])}", advice)
        return (*positions, self.out_features)

    def spatial(self, output: Shape) -> Shape:
        return output[:-1]

    @property
    def params(self) -> Dim:
        return self.in_features * self.out_features + (self.out_features if self.bias else 0)

    @property
    def macs_per_position(self) -> Dim:
        return self.in_features * self.out_features

    @property
    def activations_per_position(self) -> Dim:
        return self.out_features

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Linear(self.in_features, self.out_features, bias=self.bias)


def same_padding(kernel: Pair, dilation: Pair) -> Pair:
    """Return the padding that keeps the size at stride 1: dilation·(k − 1)/2."""
    return dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2


def feature_map(shape: Shape, what: str) -> Shape:
    """Return *shape* if it is (C, H, W); raises ShapeError otherwise."""
    if len(shape) != 3:
        raise ShapeError(
            f"{what} needs a feature map (C×H×W), not {show_shape(shape)}", "place it before pooling and flattening"
        )
    return shape


def show_shape(shape: Shape) -> str:
    """Return `16×112×112`."""
    return "×".join(map(str, shape))

"""Transposed convolution, of one to three dimensions: each position of the input is spread over a window."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import PLAIN_PADDING, SAME, Column
from archprof.ir.dims import Dim, same
from archprof.ir.operators.base import ShapeError, map_axis, operator
from archprof.ir.operators.conv import BIAS, D_SIDES, K_SIDES, S_SIDES, C, G, P, Pair, Windowed
from archprof.ir.operators.conv_ranks import One, Three
from archprof.ir.operators.padding import at_rank, rank_of
from archprof.ir.strides import Stride, stride_of_growth
from archprof.ir.terms import Terms, term
from archprof.ir.values import Value, show_shape

if TYPE_CHECKING:
    import torch


_PADDING = P._replace(kind=PLAIN_PADDING, doc="what is cut off each side of the output; 0 unless given")
_OUTPUT_PADDING = Column(
    "output_padding", PLAIN_PADDING, "what the output has more behind; 0 unless given", ("op", "out_padding")
)


class ConvTranspose(Windowed):
    """A convolution the other way round (Zeiler et al. 2010), which enlarges the map by its stride: every position of
    the *input* costs a window of K²·M·N/g multiply-accumulates."""

    __slots__ = ()
    columns: ClassVar[tuple[Column, ...]] = (
        C, K_SIDES, S_SIDES, _PADDING, _OUTPUT_PADDING, G, D_SIDES, BIAS,
    )  # fmt: skip
    tried: ClassVar[str] = "installed"
    rank: ClassVar[int] = 2
    output_padding: tuple[int, ...]

    @classmethod
    def of(
        cls,
        *inputs: Value,
        c: Dim,
        k: tuple[int, ...],
        s: tuple[int, ...] = (1, 1),
        p: tuple[int, ...] = (0, 0),
        output_padding: tuple[int, ...] = (0, 0),
        g: Any = 1,
        d: tuple[int, ...] = (1, 1),
        bias: bool = True,
    ) -> ConvTranspose:
        """Return a transposed convolution on a map of its own number of dimensions, of two on one of any. Raises
        ShapeError for sizes of another one."""
        of, channels = _of_rank(cls, inputs[0]), inputs[0].channels
        for column, sides in (("p", p), ("output_padding", output_padding)):
            if sides == SAME:
                raise ShapeError("a transposed convolution has no padding `same`", "give a number", (column,))
        kernel, stride, dilation = (at_rank(one, of.rank, name) for name, one in (("k", k), ("s", s), ("d", d)))
        padding = at_rank(p, of.rank, "p", "a padding")
        more = at_rank(output_padding, of.rank, "output_padding", "a padding")
        if any(one >= max(steps) for one, *steps in zip(more, stride, dilation, strict=True)):
            message = f"an output padding of {show_shape(more)} is no smaller than the stride and the dilation"
            raise ShapeError(message, columns=("output_padding",))
        made: Any = of
        groups = channels if g == "depthwise" else g
        found: ConvTranspose = made(channels, c, kernel, stride, padding, more, groups, bias, dilation)
        return found

    def output(self, *inputs: Value) -> Value:
        at = map_axis(inputs[0], len(self.kernel_size), "a transposed convolution")
        shape = inputs[0].shape
        if not same(shape[at], self.in_channels):
            raise ShapeError(f"a transposed convolution of {self.in_channels} channels on {shape[at]}")
        if self.in_channels % self.groups or self.out_channels % self.groups:
            channels = f"{self.in_channels} or {self.out_channels} channels"
            raise ShapeError(f"{channels} are not divisible by {self.groups} groups", columns=("groups",))
        sizes = [self._spread(axis, size) for axis, size in enumerate(shape[at + 1 :])]
        return inputs[0].with_shape((*shape[:at], self.out_channels, *sizes), at)

    def _spread(self, axis: int, size: Dim) -> Dim:
        extent = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
        spread = (size - 1) * self.stride[axis] + extent - 2 * self.padding[axis] + self.output_padding[axis]
        if spread < 1:
            raise ShapeError(f"a padding of {self.padding[axis]} leaves nothing", columns=("padding",))
        return spread

    @property
    def weights(self) -> Dim:
        """Elements of the weight: M·(N/g)·K², of other dimensions another power of K."""
        return self.in_channels * (self.out_channels // self.groups) * prod(self.kernel_size)

    def macs(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> Terms:
        return term(self.weights, inputs[0].space)

    def stride_factor(self, *inputs: Value) -> Stride | None:
        return stride_of_growth(self.stride)

    def module(self) -> torch.nn.Module:
        from torch import nn

        built: torch.nn.Module = getattr(nn, type(self).__name__)(*self._values())
        return built


def _of_rank(cls: type[ConvTranspose], value: Value) -> type[ConvTranspose]:
    if cls.rank != 2:
        return cls
    return {1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d}[rank_of(value)]


@operator
class ConvTranspose1d(ConvTranspose):
    """One-dimensional transposed convolution of (M, L) to (N, L')."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: One
    stride: One = (1,)
    padding: One = (0,)
    output_padding: One = (0,)
    groups: Dim = 1
    bias: bool = True
    dilation: One = (1,)

    name: ClassVar[str] = "conv_transpose1d"
    rank: ClassVar[int] = 1
    formula: ClassVar[str] = "K·M·(N/g)·F"
    params_formula: ClassVar[str] = "K·M·(N/g) + N"


@operator
class ConvTranspose2d(ConvTranspose):
    """Two-dimensional transposed convolution of (M, H, W) to (N, H', W')."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    output_padding: Pair = (0, 0)
    groups: Dim = 1
    bias: bool = True
    dilation: Pair = (1, 1)

    name: ClassVar[str] = "conv_transpose"
    formula: ClassVar[str] = "K²·M·(N/g)·F²"
    params_formula: ClassVar[str] = "K²·M·(N/g) + N"


@operator
class ConvTranspose3d(ConvTranspose):
    """Three-dimensional transposed convolution of (M, T, H, W) to (N, T', H', W')."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: Three
    stride: Three = (1, 1, 1)
    padding: Three = (0, 0, 0)
    output_padding: Three = (0, 0, 0)
    groups: Dim = 1
    bias: bool = True
    dilation: Three = (1, 1, 1)

    name: ClassVar[str] = "conv_transpose3d"
    rank: ClassVar[int] = 3
    formula: ClassVar[str] = "K³·M·(N/g)·F³"
    params_formula: ClassVar[str] = "K³·M·(N/g) + N"

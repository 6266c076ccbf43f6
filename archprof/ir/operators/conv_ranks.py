"""Convolutions over one and three dimensions: of sounds and texts, of clips and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archprof.ir.columns import CAUSAL, SAME, Column
from archprof.ir.dims import Dim, conv_out
from archprof.ir.footprint import Footprint, Gradients, Run
from archprof.ir.operators.base import ShapeError, operator
from archprof.ir.operators.conv import BIAS, D_SIDES, K_SIDES, S_SIDES, C, Convolution, G, P
from archprof.ir.operators.padding import at_rank
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch

One = tuple[int]
Three = tuple[int, int, int]
_COLUMNS = (C, K_SIDES, S_SIDES, P, D_SIDES, G, BIAS)


def of_rank(
    cls: type[Conv1d] | type[Conv3d],
    rank: int,
    value: Value,
    *,
    c: Dim,
    k: tuple[int, ...],
    s: tuple[int, ...] = (1, 1),
    p: tuple[int, ...] | None = None,
    d: tuple[int, ...] = (1, 1),
    g: Any = 1,
    bias: bool = True,
) -> Any:
    """Return a convolution of so many dimensions on a map. Raises ShapeError for sizes of another one."""
    kernel, stride, dilation = at_rank(k, rank, "k"), at_rank(s, rank, "s"), at_rank(d, rank, "d")
    if p is None:
        p = tuple([step * (size - 1) // 2 for size, step in zip(kernel, dilation, strict=True)])
    elif p == SAME:
        raise ShapeError("the padding `same` is one of images alone", columns=("p",))
    groups = value.channels if g == "depthwise" else g
    if rank == 1 and p == CAUSAL:
        return Conv1dCausal.at(value.channels, c, (kernel[0],), (stride[0],), (dilation[0],), groups, bias)
    padding = at_rank(p, rank, "p", "a padding")
    return cls(value.channels, c, kernel, stride, padding, dilation, groups, bias)  # type: ignore[arg-type]


@operator
class Conv1d(Convolution):
    """One-dimensional convolution of (M, L) to (N, L'): every position costs K·M/g·N multiply-accumulates."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: One = (1,)
    stride: One = (1,)
    padding: One = (0,)
    dilation: One = (1,)
    groups: Dim = 1
    bias: bool = False

    name: ClassVar[str] = "conv1d"
    formula: ClassVar[str] = "K·(M/g)·N·F"
    params_formula: ClassVar[str] = "K·(M/g)·N + N"
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = _COLUMNS

    @classmethod
    def of(cls, *inputs: Value, **cells: Any) -> Conv1d:
        made: Conv1d = of_rank(cls, 1, inputs[0], **cells)
        return made

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Conv1d(*self._values())

    def describe(self) -> str:
        return f"{Convolution.describe(self)}1d"


@operator
class Conv1dCausal(Conv1d):
    """A convolution with `p: causal`, whose places see none behind them: d(k − 1) zeros stand in front (van den Oord et
    al. 2016, Figure 2)."""

    @classmethod
    def at(cls, channels: Dim, c: Dim, kernel: One, stride: One, dilation: One, groups: Dim, bias: bool) -> Conv1d:
        """Return the convolution, an ordinary one where there are no zeros."""
        return (Conv1d if kernel == (1,) else cls)(channels, c, kernel, stride, (0,), dilation, groups, bias)

    @property
    def zeros(self) -> int:
        """How many zeros stand in front."""
        return self.dilation[0] * (self.kernel_size[0] - 1)

    def _slide(self, axis: int, size: Dim) -> Dim:
        return conv_out(size, self.kernel_size[0], self.stride[0], (self.zeros, 0), self.dilation[0])

    def _around(self, run: Run) -> Dim:
        """Return the bytes of a call's input with zeros in front."""
        channels, length = run.inputs[0].shape
        return run.bytes(run.inputs[0].with_shape((channels, length + self.zeros)))

    def footprint(self, run: Run) -> Footprint:
        with_zeros = self._around(run)  # which is what the convolution sees
        return Footprint(scratch=with_zeros, own=with_zeros)

    def gradients(self, run: Run) -> Gradients:
        return Conv1d.gradients(self, run)._replace(around=self._around(run))

    def module(self) -> torch.nn.Module:
        from archprof.ir.modules import CausalConv1d as Module

        sizes = self.in_channels, self.out_channels, self.kernel_size, self.stride
        return Module(*sizes, 0, self.dilation, self.groups, self.bias)

    def describe(self) -> str:
        return f"causal {Conv1d.describe(self)}"


@operator
class Conv3d(Convolution):
    """Three-dimensional convolution of (M, T, H, W) to (N, T', H', W'): every position costs K³·M/g·N
    multiply-accumulates."""

    in_channels: Dim
    out_channels: Dim
    kernel_size: Three = (1, 1, 1)
    stride: Three = (1, 1, 1)
    padding: Three = (0, 0, 0)
    dilation: Three = (1, 1, 1)
    groups: Dim = 1
    bias: bool = False

    name: ClassVar[str] = "conv3d"
    formula: ClassVar[str] = "K³·(M/g)·N·F³"
    params_formula: ClassVar[str] = "K³·(M/g)·N + N"
    tried: ClassVar[str] = "installed"
    columns: ClassVar[tuple[Column, ...]] = _COLUMNS

    @classmethod
    def of(cls, *inputs: Value, **cells: Any) -> Conv3d:
        made: Conv3d = of_rank(cls, 3, inputs[0], **cells)
        return made

    def stride_factor(self, *inputs: Value) -> int | None:
        return self.stride[-1]  # of the map: frames are halved on their own

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Conv3d(*self._values())

    def describe(self) -> str:
        return f"{Convolution.describe(self)}3d"

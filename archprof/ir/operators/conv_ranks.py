"""Convolutions over one and three dimensions: of sounds and texts, of clips and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archprof.ir.dims import Dim
from archprof.ir.operators.base import operator
from archprof.ir.operators.conv import Convolution
from archprof.ir.values import Value

if TYPE_CHECKING:
    import torch

One = tuple[int]
Three = tuple[int, int, int]


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
    as_layer: ClassVar[bool] = False

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Conv1d(*self._values())

    def describe(self) -> str:
        return f"{Convolution.describe(self)}1d"


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
    as_layer: ClassVar[bool] = False

    def stride_factor(self, *inputs: Value) -> int | None:
        return self.stride[-1]  # of the map: frames are halved on their own

    def module(self) -> torch.nn.Module:
        from torch import nn

        return nn.Conv3d(*self._values())

    def describe(self) -> str:
        return f"{Convolution.describe(self)}3d"

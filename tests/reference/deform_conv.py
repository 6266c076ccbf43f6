"""Deformable convolution by hand (Dai et al. 2017, equations 2 to 4; Zhu et al. 2019, equation 1): every sample for
itself."""

from math import floor
from typing import NamedTuple

import torch
from torch import Tensor

Pair = tuple[int, int]


class Window(NamedTuple):
    """How the taps of the convolution that is replaced stand on its input."""

    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


def deform_conv(x: Tensor, weight: Tensor, shifts: Tensor, masks: Tensor, window: Window) -> Tensor:
    """Return the output for x (batch, M, H, W), weight (N, M/groups, K, L), shifts (batch, D, K, L, 2, H', W') and
    masks (batch, D, K, L, H', W').

    D groups of channels share their shifts, (dy, dx) for each tap.
    """
    batch, channels = x.shape[:2]
    samples = x.new_zeros(batch, channels, *weight.shape[2:], *shifts.shape[-2:])
    share = channels // shifts.shape[1]
    for place in torch.cartesian_prod(*(torch.arange(size) for size in masks.shape)).tolist():
        image, group, row, column, i, j = place
        dy, dx = shifts[image, group, row, column, :, i, j].tolist()
        y = i * window.stride[0] - window.padding[0] + row * window.dilation[0] + dy
        z = j * window.stride[1] - window.padding[1] + column * window.dilation[1] + dx
        part = slice(group * share, (group + 1) * share)
        samples[image, part, row, column, i, j] = (
            bilinear(x[image, part], y, z) * masks[image, group, row, column, i, j]
        )
    parts = zip(samples.chunk(window.groups, 1), weight.chunk(window.groups), strict=True)
    return torch.cat([torch.einsum("bcklij,ockl->boij", part, kernels) for part, kernels in parts], 1)


def bilinear(image: Tensor, y: float, x: float) -> Tensor:
    """Return the value of each channel of (C, H, W) at a place between positions; zero counts as the value of what lies
    outside."""
    value = image.new_zeros(image.shape[0])
    for row in (floor(y), floor(y) + 1):
        for column in (floor(x), floor(x) + 1):
            if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                value += (1 - abs(y - row)) * (1 - abs(x - column)) * image[:, row, column]
    return value

"""Modules of tokens and attention that torch has not."""

import math

import torch
from torch import Tensor, fx, nn
from torch.nn import functional


class ClassToken(nn.Module):
    """Learned tokens in front of those of (batch, L, C)."""

    def __init__(self, count: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, features))
        nn.init.normal_(self.weight, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.weight.expand(x.shape[0], -1, -1), x], 1)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}"


@fx.wrap
def at_positions(x: Tensor, learned: Tensor) -> Tensor:
    """Return tokens, or a map, with what is learned for their positions, the first of these where there are fewer."""
    if x.dim() == 3:
        return x + learned[: x.shape[1]]
    return x + learned.reshape(x.shape[1:])


class PositionEmbedding(nn.Module):
    """A learned tensor that is added to every image of a batch."""

    def __init__(self, shape: tuple[int, ...], std: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.normal_(self.weight, std=std)

    def forward(self, x: Tensor) -> Tensor:
        return at_positions(x, self.weight)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))


@fx.wrap
def merge_patches(x: Tensor) -> Tensor:
    """Return (batch, H/2, W/2, 4·C) of a map (batch, H, W, C): row by row of each column, as the paper's code has
    it."""
    below, right = x.shape[1] % 2, x.shape[2] % 2
    if below > 0 or right > 0:
        x = functional.pad(x, [0, 0, 0, right, 0, below])
    return torch.unflatten(torch.unflatten(x, 2, [-1, 2]), 1, [-1, 2]).permute(0, 1, 3, 4, 2, 5).flatten(3)


class PatchMerging(nn.Module):
    """The features of each 2×2 positions beside each other."""

    def forward(self, x: Tensor) -> Tensor:
        return merge_patches(x)


@fx.wrap
def sines(like: Tensor, count: int = 32) -> Tensor:
    """Return sines and cosines of each row and each column of a map (batch, C, H, W): (1, 2·count, H, W)."""
    steps = torch.arange(count, device=like.device, dtype=like.dtype)
    periods = 10000 ** (2 * torch.div(steps, 2, rounding_mode="floor") / count)
    parts = []
    for side in like.shape[2:]:
        places = torch.arange(1, side + 1, device=like.device, dtype=like.dtype)
        angles = (places / (places[-1:] + 1e-6) * (2 * math.pi))[:, None] / periods
        parts.append(torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], 2).flatten(1).t())
    rows = parts[0][:, :, None].expand(-1, -1, like.shape[3])
    columns = parts[1][:, None].expand(-1, like.shape[2], -1)
    return torch.cat([rows, columns], 0)[None]


class FourierPositions(nn.Conv2d):
    """Sines and cosines of each position, projected by a 1×1 convolution and added to a map."""

    def __init__(self, features: int) -> None:
        super().__init__(64, features, 1)

    def forward(self, input: Tensor) -> Tensor:
        positions: Tensor = self._conv_forward(sines(input), self.weight, self.bias)
        return input + positions

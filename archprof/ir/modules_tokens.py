"""Modules of tokens and attention that torch has not."""

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


class PositionEmbedding(nn.Module):
    """A learned tensor that is added to every image of a batch."""

    def __init__(self, shape: tuple[int, ...], std: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.normal_(self.weight, std=std)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight

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

"""Modules of attention in its two products."""

import torch
from torch import Tensor, fx, nn

from archprof.ir.modules_attention import relative_places


@fx.wrap
def scores_of(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """Return Q·Kᵀ/√E (batch, heads, L, S) of two maps."""
    queries = torch.unflatten(query.flatten(2), 1, [heads, -1])
    keys = torch.unflatten(key.flatten(2), 1, [heads, -1])
    scores: Tensor = queries.transpose(2, 3) @ keys * queries.shape[2] ** -0.5
    return scores


@fx.wrap
def weighed(weights: Tensor, value: Tensor) -> Tensor:
    """Return a map of values, weighed for each position."""
    values = torch.unflatten(value.flatten(2), 1, [weights.shape[1], -1])
    return (weights @ values.transpose(2, 3)).transpose(2, 3).reshape(value.shape)


class AttentionScores(nn.Module):
    """Scores of queries and keys, with a bias for each distance where they are of a map of a size."""

    def __init__(self, heads: int, size: tuple[int, ...]) -> None:
        super().__init__()
        self.heads, self.size = heads, size
        self.weight = nn.Parameter(torch.zeros(heads, size[0] * size[1])) if size else None

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        scores = scores_of(query, key, self.heads)
        if self.weight is None:
            return scores
        return scores + self.weight[:, relative_places((self.size[0], self.size[1]), 1, True, query)]

    def extra_repr(self) -> str:
        return f"{self.heads} heads"


class AttendedValues(nn.Module):
    """Values weighed by scores."""

    def forward(self, weights: Tensor, value: Tensor) -> Tensor:
        return weighed(weights, value)

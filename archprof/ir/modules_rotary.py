"""The module of rotary positions. What depends on the shape of an input stands in functions, which torch.fx calls as
they are."""

import torch
from torch import Tensor, fx, nn

# Rows and columns of a map; 0×0 of positions in a row.
Pair = tuple[int, int]


def angles_along(length: int, reference: int, count: int, base: float, like: Tensor) -> Tensor:
    """Return the angles (length, count) of each position, the position times base^(−i/count); stretched to a reference,
    unless that is 0."""
    steps = torch.arange(count, device=like.device).float() / count
    place = torch.arange(length, device=like.device).float()
    if reference > 0 and reference != length:
        place = place / length * reference
    return place[:, None] * (1.0 / base**steps)


def angles(sides: Pair, reference: Pair, features: int, base: float, columns_first: bool, like: Tensor) -> Tensor:
    """Return the angles (H·W, features / 2) of the positions of a map, row by row."""
    rows = angles_along(sides[0], reference[0], features // 4, base, like)[:, None].expand(-1, sides[1], -1)
    columns = angles_along(sides[1], reference[1], features // 4, base, like)[None].expand(sides[0], -1, -1)
    both = [columns, rows] if columns_first else [rows, columns]
    return torch.cat(both, 2).flatten(0, 1)


def sines(angle: Tensor, neighbours: bool, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (L, 1, features): those of halves behind each other, of neighbours in turn."""
    both = torch.stack([angle, angle], -1).flatten(1) if neighbours else torch.cat([angle, angle], 1)
    return both.cos().to(like.dtype)[:, None], both.sin().to(like.dtype)[:, None]


@fx.wrap
def turn(
    x: Tensor,
    heads: int,
    base: float,
    neighbours: bool,
    sides: Pair,
    skip: int,
    columns_first: bool,
    reference: Pair,
) -> Tensor:
    """Return tokens (batch, L, C), or a map (batch, H, W, C), whose features turn with their positions."""
    flat = x.flatten(1, -2)
    each = torch.unflatten(flat[:, skip:] if skip > 0 else flat, 2, [heads, -1])
    length, features = each.shape[1], each.shape[3]
    if sides[0] == 0:
        cosine, sine = sines(angles_along(length, 0, features // 2, base, x), neighbours, x)
    else:
        cosine, sine = sines(angles(sides, reference, features, base, columns_first, x), neighbours, x)
    turned = (each * cosine + across(each, neighbours) * sine).flatten(2)
    if skip > 0:
        turned = torch.cat([flat[:, :skip], turned], 1)
    return turned.reshape(x.shape)


def across(x: Tensor, neighbours: bool) -> Tensor:
    """Return features with each two that turn together exchanged, and the first of them negative."""
    if neighbours:
        return torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
    half = x.shape[-1] // 2
    return torch.cat([-x[..., half:], x[..., :half]], -1)


class RotaryPositions(nn.Module):
    """Features that turn with their positions, as `archprof.ir.operators.rotary.RotaryPositions` says."""

    def __init__(
        self,
        heads: int,
        base: float,
        neighbours: bool,
        sides: Pair,
        skip: int,
        columns_first: bool,
        reference: Pair,
    ) -> None:
        super().__init__()
        self.heads, self.base, self.neighbours = heads, float(base), neighbours
        self.sides, self.skip, self.columns_first, self.reference = sides, skip, columns_first, reference

    def forward(self, x: Tensor) -> Tensor:
        return turn(
            x, self.heads, self.base, self.neighbours, self.sides, self.skip, self.columns_first, self.reference
        )

    def extra_repr(self) -> str:
        return f"{self.heads} heads, base={self.base:g}"

"""Modules of attention and of windows. What depends on the shape of an input stands in functions, which torch.fx calls
as they are."""

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

Pair = tuple[int, int]


@fx.wrap
def attend(
    inputs: list[Tensor],
    bias: Tensor | None,
    heads: int,
    kv_heads: int,
    key_dim: int,
    value_dim: int,
    channels_last: bool,
    interleaved: bool,
    causal: bool,
    windowed: bool,
) -> Tensor:
    """Return the attention of `HeadAttention`, with a bias (1, heads, L, S), or of windows (w, heads, L, S)."""
    images = inputs[0].shape[0]
    parts = [_positions(x, channels_last, windowed) for x in inputs]
    axis = 2 if channels_last else 1
    if len(parts) == 1 and interleaved:
        found = torch.split(_headed(parts[0], heads, channels_last), [key_dim, key_dim, value_dim], 3)
        query, key, value = found[0], found[1], found[2]
    else:
        if len(parts) == 1:
            parts = list(torch.split(parts[0], [heads * key_dim, kv_heads * key_dim, kv_heads * value_dim], axis))
        if len(parts) == 2 and interleaved:
            query = _headed(parts[0], heads, channels_last)
            found = torch.split(_headed(parts[1], kv_heads, channels_last), [key_dim, value_dim], 3)
            key, value = found[0], found[1]
        else:
            if len(parts) == 2:
                behind = torch.split(parts[1], [kv_heads * key_dim, kv_heads * value_dim], axis)
                parts = [parts[0], behind[0], behind[1]]
            query = _headed(parts[0], heads, channels_last)
            key, value = _headed(parts[1], kv_heads, channels_last), _headed(parts[2], kv_heads, channels_last)
    if not channels_last:
        query, key, value = query.contiguous(), key.contiguous(), value.contiguous()
    if bias is not None and bias.shape[0] > 1:
        bias = bias.repeat(images, 1, 1, 1)
    result = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=bias, is_causal=causal, enable_gqa=heads != kv_heads
    )
    return together(result, inputs[0], channels_last)


def _positions(x: Tensor, channels_last: bool, windowed: bool) -> Tensor:
    """Return (batch, L, C), or (batch, C, L), with windows in the batch."""
    if not channels_last:
        return x.flatten(2)
    return x.flatten(0, 1) if windowed else x.flatten(1, -2)


def _headed(x: Tensor, heads: int, channels_last: bool) -> Tensor:
    """Return (batch, heads, L, E)."""
    if channels_last:
        return torch.unflatten(x, 2, [heads, -1]).transpose(1, 2)
    return torch.unflatten(x, 1, [heads, -1]).transpose(2, 3)


@fx.wrap
def relative_places(size: Pair, every: int, distance: bool, like: Tensor) -> Tensor:
    """Return the row of the table of biases for each query and key of a map: (L, S)."""
    rows, columns = torch.arange(size[0], device=like.device), torch.arange(size[1], device=like.device)
    down = rows[::every, None] - rows[None]
    right = columns[::every, None] - columns[None]
    if distance:
        down, right, wide = down.abs(), right.abs(), size[1]
    else:
        down, right, wide = down + size[0] - 1, right + size[1] - 1, 2 * size[1] - 1
    return (down[:, None, :, None] * wide + right[None, :, None, :]).flatten(2).flatten(0, 1)


@fx.wrap
def shifted_mask(windows: Pair, size: Pair, shift: Pair, like: Tensor) -> Tensor:
    """Return −100 for each two positions of a window that were no neighbours before the map was rolled (Liu et al.
    2021, Figure 4): (windows, L, L)."""
    down, right = _parts(windows[0], size[0], shift[0], like), _parts(windows[1], size[1], shift[1], like)
    region = (down[:, None, :, None] * 3 + right[None, :, None, :]).flatten(2).flatten(0, 1)
    return (region[:, :, None] != region[:, None, :]).to(like.dtype) * -100.0


def _parts(windows: int, side: int, shift: int, like: Tensor) -> Tensor:
    """Return in which part of an axis each place of each window lies: before the last window, in it, or rolled
    around."""
    whole = windows * side
    place = torch.arange(whole, device=like.device)
    part = (place >= whole - side).long() + (place >= whole - shift).long()
    return torch.unflatten(part, 0, [windows, side])


class HeadAttention(nn.Module):
    """Attention of several heads over projected features, as `archprof.ir.operators.heads.HeadAttention` says."""

    def __init__(
        self,
        heads: int,
        kv_heads: int,
        key_dim: int,
        value_dim: int,
        channels_last: bool,
        interleaved: bool,
        causal: bool,
        windowed: bool,
        position: str,
        size: Pair,
        every: int,
        shifted: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.key_dim, self.value_dim = heads, kv_heads, key_dim, value_dim
        self.channels_last, self.interleaved, self.causal = channels_last, interleaved, causal
        self.windowed, self.distance, self.size, self.every = windowed, position == "distance", size, every
        self.windows = (shifted[0], shifted[1]) if shifted else (1, 1)
        self.shift = (shifted[2], shifted[3]) if shifted else (0, 0)
        self.weight: nn.Parameter | None = None
        if position:
            ways = size[0] * size[1] if position == "distance" else (2 * size[0] - 1) * (2 * size[1] - 1)
            # As the papers' code has them: rows of the table first, or heads first.
            shape = (heads, ways) if position == "distance" else (ways, heads)
            self.weight = nn.Parameter(torch.empty(shape))
            nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: Tensor, key: Tensor | None = None, value: Tensor | None = None) -> Tensor:
        inputs = [x]
        if key is not None:
            inputs.append(key)
        if value is not None:
            inputs.append(value)
        return attend(
            inputs, self.bias(x), self.heads, self.kv_heads, self.key_dim, self.value_dim, self.channels_last,
            self.interleaved, self.causal, self.windowed,
        )  # fmt: skip

    def bias(self, like: Tensor) -> Tensor | None:
        """Return what is added to the scores, for all windows."""
        bias: Tensor | None = None
        if self.weight is not None:
            places = relative_places(self.size, self.every, self.distance, like)
            learned = self.weight[:, places] if self.distance else self.weight[places].movedim(2, 0)
            bias = learned.contiguous()[None]
        if self.shift[0] > 0 or self.shift[1] > 0:
            mask = shifted_mask(self.windows, self.size, self.shift, like)[:, None]
            bias = mask if bias is None else bias + mask
        return bias

    def extra_repr(self) -> str:
        return f"{self.heads} heads, {self.key_dim}, {self.value_dim}"


@fx.wrap
def linear_attention(x: Tensor, heads: int, key_dim: int, channels_last: bool, eps: float) -> Tensor:
    """Return the attention of `LinearAttention`."""
    found = torch.split(_headed(_positions(x, channels_last, False), heads, channels_last), key_dim, 3)
    query, key, value = found[0], found[1], functional.pad(found[2], (0, 1), value=1.0)
    result = functional.relu(query) @ (functional.relu(key).transpose(2, 3) @ value)
    return together(result[..., :-1] / (result[..., -1:] + eps), x, channels_last)


class LinearAttention(nn.Module):
    """Attention without a product of two positions (Katharopoulos et al. 2020)."""

    def __init__(self, heads: int, key_dim: int, channels_last: bool, eps: float) -> None:
        super().__init__()
        self.heads, self.key_dim, self.channels_last, self.eps = heads, key_dim, channels_last, eps

    def forward(self, x: Tensor) -> Tensor:
        return linear_attention(x, self.heads, self.key_dim, self.channels_last, self.eps)

    def extra_repr(self) -> str:
        return f"{self.heads} heads, {self.key_dim}"


@fx.wrap
def cross_covariance(x: Tensor, temperature: Tensor, heads: int, channels_last: bool) -> Tensor:
    """Return the attention of `CrossCovarianceAttention`."""
    query, key, value = apart(x, heads, channels_last)
    query, key = functional.normalize(query.transpose(2, 3), dim=-1), functional.normalize(key.transpose(2, 3), dim=-1)
    weights = ((query @ key.transpose(2, 3)) * temperature[:, None, None]).softmax(-1)
    return together((weights @ value.transpose(2, 3)).transpose(2, 3), x, channels_last)


class CrossCovarianceAttention(nn.Module):
    """Attention between features (El-Nouby et al. 2021)."""

    def __init__(self, heads: int, key_dim: int, channels_last: bool) -> None:
        super().__init__()
        self.heads, self.channels_last = heads, channels_last
        self.weight = nn.Parameter(torch.ones(heads))

    def forward(self, x: Tensor) -> Tensor:
        return cross_covariance(x, self.weight, self.heads, self.channels_last)

    def extra_repr(self) -> str:
        return f"{self.heads} heads"


class TalkingHeadsAttention(nn.Module):
    """Attention whose heads exchange their scores (Shazeer et al. 2020)."""

    def __init__(self, heads: int, channels_last: bool) -> None:
        super().__init__()
        self.heads, self.channels_last = heads, channels_last
        # Of its own and not of layers inside: what counts by modules finds them where the table has them.
        before, behind = nn.Linear(heads, heads), nn.Linear(heads, heads)
        self.before_weight, self.before_bias = before.weight, before.bias
        self.behind_weight, self.behind_bias = behind.weight, behind.bias

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = apart(x, self.heads, self.channels_last)
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(2, 3)
        scores = functional.linear(scores.permute(0, 2, 3, 1), self.before_weight, self.before_bias).softmax(2)
        mixed = functional.linear(scores, self.behind_weight, self.behind_bias)
        return together(mixed.permute(0, 3, 1, 2) @ value, x, self.channels_last)

    def extra_repr(self) -> str:
        return f"{self.heads} heads"


@fx.wrap
def apart(x: Tensor, heads: int, channels_last: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values (batch, heads, L, E) that lie one behind the other."""
    found = _positions(x, channels_last, False).chunk(3, 2 if channels_last else 1)
    query, key = _headed(found[0], heads, channels_last), _headed(found[1], heads, channels_last)
    return query, key, _headed(found[2], heads, channels_last)


@fx.wrap
def together(result: Tensor, x: Tensor, channels_last: bool) -> Tensor:
    """Return what is (batch, heads, L, E) as a map like *x*, of all heads' features."""
    features = result.shape[1] * result.shape[3]
    if channels_last:
        # TorchScript unpacks no lists.
        return result.transpose(1, 2).reshape(list(x.shape[:-1]) + [features])  # noqa: RUF005
    return result.transpose(2, 3).reshape([x.shape[0], features] + list(x.shape[2:]))  # noqa: RUF005


@fx.wrap
def partition(x: Tensor, size: Pair, shift: Pair, grid: bool) -> Tensor:
    """Return the windows (batch, w, h·w, C) of a map (batch, H, W, C)."""
    if shift[0] > 0 or shift[1] > 0:
        x = x.roll([-shift[0], -shift[1]], [1, 2])
    below, right = -x.shape[1] % size[0], -x.shape[2] % size[1]
    if below > 0 or right > 0:
        x = functional.pad(x, [0, 0, 0, right, 0, below])
    rows, columns = x.shape[1] // size[0], x.shape[2] // size[1]
    if grid:
        x = torch.unflatten(torch.unflatten(x, 2, [size[1], columns]), 1, [size[0], rows])
        return x.permute(0, 2, 4, 1, 3, 5).flatten(3, 4).flatten(1, 2)
    x = torch.unflatten(torch.unflatten(x, 2, [columns, size[1]]), 1, [rows, size[0]])
    return x.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)


@fx.wrap
def reverse(x: Tensor, height: int, width: int, size: Pair, shift: Pair, grid: bool) -> Tensor:
    """Return the map (batch, H, W, C) of windows."""
    rows, columns = (height - 1) // size[0] + 1, (width - 1) // size[1] + 1
    x = torch.unflatten(torch.unflatten(x, 2, [size[0], size[1]]), 1, [rows, columns])
    x = x.permute(0, 3, 1, 4, 2, 5) if grid else x.permute(0, 1, 3, 2, 4, 5)
    x = x.flatten(3, 4).flatten(1, 2)[:, :height, :width]
    return x.roll([shift[0], shift[1]], [1, 2]) if shift[0] > 0 or shift[1] > 0 else x


class Product(nn.Module):
    """The product of two stacks of matrices."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left @ right


class WindowPartition(nn.Module):
    """A map cut into windows."""

    def __init__(self, size: Pair, shift: Pair, grid: bool, maps: bool) -> None:
        super().__init__()
        self.size, self.shift, self.grid, self.maps = size, shift, grid, maps

    def forward(self, x: Tensor) -> Tensor:
        if not self.maps:
            return partition(x, self.size, self.shift, self.grid)
        windows = partition(x.permute(0, 2, 3, 1), self.size, self.shift, self.grid)
        return torch.unflatten(windows, 2, [self.size[0], self.size[1]]).permute(0, 1, 4, 2, 3).flatten(0, 1)

    def extra_repr(self) -> str:
        return f"{self.size}, shift={self.shift}"


class WindowReverse(nn.Module):
    """Windows put together."""

    def __init__(self, height: int, width: int, size: Pair, shift: Pair, grid: bool, maps: bool) -> None:
        super().__init__()
        self.height, self.width, self.size, self.shift, self.grid = height, width, size, shift, grid
        self.maps = maps
        self.windows = -(-height // size[0]) * -(-width // size[1])

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        if not self.maps:
            return reverse(x, self.height, self.width, self.size, self.shift, self.grid)
        windows = torch.unflatten(x, 0, [-1, self.windows]).permute(0, 1, 3, 4, 2).flatten(2, 3)
        return reverse(windows, self.height, self.width, self.size, self.shift, self.grid).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, {self.size}, shift={self.shift}"

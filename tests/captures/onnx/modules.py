"""Small torch modules, each of a family whose exported form has its own turns, with the inputs that they take."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class Family(NamedTuple):
    """A module, inputs of it, and which axes of its first input may be free besides the batch, by their names; MACs
    where torch's counter has none of its own; whether a cell runs over a sequence."""

    make: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    free: Mapping[int, str] = {}
    macs: int | None = None
    recurrent: bool = False


class Residual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Gated(nn.Module):
    """An inverted residual with squeeze and excitation."""

    def __init__(self, channels, wide):
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.Hardswish())
        depthwise = nn.Conv2d(wide, wide, 5, 1, 2, groups=wide, bias=False)
        self.depthwise = nn.Sequential(depthwise, nn.BatchNorm2d(wide), nn.ReLU6())
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 8, 1), nn.SiLU(), nn.Conv2d(8, wide, 1), nn.Hardsigmoid()
        )
        self.project = nn.Sequential(nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.depthwise(self.expand(x))
        return x + self.project(y * self.gate(y))


class Shuffled(nn.Module):
    """Channels that are split, shuffled and joined."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.branch = nn.Sequential(nn.Conv2d(8, 8, 1, groups=4), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1, groups=8))

    def forward(self, x):
        x = self.stem(x)
        left, right = x.chunk(2, dim=1)
        x = torch.cat((left, self.branch(right)), dim=1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w).mean((2, 3))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = self.placed(q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, length, width))

    def placed(self, scores):
        return scores


class WindowAttention(Attention):
    """Attention in windows of 4×4: a learned score for each distance, and a mask for each of 6 windows."""

    index: torch.Tensor

    def __init__(self, width, heads):
        super().__init__(width, heads)
        self.distances = nn.Parameter(torch.zeros(7 * 7, heads))
        at = torch.cartesian_prod(torch.arange(4), torch.arange(4))
        rows, columns = (at[:, None] - at + 3).unbind(-1)
        self.register_buffer("index", rows * 7 + columns)
        self.register_buffer("mask", torch.zeros(6, 1, 16, 16))

    def placed(self, scores):
        scores = scores + self.distances[self.index.view(-1)].view(16, 16, self.heads).permute(2, 0, 1)
        return (scores.view(-1, 6, self.heads, 16, 16) + self.mask).view(-1, self.heads, 16, 16)


class Transformer(nn.Module):
    def __init__(self, width=32, heads=4, attention=Attention):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        self.token = nn.Parameter(torch.zeros(1, 1, 32))
        self.places = nn.Parameter(torch.zeros(1, 17, 32))
        self.blocks = nn.Sequential(Transformer(), Transformer())
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), dim=1) + self.places
        return self.head(self.blocks(x)[:, 0])


class Windows(nn.Module):
    """Attention in windows that are rolled and masked, as Swin has it, and patches that are merged."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 4, 4)
        self.block = Transformer(16, 2, WindowAttention)
        self.norm = nn.LayerNorm(64)
        self.merge = nn.Linear(64, 32, bias=False)

    def forward(self, x):
        x = self.stem(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        x = torch.roll(x, (-2, -2), (1, 2))
        x = x.view(n, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        x = self.block(x)
        x = x.view(n, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        x = torch.roll(x, (2, 2), (1, 2))
        parts = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.merge(self.norm(torch.cat(parts, -1)))


class UNet(nn.Module):
    """Down, and up again by transposed convolutions, with what was before beside it."""

    def __init__(self, resize=False):
        super().__init__()
        self.first, self.down = nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 16, 3, 2, 1)
        self.deep = nn.Conv2d(16, 32, 3, 2, 1)
        self.up1 = nn.ConvTranspose2d(32, 16, 2, 2)
        self.up2 = (
            nn.Upsample(scale_factor=2, mode="bilinear") if resize else nn.ConvTranspose2d(16, 16, 4, 2, 1, groups=2)
        )
        self.join1, self.join2 = nn.Conv2d(32, 16, 3, 1, 1), nn.Conv2d(24, 2, 1)

    def forward(self, x):
        a = functional.leaky_relu(self.first(x), 0.1)
        b = functional.elu(self.down(a))
        c = torch.relu(self.deep(b))
        b = self.join1(torch.cat((self.up1(c), b), 1))
        return torch.sigmoid(self.join2(torch.cat((self.up2(b), a), 1)))


class Recurrent(nn.Module):
    def __init__(self, cell, **options):
        super().__init__()
        self.cell = cell(12, 16, batch_first=True, **options)
        self.head = nn.Linear(16 * (1 + self.cell.bidirectional), 5)

    def forward(self, x):
        states, _ = self.cell(x)
        return self.head(states[:, -1])


class Signal(nn.Module):
    """Convolutions over one axis, dilated, normed by groups, and up again."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(2, 8, 9, 4, 4), nn.GroupNorm(2, 8), nn.PReLU(8), nn.Conv1d(8, 8, 3, 1, 2, dilation=2, groups=8),
            nn.InstanceNorm1d(8, affine=True), nn.MaxPool1d(2), nn.ConvTranspose1d(8, 4, 4, 2, 1),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


class Volume(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(1, 4, 3, (1, 2, 2), 1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2),
            nn.ConvTranspose3d(4, 2, 2, 2), nn.AvgPool3d((1, 2, 2)),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


class Detector(nn.Module):
    """Heads over a pyramid whose maps are set on each other's grid."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)
        self.lateral1, self.lateral2 = nn.Conv2d(8, 8, 1), nn.Conv2d(16, 8, 1)
        self.boxes, self.classes = nn.Conv2d(8, 12, 3, 1, 1), nn.Conv2d(8, 6, 3, 1, 1)

    def forward(self, x):
        c1 = functional.hardswish(self.c1(x))
        c2 = functional.hardswish(self.c2(c1))
        p2 = self.lateral2(c2)
        p1 = self.lateral1(c1) + functional.interpolate(p2, size=c1.shape[-2:], mode="nearest")
        boxes = [self.boxes(p).flatten(2).transpose(1, 2) for p in (p1, p2)]
        scores = [self.classes(p).flatten(2).transpose(1, 2) for p in (p1, p2)]
        best, _ = torch.cat(scores, 1).sigmoid().max(-1)
        return torch.cat(boxes, 1).reshape(x.shape[0], -1, 4), best


class Pyramid(nn.Module):
    """Pools of several sizes, padded by hand, cut, and stretched to one size."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, bias=False)
        self.pools = nn.ModuleList([nn.AdaptiveAvgPool2d(1), nn.AvgPool2d(4, 2, 1), nn.MaxPool2d(3, 2, 1)])
        self.mix = nn.Conv2d(24, 4, 1)

    def forward(self, x):
        x = self.stem(functional.pad(x, (0, 2, 2, 0)))
        size = x.shape[-2:]
        found = [functional.interpolate(pool(x), size, mode="bilinear", align_corners=False) for pool in self.pools]
        return self.mix(torch.cat(found, 1))[..., 1:-1, ::2]


class Words(nn.Module):
    """Embeddings, a mask, and attention by torch's own function."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(50, 16), nn.Embedding(24, 16)
        self.q, self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.norm = nn.LayerNorm(16)

    def forward(self, ids):
        n, length = ids.shape
        x = self.words(ids) + self.places(torch.arange(length, device=ids.device))
        q, k, v = (one(x).view(n, length, 2, 8).transpose(1, 2) for one in (self.q, self.k, self.v))
        x = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.norm(x.transpose(1, 2).reshape(n, length, 16)).mean(1)


class Products(nn.Module):
    """Einstein's notation, stacks of products, a product with a vector."""

    def __init__(self):
        super().__init__()
        self.weight, self.vector = nn.Parameter(torch.zeros(4, 6, 10)), nn.Parameter(torch.zeros(10))

    def forward(self, x):
        y = torch.einsum("nlhd,hde->nlhe", x, self.weight)
        scores = torch.einsum("nihe,njhe->nhij", y, y)
        return scores.sum((2, 3)) + torch.matmul(y, self.vector).sum(1)


class Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.layer1 = nn.Sequential(Residual(8, 8, 1), Residual(8, 16, 2))
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(functional.adaptive_avg_pool2d(self.layer1(self.stem(x)), 1).flatten(1))


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        self.blocks = nn.Sequential(Gated(16, 48), Gated(16, 64))
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 24), nn.Dropout(0.2), nn.Linear(24, 7)
        )

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


class Modern(nn.Module):
    """A depthwise convolution, a norm over channels, linear layers at every position, a learned scale."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 4, 4)
        self.depthwise = nn.Conv2d(16, 16, 7, 1, 3, groups=16)
        self.norm = nn.LayerNorm(16)
        self.wide, self.narrow = nn.Linear(16, 64), nn.Linear(64, 16)
        self.scale = nn.Parameter(torch.ones(16))

    def forward(self, x):
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.narrow(functional.gelu(self.wide(y)))).permute(0, 3, 1, 2)


_IMAGE = ((1, 3, 32, 32),)


class Causal(nn.Module):
    """Attention of each position to those before it, whose mask the newer exporter stores."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(16, 48)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 4, 4)).permute(2, 0, 3, 1, 4).unbind()
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True)


FAMILIES: Mapping[str, Family] = {
    "trunk": Family(Trunk, ((1, 3, 64, 64),), {2: "H", 3: "W"}),
    "mobile": Family(Mobile, _IMAGE, {2: "H", 3: "W"}),
    "shuffled": Family(Shuffled, _IMAGE, {2: "H", 3: "W"}),
    "vision_transformer": Family(VisionTransformer, _IMAGE),
    "windows": Family(Windows, ((1, 3, 32, 48),)),
    "unet": Family(UNet, _IMAGE, {2: "H", 3: "W"}),
    "unet_resized": Family(lambda: UNet(resize=True), ((1, 3, 48, 32),), {2: "H", 3: "W"}),
    "modern": Family(Modern, _IMAGE, {2: "H", 3: "W"}),
    "detector": Family(Detector, ((1, 3, 64, 96),), {2: "H", 3: "W"}),
    "pyramid": Family(Pyramid, ((1, 3, 20, 24),)),
    "signal": Family(Signal, ((1, 2, 256),), {2: "L"}),
    "volume": Family(Volume, ((1, 1, 8, 16, 16),)),
    # 4·16·(12 + 16), 3·16·(12 + 16) and 16·(12 + 16) a step and direction
    "lstm": Family(lambda: Recurrent(nn.LSTM), ((1, 9, 12),), {1: "L"}, 9 * 4 * 16 * (12 + 16) + 16 * 5, True),
    "lstm_both": Family(
        lambda: Recurrent(nn.LSTM, bidirectional=True, num_layers=2), ((1, 9, 12),), {},
        9 * 2 * (4 * 16 * (12 + 16) + 4 * 16 * (32 + 16)) + 32 * 5, True,
    ),
    "gru": Family(lambda: Recurrent(nn.GRU), ((1, 7, 12),), {1: "L"}, 7 * 3 * 16 * (12 + 16) + 16 * 5, True),
    "rnn": Family(lambda: Recurrent(nn.RNN), ((1, 7, 12),), {}, 7 * 16 * (12 + 16) + 16 * 5, True),
    "words": Family(Words, ((1, 20),), {1: "L"}),
    # 12 positions: q, k and v, and of four heads two products of all pairs
    "causal": Family(Causal, ((1, 12, 16),), {}, 12 * 16 * 48 + 2 * 12 * 12 * 16),
    # of a product with a vector torch counts nothing
    "products": Family(Products, ((1, 5, 4, 6),), {}, 5 * 4 * 6 * 10 + 5 * 5 * 4 * 10 + 5 * 4 * 10),
}  # fmt: skip

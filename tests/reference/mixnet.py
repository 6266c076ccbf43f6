"""MixNet written from Figure 5 of Tan & Le 2019 and the details of a PyTorch listing, independently of archprof."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.reference.mobilenet_v2 import nearest_eighth


class Row(NamedTuple):
    """One block: kernels of its mix, groups of expansion and projection, and the ratio of squeezed to input
    channels."""

    out: int
    kernels: tuple[int, ...]
    expand_groups: int
    project_groups: int
    stride: int
    expansion: int
    smooth: bool
    squeeze: float


SMALL = [
    Row(16, (3,), 1, 1, 1, 1, False, 0),
    Row(24, (3,), 2, 2, 2, 6, False, 0),
    Row(24, (3,), 2, 2, 1, 3, False, 0),
    Row(40, (3, 5, 7), 1, 1, 2, 6, True, 0.5),
    *[Row(40, (3, 5), 2, 2, 1, 6, True, 0.5)] * 3,
    Row(80, (3, 5, 7), 1, 2, 2, 6, True, 0.25),
    *[Row(80, (3, 5), 1, 2, 1, 6, True, 0.25)] * 2,
    Row(120, (3, 5, 7), 2, 2, 1, 6, True, 0.5),
    *[Row(120, (3, 5, 7, 9), 2, 2, 1, 3, True, 0.5)] * 2,
    Row(200, (3, 5, 7, 9, 11), 1, 1, 2, 6, True, 0.5),
    *[Row(200, (3, 5, 7, 9), 1, 2, 1, 6, True, 0.5)] * 2,
]
MEDIUM = [
    Row(24, (3,), 1, 1, 1, 1, False, 0),
    Row(32, (3, 5, 7), 2, 2, 2, 6, False, 0),
    Row(32, (3,), 2, 2, 1, 3, False, 0),
    Row(40, (3, 5, 7, 9), 1, 1, 2, 6, True, 0.5),
    *[Row(40, (3, 5), 2, 2, 1, 6, True, 0.5)] * 3,
    Row(80, (3, 5, 7), 1, 1, 2, 6, True, 0.25),
    *[Row(80, (3, 5, 7, 9), 2, 2, 1, 6, True, 0.25)] * 3,
    Row(120, (3,), 1, 1, 1, 6, True, 0.5),
    *[Row(120, (3, 5, 7, 9), 2, 2, 1, 3, True, 0.5)] * 3,
    Row(200, (3, 5, 7, 9), 1, 1, 2, 6, True, 0.5),
    *[Row(200, (3, 5, 7, 9), 1, 2, 1, 6, True, 0.5)] * 3,
]
# Rows, stem, width and dropout; L is M widened by 1.3.
SIZES = {"s": (SMALL, 16, 1.0, 0.2), "m": (MEDIUM, 24, 1.0, 0.25), "l": (MEDIUM, 24, 1.3, 0.25)}


class MixNet(nn.Module):
    def __init__(self, size: str, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        rows, stem, own_width, dropout = SIZES[size]
        width = width * own_width
        channels = nearest_eighth(stem * width)
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())
        blocks = []
        for row in rows:
            out = nearest_eighth(row.out * width)
            blocks.append(MixBlock(channels, out, row))
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Conv2d(channels, 1536, 1, bias=False), nn.BatchNorm2d(1536), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(1536, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self.blocks(self.stem(x)))
        pooled = nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits


class MixBlock(nn.Module):
    def __init__(self, channels: int, out: int, row: Row) -> None:
        super().__init__()
        inner = channels * row.expansion
        act = Swish() if row.smooth else nn.ReLU()
        layers: list[nn.Module] = []
        if row.expansion != 1:
            layers += [PartWise(channels, inner, (1,) * row.expand_groups), nn.BatchNorm2d(inner), act]
        layers += [PartWise(inner, inner, row.kernels, row.stride, depthwise=True), nn.BatchNorm2d(inner), act]
        if row.squeeze:
            layers.append(SqueezeExcite(inner, int(channels * row.squeeze)))
        layers += [PartWise(inner, out, (1,) * row.project_groups), nn.BatchNorm2d(out)]
        self.body = nn.Sequential(*layers)
        self.shortcut = row.stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.shortcut else y


class PartWise(nn.Module):
    """A convolution of its own for each part of the channels; the first part takes what an even split leaves."""

    def __init__(
        self, channels: int, out: int, kernels: tuple[int, ...], stride: int = 1, depthwise: bool = False
    ) -> None:
        super().__init__()
        self.parts = even_split(channels, len(kernels))
        outs = even_split(out, len(kernels))
        self.convolutions = nn.ModuleList(
            nn.Conv2d(part, after, kernel, stride, kernel // 2, groups=part if depthwise else 1, bias=False)
            for part, after, kernel in zip(self.parts, outs, kernels, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = x.split(self.parts, 1)
        return torch.cat([convolution(part) for convolution, part in zip(self.convolutions, parts, strict=True)], 1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduce(x.mean((2, 3), keepdim=True))
        return x * torch.sigmoid(self.expand(reduced * torch.sigmoid(reduced)))


class Swish(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)


def even_split(channels: int, parts: int) -> list[int]:
    shares = [channels // parts] * parts
    shares[0] += channels - sum(shares)
    return shares

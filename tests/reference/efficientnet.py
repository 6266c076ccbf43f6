"""EfficientNet, EfficientNet-Lite and EfficientNetV2 written from their tables, independently of archprof; details are
torchvision's."""

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.reference.mobilenet_v2 import nearest_eighth

Norm = Callable[[int], nn.Module]


class Stage(NamedTuple):
    expansion: int
    kernel: int
    stride: int
    channels: int
    layers: int
    fused: bool = False


B0 = [
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
]
V2_S = [
    Stage(1, 3, 1, 24, 2, True),
    Stage(4, 3, 2, 48, 4, True),
    Stage(4, 3, 2, 64, 4, True),
    Stage(4, 3, 2, 128, 6),
    Stage(6, 3, 1, 160, 9),
    Stage(6, 3, 2, 256, 15),
]
# Width, depth and dropout of B0 … B7, and of Lite0 … Lite4 (which stop at 4).
SCALES = [
    (1.0, 1.0, 0.2),
    (1.0, 1.1, 0.2),
    (1.1, 1.2, 0.3),
    (1.2, 1.4, 0.3),
    (1.4, 1.8, 0.4),
    (1.6, 2.2, 0.4),
    (1.8, 2.6, 0.5),
    (2.0, 3.1, 0.5),
]
SLOW_NORM = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)


class EfficientNet(nn.Module):
    def __init__(
        self,
        stem: int,
        stages: list[Stage],
        head: int,
        norm: Norm,
        dropout: float,
        act: type[nn.Module] = nn.SiLU,
        excited: bool = True,
        classes: int = 1000,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(3, stem, 3, norm, act, 2)]
        channels, number, blocks = stem, 0, sum(stage.layers for stage in stages)
        for stage in stages:
            for index in range(stage.layers):
                here = stage if index == 0 else stage._replace(stride=1)
                layers.append(Block(channels, here, norm, act, excited, 0.2 * number / blocks))
                channels, number = stage.channels, number + 1
        layers.append(convolution(channels, head, 1, norm, act))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(head, classes))

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


class Block(nn.Module):
    """MBConv or Fused-MBConv (Tan & Le 2021, Figure 2); torchvision's fused one has no squeeze-excite."""

    def __init__(
        self, channels: int, stage: Stage, norm: Norm, act: type[nn.Module], excited: bool, drop: float
    ) -> None:
        super().__init__()
        inner, out = channels * stage.expansion, stage.channels
        layers: list[nn.Module]
        if stage.fused and stage.expansion == 1:
            layers = [convolution(channels, out, stage.kernel, norm, act, stage.stride)]
        elif stage.fused:
            layers = [
                convolution(channels, inner, stage.kernel, norm, act, stage.stride),
                convolution(inner, out, 1, norm),
            ]
        else:
            layers = [convolution(channels, inner, 1, norm, act)] if stage.expansion != 1 else []
            layers.append(convolution(inner, inner, stage.kernel, norm, act, stage.stride, inner))
            layers += [SqueezeExcite(inner, channels // 4)] if excited else []
            layers.append(convolution(inner, out, 1, norm))
        self.body = nn.Sequential(*layers)
        self.shortcut = stage.stride == 1 and channels == out
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        if not self.shortcut:
            return y
        if self.training and self.drop:
            y = y * (torch.empty(len(y), 1, 1, 1).bernoulli_(1 - self.drop) / (1 - self.drop))
        return y + x


class SqueezeExcite(nn.Module):
    """A gate from the means, squeezed to a quarter of the *block's input*."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = nn.functional.adaptive_avg_pool2d(x, 1)
        gate: Tensor = self.expand(nn.functional.silu(self.reduce(mean)))
        return x * gate.sigmoid()


def convolution(
    channels: int,
    out: int,
    kernel: int,
    norm: Norm,
    act: Callable[[], nn.Module] = nn.Identity,
    stride: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    layer = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, norm(out), act())


def efficientnet(number: int, classes: int = 1000, norm: Norm | None = None) -> EfficientNet:
    """Return B0 … B7: every width and depth scaled, the head four times the last stage; batch norm unless another is
    given."""
    width, depth, dropout = SCALES[number]
    stages = [
        stage._replace(channels=nearest_eighth(stage.channels * width), layers=ceil(stage.layers * depth))
        for stage in B0
    ]
    norm = norm or (SLOW_NORM if number >= 5 else nn.BatchNorm2d)
    return EfficientNet(nearest_eighth(32 * width), stages, 4 * stages[-1].channels, norm, dropout, classes=classes)


def efficientnet_lite(number: int, classes: int = 1000) -> EfficientNet:
    """Return Lite0 … Lite4: no squeeze-excite, ReLU6; stem and head as they are, first and last stage as deep as they
    are."""
    width, depth, dropout = SCALES[number]
    stages = [
        stage._replace(channels=nearest_eighth(stage.channels * width), layers=ceil(stage.layers * depth))
        for stage in B0
    ]
    stages[0], stages[-1] = stages[0]._replace(layers=1), stages[-1]._replace(layers=1)
    return EfficientNet(32, stages, 1280, SLOW_NORM, min(dropout, 0.3), nn.ReLU6, False, classes)


def efficientnet_v2_s(classes: int = 1000) -> EfficientNet:
    return EfficientNet(24, V2_S, 1280, partial(nn.BatchNorm2d, eps=0.001), 0.2, classes=classes)

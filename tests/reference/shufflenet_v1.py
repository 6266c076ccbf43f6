"""ShuffleNetV1 written from Table 1 and Figure 2 of Zhang et al. 2018, independently of archprof."""

import torch
from torch import Tensor, nn


class ShuffleNetV1(nn.Module):
    def __init__(self, stem: int, channels: int, groups: int, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_convolution(3, stem, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        before = stem
        for stage, repeats in enumerate((4, 8, 4)):
            out = channels << stage
            for index in range(repeats):
                first_groups = 1 if stage == index == 0 else groups
                layers.append(Unit(before, out, 2 if index == 0 else 1, first_groups, groups))
                before = out
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(nn.functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1))
        return logits


class Unit(nn.Module):
    def __init__(self, before: int, out: int, stride: int, first_groups: int, groups: int) -> None:
        super().__init__()
        inner, new = out // 4, out if stride == 1 else out - before
        self.groups, self.stride = groups, stride
        self.reduce = nn.Sequential(*_convolution(before, inner, 1, groups=first_groups), nn.ReLU())
        self.rest = nn.Sequential(
            *_convolution(inner, inner, 3, stride, inner), *_convolution(inner, new, 1, groups=groups)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.reduce(x)
        if self.groups > 1:
            y = y.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
        y = self.rest(y)
        return torch.relu(x + y if self.stride == 1 else torch.cat([y, nn.functional.avg_pool2d(x, 3, 2, 1)], 1))


def _convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out)]

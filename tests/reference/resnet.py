"""ResNet written from Table 1 of He et al. 2016, with the details and the order of parameters of torchvision,
independently of archprof."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Callable[[int], nn.Module]


class Options(NamedTuple):
    """What sets one member of the family apart."""

    groups: int = 1
    width_per_group: int = 64
    stride_in_1x1: bool = False
    shortcut: str = "B"
    excited: bool = False
    norm: Norm = nn.BatchNorm2d


DEFAULT = Options()


class ResNet(nn.Module):
    """*repeats* of each stage; basic blocks, or bottlenecks where *deep*."""

    def __init__(
        self, repeats: tuple[int, int, int, int], deep: bool, options: Options = DEFAULT, classes: int = 1000
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = options.norm(64)
        channels = 64
        stages = []
        for index, count in enumerate(repeats):
            planes = 64 * 2**index
            blocks: list[nn.Module] = []
            for number in range(count):
                stride = 2 if index and not number else 1
                blocks.append((Bottleneck if deep else BasicBlock)(channels, planes, stride, options))
                channels = planes * (4 if deep else 1)
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.stages(functional.max_pool2d(x, 3, 2, 1))
        logits: Tensor = self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits


class BasicBlock(nn.Module):
    def __init__(self, channels: int, planes: int, stride: int, options: Options) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, planes, 3, stride, 1, bias=False)
        self.bn1 = options.norm(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = options.norm(planes)
        self.excite = SqueezeExcite(planes) if options.excited else nn.Identity()
        self.shortcut = shortcut(channels, planes, stride, options)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.excite(self.bn2(self.conv2(y)))
        return functional.relu(y + self.shortcut(x))


class Bottleneck(nn.Module):
    def __init__(self, channels: int, planes: int, stride: int, options: Options) -> None:
        super().__init__()
        width, out = planes * options.width_per_group // 64 * options.groups, 4 * planes
        first, second = (stride, 1) if options.stride_in_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(channels, width, 1, first, bias=False)
        self.bn1 = options.norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, second, 1, groups=options.groups, bias=False)
        self.bn2 = options.norm(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = options.norm(out)
        self.excite = SqueezeExcite(out) if options.excited else nn.Identity()
        self.shortcut = shortcut(channels, out, stride, options)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.excite(self.bn3(self.conv3(y)))
        return functional.relu(y + self.shortcut(x))


class SqueezeExcite(nn.Module):
    """Figure 3 of Hu et al. 2018, with a reduction of 16."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 16, 1)
        self.expand = nn.Conv2d(channels // 16, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(functional.relu(self.reduce(functional.adaptive_avg_pool2d(x, 1))))
        return x * torch.sigmoid(gate)


class ZeroPadded(nn.Module):
    """Shortcut A: every second position at stride 2, zeros for the channels that are new."""

    def __init__(self, new: int, stride: int) -> None:
        super().__init__()
        self.new, self.stride = new, stride

    def forward(self, x: Tensor) -> Tensor:
        kept = x[:, :, :: self.stride, :: self.stride]
        zeros = kept.new_zeros(kept.shape[0], self.new, *kept.shape[2:])
        return torch.cat([kept, zeros], 1)


def shortcut(channels: int, out: int, stride: int, options: Options) -> nn.Module:
    if options.shortcut != "C" and stride == 1 and channels == out:
        return nn.Identity()
    if options.shortcut == "A":
        return ZeroPadded(out - channels, stride)
    if options.shortcut == "D":
        pool = [nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)] if stride == 2 else []
        return nn.Sequential(*pool, nn.Conv2d(channels, out, 1, bias=False), options.norm(out))
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), options.norm(out))

"""RegNet written from Radosavovic et al. 2020, independently of archprof, stage tables included; order of parameters is
torchvision's and pycls'."""

from math import log
from typing import NamedTuple

from torch import Tensor, nn


class Rule(NamedTuple):
    """What generates a network (section 3.3), whether it has squeeze-excite, and by whose rule its widths become whole
    groups."""

    depth: int
    w_0: int
    w_a: float
    w_m: float
    group: int
    excited: bool = False
    torchvision: bool = True


def _pycls(depth: int, w_0: int, w_a: float, w_m: float, group: int, *, excited: bool = False) -> Rule:
    return Rule(depth, w_0, w_a, w_m, group, excited, torchvision=False)


NETWORKS = {
    "regnet_x_400mf": Rule(22, 24, 24.48, 2.54, 16),
    "regnet_x_800mf": Rule(16, 56, 35.73, 2.28, 16),
    "regnet_x_1_6gf": Rule(18, 80, 34.01, 2.25, 24),
    "regnet_x_3_2gf": Rule(25, 88, 26.31, 2.25, 48),
    "regnet_x_8gf": Rule(23, 80, 49.56, 2.88, 120),
    "regnet_x_16gf": Rule(22, 216, 55.59, 2.1, 128),
    "regnet_x_32gf": Rule(23, 320, 69.86, 2.0, 168),
    "regnet_y_400mf": Rule(16, 48, 27.89, 2.09, 8, True),
    "regnet_y_800mf": Rule(14, 56, 38.84, 2.4, 16, True),
    "regnet_y_1_6gf": Rule(27, 48, 20.71, 2.65, 24, True),
    "regnet_y_3_2gf": Rule(21, 80, 42.63, 2.66, 24, True),
    "regnet_y_8gf": Rule(17, 192, 76.82, 2.19, 56, True),
    "regnet_y_16gf": Rule(18, 200, 106.23, 2.48, 112, True),
    "regnet_y_32gf": Rule(20, 232, 115.89, 2.53, 232, True),
    "regnet_y_128gf": Rule(27, 456, 160.83, 2.52, 264, True),
    "regnetx_002": _pycls(13, 24, 36.44, 2.49, 8),
    "regnetx_004": _pycls(22, 24, 24.48, 2.54, 16),
    "regnetx_006": _pycls(16, 48, 36.97, 2.24, 24),
    "regnetx_040": _pycls(23, 96, 38.65, 2.43, 40),
    "regnetx_064": _pycls(17, 184, 60.83, 2.07, 56),
    "regnetx_120": _pycls(19, 168, 73.36, 2.37, 112),
    "regnety_002": _pycls(13, 24, 36.44, 2.49, 8, excited=True),
    "regnety_006": _pycls(15, 48, 32.54, 2.32, 16, excited=True),
    "regnety_008": _pycls(14, 56, 38.84, 2.4, 16, excited=True),
    "regnety_040": _pycls(22, 96, 31.41, 2.24, 64, excited=True),
    "regnety_064": _pycls(25, 112, 33.22, 2.27, 72, excited=True),
    "regnety_080": _pycls(17, 192, 76.82, 2.19, 56, excited=True),
    "regnety_120": _pycls(19, 168, 73.36, 2.37, 112, excited=True),
}


def stages(rule: Rule) -> list[tuple[int, int, int]]:
    """Return the depth, width and group width of each stage: equations 2 to 4, then whole groups."""
    widths: list[int] = []
    for block in range(rule.depth):
        steps = round(log((rule.w_0 + rule.w_a * block) / rule.w_0) / log(rule.w_m))
        widths.append(8 * round(rule.w_0 * rule.w_m**steps / 8))
    found = []
    for width in dict.fromkeys(widths):
        group = min(rule.group, width)
        found.append((widths.count(width), _whole_groups(width, group, rule.torchvision), group))
    return found


def _whole_groups(width: int, group: int, torchvision: bool) -> int:
    """Return the nearest multiple of *group*: of two the even one in pycls, the larger in torchvision, where it may not
    lose more than 10 %."""
    if not torchvision:
        return group * round(width / group)
    nearest = (2 * width + group) // (2 * group) * group
    return nearest + group if 10 * nearest < 9 * width else nearest


class RegNet(nn.Module):
    def __init__(self, rule: Rule, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_convolution(3, 32, 3, 2), nn.ReLU()]
        channels = 32
        for depth, width, group in stages(rule):
            for block in range(depth):
                layers.append(Block(channels, width, group, 2 if block == 0 else 1, rule.excited))
                channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


class Block(nn.Module):
    """The X block of Figure 4, with bottleneck ratio 1; *excited* makes it a Y block."""

    def __init__(self, channels: int, width: int, group: int, stride: int, excited: bool) -> None:
        super().__init__()
        changes = stride > 1 or channels != width
        self.projection = nn.Sequential(*_convolution(channels, width, 1, stride)) if changes else nn.Identity()
        self.body = nn.Sequential(
            *(
                *_convolution(channels, width, 1),
                nn.ReLU(),
                *_convolution(width, width, 3, stride, width // group),
                nn.ReLU(),
            ),
            Excitation(width, channels // 4) if excited else nn.Identity(),
            *_convolution(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.projection(x) + self.body(x)
        return total.relu()


class Excitation(nn.Module):
    """Hu et al. 2018, squeezed to a quarter of the block's input."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        gated: Tensor = x * self.gate(x)
        return gated


def _convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out)

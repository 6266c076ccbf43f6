"""GhostNet written from Table 1 of Han et al. 2020, independently of archprof; kernels, widths and order are those of
the authors' code."""

import torch
from torch import Tensor, nn

# Kernel, expanded and output channels, squeeze-excite, stride.
ROWS = [
    (3, 16, 16, False, 1),
    (3, 48, 24, False, 2),
    (3, 72, 24, False, 1),
    (5, 72, 40, True, 2),
    (5, 120, 40, True, 1),
    (3, 240, 80, False, 2),
    (3, 200, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 480, 112, True, 1),
    (3, 672, 112, True, 1),
    (5, 672, 160, True, 2),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
]


class GhostNet(nn.Module):
    def __init__(self, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        channels, last = nearest_fourth(16 * width), nearest_fourth(960 * width)
        layers: list[nn.Module] = [_convolution(3, channels, 3, 2), nn.ReLU()]
        for kernel, expanded, printed, excited, stride in ROWS:
            out = nearest_fourth(printed * width)
            layers.append(GhostBottleneck(channels, nearest_fourth(expanded * width), out, kernel, excited, stride))
            channels = out
        self.features = nn.Sequential(*layers, _convolution(channels, last, 1), nn.ReLU())
        self.head = nn.Conv2d(last, 1280, 1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        head = self.head(pooled).relu().flatten(1)
        logits: Tensor = self.classifier(nn.functional.dropout(head, 0.2, self.training))
        return logits


class GhostBottleneck(nn.Module):
    """Figure 3: a ghost module, a depthwise convolution where there is a stride, a gate, a linear ghost module; a
    shortcut always."""

    def __init__(self, channels: int, inner: int, out: int, kernel: int, excited: bool, stride: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [GhostModule(channels, inner, nn.ReLU())]
        layers += [_convolution(inner, inner, kernel, stride, inner)] if stride > 1 else []
        layers += [SqueezeExcite(inner)] if excited else []
        self.body = nn.Sequential(*layers, GhostModule(inner, out, nn.Identity()))
        same = stride == 1 and channels == out
        self.shortcut = nn.Sequential() if same else nn.Sequential(
            _convolution(channels, channels, kernel, stride, channels), _convolution(channels, out, 1)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)  # type: ignore[no-any-return]


class GhostModule(nn.Module):
    """Figure 1b: half of the maps by a convolution, the others by a cheap filter of each of those."""

    def __init__(self, channels: int, out: int, act: nn.Module) -> None:
        super().__init__()
        self.primary = nn.Sequential(_convolution(channels, out // 2, 1), act)
        self.cheap = nn.Sequential(_convolution(out // 2, out // 2, 3, 1, out // 2), act)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.primary(x)
        return torch.cat([maps, self.cheap(maps)], 1)


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = nearest_fourth(channels / 4)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(self.reduce(nn.functional.adaptive_avg_pool2d(x, 1)).relu())
        return x * nn.functional.hardsigmoid(gate)


def _convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out)
    )


def nearest_fourth(channels: float) -> int:
    """Return the multiple of 4 nearest to *channels*, at least 4; the next one up where that would lose more than a
    tenth."""
    multiple = max(4, 4 * int((channels + 2) // 4))
    return multiple if multiple >= 0.9 * channels else multiple + 4

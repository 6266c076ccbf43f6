"""MobileNetV2 written from Table 2 of Sandler et al. 2018, independently of archprof; parameters stand in torchvision's
order."""

from torch import Tensor, nn

# Expansion, output channels, repeats and stride.
ROWS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


class MobileNetV2(nn.Module):
    def __init__(self, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        channels = nearest_eighth(32 * width)
        head = nearest_eighth(1280 * max(width, 1.0))
        layers: list[nn.Module] = [_convolution(3, channels, 3, stride=2)]
        for expansion, printed, repeats, stride in ROWS:
            out = nearest_eighth(printed * width)
            for index in range(repeats):
                layers.append(Bottleneck(channels, out, expansion, stride if index == 0 else 1))
                channels = out
        layers.append(_convolution(channels, head, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(head, classes))

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


class Bottleneck(nn.Module):
    """Figure 4d: expand, filter, project without an activation; a shortcut at stride 1 between equal channels."""

    def __init__(self, channels: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = _convolution(channels, inner, 1) if expansion != 1 else nn.Identity()
        self.filter = _convolution(inner, inner, 3, stride, groups=inner)
        self.project = nn.Sequential(nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out))
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.filter(self.expand(x)))
        return x + y if self.shortcut else y


def _convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU6())


def nearest_eighth(channels: float) -> int:
    """Return the multiple of 8 nearest to *channels*, at least 8; the next one up where that would lose more than a
    tenth."""
    multiple = max(8, 8 * int((channels + 4) // 8))
    return multiple if multiple >= 0.9 * channels else multiple + 8

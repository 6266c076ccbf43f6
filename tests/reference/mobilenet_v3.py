"""MobileNetV3 written from Tables 1 and 2 of Howard et al. 2019, independently of archprof.

What the paper leaves open (epsilon, momentum, widths, order of parameters) is torchvision's.
"""

from torch import Tensor, nn

from tests.reference.mobilenet_v2 import nearest_eighth

# Kernel, expanded and output channels, squeeze-excite, h-swish, stride.
LARGE = [
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
]
SMALL = [
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
]
HEADS = {"large": (LARGE, 1280), "small": (SMALL, 1024)}


class MobileNetV3(nn.Module):
    def __init__(self, size: str, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        rows, head = HEADS[size]
        channels, head = nearest_eighth(16 * width), nearest_eighth(head * width)
        layers: list[nn.Module] = [_convolution(3, channels, 3, nn.Hardswish(), stride=2)]
        for kernel, expanded, printed, excited, hard, stride in rows:
            inner, out = nearest_eighth(expanded * width), nearest_eighth(printed * width)
            layers.append(
                Bottleneck(channels, inner, out, kernel, stride, excited, nn.Hardswish() if hard else nn.ReLU())
            )
            channels = out
        layers.append(_convolution(channels, 6 * channels, 1, nn.Hardswish()))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(6 * channels, head), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(head, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


class Bottleneck(nn.Module):
    """Figure 4: V2's bottleneck with a squeeze-excite behind the filter."""

    def __init__(
        self, channels: int, inner: int, out: int, kernel: int, stride: int, excited: bool, act: nn.Module
    ) -> None:
        super().__init__()
        self.expand = _convolution(channels, inner, 1, act) if inner != channels else nn.Identity()
        self.filter = _convolution(inner, inner, kernel, act, stride, groups=inner)
        self.excite = SqueezeExcite(inner) if excited else nn.Identity()
        self.project = _convolution(inner, out, 1, nn.Identity())
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.excite(self.filter(self.expand(x))))
        return y + x if self.shortcut else y


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = nearest_eighth(channels // 4)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = nn.functional.adaptive_avg_pool2d(x, 1)
        gate = self.expand(nn.functional.relu(self.reduce(mean)))
        return x * nn.functional.hardsigmoid(gate)


def _convolution(
    channels: int, out: int, kernel: int, act: nn.Module, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out, eps=0.001, momentum=0.01), act)

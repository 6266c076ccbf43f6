"""MobileNetV1 written from Table 1 of Howard et al. 2017, independently of archprof; its widths are plain products."""

from torch import Tensor, nn

# Stride and output channels of the thirteen depthwise separable layers; the last stride is 1, as the printed sizes want
# it.
LAYERS = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024)]


class MobileNetV1(nn.Module):
    def __init__(self, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        channels = int(32 * width)
        stages: list[nn.Module] = [_convolution(3, channels, 3, stride=2)]
        for stride, printed in LAYERS:
            out = int(printed * width)
            stages += [
                _convolution(channels, channels, 3, stride=stride, groups=channels),
                _convolution(channels, out, 1),
            ]
            channels = out
        self.features = nn.Sequential(*stages)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: Tensor = self.head(pooled.flatten(1))
        return logits


def _convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU())

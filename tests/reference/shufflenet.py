"""ShuffleNetV2 written from Table 5 and Figure 3 of Ma et al. 2018, independently of archprof; details and order of
parameters are torchvision's."""

import torch
from torch import Tensor, nn

# Output channels of stages 2, 3, 4 and of the last convolution.
NETWORKS = {
    "shufflenet_v2_x0_5": (48, 96, 192, 1024),
    "shufflenet_v2_x1_0": (116, 232, 464, 1024),
    "shufflenet_v2_x1_5": (176, 352, 704, 1024),
    "shufflenet_v2_x2_0": (244, 488, 976, 2048),
}
REPEATS = (4, 8, 4)


class ShuffleNetV2(nn.Module):
    def __init__(self, widths: tuple[int, int, int, int], classes: int = 1000) -> None:
        super().__init__()
        *stages, last = widths
        layers: list[nn.Module] = [*_convolution(3, 24, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        channels = 24
        for out, repeats in zip(stages, REPEATS, strict=True):
            layers += [Downsampling(channels, out), *(Unit(out) for _ in range(repeats - 1))]
            channels = out
        self.features = nn.Sequential(*layers, *_convolution(channels, last, 1), nn.ReLU())
        self.classifier = nn.Linear(last, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits


class Unit(nn.Module):
    """Figure 3 (c): the second half of the channels is filtered."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = _branch(channels // 2, channels // 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept, filtered = x.chunk(2, dim=1)
        return shuffled(kept, self.branch(filtered))


class Downsampling(nn.Module):
    """Figure 3 (d): both branches see all channels, at half the resolution."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.short = nn.Sequential(
            *_convolution(channels, channels, 3, 2, channels), *_convolution(channels, out // 2, 1), nn.ReLU()
        )
        self.long = _branch(channels, out // 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return shuffled(self.short(x), self.long(x))


def shuffled(first: Tensor, second: Tensor) -> Tensor:
    """Return the channels of two maps in turn."""
    return torch.stack((first, second), 2).flatten(1, 2)


def _branch(channels: int, out: int, stride: int) -> nn.Sequential:
    layers = (
        *_convolution(channels, out, 1),
        nn.ReLU(),
        *_convolution(out, out, 3, stride, out),
        *_convolution(out, out, 1),
        nn.ReLU(),
    )
    return nn.Sequential(*layers)


def _convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out)

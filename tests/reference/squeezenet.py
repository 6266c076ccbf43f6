"""SqueezeNet written from Table 1 of Iandola et al. 2016, and its version 1.1, independently of archprof; details are
torchvision's."""

import torch
from torch import Tensor, nn

# Kernel and channels of the first convolution; squeezed and expanded channels of the fire modules, between poolings.
VERSIONS = {
    "1.0": (7, 96, [[(16, 64), (16, 64), (32, 128)], [(32, 128), (48, 192), (48, 192), (64, 256)], [(64, 256)]]),
    "1.1": (3, 64, [[(16, 64), (16, 64)], [(32, 128), (32, 128)], [(48, 192), (48, 192), (64, 256), (64, 256)]]),
}


class SqueezeNet(nn.Module):
    def __init__(self, version: str) -> None:
        super().__init__()
        kernel, channels, groups = VERSIONS[version]
        layers: list[nn.Module] = [nn.Conv2d(3, channels, kernel, stride=2), nn.ReLU()]
        for group in groups:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            for squeezed, expanded in group:
                layers.append(Fire(channels, squeezed, expanded))
                channels = 2 * expanded
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Conv2d(channels, 1000, 1)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.classifier(self.features(x)).relu()
        return nn.functional.adaptive_avg_pool2d(scores, 1).flatten(1)


class Fire(nn.Module):
    """Figure 1: a squeeze layer, and half of the expanded channels from 1×1, half from 3×3 convolutions."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.small = nn.Conv2d(squeezed, expanded, 1)
        self.large = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.small(x), self.large(x)], 1).relu()

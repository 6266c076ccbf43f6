"""DenseNet-BC written from Table 1 of Huang et al. 2017, independently of archprof; details and order of parameters are
torchvision's."""

import torch
from torch import Tensor, nn

# Growth rate, and the layers of each dense block.
NETWORKS = {"densenet121": (32, [6, 12, 24, 16]), "densenet161": (48, [6, 12, 36, 24])}


class DenseNet(nn.Module):
    def __init__(self, growth: int, blocks: list[int]) -> None:
        super().__init__()
        channels = 2 * growth
        layers: list[nn.Module] = [
            nn.Conv2d(3, channels, 7, 2, 3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
        ]
        for number, count in enumerate(blocks):
            if number > 0:
                layers += [_before(channels, channels // 2, 1), nn.AvgPool2d(2)]
                channels //= 2
            layers.append(DenseBlock(channels, growth, count))
            channels += growth * count
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


class DenseBlock(nn.Module):
    """Equation 2: every layer sees the maps of all layers before it."""

    def __init__(self, channels: int, growth: int, count: int) -> None:
        super().__init__()
        inputs = (channels + growth * index for index in range(count))
        self.layers = nn.ModuleList(
            nn.Sequential(_before(before, 4 * growth, 1), _before(4 * growth, growth, 3)) for before in inputs
        )

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, 1)))
        return torch.cat(maps, 1)


def _before(channels: int, out: int, kernel: int) -> nn.Sequential:
    """Return norm and activation before a convolution."""
    return nn.Sequential(
        nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
    )

"""GoogLeNet written from Table 1 of Szegedy et al. 2014, independently of archprof; in torchvision's variant, details
and order are its own."""

import torch
from torch import Tensor, nn

# #1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5, pool proj, between poolings.
TABLE = [
    [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)],
    [
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ],
    [(256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)],
]


class GoogLeNet(nn.Module):
    def __init__(self, as_in_the_paper: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            convolution(3, 64, 7, not as_in_the_paper, stride=2),
            _pool(3),
            convolution(64, 64, 1, not as_in_the_paper),
            convolution(64, 192, 3, not as_in_the_paper),
            _pool(3),
        )
        modules: list[nn.Module] = []
        channels = 192
        for number, rows in enumerate(TABLE, 3):
            for row in rows:
                modules.append(Inception(channels, row, as_in_the_paper))
                channels = row[0] + row[2] + row[4] + row[5]
            if number < 5:
                modules.append(_pool(3 if number == 3 or as_in_the_paper else 2))
        self.inception = nn.Sequential(*modules)
        self.linear = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inception(self.stem(x))
        logits: Tensor = self.linear(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits


class Inception(nn.Module):
    def __init__(self, channels: int, row: tuple[int, int, int, int, int, int], as_in_the_paper: bool) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, project = row
        norm = not as_in_the_paper
        self.one = convolution(channels, one, 1, norm)
        self.three = nn.Sequential(convolution(channels, reduce3, 1, norm), convolution(reduce3, three, 3, norm))
        self.five = nn.Sequential(
            convolution(channels, reduce5, 1, norm), convolution(reduce5, five, 5 if as_in_the_paper else 3, norm)
        )
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), convolution(channels, project, 1, norm))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], 1)


def convolution(channels: int, out: int, kernel: int, norm: bool, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=not norm)
    return nn.Sequential(layer, nn.BatchNorm2d(out, eps=0.001) if norm else nn.Identity(), nn.ReLU())


def _pool(kernel: int) -> nn.Module:
    return nn.MaxPool2d(kernel, 2, ceil_mode=True)

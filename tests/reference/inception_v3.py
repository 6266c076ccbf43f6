"""Inception v3 with the modules of Figures 5 to 7 of Szegedy et al. 2015, independently of archprof; channels and order
are torchvision's."""

import torch
from torch import Tensor, nn


class Convolution(nn.Sequential):
    """A convolution that keeps the size; or, where *valid*, without padding."""

    def __init__(
        self, channels: int, out: int, kernel: int | tuple[int, int] = 1, stride: int = 1, valid: bool = False
    ) -> None:
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (0, 0) if valid else (height // 2, width // 2)
        layer = nn.Conv2d(channels, out, (height, width), stride, padding, bias=False)
        super().__init__(layer, nn.BatchNorm2d(out, eps=0.001), nn.ReLU())


class Beside(nn.ModuleList):
    """Towers that see the same map, concatenated."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([tower(x) for tower in self], 1)


def _figure_5(channels: int, projected: int) -> nn.Module:
    five = nn.Sequential(Convolution(channels, 48), Convolution(48, 64, 5))
    double = nn.Sequential(Convolution(channels, 64), Convolution(64, 96, 3), Convolution(96, 96, 3))
    return Beside([Convolution(channels, 64), five, double, _pooled(channels, projected)])


def _figure_6(channels: int, inner: int) -> nn.Module:
    seven = [Convolution(channels, inner), Convolution(inner, inner, (1, 7)), Convolution(inner, 192, (7, 1))]
    double = [
        Convolution(channels, inner),
        *(Convolution(inner, inner, kernel) for kernel in ((7, 1), (1, 7), (7, 1))),
        Convolution(inner, 192, (1, 7)),
    ]
    return Beside([Convolution(channels, 192), nn.Sequential(*seven), nn.Sequential(*double), _pooled(channels, 192)])


def _figure_7(channels: int) -> nn.Module:
    three = nn.Sequential(Convolution(channels, 384), _spread())
    double = nn.Sequential(Convolution(channels, 448), Convolution(448, 384, 3), _spread())
    return Beside([Convolution(channels, 320), three, double, _pooled(channels, 192)])


def _to_17(channels: int) -> nn.Module:
    double = nn.Sequential(Convolution(channels, 64), Convolution(64, 96, 3), Convolution(96, 96, 3, 2, valid=True))
    return Beside([Convolution(channels, 384, 3, 2, valid=True), double, nn.MaxPool2d(3, 2)])


def _to_8(channels: int) -> nn.Module:
    three = nn.Sequential(Convolution(channels, 192), Convolution(192, 320, 3, 2, valid=True))
    seven = [
        Convolution(channels, 192),
        Convolution(192, 192, (1, 7)),
        Convolution(192, 192, (7, 1)),
        Convolution(192, 192, 3, 2, valid=True),
    ]
    return Beside([three, nn.Sequential(*seven), nn.MaxPool2d(3, 2)])


def _spread() -> nn.Module:
    return Beside([Convolution(384, 384, (1, 3)), Convolution(384, 384, (3, 1))])


def _pooled(channels: int, out: int) -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(3, 1, padding=1), Convolution(channels, out))


class InceptionV3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            Convolution(3, 32, 3, 2, valid=True),
            Convolution(32, 32, 3, valid=True),
            Convolution(32, 64, 3),
            nn.MaxPool2d(3, 2),
            Convolution(64, 80),
            Convolution(80, 192, 3, valid=True),
            nn.MaxPool2d(3, 2),
        )
        self.at_35 = nn.Sequential(_figure_5(192, 32), _figure_5(256, 64), _figure_5(288, 64), _to_17(288))
        self.at_17 = nn.Sequential(*(_figure_6(768, inner) for inner in (128, 160, 160, 192)), _to_8(768))
        self.at_8 = nn.Sequential(_figure_7(1280), _figure_7(2048))
        self.linear = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.at_8(self.at_17(self.at_35(self.stem(x))))
        logits: Tensor = self.linear(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))
        return logits

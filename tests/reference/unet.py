"""U-Net as Ronneberger et al. 2015, Figure 1, draw it: without padding, or padded and with batch norm."""

import torch
from torch import Tensor, nn


def twice(channels: int, out: int, padded: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inside in (channels, out):
        layers.append(nn.Conv2d(inside, out, 3, padding=int(padded), bias=not padded))
        layers += [nn.BatchNorm2d(out)] if padded else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class Up(nn.Module):
    def __init__(self, channels: int, padded: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * channels, channels, 2, 2)
        self.convs = twice(2 * channels, channels, padded)

    def forward(self, x: Tensor, across: Tensor) -> Tensor:
        y = self.up(x)
        border = (across.shape[-1] - y.shape[-1]) // 2
        side = slice(border, border + y.shape[-1])
        made: Tensor = self.convs(torch.cat([across[..., side, side], y], 1))
        return made


class UNet(nn.Module):
    def __init__(self, channels: int, classes: int, padded: bool) -> None:
        super().__init__()
        wide = (64, 128, 256, 512, 1024)
        self.down = nn.ModuleList(
            twice(inside, out, padded) for inside, out in zip((channels, *wide[:-1]), wide, strict=True)
        )
        self.up = nn.ModuleList(Up(out, padded) for out in reversed(wide[:-1]))
        self.last = nn.Conv2d(64, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for index, convs in enumerate(self.down):
            x = convs(nn.functional.max_pool2d(x, 2) if index else x)
            maps.append(x)
        for up, across in zip(self.up, reversed(maps[:-1]), strict=True):
            x = up(x, across)
        made: Tensor = self.last(x)
        return made

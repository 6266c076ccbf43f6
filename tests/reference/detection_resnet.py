"""The ResNet bodies of maskrcnn-benchmark and the pyramids above them (Lin et al. 2017), independently of archprof.

The order of parameters is that code's: a block registers its shortcut first, a pyramid its two convolutions of each
level together.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.reference.deform_conv import Window, deform_conv


class Options(NamedTuple):
    """The configuration of a body; stages are named by their level, 2 to 5."""

    norm: str = "frozen"
    groups: int = 1
    width_per_group: int = 64
    stride_in_1x1: bool = True
    stem: int = 64
    res2: int = 256
    dilation: Mapping[int, int] = {}
    deform: Mapping[int, str] = {}
    deformable_groups: int = 1
    freeze: int = 0


DEFAULT = Options()


class Body(nn.Module):
    """*repeats* of the stages from level 2 on; returns the maps of the levels in *returned*."""

    def __init__(self, repeats: tuple[int, ...], returned: tuple[int, ...], options: Options = DEFAULT) -> None:
        super().__init__()
        self.returned = returned
        self.conv1 = nn.Conv2d(3, options.stem, 7, 2, 3, bias=False)
        self.bn1 = norm(options.stem, options)
        channels = options.stem
        stages: list[nn.Module] = []
        for index, count in enumerate(repeats):
            inner, out = options.groups * options.width_per_group * 2**index, options.res2 * 2**index
            blocks = []
            for number in range(count):
                stride = 2 if index and not number else 1
                blocks.append(Bottleneck(channels, inner, out, stride, index + 2, options))
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        for frozen in (self.conv1, self.bn1)[: 2 * options.freeze]:
            frozen.requires_grad_(False)
        for stage in stages[: max(options.freeze - 1, 0)]:
            stage.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        maps = []
        for level, stage in enumerate(self.stages, 2):
            x = stage(x)
            maps += [x] if level in self.returned else []
        return maps


class Bottleneck(nn.Module):
    def __init__(self, channels: int, inner: int, out: int, stride: int, level: int, options: Options) -> None:
        super().__init__()
        dilation = options.dilation.get(level, 1)
        stride = 1 if dilation > 1 else stride
        self.shortcut: nn.Module = nn.Identity()
        if channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), norm(out, options))
        first, second = (stride, 1) if options.stride_in_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(channels, inner, 1, first, bias=False)
        self.bn1 = norm(inner, options)
        kind = options.deform.get(level)
        self.conv2: nn.Module
        if kind:
            self.conv2 = Deformable(inner, second, dilation, kind == "modulated", options)
        else:
            self.conv2 = nn.Conv2d(inner, inner, 3, second, dilation, dilation, options.groups, bias=False)
        self.bn2 = norm(inner, options)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn3 = norm(out, options)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + self.shortcut(x))


class Deformable(nn.Module):
    """A 3×3 convolution whose taps another convolution moves, and weighs where modulated."""

    def __init__(self, channels: int, stride: int, dilation: int, modulated: bool, options: Options) -> None:
        super().__init__()
        self.deformable_groups = options.deformable_groups
        self.modulated = modulated
        self.offset = nn.Conv2d(
            channels, (27 if modulated else 18) * options.deformable_groups, 3, stride, dilation, dilation
        )
        self.taps = nn.Conv2d(channels, channels, 3, groups=options.groups, bias=False)  # for its weight
        self.window = Window((stride, stride), (dilation, dilation), (dilation, dilation), options.groups)

    def forward(self, x: Tensor) -> Tensor:
        predicted = self.offset(x)
        size, groups = predicted.shape[-2:], self.deformable_groups
        shifts = predicted[:, : 18 * groups].reshape(-1, groups, 3, 3, 2, *size)
        masks = (
            predicted[:, 18 * groups :].sigmoid() if self.modulated else predicted.new_ones(len(x), 9 * groups, *size)
        )
        return deform_conv(x, self.taps.weight, shifts, masks.reshape(-1, groups, 3, 3, *size), self.window)


class FrozenBatchNorm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, mean, variance = (buffer[:, None, None] for buffer in self.buffers())
        scale = weight * variance.rsqrt()
        return x * scale + (bias - mean * scale)


def norm(channels: int, options: Options) -> nn.Module:
    if options.norm == "group":
        return nn.GroupNorm(32, channels)
    return FrozenBatchNorm(channels) if options.norm == "frozen" else nn.BatchNorm2d(channels)


class Pyramid(nn.Module):
    """A body and the pyramid over the maps that it returns, finest first; P6 by subsampling, or RetinaNet's P6 and P7
    from the last map."""

    def __init__(self, body: Body, channels: tuple[int, ...], retina: bool = False) -> None:
        super().__init__()
        self.body = body
        self.levels = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(each, 256, 1), nn.Conv2d(256, 256, 3, 1, 1)]) for each in channels
        )
        self.extra = nn.ModuleList(
            [nn.Conv2d(channels[-1], 256, 3, 2, 1), nn.Conv2d(256, 256, 3, 2, 1)] if retina else []
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = self.body(x)
        levels: list[Tensor] = []
        above = None
        for (lateral, output), each in reversed(list(zip(self.levels, maps, strict=True))):
            merged = lateral(each)
            if above is not None:
                merged = merged + functional.interpolate(above, size=merged.shape[-2:], mode="nearest")
            above = merged
            levels.insert(0, output(merged))
        if not self.extra:
            return [*levels, levels[-1][:, :, ::2, ::2]]
        sixth = self.extra[0](maps[-1])
        return [*levels, sixth, self.extra[1](functional.relu(sixth))]

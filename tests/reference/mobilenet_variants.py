"""Variants of the MobileNets, independently of archprof: the twins in V1's paper, and the V3 of its paper, of slim,
torchvision and blogs."""

from torch import Tensor, nn
from torch.nn import functional

from tests.reference.mobilenet_v1 import LAYERS
from tests.reference.mobilenet_v2 import nearest_eighth
from tests.reference.mobilenet_v3 import HEADS, LARGE, Bottleneck, MobileNetV3

Row = tuple[int, int, int, bool, bool, int]  # as in the tables of tests.reference.mobilenet_v3
C4 = {"large": 12, "small": 8}
LAST = {"large": 960, "small": 576}  # channels of the last convolution


def mobilenet_v1_full(classes: int = 1000) -> nn.Sequential:
    """Return V1 with a standard convolution in the place of each depthwise and pointwise pair."""
    channels = 32
    layers = [*_layer(3, channels, 3, 2, nn.ReLU())]
    for stride, out in LAYERS:
        layers += _layer(channels, out, 3, stride, nn.ReLU())
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def mobilenet_v1_shallow(classes: int = 1000) -> nn.Sequential:
    """Return V1 without its five layers of 14×14×512."""
    channels = 32
    layers = [*_layer(3, channels, 3, 2, nn.ReLU())]
    for stride, out in [*LAYERS[:6], *LAYERS[11:]]:
        layers += [*_layer(channels, channels, 3, stride, nn.ReLU(), channels), *_layer(channels, out, 1, 1, nn.ReLU())]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def reduced_tail(size: str, classes: int = 1000) -> nn.Sequential:
    """Return V3 with half the channels from C4 on, where the first expansion belongs to what is before."""
    rows, head = HEADS[size]
    first = C4[size]
    halved: list[Row] = rows[:first]
    for index, (kernel, expanded, out, excited, hard, stride) in enumerate(rows[first:]):
        halved.append((kernel, expanded // 2 if index else expanded, out // 2, excited, hard, stride))
    return _classifier(halved, head // 2, classes)


def original_last_stage(classes: int = 1000) -> nn.Sequential:
    """Return V3-Large with the last stage above in Figure 5, which pools last."""
    channels, layers = _features([*LARGE, (3, 960, 320, False, True, 1)])
    act = nn.Hardswish()
    return nn.Sequential(
        *layers,
        *_layer(channels, 1280, 1, 1, act, eps=0.001),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(1280, classes),
    )


def paper_widths(size: str, width: float, classes: int = 1000, stem: int | None = None) -> nn.Sequential:
    """Return V3 at a width as its paper means it: expansions keep their ratio to the input, the last convolution is
    widened as every other, the head keeps its 1280 or 1024; *stem* are the first channels where they are not widened
    too."""
    rows, head = HEADS[size]
    scaled: list[Row] = []
    stem = stem or nearest_eighth(16 * width)
    printed, channels = 16, stem
    for kernel, expanded, out, excited, hard, stride in rows:
        scaled.append(
            (kernel, nearest_eighth(expanded / printed * channels), nearest_eighth(out * width), excited, hard, stride)
        )
        printed, channels = out, nearest_eighth(out * width)
    return _classifier(scaled, head, classes, stem, last=nearest_eighth(LAST[size] * width))


def minimalistic(size: str, classes: int = 1000) -> nn.Sequential:
    """Return V3 as slim has it for accelerators: no squeeze-excite, no h-swish, no 5×5."""
    rows, head = HEADS[size]
    return _classifier([(3, e, c, False, False, s) for _, e, c, _, _, s in rows], head, classes, act=nn.ReLU())


class Backbone(nn.Module):
    """The maps of V3 that torchvision builds detectors on: those of the blocks with a stride, and the last."""

    def __init__(self, size: str) -> None:
        super().__init__()
        self.features = MobileNetV3(size).features
        strides = [row[-1] for row in HEADS[size][0]]
        self.returned = [*(index + 1 for index, stride in enumerate(strides) if stride == 2), len(strides) + 1]

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            maps += [x] if index in self.returned else []
        return maps


class FourteenRows(nn.Module):
    """V3-Large as a listing in blogs has it: a row less, another squeeze-excite, torch's batch norm."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), HardSwish()]
        channels = 16
        for kernel, inner, out, excited, hard, stride in LARGE[:14]:
            layers.append(
                ListedBottleneck(channels, inner, out, kernel, stride, excited, HardSwish() if hard else nn.ReLU())
            )
            channels = out
        layers += [nn.Conv2d(channels, 960, 1, bias=False), nn.BatchNorm2d(960), HardSwish()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(960, 1280), HardSwish(), nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).mean([2, 3]))
        return logits


class ListedBottleneck(nn.Module):
    def __init__(
        self, channels: int, inner: int, out: int, kernel: int, stride: int, excited: bool, act: nn.Module
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if channels != inner:
            layers += [nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner), act]
        layers += [
            nn.Conv2d(inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False),
            nn.BatchNorm2d(inner),
            act,
        ]
        layers += [ListedSqueezeExcite(inner)] if excited else []
        layers += [nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out)]
        self.body = nn.Sequential(*layers)
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.shortcut else y


class ListedSqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // 4, bias=False)
        self.expand = nn.Linear(channels // 4, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        gate = functional.relu6(self.expand(functional.relu(self.reduce(mean))) + 3) / 6
        return x * gate[:, :, None, None]


class HardSwish(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * functional.relu6(x + 3) / 6


def _features(rows: list[Row], channels: int = 16, act: nn.Module | None = None) -> tuple[int, list[nn.Module]]:
    layers = [*_layer(3, channels, 3, 2, act or nn.Hardswish(), eps=0.001)]
    for kernel, inner, out, excited, hard, stride in rows:
        layers.append(Bottleneck(channels, inner, out, kernel, stride, excited, nn.Hardswish() if hard else nn.ReLU()))
        channels = out
    return channels, layers


def _classifier(
    rows: list[Row], head: int, classes: int, stem: int = 16, act: nn.Module | None = None, last: int | None = None
) -> nn.Sequential:
    act = act or nn.Hardswish()
    channels, layers = _features(rows, stem, act)
    last = last or 6 * channels
    top = [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(last, head),
        act,
        nn.Dropout(0.2),
        nn.Linear(head, classes),
    ]
    return nn.Sequential(*layers, *_layer(channels, last, 1, 1, act, eps=0.001), *top)


def _layer(
    channels: int, out: int, kernel: int, stride: int, act: nn.Module, groups: int = 1, eps: float = 1e-5
) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(out, eps=eps), act]

"""Networks that a search put together out of inverted residuals, independently of archprof: ProxylessNAS after the
lists of osmr/imgclsmob, FBNet-A and B after those of facebookresearch/mobile-vision."""

from functools import partial

from torch import Tensor, nn

# A stage: its channels, its stride, and of its blocks kernel and expansion, then groups; None where the search left one
# out.
Stage = tuple[int, int, list[tuple[int, ...] | None]]
CPU: list[Stage] = [
    (24, 1, [(3, 1)]),
    (32, 2, [(3, 6), (3, 3), (3, 3), (3, 3)]),
    (48, 2, [(3, 6), (3, 3), (3, 3), (5, 3)]),
    (88, 2, [(3, 6), None, None, (3, 3)]),
    (104, 1, [(5, 6), (3, 3), (3, 3), (3, 3)]),
    (216, 2, [(5, 6), (5, 3), (5, 3), (3, 3)]),
    (360, 1, [(5, 6)]),
]
GPU: list[Stage] = [
    (24, 1, [(3, 1)]),
    (32, 2, [(5, 3), None, None, None]),
    (56, 2, [(7, 3), None, None, (3, 3)]),
    (112, 2, [(7, 6), None, None, (5, 3)]),
    (128, 1, [(5, 6), None, (3, 3), (5, 3)]),
    (256, 2, [(7, 6), (7, 6), (7, 6), (5, 6)]),
    (432, 1, [(7, 6)]),
]
MOBILE: list[Stage] = [
    (16, 1, [(3, 1)]),
    (32, 2, [(5, 3), (3, 3), None, None]),
    (40, 2, [(7, 3), (3, 3), (5, 3), (5, 3)]),
    (80, 2, [(7, 6), (5, 3), (5, 3), (5, 3)]),
    (96, 1, [(5, 6), (5, 3), (5, 3), (5, 3)]),
    (192, 2, [(7, 6), (7, 6), (7, 3), (7, 3)]),
    (320, 1, [(7, 6)]),
]
MOBILE14 = [(out, *stage[1:]) for out, stage in zip((24, 40, 56, 112, 136, 256, 448), MOBILE, strict=True)]
FBNET_A: list[Stage] = [
    (24, 2, [(3, 3), (3, 1), None, None]),
    (32, 2, [(5, 6), (3, 3), (5, 1), (3, 3)]),
    (64, 2, [(5, 6), (5, 3), (5, 1, 2), (5, 6)]),
    (112, 1, [(3, 6), (5, 1, 2), (5, 3), (3, 1, 2)]),
    (184, 2, [(5, 6), (5, 6), (5, 3), (5, 6)]),
    (352, 1, [(5, 6)]),
]
FBNET_B: list[Stage] = [
    (16, 1, [(3, 1)]),
    (24, 2, [(3, 6), (5, 1), (3, 1), (3, 1)]),
    (32, 2, [(5, 6), (5, 3), (3, 6), (5, 6)]),
    (64, 2, [(5, 6), (5, 6), None, (5, 3)]),
    (112, 1, [(5, 6), (3, 1), (5, 1), (5, 3)]),
    (184, 2, [(5, 6), (5, 1), (5, 6), (5, 6)]),
    (352, 1, [(3, 6)]),
]
# The channels of the first and the last convolution, and whether activations end at 6.
NETWORKS = {
    "proxylessnas_cpu": (40, CPU, 1432, True),
    "proxylessnas_gpu": (40, GPU, 1728, True),
    "proxylessnas_mobile": (32, MOBILE, 1280, True),
    "proxylessnas_mobile14": (48, MOBILE14, 1792, True),
    "fbnet_a": (16, FBNET_A, 1504, False),
    "fbnet_b": (16, FBNET_B, 1984, False),
}


class Searched(nn.Module):
    def __init__(self, name: str, classes: int = 1000) -> None:
        super().__init__()
        channels, stages, head, capped = NETWORKS[name]
        self.norm = partial(nn.BatchNorm2d, eps=1e-3 if capped else 1e-5)
        self.act = nn.ReLU6 if capped else nn.ReLU
        layers = [*self._convolution(3, channels, 3, 2), self.act()]
        for out, first, blocks in stages:
            for index, block in enumerate(blocks):
                if block is not None:
                    layers.append(Block(self, channels, out, first if index == 0 else 1, *block))
                    channels = out
        layers += [*self._convolution(channels, head, 1), self.act()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(head, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(nn.functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1))
        return logits

    def _convolution(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
        convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [convolution, self.norm(out)]


class Block(nn.Module):
    def __init__(
        self, net: Searched, channels: int, out: int, stride: int, kernel: int, expansion: int, groups: int = 1
    ) -> None:
        super().__init__()
        inner = channels * expansion
        layers = [*net._convolution(channels, inner, 1), net.act()] if expansion > 1 else []
        layers += [*net._convolution(inner, inner, kernel, stride, inner), net.act()]
        self.body = nn.Sequential(*layers, *net._convolution(inner, out, 1, groups=groups))
        self.groups = groups
        self.skips = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        shuffled = x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
        y: Tensor = self.body(shuffled)
        return x + y if self.skips else y

"""MnasNet written from Figure 7 of Tan et al. 2019 and the tables of its code, independently of archprof; parameters
stand in torchvision's order."""

from functools import partial

from torch import Tensor, nn

from tests.reference.mobilenet_v2 import nearest_eighth

# Expansion, kernel, squeeze-excite, output channels, repeats and stride.
B1 = [
    (3, 3, False, 24, 3, 2),
    (3, 5, False, 40, 3, 2),
    (6, 5, False, 80, 3, 2),
    (6, 3, False, 96, 2, 1),
    (6, 5, False, 192, 4, 2),
    (6, 3, False, 320, 1, 1),
]
A1 = [
    (6, 3, False, 24, 2, 2),
    (3, 5, True, 40, 3, 2),
    (6, 3, False, 80, 4, 2),
    (6, 3, True, 112, 2, 1),
    (6, 5, True, 160, 3, 2),
    (6, 3, False, 320, 1, 1),
]
SMALL = [
    (3, 3, False, 16, 1, 2),
    (6, 3, False, 16, 2, 2),
    (6, 5, True, 32, 4, 2),
    (6, 3, True, 32, 3, 1),
    (6, 5, True, 88, 3, 2),
    (6, 3, False, 144, 1, 1),
]
# The stem's channels, those of the separable convolution behind it, the rows, and whether norms are those of the code
# rather than torchvision's.
NETWORKS = {"b1": (32, 16, B1, False), "a1": (32, 16, A1, True), "small": (8, 8, SMALL, True)}


class MnasNet(nn.Module):
    def __init__(self, size: str, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        stem, separable, rows, own_norms = NETWORKS[size]
        self.norm = (
            partial(nn.BatchNorm2d, eps=0.001, momentum=0.01) if own_norms else partial(nn.BatchNorm2d, momentum=0.0003)
        )
        channels, out = nearest_eighth(stem * width), nearest_eighth(separable * width)
        layers = [
            *self._convolution(3, channels, 3, 2),
            nn.ReLU(),
            *self._convolution(channels, channels, 3, 1, channels),
            nn.ReLU(),
        ]
        layers += self._convolution(channels, out, 1)
        for expansion, kernel, excited, printed, repeats, stride in rows:
            for index in range(repeats):
                channels, out = out, nearest_eighth(printed * width)
                layers.append(self._bottleneck(channels, expansion, kernel, excited, out, stride if index == 0 else 1))
        layers += [*self._convolution(out, 1280, 1), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits

    def _bottleneck(
        self, channels: int, expansion: int, kernel: int, excited: bool, out: int, stride: int
    ) -> nn.Module:
        inner = channels * expansion
        layers = [
            *self._convolution(channels, inner, 1),
            nn.ReLU(),
            *self._convolution(inner, inner, kernel, stride, inner),
            nn.ReLU(),
        ]
        layers += [SqueezeExcite(inner, channels // 4)] if excited else []
        body = nn.Sequential(*layers, *self._convolution(inner, out, 1))
        return Residual(body) if stride == 1 and channels == out else body

    def _convolution(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
        convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [convolution, self.norm(out)]


class Residual(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x  # type: ignore[no-any-return]


class SqueezeExcite(nn.Module):
    """A gate from the means, squeezed to a quarter of the *block's input*."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.expand(self.reduce(x.mean((2, 3), keepdim=True)).relu())
        return x * gate.sigmoid()

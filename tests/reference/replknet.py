"""RepLKNet-31B and 31L written from Figure 4 and section 4.1 of Ding et al. 2022, independently of archprof."""

from torch import Tensor, nn

# Large kernel and blocks of each stage; every stage has twice the channels of the one before.
STAGES = ((31, 2), (29, 2), (27, 18), (13, 2))


class RepLKNet(nn.Module):
    """*width* are the channels of the first stage; *small* is the kernel beside the large one, 0 where there is
    none."""

    def __init__(self, width: int = 128, small: int = 5, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            *(*_convolution(3, width, 3, 2), nn.ReLU(), *_convolution(width, width, 3, 1, width), nn.ReLU()),
            *(*_convolution(width, width, 1), nn.ReLU(), *_convolution(width, width, 3, 2, width), nn.ReLU()),
        ]
        for stage, (kernel, count) in enumerate(STAGES):
            if stage > 0:
                layers += [
                    *_convolution(width, 2 * width, 1),
                    nn.ReLU(),
                    *_convolution(2 * width, 2 * width, 3, 2, 2 * width),
                    nn.ReLU(),
                ]
                width *= 2
            for _ in range(count):
                layers += [LargeKernel(width, kernel, small), FeedForward(width)]
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


class LargeKernel(nn.Module):
    def __init__(self, channels: int, kernel: int, small: int) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.BatchNorm2d(channels), *_convolution(channels, channels, 1), nn.ReLU())
        kernels = [size for size in (kernel, small) if size]
        self.depthwise = nn.ModuleList(
            nn.Sequential(*_convolution(channels, channels, size, 1, channels)) for size in kernels
        )
        self.after = nn.Sequential(nn.ReLU(), *_convolution(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        filtered = self.before(x)
        body: Tensor = self.after(sum(convolution(filtered) for convolution in self.depthwise))
        return x + body


class FeedForward(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        mixed = (*_convolution(channels, 4 * channels, 1), nn.GELU(), *_convolution(4 * channels, channels, 1))
        self.body = nn.Sequential(nn.BatchNorm2d(channels), *mixed)

    def forward(self, x: Tensor) -> Tensor:
        body: Tensor = self.body(x)
        return x + body


def _convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out)

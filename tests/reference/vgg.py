"""VGG written from Table 1 of Simonyan & Zisserman 2014, independently of archprof; details and order of parameters are
torchvision's."""

from torch import Tensor, nn

# Convolutions of each stage: channels, and how many of them.
CONFIGURATIONS = {
    "A": [(64, 1), (128, 1), (256, 2), (512, 2), (512, 2)],
    "B": [(64, 2), (128, 2), (256, 2), (512, 2), (512, 2)],
    "D": [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)],
    "E": [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)],
}


class VGG(nn.Module):
    """A configuration, whose two hidden linear layers are *hidden* wide: 4096 in the paper."""

    def __init__(self, configuration: str, hidden: int, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for out, convolutions in CONFIGURATIONS[configuration]:
            for _ in range(convolutions):
                layers += [
                    nn.Conv2d(channels, out, 3, padding=1),
                    *([nn.BatchNorm2d(out)] if batch_norm else []),
                    nn.ReLU(),
                ]
                channels = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.hidden = nn.ModuleList([nn.Linear(512 * 7 * 7, hidden), nn.Linear(hidden, hidden)])
        self.logits = nn.Linear(hidden, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.adaptive_avg_pool2d(self.features(x), 7).flatten(1)
        for layer in self.hidden:
            x = layer(x).relu()
        logits: Tensor = self.logits(x)
        return logits

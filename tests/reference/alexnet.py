"""AlexNet in one column (Krizhevsky 2014), independently of archprof; details and order of parameters are
torchvision's."""

from torch import Tensor, nn


class AlexNet(nn.Module):
    """The network, whose two hidden linear layers are *hidden* wide: 4096 in the paper."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            [
                nn.Conv2d(3, 64, 11, stride=4, padding=2),
                nn.Conv2d(64, 192, 5, padding=2),
                nn.Conv2d(192, 384, 3, padding=1),
                nn.Conv2d(384, 256, 3, padding=1),
                nn.Conv2d(256, 256, 3, padding=1),
            ]
        )
        self.linear = nn.ModuleList([nn.Linear(256 * 6 * 6, hidden), nn.Linear(hidden, hidden)])
        self.logits = nn.Linear(hidden, 1000)

    def forward(self, x: Tensor) -> Tensor:
        for number, convolution in enumerate(self.convolutions, 1):
            x = convolution(x).relu()
            if number in (1, 2, 5):
                x = nn.functional.max_pool2d(x, 3, 2)
        x = nn.functional.adaptive_avg_pool2d(x, 6).flatten(1)
        for layer in self.linear:
            x = layer(x).relu()
        logits: Tensor = self.logits(x)
        return logits

"""LeNet-5 (LeCun et al. 1998, Figure 2), simplified as is usual, independently of archprof."""

from torch import Tensor, nn


class LeNet5(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.digits = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.avg_pool2d(self.c1(x).tanh(), 2)
        x = nn.functional.avg_pool2d(self.c3(x).tanh(), 2)
        x = self.c5(x).tanh().flatten(1)
        digits: Tensor = self.digits(self.f6(x).tanh())
        return digits

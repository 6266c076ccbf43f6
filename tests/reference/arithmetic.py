"""Parameters and MACs of convolutional networks by hand: a tape of layers, each with its product written out."""

from math import ceil


def divisible(value: float, divisor: int = 8) -> int:
    """Return the multiple that is nearest, a half upwards, at least one, and one more where over 10 % were lost."""
    near = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


class Tape:
    """What a network costs so far, the channels of its map, and the side of that."""

    def __init__(self, side: int, channels: int = 3) -> None:
        self.side, self.channels, self.params, self.macs = side, channels, 0, 0

    def conv(self, c: int, k: int = 1, s: int = 1, g: int = 1, norm: bool = True, bias: bool = False) -> None:
        """Add a convolution, padded by half its kernel, and two parameters a channel for its norm."""
        self.side = (self.side - 1) // s + 1
        weights = self.channels // g * c * k * k
        self.params += weights + 2 * c * norm + c * bias
        self.macs += weights * self.side**2
        self.channels = c

    def depthwise(self, k: int, s: int = 1, norm: bool = True) -> None:
        """Add a convolution of every channel by itself."""
        self.conv(self.channels, k, s, self.channels, norm)

    def squeeze_excite(self, squeezed: int) -> None:
        """Add a gate of two 1×1 convolutions with biases, on one position."""
        weights = 2 * self.channels * squeezed
        self.params += weights + squeezed + self.channels
        self.macs += weights

    def pool(self, s: int) -> None:
        """Let the map be pooled."""
        self.side = ceil(self.side / s)

    def linear(self, c: int, bias: bool = True) -> None:
        """Add a linear layer behind the mean of all positions."""
        self.side = 1
        self.conv(c, norm=False, bias=bias)

    def inverted_residual(self, k: int, t: float, c: int, s: int = 1, se: bool = False) -> None:
        """Add what OFA and its relatives are made of: no expansion of 1, a gate of a quarter of what is expanded."""
        wide = divisible(round(self.channels * t))
        if t != 1:
            self.conv(wide)
        self.depthwise(k, s)
        if se:
            self.squeeze_excite(divisible(wide // 4))
        self.conv(c)

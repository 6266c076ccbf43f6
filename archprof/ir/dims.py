"""Arithmetic on dims. A dim is an `int`, or an `int64` array with one entry for each candidate of a sweep; the same
code serves both.

`int()`, `round()`, `max()` and `math.ceil` do not: they fail on arrays, or split a batch that needs no splitting.
"""

from math import prod
from typing import Any
from weakref import ref

# An int, or an integer array of candidates. Arrays are typed as Any, so that nothing here needs numpy.
Dim = Any
# Channels first, without the batch: (C, H, W), (C,), or any other rank.
Shape = tuple[Dim, ...]


class Disagreement(Exception):
    """A branch on a dim that candidates answer differently; *mask*, an array, has the shape of what was asked, True
    where the answer is yes."""

    def __init__(self, mask: Any) -> None:
        self.mask = mask
        super().__init__("candidates disagree")


def is_array(value: object) -> bool:
    """Tell an array of candidates from a plain number."""
    return type(value) is not int and hasattr(value, "astype")


def truncate(value: Any) -> Dim:
    """Return `int(value)`: towards zero."""
    return value.astype("int64") if is_array(value) else int(value)


def round_half_even(value: Any) -> Dim:
    """Return `int(round(value))`, ties to the even neighbour."""
    return value.round().astype("int64") if is_array(value) else round(value)


def maximum(first: Any, second: Any) -> Any:
    """Return the larger of two, entry by entry."""
    if type(first) is int and type(second) is int:  # nearly always, and asked for very often
        return first if first >= second else second
    if is_array(first):
        return first.clip(second)
    return second.clip(first) if is_array(second) else max(first, second)


def minimum(first: Any, second: Any) -> Any:
    """Return the smaller of two, entry by entry."""
    if is_array(first):
        return first.clip(None, second)
    return second.clip(None, first) if is_array(second) else min(first, second)


def ceil_div(value: Dim, divisor: Dim) -> Dim:
    """Return value / divisor rounded up."""
    return -(-value // divisor)


def make_divisible(value: Any, divisor: int, limit: float = 0.9) -> Dim:
    """Return the multiple of *divisor* nearest to *value*, at least *divisor*, one step up if less than the *limit* of
    it is left: if more than 10 % got lost.

    The rule of the MobileNet reference code (Sandler et al. 2018, models/research/slim/nets/mobilenet/conv_blocks.py).
    """
    nearest = maximum(divisor, truncate(value + divisor / 2) // divisor * divisor)
    return nearest + divisor * (nearest < limit * value)


def conv_out(size: Dim, kernel: int, stride: int, padding: tuple[int, int], dilation: int, ceil: bool = False) -> Dim:
    """Return the output size of a window that slides along one axis: floor((size + p + q − d(k − 1) − 1) / s) + 1, with
    a padding of p before and q behind.

    With *ceil* (pooling only) the division rounds up, and a last window that would start in the padding behind is
    dropped, as in torch.
    """
    added = sum(padding) - dilation * (kernel - 1)
    if stride == 1 and added == 0:
        return size
    span = size + (added - 1)
    if not ceil:
        return span // stride + 1
    windows = ceil_div(span, stride) + 1
    return windows - ((windows - 1) * stride >= size + padding[0])


def product(dims: Shape) -> Dim:
    """Return the number of elements of a shape."""
    # Plain numbers first, and no array times 1: of arrays each product takes its time.
    arrays = [dim for dim in dims if type(dim) is not int]
    if not arrays:
        return prod(dims)
    number = prod([dim for dim in dims if type(dim) is int])
    total: Dim = arrays[0] if number == 1 else number * arrays[0]
    for array in arrays[1:]:
        total = total * array
    return total


def key(dim: Dim) -> int:
    """Return what tells a dim from others in a dictionary: an integer itself, an array by which object it is.

    Whoever keeps the key keeps the array, so that its identity stays its own.
    """
    return id(dim) if is_array(dim) else dim


class Extremes:
    """The largest and the smallest entry of arrays, found once for each while it lives."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[ref[Dim], int, int]] = {}

    def largest(self, dim: Dim) -> int:
        """Return the largest entry, or the number itself."""
        return self._of(dim)[2] if is_array(dim) else dim

    def smallest(self, dim: Dim) -> int:
        """Return the smallest entry, or the number itself."""
        return self._of(dim)[1] if is_array(dim) else dim

    def _of(self, array: Dim) -> tuple[ref[Dim], int, int]:
        known = self._known.get(id(array))
        if known is None or known[0]() is not array:
            known = self._known[id(array)] = (ref(array), int(array.min()), int(array.max()))
        return known


def same_shape(first: Shape, second: Shape) -> bool:
    """Tell whether two shapes are equal."""
    return len(first) == len(second) and all(map(same, first, second))


def same(first: Dim, second: Dim) -> bool:
    """Tell whether two dims are equal, without a comparison where they are the same object (the usual case of a
    depthwise convolution)."""
    return first is second or bool(first == second)

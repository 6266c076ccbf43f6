"""What is known of a tensor before anything runs: its type, its shape, and its elements where they are few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product as places
from math import prod

from archprof.captures.onnx.elements import Data, Element, rounded
from archprof.captures.onnx.model import MAX_ELEMENTS, MAX_RANK, Stored
from archprof.ir.graph import Edge
from archprof.named_tuple import NamedTuple

Dim = int | None  # None: not known before it runs
Dims = tuple[Dim, ...]


_FLOATS = ("float32", "float16")


class Misfit(ValueError):
    """An operator that does not fit what it reads."""


class Unknown(Exception):
    """What cannot be said before the network runs."""


class Tensor(NamedTuple):
    """A tensor, or a sequence of *items*; *shape* is None where not even the rank is known.

    *source* is what a file stores, where the tensor holds just those elements, perhaps in another order; *edge* is
    where it was computed, None for what nobody computes.
    """

    dtype: str
    shape: Dims | None
    data: Data | None = None
    source: Stored | None = None
    edge: Edge | None = None
    items: tuple[Tensor, ...] | None = None

    @property
    def known_shape(self) -> Dims:
        """The shape. Raises Unknown without one."""
        if self.shape is None:
            raise Unknown
        return self.shape

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, in numbers. Raises Unknown where one is not known."""
        return numbers(self.known_shape)

    @property
    def elements(self) -> Dim:
        """How many elements there are, if that is known."""
        return None if self.shape is None or None in self.shape else prod(self.sizes)

    def known(self) -> Data:
        """Return the elements. Raises Unknown where they are not all known."""
        if self.data is None or None in self.data:
            raise Unknown
        return self.data

    def listed(self) -> Data:
        """Return the elements of a list with one for each axis, each that is not known as None. Raises Unknown where
        not even their number is known, Misfit where no tensor has so many axes."""
        if self.data is not None:
            return self.data
        (length,) = self.sizes
        if length > MAX_RANK:
            raise Misfit(f"a list of {length:,}, one for each axis")
        return (None,) * length

    def integers(self) -> tuple[int, ...]:
        """Return the elements as integers. Raises Unknown where they are not all known."""
        return tuple([int(value) for value in self.known() if value is not None])


def numbers(dims: Iterable[Dim]) -> tuple[int, ...]:
    """Return sizes as numbers. Raises Unknown where one is not known."""
    found = []
    for dim in dims:
        if dim is None:
            raise Unknown
        found.append(dim)
    return tuple(found)


def made(dtype: str, shape: Sequence[Dim], data: Iterable[Element] | None = None) -> Tensor:
    """Return a tensor that an operator makes, with its elements if they are few and as many as its shape has."""
    if data is None or None in shape or prod(numbers(shape)) > MAX_ELEMENTS:
        return Tensor(dtype, tuple(shape))
    found = tuple([rounded(dtype, value) for value in data]) if dtype in _FLOATS else tuple(data)
    return Tensor(dtype, tuple(shape), found if len(found) == prod(numbers(shape)) else None)


def whole(values: Sequence[Element]) -> Tensor:
    """Return a list of integers as a tensor."""
    return made("int64", (len(values),), values)


def times(*dims: Dim) -> Dim:
    """Return a product, if all factors are known."""
    return None if None in dims else prod(numbers(dims))


def divided(dim: Dim, parts: int) -> Dim:
    """Return the size of a part, if that of the whole is known."""
    return None if dim is None else dim // parts


def axis_of(axis: int, rank: int) -> int:
    """Return an axis, counted from the front. Raises Misfit for one that there is not."""
    if not -rank <= axis < max(rank, 1):
        raise Misfit(f"axis {axis} of {rank}")
    return axis % rank if rank else 0


def broadcast(shapes: Iterable[Dims]) -> Dims:
    """Return the shape that several stretch to, axis by axis from the last. Raises Misfit where they do not fit."""
    found: list[Dim] = []
    for shape in shapes:
        if tuple(found) == shape:
            continue
        longer = max(len(found), len(shape))
        first: Dims = (1,) * (longer - len(found)) + tuple(found)
        second: Dims = (1,) * (longer - len(shape)) + shape
        found = [_stretched(a, b) for a, b in zip(first, second, strict=True)]
    return tuple(found)


def _stretched(first: Dim, second: Dim) -> Dim:
    if first == second or second == 1:
        return first
    if first == 1:
        return second
    if first is None or second is None:
        return second if first is None else first
    raise Misfit(f"{first} and {second} elements along one axis")


def spread(tensor: Tensor, shape: tuple[int, ...]) -> Data | None:
    """Return a tensor's elements as they are when it stretches to a shape."""
    data = tensor.data
    if data is None or tensor.shape == shape:
        return data
    if prod(shape) > MAX_ELEMENTS:
        return None
    if len(data) == 1:
        return data * prod(shape)
    sizes = tensor.sizes
    strides = [0] * (len(shape) - len(sizes)) + [
        0 if size == 1 else prod(sizes[axis + 1 :]) for axis, size in enumerate(sizes)
    ]
    return tuple([data[sum(map(_times, at, strides))] for at in indices(shape)])


def _times(first: int, second: int) -> int:
    return first * second


def indices(shape: Sequence[int]) -> Iterable[tuple[int, ...]]:
    """Yield the place of each element, in their order."""
    return places(*map(range, shape))


def flat(at: Iterable[int], shape: Sequence[int]) -> int:
    """Return which element stands at a place."""
    found = 0
    for index, size in zip(at, shape, strict=True):
        found = found * size + index
    return found

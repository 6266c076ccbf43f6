"""Sums of products that pass 64 bits, exactly: what wraps says the last 64 bits, a float which of the numbers that have
them."""

from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]

_WORD = 1 << 64
_HALF = float(1 << 62)
_ROUNDING = 2.0**-53


class CertificateError(RuntimeError):
    """Numbers that were counted in two ways and are not the same: a fault of what counted."""


def unwrapped(last: int, near: float, roundings: int) -> int:
    """Return the whole number with the *last* 64 bits that a float is *near*, a sum of nothing negative that was
    rounded at most so many times on the way of each term.

    Raises CertificateError where so much rounding may be farther off than another number with these bits.
    """
    if _too_far(near, roundings):
        raise CertificateError(f"a count near {near:.3g} is beyond what 64 bits and a float tell apart")
    rounded = int(near)
    return rounded + (last - rounded + _WORD // 2) % _WORD - _WORD // 2


def _too_far(near: float, roundings: int) -> bool:
    return near * _ROUNDING * (roundings + 2) > _HALF


def total_of(numbers: Numbers) -> int:
    """Return the sum of unsigned integers."""
    if numbers.dtype.itemsize < 8:
        return int(numbers.sum(dtype=np.uint64))
    return int((numbers >> np.uint64(32)).sum()) * (1 << 32) + int((numbers & np.uint64(0xFFFFFFFF)).sum())


def products_of(first: Numbers, second: Numbers) -> int:
    """Return the sum of the products of unsigned integers, pair by pair."""
    near = float(np.dot(first.astype(np.float64), second.astype(np.float64)))
    if _too_far(near, len(first) + 2):
        return sum(map(mul, first.tolist(), second.tolist()))
    last = int(np.dot(first.astype(np.uint64), second.astype(np.uint64)))
    return unwrapped(last, near, len(first) + 2)

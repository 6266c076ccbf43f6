"""Dims with one entry for each candidate of a sweep. Imported only when there is a sweep."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.ir.dims import Disagreement

Integers = NDArray[np.int64]


class Candidates(np.ndarray[Any, Any]):
    """An array whose truth value is that of all its entries; raises Disagreement where they differ."""

    def __bool__(self) -> bool:
        mask = np.asarray(self).astype(bool, copy=False)
        yes = int(np.count_nonzero(mask))
        if 0 < yes < mask.size:
            raise Disagreement(mask)
        return yes > 0


def entry_by_entry(function: Callable[[float, float], float], first: Any, second: Any) -> Candidates:
    """Return what a function of two floats gives of each two entries, in floats."""
    found = np.frompyfunc(function, 2, 1)(np.asarray(first, np.float64), np.asarray(second, np.float64))
    return candidates(np.asarray(found, np.float64))


def candidates(values: Any) -> Candidates:
    """Return values as dims: integers as `int64`, multipliers as `float64`."""
    array = np.asarray(values)
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64, copy=False).view(Candidates)

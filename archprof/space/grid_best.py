"""The best networks of a grid by one sum, while block after block is looked at."""

import numpy as np
from numpy.typing import NDArray

from archprof.ir.arrays import Integers
from archprof.space.grid import GridBlock


class Best:
    """So many of the networks whose values are least; of those that are equal, those of the lowest rank."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._values = np.zeros(0)
        self.ranks: Integers = np.zeros(0, np.int64)

    def add(self, block: GridBlock, values: NDArray[np.float64], inside: NDArray[np.bool_] | None) -> None:
        """Take the networks of a block into account that are *inside*; None for all."""
        if len(self._values) == self._number:
            fits = values <= self._values[-1]
            inside = fits if inside is None else inside & fits
        places = np.arange(values.size) if inside is None else np.flatnonzero(inside)
        if not places.size:
            return
        found = values.reshape(-1)[places]
        if len(found) > self._number:  # and all that are equal to the last of these
            last = np.partition(found, self._number - 1)[self._number - 1]
            places, found = places[found <= last], found[found <= last]
        ranks = np.concatenate([self.ranks, block.ranks_at(places)])
        found = np.concatenate([self._values, found])
        order = np.lexsort((ranks, found))[: self._number]
        self._values, self.ranks = found[order], ranks[order]

"""What a table and a plot draw from, while variants go by: the first ones, and an even selection of all."""

from collections.abc import Sequence

import numpy as np

from archprof.sweep.plan import Plan
from archprof.sweep.run import VariantRows, no_rows

# A plot of more says nothing more.
HELD = 4_000


class First:
    """The first variants."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.kept = no_rows(plans)

    def add(self, more: VariantRows) -> None:
        """Take note of more variants."""
        missing = HELD - len(self.kept)
        if missing > 0:
            self.kept = self.kept.joined(more.take(np.arange(min(len(more), missing))))


class Even:
    """Of many variants every second, fourth, eighth … one."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.kept = no_rows(plans)
        self.stride = 1
        self.seen = 0

    def add(self, more: VariantRows) -> None:
        """Take note of more variants."""
        places = np.arange(-self.seen % self.stride, len(more), self.stride)
        self.seen += len(more)
        self.kept = self.kept.joined(more.take(places))
        while len(self.kept) > HELD:
            self.stride *= 2
            self.kept = self.kept.take(np.arange(0, len(self.kept), 2))

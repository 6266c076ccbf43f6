"""How many networks of a grid take each option of each knob, while block after block is looked at."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from archprof.space.grid import GridBlock
from archprof.space.grid_points import Group, Points
from archprof.space.search import ChoiceShare
from archprof.spec.choices import option_text


class Taken:
    """The numbers of networks that are counted, by knob and option."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self._numbers = [np.zeros(len(draw.options), np.int64) for draw in points.draws]

    def add(self, block: GridBlock, inside: NDArray[np.bool_]) -> None:
        """Count the networks of a block that are *inside*."""
        points = self._points
        number = np.array([np.count_nonzero(inside)])
        way, point = divmod(block.number, points.both.size)
        for group, chosen in ((points.plain, way), (points.both, point)):
            for knob, digit in group.digits(np.array([chosen])).items():
                self._numbers[knob][digit] += number
        self._add(points.deep, inside.sum(axis=1))
        self._add(points.wide, inside.sum(axis=0))

    def _add(self, group: Group, numbers: NDArray[np.int64]) -> None:
        by_knob = numbers.reshape(group.options)
        for axis, knob in enumerate(group.knobs):
            others = tuple([other for other in range(len(group.knobs)) if other != axis])
            self._numbers[knob] += by_knob.sum(axis=others)

    def shares(self, *, everywhere: bool) -> Iterator[ChoiceShare]:
        """Yield each option with the networks that take it; *everywhere* those of all that there are."""
        for draw, numbers in zip(self._points.draws, self._numbers, strict=True):
            for option, number in zip(draw.options, numbers.tolist(), strict=True):
                networks = self._points.size // len(draw.options) if everywhere else number
                yield ChoiceShare(draw.place, option_text(option), networks, networks > 0)

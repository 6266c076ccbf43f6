"""The points of a grid by number: what knobs say at each, as arrays, and what that is in the ranks of networks."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from archprof.ir.arrays import Integers, candidates
from archprof.named_tuple import NamedTuple
from archprof.space.grid_knobs import groups_of
from archprof.spec.header import read_knob
from archprof.spec.nodes import Scalar
from archprof.spec.types import OpenSpace, Spec

# So many numbers an array has that is made for a row: some 10 MB.
_MOST_AT_ONCE = 1 << 20


class Group(NamedTuple):
    """Knobs by their numbers, how many options each has, and what one step of each is in a rank; the ways to draw them
    are counted from 0, the last knob changing first."""

    knobs: tuple[int, ...]
    options: tuple[int, ...]
    weights: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many ways there are."""
        return prod(self.options)

    def digits(self, ways: Integers) -> Mapping[int, Integers]:
        """Return which option of each knob some ways take."""
        return dict(zip(self.knobs, np.unravel_index(ways, self.options) if self.knobs else (), strict=True))

    def ranks(self, ways: Integers) -> Integers:
        """Return what some ways are in the ranks of networks."""
        digits = self.digits(ways)
        found = np.zeros(len(ways), np.int64)
        for knob, weight in zip(self.knobs, self.weights, strict=True):
            found += digits[knob] * weight
        return found


class Points:
    """The points of a grid: each a way to draw the knobs on which both repeats and widths hang. Those on which *deep*
    repeats alone hang and those on which *wide* maps alone do are drawn at each; those for which no array stands, which
    are *plain*, have been drawn."""

    def __init__(self, spec: Spec, space: OpenSpace) -> None:
        draws = space.choices.knobs
        options = [len(draw.options) for draw in draws]
        weights = [prod(options[number + 1 :]) for number in range(len(options))]
        self.plain, self.both, self.deep, self.wide = (
            Group(knobs, tuple([options[knob] for knob in knobs]), tuple([weights[knob] for knob in knobs]))
            for knobs in groups_of(spec, space)
        )
        self.draws = draws
        values = [_values(spec, draw.place, draw.options) for draw in draws]
        self._values: list[Any] = [
            value if number in self.plain.knobs else np.array(value) for number, value in enumerate(values)
        ]
        self._drawn: dict[str, object] = {}

    @property
    def size(self) -> int:
        """How many networks there are."""
        return prod(group.size for group in (self.plain, self.both, self.deep, self.wide))

    @property
    def blocks(self) -> int:
        """How many ways there are to draw what the others are drawn at."""
        return self.plain.size * self.both.size

    def draw(self, way: int) -> None:
        """Draw the knobs for which no array stands."""
        digits = self.plain.digits(np.array([way])).items()
        self._drawn = {self.draws[knob].place: self._values[knob][int(digit[0])] for knob, digit in digits}

    def stretches(self) -> Iterator[Integers]:
        """Yield all points, so many side by side as arrays take well."""
        length = max(1, _MOST_AT_ONCE // max(self.deep.size, self.wide.size))
        for start in range(0, self.both.size, length):
            yield np.arange(start, min(start + length, self.both.size))

    def names_of_repeats(self, points: Integers) -> dict[str, object]:
        """Return what knobs say of repeats at some points, an axis for each that is drawn at them, so that what hangs
        on few of them is computed for few."""
        axes = len(self.deep.knobs) + 1
        digits = self.both.digits(points).items()
        names = {knob: self._values[knob][digit].reshape(-1, *[1] * (axes - 1)) for knob, digit in digits}
        for axis, knob in enumerate(self.deep.knobs, 1):
            names[knob] = self._values[knob].reshape(*[1] * axis, -1, *[1] * (axes - axis - 1))
        return self._named(names)

    def names_of_widths(self, where: Integers) -> dict[str, object]:
        """Return what knobs say of widths, at points and ways to draw these alone, by one number for both."""
        points, wide = np.divmod(where, self.wide.size)
        digits = {**self.both.digits(points), **self.wide.digits(wide)}
        return self._named({knob: self._values[knob][digit] for knob, digit in digits.items()})

    def said(self, way: int, point: int) -> str:
        """Return what is drawn at a point, in words."""
        digits = {**self.plain.digits(np.array([way])), **self.both.digits(np.array([point]))}
        named = [(self.draws[knob], int(digit[0])) for knob, digit in sorted(digits.items())]
        options = [(draw.place, draw.options[digit]) for draw, digit in named]
        return ",".join(f"{place}={option.text}" for place, option in options if isinstance(option, Scalar))

    def _named(self, arrays: Mapping[int, Any]) -> dict[str, object]:
        named = {self.draws[knob].place: candidates(array) for knob, array in arrays.items()}
        return {**self._drawn, **named}


def _values(spec: Spec, name: str, options: Sequence[object]) -> list[Any]:
    return [read_knob(spec.knobs[name], option) for option in options if isinstance(option, Scalar)]

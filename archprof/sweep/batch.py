"""Variants that are computed side by side, as arrays of what they differ in."""

from collections.abc import Callable, Mapping
from typing import Any

from archprof.ir.arrays import Integers, candidates
from archprof.named_tuple import NamedTuple

# From here on an integer does not fit into an array.
EXACT_INTEGER = 1 << 63


class Batch(NamedTuple):
    """Variants of one combination: arrays of their axes' values (*at*), and, by the place of each local axis in the
    plan, which of its alternatives each has."""

    at: Mapping[str, Any]
    digits: Mapping[int, Integers]
    size: int

    def take(self, places: Integers) -> "Batch":
        """Return the variants at some places."""
        at = {name: taken(value, places) for name, value in self.at.items()}
        return Batch(at, {axis: digits[places] for axis, digits in self.digits.items()}, len(places))


def taken(value: Any, places: Integers) -> Any:
    """Return the values of some variants: of widths, of channels, or of the sides of inputs."""
    if isinstance(value, tuple):
        return of_sides(value, lambda side: candidates(side[places]))
    return candidates(value[places])


def of_sides(sides: tuple[Any, ...], change: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return what becomes of each side. A square's are the same object, before and after, which spares comparisons."""
    changed = {id(side): change(side) for side in sides}
    return tuple([changed[id(side)] for side in sides])

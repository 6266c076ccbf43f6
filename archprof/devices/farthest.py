"""A few of many points, spread as far as they go."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy


def farthest(points: "numpy.ndarray[Any, Any]", many: int) -> list[int]:
    """Return the places of so many points at most: the one nearest to the origin, then in turn the one that is farthest
    from all before it (Gonzalez 1985)."""
    import numpy

    picked = [int((points**2).sum(axis=1).argmin())]
    near = ((points - points[picked[0]]) ** 2).sum(axis=1)
    while len(picked) < min(many, len(points)):
        picked.append(int(near.argmax()))
        near = numpy.minimum(near, ((points - points[picked[-1]]) ** 2).sum(axis=1))
    return picked

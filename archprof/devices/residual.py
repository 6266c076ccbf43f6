"""What formulas leave: a stored Gaussian process on the logarithm of measured through formula, in plain Python for one
kernel, by numpy for arrays of candidates."""

from math import dist, exp
from typing import Any

from archprof.devices.profile import Residual
from archprof.ir.dims import is_array


def evaluate(residual: Residual, features: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the mean of the residual, and the share of its variance that is left: 0 beside a point, 1 far from all.

    That share is what the nearest point alone leaves, an upper bound of what all do.
    """
    placed = [(one - middle) / scale
              for one, middle, scale in zip(features, residual.center, residual.scale, strict=True)]  # fmt: skip
    if any(map(is_array, placed)):
        return _of_arrays(residual, placed)
    near = [exp(-0.5 * dist(placed, point) ** 2) for point in residual.points]
    mean = residual.variance * sum([one * weight for one, weight in zip(near, residual.weights, strict=True)])
    return mean, 1 - max(near) ** 2


def _of_arrays(residual: Residual, placed: list[Any]) -> tuple[Any, Any]:
    import numpy

    at = numpy.stack(numpy.broadcast_arrays(*placed), axis=-1)
    points = numpy.array(residual.points)
    # |x − y|² = |x|² − 2·x·y + |y|², so that products of matrices do the work.
    squares = (at**2).sum(axis=1)[:, None] - 2 * (at @ points.T) + (points**2).sum(axis=1)
    near = numpy.exp(-0.5 * squares)
    return residual.variance * (near @ numpy.array(residual.weights)), 1 - near.max(axis=1) ** 2

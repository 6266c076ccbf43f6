"""What nothing else beats: Pareto fronts."""

import numpy as np

from archprof.ir.arrays import Integers


def front(objectives: Integers) -> Integers:
    """Return the places, ascending, of the points that no other is as good as in every objective (smaller is better)
    and better in one.

    *objectives* has a line for each objective. Of points that are equal in all, the first stands for them.
    """
    order = np.lexsort((np.arange(objectives.shape[1]), *objectives[::-1]))
    points = objectives[:, order]
    kept = _front_of_two(points) if len(points) == 2 else _front(points)
    return np.sort(order[kept])


def _front_of_two(points: Integers) -> Integers:
    """Return the front of sorted points of two objectives: where the second falls below all before."""
    second = points[1]
    lowest = np.minimum.accumulate(second)
    return np.flatnonzero(np.concatenate([np.ones(min(len(second), 1), bool), second[1:] < lowest[:-1]]))


def _front(points: Integers) -> Integers:
    """Return the front of sorted points: nothing is beaten by what stands behind it, so that one pass over what is left
    suffices."""
    left = np.arange(points.shape[1])
    kept = []
    while left.size:
        kept.append(left[0])
        beaten = (points[:, left] >= points[:, left[:1]]).all(axis=0)
        left = left[~beaten]
    return np.array(kept, np.int64)

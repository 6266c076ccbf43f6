"""What nothing else beats: Pareto fronts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.ir.arrays import Integers


def front(objectives: Integers) -> Integers:
    """Return the places, ascending, of the points that no other is as good as in every objective (smaller is better)
    and better in one.

    *objectives* has a line for each objective. Of points that are equal in all, the first stands for them.
    """
    order = np.lexsort((np.arange(objectives.shape[1]), *objectives[::-1]))
    points = objectives[:, order]
    kept = _FRONTS.get(len(points), _front)(points)
    return np.sort(order[kept])


def _front_of_two(points: Integers) -> Integers:
    """Return the front of sorted points of two objectives: where the second falls below all before."""
    second = points[1]
    lowest = np.minimum.accumulate(second)
    return np.flatnonzero(np.concatenate([np.ones(min(len(second), 1), bool), second[1:] < lowest[:-1]]))


# Points that are compared each with each; from there on, halves are compared along their second objective.
_BLOCK = 64


def _front_of_three(points: Integers) -> Integers:
    """Return the front of sorted points of three objectives: blocks of them by themselves, then what is left of two
    neighbouring blocks, until there is one."""
    second, third = (np.unique(objective, return_inverse=True)[1] for objective in points[1:])
    kept = _front_of_blocks(second, third)
    blocks = kept // _BLOCK
    while blocks.size and blocks[-1] > 0:
        left = _unbeaten_by_earlier(blocks, second[kept], third[kept])
        kept, blocks = kept[left], blocks[left] // 2
    return kept


def _front_of_blocks(second: Integers, third: Integers) -> Integers:
    """Return the places that no earlier one of the same block beats in both."""
    size = len(second)
    rows = -(-size // _BLOCK)
    padded = np.full((2, rows * _BLOCK), size, np.int64)
    padded[0, :size], padded[1, :size] = second, third
    second, third = padded.reshape(2, rows, _BLOCK)
    beaten = np.zeros((rows, _BLOCK), bool)
    for place in range(_BLOCK - 1):
        behind = slice(place + 1, None)
        beaten[:, behind] |= (second[:, [place]] <= second[:, behind]) & (third[:, [place]] <= third[:, behind])
    return np.flatnonzero(~beaten.reshape(-1)[:size])


def _unbeaten_by_earlier(blocks: Integers, second: Integers, third: Integers) -> NDArray[np.bool_]:
    """Return which points of every other block none of the block before it beats; those of the others stay."""
    order = np.argsort(second, kind="stable")
    pairs = blocks // 2
    order = order[np.argsort(pairs[order].astype(_narrowest(int(pairs[-1]))), kind="stable")]
    # With each pair lower than all before, the least so far is the least of the pair.
    lowered = third[order] - pairs[order] * (int(third.max()) + 1)
    earlier = blocks[order] % 2 == 0
    least = np.minimum.accumulate(np.where(earlier, lowered, np.iinfo(np.int64).max))
    unbeaten = np.empty(len(blocks), bool)
    unbeaten[order] = earlier | (least > lowered)
    return unbeaten


def _narrowest(highest: int) -> np.dtype[Any]:
    """Return the type in which sorting is fastest: with 16 bits, without comparisons."""
    return np.min_scalar_type(highest)


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


_FRONTS = {2: _front_of_two, 3: _front_of_three}

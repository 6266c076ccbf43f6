"""Variants by number: which place in the product of its axes each has, in order or shuffled."""

import numpy as np
from numpy.typing import NDArray

from archprof.ir.arrays import Integers
from archprof.sweep.plan import Plan

_ROUNDS = 4
_MIX = np.uint64(0x9E3779B97F4A7C15)


def ranks_of(plan: Plan, numbers: Integers) -> Integers:
    """Return the places in the product of the axes of the variants with these numbers: themselves, or what the seed
    shuffles them to.

    The shuffle is a Feistel network that is walked until it stays inside the product: a permutation, so that a sample
    holds no variant twice, which needs no memory, so that it may be a sample of anything.
    """
    if plan.sample is None or plan.sample >= plan.product:
        return numbers
    half = max((plan.product - 1).bit_length() + 1, 2) // 2
    found = _shuffled(numbers.astype(np.uint64), half, plan.seed)
    while (outside := found >= np.uint64(plan.product)).any():
        found[outside] = _shuffled(found[outside], half, plan.seed)
    return found.astype(np.int64)


def _shuffled(values: NDArray[np.uint64], half: int, seed: int) -> NDArray[np.uint64]:
    """Return a permutation of the integers of 2·*half* bits."""
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    left, right = values >> shift, values & mask
    for key in np.random.SeedSequence(seed).generate_state(_ROUNDS, np.uint64):
        mixed = (right + key) * _MIX
        mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX
        left, right = right, left ^ ((mixed ^ (mixed >> np.uint64(32))) & mask)
    return (left << shift) | right

"""Pareto fronts, against the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.sweep.pareto import front


def by_definition(points):
    """The points that no other beats; of equal ones the first."""
    kept = []
    for index, point in enumerate(points):
        beaten = any(all(a <= b for a, b in zip(other, point, strict=True)) and other != point for other in points)
        if not beaten and point not in points[:index]:
            kept.append(index)
    return kept


@given(
    st.integers(1, 4).flatmap(lambda size: st.lists(st.tuples(*[st.integers(0, 6)] * size), min_size=1, max_size=40))
)
def test_front(points):
    assert front(np.array(points).T).tolist() == by_definition(points)


@pytest.mark.parametrize("size", [2, 3])
@given(points=st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=60))
def test_front_of_three_in_blocks(size, points):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archprof.sweep.pareto._BLOCK", size)
        assert front(np.array(points).T).tolist() == by_definition(points)


def test_front_of_three_of_many():
    points = np.random.default_rng(1).integers(0, 200, (3, 3000))
    assert front(points).tolist() == by_definition(list(map(tuple, points.T.tolist())))

"""Pareto fronts, against the definition."""

import numpy as np
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

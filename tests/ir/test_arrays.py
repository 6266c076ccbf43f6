"""Dims with an entry for each candidate: a truth value where they agree, a disagreement where they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.ir import dims
from archprof.ir.arrays import candidates

INTEGERS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=20)


@given(INTEGERS, st.integers(-1000, 1000))
def test_a_branch_is_taken_together_or_parts(values, threshold):
    wanted = [value >= threshold for value in values]
    question = candidates(values) >= threshold
    if len(set(wanted)) == 1:
        assert bool(question) is wanted[0]
    else:
        with pytest.raises(dims.Disagreement) as raised:
            bool(question)
        assert raised.value.mask.tolist() == wanted


@given(INTEGERS, INTEGERS)
def test_sameness_of_two(first, second):
    length = min(len(first), len(second))
    one, other = first[:length], second[:length]
    agree = {left == right for left, right in zip(one, other, strict=True)}
    if len(agree) == 1:
        assert dims.same(candidates(one), candidates(other)) is agree.pop()
    else:
        with pytest.raises(dims.Disagreement):
            dims.same(candidates(one), candidates(other))


def test_the_same_array_is_never_compared():
    channels = candidates([8, 16])
    assert all(map(dims.same, (channels, 3), (channels, 3)))


@given(
    st.lists(st.integers(1, 100_000), min_size=1, max_size=20),
    st.sampled_from([0.25, 0.75, 1.1, 1.4]),
    st.sampled_from([1, 4, 8]),
)
def test_helpers_are_those_of_integers(values, multiplier, divisor):
    array = candidates(values)
    for helper in (
        lambda value: dims.make_divisible(value * multiplier, divisor),
        lambda value: dims.truncate(value * multiplier),
        lambda value: dims.round_half_even(value * multiplier),
        lambda value: dims.ceil_div(value, divisor),
        lambda value: dims.maximum(dims.truncate(value * multiplier), 1),
        lambda value: dims.conv_out(value + 7, 3, 2, (1, 1), 2),
        lambda value: dims.product((3, value, value)),
    ):
        found = helper(array)
        assert found.dtype == np.int64
        assert found.tolist() == [helper(value) for value in values]

"""Arithmetic on dims: what the reference implementations compute, and the same on arrays, entry by entry."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.ir import dims

CHANNELS = st.integers(1, 100_000)
MULTIPLIERS = st.sampled_from([0.25, 0.35, 0.5, 0.75, 1.0, 1.1, 1.25, 1.3, 1.4, 2.0])
DIVISORS = st.sampled_from([1, 2, 4, 8, 16, 32])


def make_divisible_of_slim(value, divisor):
    """The MobileNet reference code, tensorflow/models slim `conv_blocks._make_divisible`, with min_value = divisor."""
    new_value = max(divisor, int(value + divisor / 2) // divisor * divisor)
    if new_value < 0.9 * value:
        new_value += divisor
    return new_value


@given(CHANNELS, MULTIPLIERS, DIVISORS)
def test_make_divisible_is_the_reference_rule(channels, multiplier, divisor):
    assert dims.make_divisible(channels * multiplier, divisor) == make_divisible_of_slim(channels * multiplier, divisor)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(24.0, 24), (12.0, 16), (11.9, 16), (20.0, 24), (4, 8), (1, 8), (44, 48), (17.6, 16), (18, 24)],
)
def test_make_divisible_by_hand(value, rounded):
    """12 is halfway and goes up; 11.9 would go to 8, which loses more than a tenth; 17.6 to 16 loses less."""
    assert dims.make_divisible(value, 8) == rounded


@given(st.lists(CHANNELS, min_size=1, max_size=20), MULTIPLIERS, DIVISORS)
def test_make_divisible_on_arrays(channels, multiplier, divisor):
    found = dims.make_divisible(np.array(channels) * multiplier, divisor)
    assert found.dtype == np.int64
    assert found.tolist() == [dims.make_divisible(value * multiplier, divisor) for value in channels]


def windows(size, kernel, stride, padding, dilation):
    """Count the positions where a window lies inside the padded input, one after the other."""
    extent = dilation * (kernel - 1) + 1
    return len(range(0, size + 2 * padding - extent + 1, stride))


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7])
def test_conv_out_counts_the_windows(kernel, stride, padding, dilation):
    sizes = [size for size in range(1, 40) if size + 2 * padding >= dilation * (kernel - 1) + 1]
    counted = [windows(size, kernel, stride, padding, dilation) for size in sizes]
    assert [dims.conv_out(size, kernel, stride, (padding, padding), dilation) for size in sizes] == counted
    assert dims.conv_out(np.array(sizes), kernel, stride, (padding, padding), dilation).tolist() == counted


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_conv_out_rounded_up(kernel, stride, padding):
    """Windows may stick out at the end, but must start inside the input or its left padding."""
    sizes = range(kernel, 40)
    counted = [
        sum(
            start < size + padding
            for start in range(0, size + 2 * padding, stride)
            if start - stride + kernel < size + 2 * padding or start == 0
        )
        for size in sizes
    ]
    assert [dims.conv_out(size, kernel, stride, (padding, padding), 1, ceil=True) for size in sizes] == counted
    assert dims.conv_out(np.array(sizes), kernel, stride, (padding, padding), 1, ceil=True).tolist() == counted


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_rounding_on_arrays(values):
    array = np.array(values)
    assert (
        dims.truncate(array).tolist()
        == [math.trunc(value) for value in values]
        == [dims.truncate(value) for value in values]
    )
    assert (
        dims.round_half_even(array).tolist()
        == [round(value) for value in values]
        == [dims.round_half_even(value) for value in values]
    )


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (2.4, 2), (2.6, 3)]
)
def test_ties_go_to_the_even_neighbour(value, rounded):
    assert dims.round_half_even(value) == rounded
    assert dims.round_half_even(np.array([value])).tolist() == [rounded]


INTEGERS = st.integers(-(10**12), 10**12)


@given(st.lists(st.tuples(INTEGERS, INTEGERS), min_size=1, max_size=20))
def test_maximum_on_arrays(pairs):
    first, second = np.array(pairs).T
    wanted = [max(pair) for pair in pairs]
    assert dims.maximum(first, second).tolist() == wanted == [dims.maximum(*pair) for pair in pairs]
    assert dims.maximum(first, 8).tolist() == [max(value, 8) for value, _ in pairs]
    assert dims.maximum(8, first).tolist() == [max(value, 8) for value, _ in pairs]


@given(INTEGERS, st.integers(1, 10**6))
def test_ceil_div(value, divisor):
    assert dims.ceil_div(value, divisor) == -(-value // divisor)
    assert dims.ceil_div(np.array([value]), divisor).tolist() == [dims.ceil_div(value, divisor)]


def test_product_and_same():
    assert dims.product((3, 4, 5)) == 60
    assert dims.product(()) == 1
    assert dims.product((3, np.array([4, 5]))).tolist() == [12, 15]
    channels = np.array([8, 16])
    assert dims.same(channels, channels)
    assert dims.same(3, 3)
    assert not dims.same(3, 4)
    with pytest.raises(ValueError, match="ambiguous"):
        dims.same(channels, np.array([8, 8]))


def test_arrays_are_told_from_numbers():
    assert dims.is_array(np.array([1]))
    assert not dims.is_array(1)
    assert not dims.is_array(1.5)

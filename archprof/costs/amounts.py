"""How much a tool counts for one operator: so many per element, channel or MAC, or what its own code computes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.join import broadcast
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.padding import ends
from archprof.ir.operators.pool import AvgPool2d
from archprof.ir.terms import NOTHING, total

if TYPE_CHECKING:
    from archprof.costs.report import Row


class Amount(NamedTuple):
    """An amount in words, and as a function of an operator's row."""

    text: str
    of: Callable[[Row], int]


def per_element(number: int) -> Amount:
    """Return an amount for operators whose output is as large as their input."""
    return Amount(f"{number} per element", lambda row: number * prod(row.output))


def per_input(number: int) -> Amount:
    return Amount(f"{number} per input element", lambda row: number * prod(row.inputs[0]))


def per_output(number: int) -> Amount:
    return Amount(f"{number} per output element", lambda row: number * prod(row.output))


def per_channel(number: int) -> Amount:
    """Return an amount for operators that have parameters for each channel."""
    return Amount(f"{number} per channel", lambda row: number * _channels(row))


def _channels(row: Row) -> int:
    channels: int = row.operator.num_features  # type: ignore[attr-defined]
    return channels


def _weights(row: Row) -> int:
    assert isinstance(row.operator, Linear)
    return int(row.operator.in_features * row.operator.out_features)


def _biases(row: Row) -> int:
    return int(total(row.operator.parameters().get("bias", NOTHING)))


def _groups(row: Row) -> int:
    """Return how many images a module takes its input for, by its first axis: an image, or each of its windows."""
    shape = row.node.outputs[0].at_batch(1)
    return int(shape[0]) if shape else 1


def _held(row: Row) -> int:
    return int(sum(total(terms) for terms in row.operator.parameters().values()))


def _held_weight(row: Row) -> int:
    return int(total(row.operator.parameters().get("weight", NOTHING)))


def _positions(row: Row) -> int:
    """Return the output positions of a convolution, of all images."""
    images, _, *space = row.node.outputs[0].at_batch(1)
    return prod((images, *space))


def _attention_rows(row: Row) -> int:
    """Return the rows of all heads of attention: one a query."""
    return prod(row.inputs[0][:-1])


def _keys(row: Row) -> int:
    return int(row.inputs[1][-2])


def _products(row: Row) -> int:
    return sum(prod(broadcast(row.values[:end], "multiplied").shape) for end in range(2, len(row.values) + 1))


def _samples(row: Row) -> int:
    """Return the samples of a deformable convolution: one for each input channel and tap of each output position."""
    assert isinstance(row.operator, DeformConv2d)
    return prod((row.inputs[0][0], *row.operator.kernel_size, *row.output[1:]))


def _coordinates(row: Row) -> int:
    """Return the products with which our deformable convolution places its samples and weights them."""
    assert isinstance(row.operator, DeformConv2d)
    kernel, size = row.operator.kernel_size, row.output[1:]
    shifts = 2 * row.operator.deformable_groups * prod((*kernel, *size))
    # A batch size times the groups is a product too, to the tracer.
    weights = _samples(row) + 1 if row.operator.modulated else 0
    return shifts + sum(kernel) + sum(size) + 1 + weights


def _float_parts(row: Row) -> int:
    """Return x + y of adaptive average pooling as thop 0.1.1 has it: in floats, cut, which may be one less."""
    (_, height, width), (channels, rows, columns) = row.inputs[0], row.output
    return int((height / rows * (width / columns) + 1) * (channels * rows * columns))


def _whole_parts(row: Row) -> int:
    """Return the elements in the parts of adaptive pooling, of the size that all would have, rounded down."""
    (_, height, width), (_, rows, columns) = row.inputs[0], row.output
    return int(height // rows) * int(width // columns) * prod(row.output)


def _bias_products(row: Row) -> int:
    """Return what a bias costs to thop before August 2019: it takes it for one more tap of the kernel."""
    operator = row.operator
    assert isinstance(operator, Conv2d)
    return int(operator.in_channels) // int(operator.groups) * prod(row.output)


def _taps(row: Row) -> int:
    assert row.kernel is not None
    return prod(row.kernel) * prod(row.output)


def _windows(row: Row) -> int:
    """Return the elements in all windows of average pooling, and one for each output element."""
    pool = row.operator
    assert isinstance(pool, AvgPool2d)
    paddings = [ends(pool.padding, axis) for axis in (0, 1)]
    axes = zip(row.inputs[0][1:], row.output[1:], pool.kernel_size, pool.stride, paddings, strict=True)
    return prod((row.output[0], *(_covered(*axis, pool.count_padding) for axis in axes))) + prod(row.output)


def _covered(size: int, outputs: int, kernel: int, stride: int, padding: tuple[int, int], count_padding: bool) -> int:
    before, behind = padding
    low, high = (-before, size + behind) if count_padding else (0, size)
    starts = (index * stride - before for index in range(outputs))
    return sum(max(min(start + kernel, high) - max(start, low), 0) for start in starts)


def _parts(row: Row) -> int:
    """Return the elements in all parts of adaptive average pooling, which may overlap, and one for each output
    element."""
    axes = zip(row.inputs[0][1:], row.output[1:], strict=True)
    return prod((row.output[0], *(_overlapping(*axis) for axis in axes))) + prod(row.output)


def _overlapping(size: int, outputs: int) -> int:
    return sum(-(-(index + 1) * size // outputs) - index * size // outputs for index in range(outputs))


SUMS = Amount("1 per addition", lambda row: row.cost.macs - prod(row.output))
BIAS_PRODUCTS = Amount("1 per input channel of each output element", _bias_products)
TAPS = Amount("1 per element of each window, padding too", _taps)
TAPS_AND_DIVISION = Amount(
    "1 per element of each window, padding too, 1 per output element", lambda row: _taps(row) + prod(row.output)
)
WHOLE_PARTS = Amount("1 per element of equal parts", _whole_parts)
WHOLE_PARTS_AND_DIVISION = Amount(
    "1 per element of equal parts, 1 per output element",
    lambda row: _whole_parts(row) + prod(row.output),
)
ADDITIONS = Amount("1 per MAC", lambda row: row.cost.macs)
LEFT_OUT = Amount("−1 per MAC", lambda row: -row.cost.macs)
WEIGHTS_ONCE = Amount("each weight once", lambda row: _weights(row) - row.cost.macs)
WEIGHTS_BY_IMAGE = Amount(
    "each weight once an image, or a window", lambda row: _groups(row) * _weights(row) - row.cost.macs
)
BIASES_BY_IMAGE = Amount("each bias once an image, or a window", lambda row: _groups(row) * _biases(row))
HELD_BY_IMAGE = Amount(
    "each parameter once an image, or a window", lambda row: _groups(row) * _held(row) - row.cost.macs
)
HELD_BY_POSITION = Amount("each parameter once a position", lambda row: _positions(row) * _held(row) - row.cost.macs)
WEIGHT_ALONE = Amount("each weight once", lambda row: _held_weight(row) - row.cost.macs)
SOFTMAX = Amount("3 per key of each query, 1 less for the sum", lambda row: _attention_rows(row) * (3 * _keys(row) - 1))
SOFTMAX_AND_SCALE = Amount(
    "1 per key of each query, 1 per element of the queries",
    lambda row: _attention_rows(row) * _keys(row) + prod(row.inputs[0]),
)
FROZEN_NORM = Amount("1 per element, 2 per channel", lambda row: prod(row.output) + 2 * _channels(row))
PRODUCTS = Amount("1 per element of each product", _products)
SAMPLES = Amount("4 per sample", lambda row: 4 * _samples(row))
SAMPLES_AND_PRODUCTS = Amount(
    "4 per sample, 1 per product of its coordinates and weights", lambda row: 4 * _samples(row) + _coordinates(row)
)
FLOAT_PARTS = Amount("1 per input element, 1 per output element", _float_parts)
WINDOWS = Amount("1 per element of each window, 1 per output element", _windows)
PARTS = Amount("1 per element of each part, 1 per output element", _parts)

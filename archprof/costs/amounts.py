"""How much a tool counts for one operator: so many per element, channel or MAC, or what its own code computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.conv_transpose import ConvTranspose
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.join import broadcast
from archprof.ir.operators.padding import ends
from archprof.ir.operators.pool import AvgPool2d
from archprof.ir.operators.rotary import RotaryPositions
from archprof.ir.terms import total
from archprof.named_tuple import NamedTuple

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


def _channels(row: Row) -> int:
    channels: int = row.operator.num_features  # type: ignore[attr-defined]
    return channels


def _parameters(row: Row) -> Iterator[tuple[str, int]]:
    """Yield the parameters of an operator: what its module calls each, and its elements."""
    names = (row.node.parameters or {}) if row.modules else {}
    for key, terms in row.operator.parameters().items():
        yield names.get(key, key).rpartition(".")[2], int(total(terms))


def _held(row: Row, name: str) -> int:
    return sum(elements for called, elements in _parameters(row) if called == name)


def per_weight(number: int) -> Amount:
    return Amount(f"{number} per weight", lambda row: number * _held(row, "weight"))


def _as_plain(row: Row, *, grouped: bool) -> int:
    """Return the products that a transposed convolution has more than it has, were it a plain one: of all taps and
    input channels, or those of a group, for each output element."""
    operator = row.operator
    assert isinstance(operator, ConvTranspose)
    channels = int(operator.in_channels) // (int(operator.groups) if grouped else 1)
    return channels * prod(operator.kernel_size) * prod(row.output) - row.cost.macs


def _by_first_axis(row: Row, name: str) -> int:
    """Return the elements of a parameter as often as the first axis is long, as if that were images: windows too."""
    shape = row.node.outputs[0].at_batch(1)
    return (int(shape[0]) if shape else 1) * _held(row, name)


def _by_output(row: Row) -> int:
    """Return the elements of weights and biases as torchinfo counts them of what is no convolution: of recurrent
    layers, where they have other names, at each position."""
    shape = row.node.outputs[0].at_batch(1)
    counted = _by_first_axis(row, "weight") + _by_first_axis(row, "bias")
    others = (n for name, n in _parameters(row) if ("weight" in name or "bias" in name) and name not in _PLAIN)
    return counted + prod(shape[:2]) * sum(others)


_PLAIN = ("weight", "bias")


def _by_position(row: Row) -> int:
    images, _, *space = row.node.outputs[0].at_batch(1)
    return int(prod((images, *space))) * (_held(row, "weight") + _held(row, "bias"))


def _queries(row: Row) -> int:
    """Return the queries of attention, of all heads."""
    return prod(row.inputs[0][:-1])


def _softmax(length: int, rows: int) -> int:
    """Return an exponential and a division for each element of a row, and an addition for all but one."""
    return rows * (3 * length - 1)


def _softmax_along(row: Row) -> int:
    shape = row.inputs[0]
    length = shape[row.operator.axis]  # type: ignore[attr-defined]
    return _softmax(length, prod(shape) // length)


def _einsum(row: Row) -> int:
    """Return the products of an einsum: of the sizes of all its letters, each once."""
    return prod(row.operator.letter_sizes(row.values).values())  # type: ignore[attr-defined]


def _einsum_printed(row: Row) -> int:
    """Return half of what numpy's einsum_path prints, which has four digits, of a contraction."""
    return int(float(f"{2 * _einsum(row):.3e}") // 2)


def _products(row: Row) -> int:
    return sum(prod(broadcast(row.values[:end], "multiplied").shape) for end in range(2, len(row.values) + 1))


def _samples(row: Row) -> int:
    """Return the samples of a deformable convolution: one for each input channel and tap of each output position."""
    assert isinstance(row.operator, DeformConv2d)
    return prod((*row.inputs[0][:-2], *row.operator.kernel_size, *row.output[-2:]))


def _coordinates(row: Row) -> int:
    """Return the products with which our deformable convolution places its samples and weights them."""
    assert isinstance(row.operator, DeformConv2d)
    kernel, size = row.operator.kernel_size, row.output[1:]
    shifts = 2 * row.operator.deformable_groups * prod((*kernel, *size))
    # A batch size times the groups is a product too, to the tracer.
    weights = _samples(row) + 1 if row.operator.modulated else 0
    return shifts + sum(kernel) + sum(size) + 1 + weights


def _turning(row: Row) -> int:
    """Return the products of rotary positions: by cosines and sines, and of positions with wavelengths."""
    operator = row.operator
    assert isinstance(operator, RotaryPositions)
    each = int(operator.num_features) // int(operator.heads)
    length = prod(row.output) // int(operator.num_features) - operator.skip
    axes = operator.sides or (length,)
    angles = sum(side + 1 for side in axes) * (each // (2 * len(axes)))
    stretched = sum(side for side, other in zip(operator.sides, operator.reference, strict=False) if side != other)
    return 2 * length * int(operator.num_features) + int(angles) + int(stretched)


def _float_parts(row: Row) -> int:
    """Return x + y of adaptive average pooling as thop 0.1.1 has it: in floats, cut, which may be one less."""
    part = prod(size / parts for size, parts in zip(row.inputs[0][1:], row.output[1:], strict=True))
    return int((part + 1) * prod(row.output))


def _whole_parts(row: Row) -> int:
    """Return the elements in the parts of adaptive pooling, of the size that all would have, rounded down."""
    return prod(int(size // parts) for size, parts in zip(row.inputs[0], row.output, strict=True)) * prod(row.output)


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
    maps = prod(row.output[:-2])  # of frames too, which stand in front of channels
    axes = zip(row.inputs[0][-2:], row.output[-2:], pool.kernel_size, pool.stride, paddings, strict=True)
    return prod((maps, *(_covered(*axis, pool.count_padding) for axis in axes))) + prod(row.output)


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


BY_OUTPUT = Amount("1 per tap and input channel of each output element", partial(_as_plain, grouped=False))
BY_OUTPUT_OF_GROUPS = Amount(
    "1 per tap and input channel of a group of each output element", partial(_as_plain, grouped=True)
)
CHANNELS = Amount("1 per channel", _channels)
ELEMENTS_AND_CHANNELS = Amount("2 per element, 1 per channel", lambda row: 2 * prod(row.output) + _channels(row))
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
WEIGHTS_ONCE = Amount("each weight once", lambda row: _held(row, "weight") - row.cost.macs)
WEIGHTS_BY_IMAGE = Amount(
    "each weight once an image or window", lambda row: _by_first_axis(row, "weight") - row.cost.macs
)
BIASES_BY_IMAGE = Amount("each bias once an image or window", lambda row: _by_first_axis(row, "bias"))
BIAS_ONCE = Amount("each bias once", lambda row: _held(row, "bias"))
HELD_BY_IMAGE = Amount("each weight and bias once an image or window", lambda row: _by_output(row) - row.cost.macs)
HELD_BY_POSITION = Amount("1 per output element", lambda row: _by_position(row) - row.cost.macs)
EINSUM = Amount("1 per product", lambda row: _einsum(row) - row.cost.macs)
EINSUM_PRINTED = Amount("1 per product, rounded to four digits", lambda row: _einsum_printed(row) - row.cost.macs)
SOFTMAX = Amount("3 per element, 1 less per sum", _softmax_along)
SOFTMAX_OF_ATTENTION = Amount(
    "3 per key of each query, 1 less per query", lambda row: _softmax(int(row.inputs[1][-2]), _queries(row))
)
SOFTMAX_AND_SCALE = Amount(
    "1 per key of each query, 1 per element of the queries",
    lambda row: _queries(row) * int(row.inputs[1][-2]) + prod(row.inputs[0]),
)
FROZEN_NORM = Amount("1 per element, 2 per channel", lambda row: prod(row.output) + 2 * _channels(row))
PRODUCTS = Amount("1 per element of each product", _products)
SAMPLES = Amount("4 per sample", lambda row: 4 * _samples(row))
SAMPLES_AND_PRODUCTS = Amount(
    "4 per sample, 1 per product of its coordinates and weights", lambda row: 4 * _samples(row) + _coordinates(row)
)
TURNING = Amount("2 per element that turns, 1 per angle and wavelength", _turning)
FLOAT_PARTS = Amount("1 per input element, 1 per output element", _float_parts)
WINDOWS = Amount("1 per element of each window, 1 per output element", _windows)
PARTS = Amount("1 per element of each part, 1 per output element", _parts)

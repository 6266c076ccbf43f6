"""What a GPU's kernels take beside the tensors of a call while they run, as an H100 with torch 2.11 takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.ir.dims import Dim, Shape, ceil_div, is_array, maximum, minimum, product, same
from archprof.ir.footprint import NO_WORKSPACE, SINGLE, Run, Span, Workspace
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.ir.operators.conv import Windowed

# Of an H100: multiprocessors, and the threads that each of them runs at once.
_PROCESSORS, _THREADS = 132, 2048
_MIB = 1 << 20
# Bytes of flags and counters beside copies, and from how many images on measurements of all batches agree.
_FLAGS, _SURE = 1024, 8


def column_sums(rows: Dim, columns: Dim) -> Dim:
    """Return the bytes of the partial sums when rows are summed up, as for the gradient of a bias behind each position.

    torch's `setReduceConfig` (aten/src/ATen/native/cuda/Reduce.cuh): a thread adds up to 256 values of up to 4 columns
    at once; where there are more, several blocks of threads share a column, and meet in memory.
    """
    vector = 1 + (columns % 2 == 0) + 2 * (columns % 4 == 0)
    threads = 512 // vector
    across = minimum(_power_of_two(columns // vector), threads)
    down = minimum(_power_of_two(rows), threads)
    width = minimum(across, 32)
    height = minimum(down, threads // width)
    width = minimum(across, threads // height)
    each, grid = ceil_div(rows, height), ceil_div(columns // vector, width)
    wanted = _PROCESSORS * (_THREADS // (width * height))
    blocks = maximum(minimum(ceil_div(wanted, grid), ceil_div(each, 16)), ceil_div(each, 256))
    shared = (each >= 256) * (grid <= wanted)
    return shared * SINGLE * (columns * blocks * width * vector + grid)


def stretched_sums(run: Run) -> Dim:
    """Return the bytes of the partial sums when the gradients of what a call stretched along leading axes are summed
    up, one after the other: the most that they take."""
    if run.setup.kernels != "cuda":
        return 0
    most: Dim = 0
    whole = run.outputs[0].at_batch(run.setup.batch)
    for value in run.stretched():
        shape = value.at_batch(run.setup.batch)
        behind = _axes_behind(shape, whole)
        if same(product(shape), product(whole[len(whole) - behind :])):
            columns = product(shape)
            most = maximum(most, column_sums(product(whole) // columns, columns))
    return most


def _axes_behind(shape: Shape, whole: Shape) -> int:
    """Return how many axes from the last on have the same size in both."""
    count = 0
    for one, other in zip(reversed(shape), reversed(whole), strict=False):
        if not same(one, other):
            break
        count += 1
    return count


def _power_of_two(number: Dim) -> Dim:
    """Return the largest power of two that is not larger, up to 512."""
    found: Dim = 1
    for power in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        found = found + (number >= 2 * power) * power
    return found


def _power_of_two_above(number: Dim) -> Dim:
    """Return the smallest power of two that is not smaller, up to 512; the number itself beyond."""
    below = _power_of_two(number)
    return maximum(below * (1 + (below < number)) * (number <= 512), number)


def workspace(conv: Windowed, run: Run) -> Workspace:
    """Return the workspace of a convolution, from what 361 of them were measured to take at batches of 1 to 64.

    Which kernel runs is for a heuristic of cuDNN's to say, so that most of it is there or not; only the gradient of a
    window's weights is never made without copies. Depthwise kernels, torch's own, take nothing.
    """
    depthwise = not _ungrouped(conv) and same(conv.groups, conv.in_channels)
    if depthwise or run.setup.kernels != "cuda":
        return NO_WORKSPACE
    copied, weight = _copies(conv, run), conv.weights * run.width
    most = copied.padded + weight + _FLAGS
    if max(conv.kernel_size) > 1:
        return _of_window(conv, run, copied, weight)
    if all(not is_array(size) and size == 1 for size in run.outputs[0].space):
        anything = Span(0, most + minimum(8 * weight, 2 * _MIB))
        return Workspace(anything, anything, anything)
    return _of_position(conv, run, most)


def _of_window(conv: Windowed, run: Run, copied: _Copies, weight: Dim) -> Workspace:
    everything = run.bytes(run.inputs[0]) + run.bytes(run.outputs[0]) + weight
    most = copied.padded + weight + minimum(20 * _MIB, 4 * everything) + _FLAGS
    sure = _ungrouped(conv) and run.setup.batch >= _SURE and run.setup.layout == "channels_first"
    least = (conv.in_channels > 4) * (copied.bare + weight) if sure else 0
    if run.width < SINGLE:
        return Workspace(Span(least, most), Span(least, most), Span(least, most))
    one = (conv.in_channels >= 64) * (copied.input + weight) if sure else 0
    # A small window over an image is read as it lies.
    forward = most * (conv.in_channels > 4) if max(conv.kernel_size) < 7 else most
    return Workspace(Span(one, forward + _FLAGS), Span(0, most), Span(least, most))


def _of_position(conv: Windowed, run: Run, most: Dim) -> Workspace:
    # A product of matrices as they lie, but for small maps; the gradient of the weights of each image apart, where the
    # maps are not much smaller than that.
    half, strided = run.width < SINGLE, max(conv.stride) > 1
    anywhere = strided or run.setup.batch < _SURE
    here = _FLAGS + (most if anywhere else most * (product(run.outputs[0].space) <= 20 * 20))
    images = run.setup.batch * conv.weights * SINGLE
    images = images * (images <= (10 if half else 5) * most)
    return Workspace(Span(0, here), Span(0, most if half else here), Span(0, maximum(most + 8 * _MIB, images + _FLAGS)))


class _Copies(NamedTuple):
    """Bytes of a copy of the input, of input and output, and of both with room for channels that make them divisible.

    Tensor cores want channels last, and in each group a power of two, or multiples of 8 in half precision, of 4 in
    float32, where there is a single one.
    """

    input: Dim
    bare: Dim
    padded: Dim


def _copies(conv: Windowed, run: Run) -> _Copies:
    if run.setup.layout == "channels_last" and _ungrouped(conv):
        return _Copies(0, 0, 0)
    unit = 8 if run.width < SINGLE else 4
    bytes, padded = [], []
    for value in (run.inputs[0], run.outputs[0]):
        bytes.append(run.bytes(value))
        if _ungrouped(conv):
            padded.append(bytes[-1] // value.channels * ceil_div(value.channels, unit) * unit)
        else:
            each = value.channels // conv.groups
            padded.append(bytes[-1] // each * _power_of_two_above(each))
    return _Copies(bytes[0], sum(bytes), sum(padded))


def _ungrouped(conv: Windowed) -> bool:
    return not is_array(conv.groups) and conv.groups == 1

"""Closed formulas for the µs of a kernel, and the features by which it differs from others of its class.

Plain arithmetic, of one kernel or, where its sizes are arrays of candidates, of all of them at once. Every constant is
above 0. They describe GPUs; what a device does otherwise is for the residual to tell.
"""

from collections.abc import Callable, Mapping
from math import log2
from typing import Any

from archprof.devices.kernels import ACTIVATIONS, Kernel
from archprof.devices.profile import Ceilings
from archprof.ir.dims import Dim, ceil_div, is_array, maximum, minimum, product
from archprof.named_tuple import NamedTuple

# Of a convolution as a matrix product: multiprocessors, places and output channels of a tile, and the channels that are
# read at once, to a multiple of which what is less is filled up.
_PROCESSORS, _TILE_PLACES, _TILE_CHANNELS, _TILE_GROUP, _VECTOR = 132, 128, 64, 128, 8
# Groups of a convolution up to which libraries choose other code, each in its own way.
_FEW_GROUPS = 4
# Bytes of the index that max pooling writes beside each element.
_INDEX = 8


class Work(NamedTuple):
    """What a kernel does for a whole batch: bytes that it reads, writes and has of weights, multiply-accumulates."""

    read: Dim
    written: Dim
    weights: Dim = 0
    macs: Dim = 0

    @property
    def bytes(self) -> Dim:
        """All bytes."""
        return self.read + self.written + self.weights


class Matrix(NamedTuple):
    """A convolution or linear layer as products of matrices, one for each group."""

    places: Dim
    channels: Dim  # per group
    taps: Dim
    filters: Dim  # per group
    groups: Dim
    bias: int
    stride: int


# Work


def matrix_of(kernel: Kernel, batch: int) -> Matrix:
    """Return a convolution or linear layer as the products of matrices that it is."""
    if kernel.kind == "linear":
        features, filters, bias, places = kernel.sizes
        return Matrix(places * batch, features, 1, filters, 1, bias, 1)
    channels, filters, high, wide, stride, _, groups, bias, _, _, out_h, out_w = kernel.sizes
    places = product((batch, out_h, out_w))
    return Matrix(places, channels // groups, high * wide, filters // groups, groups, bias, stride)


def work_of(kernel: Kernel, batch: int, width: int) -> Work:
    """Return what a kernel does at a batch, of elements *width* bytes wide."""
    return _WORK.get(kernel.kind, _other_work)(kernel, batch, width)


def _matrix_work(kernel: Kernel, batch: int, width: int) -> Work:
    matrix = matrix_of(kernel, batch)
    weights = product((matrix.channels, matrix.taps, matrix.filters, matrix.groups))
    written = product((matrix.places, matrix.filters, matrix.groups, width))
    if kernel.kind == "linear":
        read = product((matrix.places, matrix.channels, width))
    else:
        read = product((kernel.sizes[0], *kernel.sizes[8:10], batch, width))
    return Work(read, written, weights * width, matrix.places * weights)


def _pool_work(kernel: Kernel, batch: int, width: int) -> Work:
    channels, _, _, _, in_h, in_w, out_h, out_w = kernel.sizes
    index = _INDEX if kernel.kind == "max_pool" else 0
    return Work(product((channels, in_h, in_w, batch, width)), product((channels, out_h, out_w, batch, width + index)))


def _map_work(kernel: Kernel, batch: int, width: int) -> Work:
    elements = product((*kernel.sizes[:2], batch, width))
    return Work(elements, elements)


def _reduced_work(kernel: Kernel, batch: int, width: int) -> Work:
    return Work(product((*kernel.sizes, batch, width)), product((kernel.sizes[0], batch, width)))


def _elements_work(kernel: Kernel, batch: int, width: int) -> Work:
    elements = product((kernel.sizes[0], batch, width))
    return Work(elements, elements)


def _join_work(kernel: Kernel, batch: int, width: int) -> Work:
    written, read = kernel.sizes
    return Work(product((read, batch, width)), product((written, batch, width)))


def _attention_work(kernel: Kernel, batch: int, width: int) -> Work:
    read, written, heads, queries, keys, key_dim, value_dim, causal, _, _ = kernel.sizes
    # A kernel leaves out about half of what is hidden behind a query.
    macs = product((heads, queries, keys, key_dim + value_dim, batch)) // (1 + causal)
    return Work(read * (batch * width), written * (batch * width), 0, macs)


def _lookup_work(kernel: Kernel, batch: int, width: int) -> Work:
    read, written, _, _ = kernel.sizes  # of the table, the rows that are asked for
    return Work((read + written) * (batch * width), written * (batch * width))


def _other_work(kernel: Kernel, batch: int, width: int) -> Work:
    read, written, weights, macs = kernel.sizes
    return Work(read * (batch * width), written * (batch * width), weights * width, macs * batch)


_WORK: Mapping[str, Callable[[Kernel, int, int], Work]] = {
    **dict.fromkeys(("standard", "pointwise", "linear", "depthwise", "grouped"), _matrix_work),
    **dict.fromkeys(("max_pool", "avg_pool"), _pool_work),
    "global_avg_pool": _reduced_work,
    **dict.fromkeys(("batch_norm", "layer_norm", "group_norm", "layer_scale", "channel_shuffle"), _map_work),
    **dict.fromkeys(("add", "multiply"), _join_work),
    **dict.fromkeys(("concat", *ACTIVATIONS), _elements_work),
    "attention": _attention_work,
    "embedding": _lookup_work,
}

# Classes


def class_of(kernel: Kernel) -> str:
    """Return the class of a kernel: those whose time follows one formula with the same constants. Where sizes are
    arrays, all candidates have to be of one class."""
    classify = _CLASSES.get(kernel.kind)
    return kernel.kind if classify is None else classify(kernel)


def _depthwise_class(kernel: Kernel) -> str:
    side = max(kernel.sizes[2:4])
    return next((f"depthwise_{most}" for most in (3, 5, 11) if side <= most), "depthwise_large")


def _pointwise_class(kernel: Kernel) -> str:
    if product(kernel.sizes[10:]) == 1:
        return "gate"
    return "pointwise" if all(channels % _VECTOR == 0 for channels in kernel.sizes[:2]) else "pointwise_odd"


def _grouped_class(kernel: Kernel) -> str:
    groups = kernel.sizes[6]
    channels = kernel.sizes[0] // groups
    if (
        channels == 1
    ):  # a depthwise convolution of several filters a channel, which libraries have no kernel of its own for
        return "depthwise_many"
    if groups <= _FEW_GROUPS:
        return "grouped_few"
    return "grouped" if channels & (channels - 1) == 0 else "grouped_odd"


_CLASSES: Mapping[str, Callable[[Kernel], str]] = {
    "depthwise": _depthwise_class,
    "pointwise": _pointwise_class,
    "standard": lambda kernel: "stem" if kernel.sizes[0] < _VECTOR else "standard",
    "linear": lambda kernel: "linear" if kernel.sizes[3] == 1 else "linear_map",
    "grouped": _grouped_class,
    # What is added to scores is read by another kernel.
    "attention": lambda kernel: "attention_biased" if kernel.sizes[-2] else "attention",
    # A product of two whole maps takes what a sum does; one with a number for each channel does not.
    "multiply": lambda kernel: "add" if kernel.sizes[1] >= 2 * kernel.sizes[0] else "multiply",
}
# What writes its input in another order, or between what it fills up.
_COPIES = ("window_partition", "window_reverse", "unfold", "fold", "merge_patches", "space_to_channels", "pad")
_RECURRENT = ("lstm", "gru", "rnn")
# By which class a kernel is judged where a profile has nothing of its own.
_LIKE: Mapping[str, str] = {
    **dict.fromkeys(ACTIVATIONS, "activation"),
    **dict.fromkeys(_COPIES, "copy"),
    "linear_map": "pointwise",
    "pointwise_odd": "pointwise",
    "avg_pool": "max_pool",
    "max_pool": "avg_pool",
    "gate": "linear",
    "linear": "gate",
    "layer_scale": "multiply",
    "add": "multiply",
    "multiply": "add",
    "channel_shuffle": "concat",
    "stem": "standard",
    "depthwise_5": "depthwise_3",
    **dict.fromkeys(_RECURRENT, "recurrent"),
}
POOLED: Mapping[str, tuple[str, ...]] = {"activation": ACTIVATIONS, "copy": _COPIES, "recurrent": _RECURRENT}


# All but those that are operators by their names.
CLASSES = (
    *(kind for kind in _WORK if kind != "depthwise"),
    "depthwise_3", "depthwise_5", "depthwise_11", "depthwise_large", "depthwise_many", "grouped_odd", "grouped_few",
    "stem", "gate", "linear_map", "pointwise_odd", "attention_biased", *POOLED,
)  # fmt: skip


def like(name: str, kernel: Kernel) -> tuple[str, Kernel] | None:
    """Return the class that is nearest to one, and what a kernel is there; None where there is none like it."""
    if name not in _LIKE:
        return None
    if name == "linear_map":  # whose bias costs nothing
        features, filters, _, places = kernel.sizes
        return _LIKE[name], Kernel("pointwise", (features, filters, 1, 1, 1, 1, 1, 0, places, 1, places, 1))
    if kernel.kind == "layer_scale":
        channels, places = kernel.sizes
        return _LIKE[name], Kernel("multiply", (channels * places, channels * places + channels))
    if kernel.kind == "channel_shuffle":
        return _LIKE[name], Kernel("concat", (product(kernel.sizes), 2))
    return _LIKE[name], kernel


# Formulas

Constants = tuple[float, ...]


def _moved(amount: Dim, fast: float, slow: float, cache: float) -> Any:
    """Return the µs that bytes take: from the cache as long as they fit, then from memory."""
    hit = 1 / (1 + (amount / cache) ** 3)
    return amount * (hit / fast + (1 - hit) / slow)


def _moving(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory = constants
    return overhead + _moved(work_of(kernel, batch, width).bytes, *memory)


def _pooling(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory, rate = constants
    work = work_of(kernel, batch, width)
    compared = product((kernel.sizes[0], *kernel.sizes[1:3], *kernel.sizes[6:], batch))
    return overhead + _moved(work.bytes, *memory) + compared / rate


def _multiplying(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory, peak, bias_us, odd_us, odd_rate, stride_us, stride_rate = constants
    matrix, work = matrix_of(kernel, batch), work_of(kernel, batch, width)
    tiles = ceil_div(matrix.places, _TILE_PLACES) * ceil_div(matrix.filters, _TILE_CHANNELS) * matrix.groups
    summed = ceil_div(matrix.channels, _VECTOR) * (_VECTOR * matrix.taps)
    waves = maximum(tiles / _PROCESSORS, 1.0)
    products = waves * summed * (_TILE_PLACES * _TILE_CHANNELS * _PROCESSORS / peak)
    odd = (matrix.channels % _VECTOR != 0) | (matrix.filters % _VECTOR != 0)
    us = overhead + (_moved(work.bytes, *memory) ** 4 + products**4) ** 0.25
    us = us + matrix.bias * (bias_us + _moved(2 * work.written, *memory))  # which is added by a kernel of its own
    us = us + odd * (odd_us + work.bytes / odd_rate)
    return us + (matrix.stride > 1) * (stride_us + work.read / stride_rate)


def _sliding(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory, rate, stride_us = constants
    work = work_of(kernel, batch, width)
    us = overhead + (_moved(work.bytes, *memory) ** 4 + (_taken(kernel, batch) / rate) ** 4) ** 0.25
    return us + (kernel.sizes[4] > 1) * stride_us


def _taken(kernel: Kernel, batch: int) -> Any:
    """Return the multiply-accumulates of a depthwise convolution that do not fall on its padding."""
    _, filters, high, wide, _, _, _, _, in_h, in_w, out_h, out_w = kernel.sizes
    inside = [_inside(side, size) / side for side, size in ((high, in_h), (wide, in_w))]
    return product((filters, high, wide, out_h, out_w, batch)) * inside[0] * inside[1]


def _inside(side: int, size: Dim) -> Any:
    """Return how many of a kernel's places lie inside a map, on average over all positions at stride 1: at each end of
    the map the first positions miss padding, padding − 1, … of them."""
    padding = side // 2
    ends = minimum(size, padding)
    return side - ends * (2 * padding - ends + 1) / size


def _grouping(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory, peak, bias_us, stride_rate = constants
    matrix, work = matrix_of(kernel, batch), work_of(kernel, batch, width)
    # However few its filters, each group takes a tile of them.
    filled = maximum(matrix.filters, _TILE_GROUP) * matrix.groups
    products = product((matrix.places, matrix.channels, matrix.taps)) * filled / peak
    us = overhead + (_moved(work.bytes, *memory) ** 4 + products**4) ** 0.25 + matrix.bias * bias_us
    return us + (matrix.stride > 1) * work.read / stride_rate


def _attending(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory, peak, exponents = constants
    work, [heads, queries, keys, *_] = work_of(kernel, batch, width), kernel.sizes[2:]
    scores = product((heads, queries, keys, batch))
    return overhead + (_moved(work.bytes, *memory) ** 4 + (work.macs / peak + scores / exponents) ** 4) ** 0.25


def _norming(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory, rate = constants
    channels, places, groups = kernel.sizes
    # A multiprocessor takes a group of an image: those of few groups leave others without work.
    waves = maximum(groups * (batch / _PROCESSORS), 1.0)
    summed = product((channels, places)) / groups * waves
    return overhead + _moved(work_of(kernel, batch, width).bytes, *memory) + summed / rate


def _working(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, *memory, peak = constants
    work = work_of(kernel, batch, width)
    return overhead + (_moved(work.bytes, *memory) ** 4 + (work.macs / peak) ** 4) ** 0.25


def _recurring(constants: Constants, kernel: Kernel, batch: int, width: int) -> Any:
    overhead, step_us, *memory, peak = constants
    # One after the other: each waits for what the step before it leaves. A weight is used once in each.
    steps = ceil_div(kernel.sizes[3], kernel.sizes[2])
    return steps * step_us + _working((overhead, *memory, peak), kernel, batch, width)


class Form(NamedTuple):
    """A formula, and where a fit of its constants starts, near which they stay as far as nothing measured moves them:
    each so many times a quantity of the device, its ceilings by name, or `1`."""

    us: Callable[[Constants, Kernel, int, int], Any]
    starts: tuple[tuple[float, str], ...]

    def start(self, ceilings: Ceilings) -> Constants:
        """Return the constants to start from on a device."""
        return tuple([factor * getattr(ceilings, of) if of else factor for factor, of in self.starts])


_K, _B, _M = "kernel_us", "bytes_per_us", "macs_per_us"
_MEMORY = ((1.7, _B), (0.8, _B), (30e6, ""))
_ODD = ((0.3, _K), (0.5, _B))
FORMS: Mapping[str, Form] = {
    "moving": Form(_moving, ((1.8, _K), *_MEMORY)),
    "reducing": Form(_moving, ((4.5, _K), *_MEMORY)),
    "pooling": Form(_pooling, ((15.0, _K), *_MEMORY, (0.2, _B))),
    "multiplying": Form(_multiplying, ((2.6, _K), *_MEMORY, (1.3, _M), (3.0, _K), *_ODD, (0.7, _K), (1.0, _B))),
    "filtering": Form(_multiplying, ((4.5, _K), *_MEMORY, (1.3, _M), (3.0, _K), *_ODD, (0.1, _K), (5.0, _B))),
    "sliding": Form(_sliding, ((3.0, _K), *_MEMORY, (0.1, _M), (0.5, _K))),
    "sliding_wide": Form(_sliding, ((12.0, _K), *_MEMORY, (0.02, _M), (0.5, _K))),
    "grouping": Form(_grouping, ((4.3, _K), *_MEMORY, (0.5, _M), (1.0, _K), (0.2, _B))),
    "norming": Form(_norming, ((6.0, _K), *_MEMORY, (0.01, _B))),
    "attending": Form(_attending, ((6.0, _K), *_MEMORY, (0.5, _M), (1.0, _B))),
    "working": Form(_working, ((3.0, _K), *_MEMORY, (0.2, _M))),
    "recurring": Form(_recurring, ((6.0, _K), (5.0, _K), *_MEMORY, (0.05, _M))),
    "grouping_odd": Form(_grouping, ((36.0, _K), *_MEMORY, (0.1, _M), (1.0, _K), (0.2, _B))),
}
_FORM_OF: Mapping[str, str] = {
    **dict.fromkeys(("pointwise", "pointwise_odd", "gate", "linear", "linear_map"), "multiplying"),
    **dict.fromkeys(("standard", "stem"), "filtering"),
    **dict.fromkeys(("depthwise_3", "depthwise_5"), "sliding"),
    **dict.fromkeys(("depthwise_11", "depthwise_large", "depthwise_many"), "sliding_wide"),
    "grouped": "grouping",
    "grouped_odd": "grouping_odd",
    "grouped_few": "grouping",
    **dict.fromkeys(("max_pool", "avg_pool"), "pooling"),
    **dict.fromkeys(("batch_norm", "global_avg_pool"), "reducing"),
    **dict.fromkeys(("attention", "attention_biased"), "attending"),
    "group_norm": "norming",
    **dict.fromkeys((*_RECURRENT, "recurrent"), "recurring"),
}


def form_of(name: str) -> str:
    """Return the name of the formula of a class."""
    return _FORM_OF.get(name, "moving" if name in CLASSES else "working")


# Features


def features_of(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    """Return what the residual of a kernel hangs on: logarithms of sizes, and by how many of 8, 32 and 64 its channels
    can be divided."""
    kind = "depthwise" if kernel.kind == "grouped" and kernel.sizes[0] == kernel.sizes[6] else kernel.kind
    return _FEATURES.get(kind, _of_other)(kernel, batch, width)


def _of_matrix(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    matrix, work = matrix_of(kernel, batch), work_of(kernel, batch, width)
    sizes = (work.bytes, work.macs, matrix.channels, matrix.filters, matrix.places, matrix.taps, matrix.stride)
    return (*map(_log2, sizes), _aligned(matrix.channels), _aligned(matrix.filters))


def _of_grouped(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    return (*_of_matrix(kernel, batch, width), _log2(kernel.sizes[6]))


def _of_depthwise(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    channels, _, high, wide, stride, _, _, _, _, _, out_h, out_w = kernel.sizes
    bytes = work_of(kernel, batch, width).bytes
    sizes = (bytes, channels, product((out_h, out_w)), high * wide, stride)
    return (*map(_log2, sizes), _aligned(channels))


def _of_pool(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    channels, high, wide, stride, _, _, out_h, out_w = kernel.sizes
    bytes = work_of(kernel, batch, width).bytes
    return tuple(map(_log2, (bytes, channels, product((out_h, out_w)), high * wide, stride)))


def _of_map(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    return (*map(_log2, kernel.sizes), _aligned(kernel.sizes[0]))


def _of_join(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    written, read = kernel.sizes
    return _log2(written), _log2(read / written)


def _of_concat(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    return _log2(kernel.sizes[0]), _log2(kernel.sizes[1])


def _of_attention(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    *sizes, _, _, maps = kernel.sizes
    return (*map(_log2, sizes[:7]), maps)


def _of_lookup(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    return _log2(kernel.sizes[0]), _log2(kernel.sizes[1])


def _of_other(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    return tuple([_log2(size + 1) for size in kernel.sizes])


def _of_elements(kernel: Kernel, batch: int, width: int) -> tuple[Any, ...]:
    return (_log2(kernel.sizes[0]),)


def _log2(value: Any) -> Any:
    if is_array(value):
        from numpy import log2 as log2_of_array

        return log2_of_array(value)
    return log2(value)


def _aligned(channels: Dim) -> Any:
    return (channels % 8 == 0) * 1.0 + (channels % 32 == 0) + (channels % 64 == 0)


_FEATURES: Mapping[str, Callable[[Kernel, int, int], tuple[Any, ...]]] = {
    **dict.fromkeys(("standard", "pointwise", "linear"), _of_matrix),
    "grouped": _of_grouped,
    "depthwise": _of_depthwise,
    **dict.fromkeys(("max_pool", "avg_pool"), _of_pool),
    **dict.fromkeys(("global_avg_pool", "batch_norm", "layer_norm", "layer_scale", "channel_shuffle"), _of_map),
    **dict.fromkeys(("add", "multiply"), _of_join),
    "concat": _of_concat,
    "group_norm": lambda kernel, batch, width: tuple(map(_log2, kernel.sizes)),
    **dict.fromkeys(ACTIVATIONS, _of_elements),
    "attention": _of_attention,
    "embedding": _of_lookup,
}

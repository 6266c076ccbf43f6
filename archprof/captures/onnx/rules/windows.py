"""Operators that slide windows, or set a map on another grid: convolutions, pools, resizes, samples."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, prod

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.elements import rounded
from archprof.captures.onnx.rules.movement import shown
from archprof.captures.onnx.rules.rule import Macs, Outputs, Rule, Rules
from archprof.captures.onnx.tensor import Dim, Dims, Misfit, Tensor, Unknown, axis_of, divided, made, numbers, times
from archprof.ir.dims import conv_out
from archprof.named_tuple import NamedTuple


class Window(NamedTuple):
    """How a window slides, by axis; *pads* are those before and behind each axis, None where they keep the size."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]


def window(call: Call, space: Dims, kernel: Sequence[int]) -> Window:
    """Return the window of a convolution or a pool over some axes. Raises Misfit for one that is none."""
    found = _stated_window(call, space, kernel)
    automatic = call.text("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        axes = zip(space, found.kernel, found.strides, found.dilations, strict=True)
        return found._replace(pads=tuple([_same(*axis, automatic == "SAME_LOWER") for axis in axes]))
    return found._replace(pads=((0, 0),) * len(kernel)) if automatic == "VALID" else found


def _stated_window(call: Call, space: Dims, kernel: Sequence[int]) -> Window:
    """Return a window with the pads that attributes state. Raises Misfit for one that is none."""
    axes = len(kernel)
    if len(space) != axes or not axes:
        raise Misfit(f"a window of {axes} axes over {shown(space)}")
    strides, dilations = (call.integers(name) or (1,) * axes for name in ("strides", "dilations"))
    pads = call.integers("pads") or (0,) * (2 * axes)
    if (len(strides), len(dilations), len(pads)) != (axes, axes, 2 * axes):
        raise Misfit(f"strides, dilations or pads are not those of {axes} axes")
    if min(*strides, *dilations, *kernel) < 1:
        raise Misfit("a stride, dilation or kernel of less than 1")
    return Window(tuple(kernel), strides, dilations, tuple(zip(pads[:axes], pads[axes:], strict=True)))


def _same(size: Dim, kernel: int, stride: int, dilation: int, before: bool) -> tuple[int, int]:
    """Return the pads with which each stride has its window."""
    if size is None:
        raise Unknown
    extent = dilation * (kernel - 1) + 1
    added = max(0, (-(-size // stride) - 1) * stride + extent - size)
    return (added - added // 2, added // 2) if before else (added // 2, added - added // 2)


def slid(space: Dims, found: Window, ceil: bool = False) -> Dims:
    """Return how often a window fits along each axis. Raises Misfit where it never does."""
    sizes: list[Dim] = []
    for axis, size in enumerate(space):
        if size is None:
            sizes.append(None)
            continue
        kernel, dilation, pads = found.kernel[axis], found.dilations[axis], found.pads[axis]
        extent, room = dilation * (kernel - 1) + 1, size + sum(pads)
        if extent > room:
            raise Misfit(f"a window of {extent} is larger than the padded input of {room}")
        sizes.append(int(conv_out(size, kernel, found.strides[axis], pads, dilation, ceil)))
    return tuple(sizes)


def conv_window(call: Call, image: Dims, weight: Dims) -> Window:
    """Return the window of a convolution with a weight (out, in / groups, kernel…)."""
    kernel = call.integers("kernel_shape") or numbers(weight[2:])
    return window(call, image[2:], kernel)


def convolved(call: Call, image: Dims, weight: Dims) -> Dims:
    """Return the shape of a convolution. Raises Misfit where the weight does not fit the image."""
    if len(image) < 3 or len(weight) != len(image):
        raise Misfit(f"a weight {shown(weight)} on {shown(image)}")
    each, channels, filters = weight[1], image[1], weight[0]
    groups = _groups(call, filters, "output")
    if each is not None and channels is not None and each * groups != channels:
        raise Misfit(f"a convolution of {each * groups} channels on {channels}")
    found = conv_window(call, image, weight)
    if all(size is not None for size in weight[2:]) and found.kernel != weight[2:]:
        raise Misfit(f"a kernel {shown(found.kernel)} with a weight {shown(weight)}")
    return (image[0], filters, *slid(image[2:], found))


def _groups(call: Call, channels: Dim, side: str) -> int:
    """Return into how many groups a weight's first axis falls. Raises Misfit where it does not."""
    groups = call.integer("group", 1)
    if groups < 1 or (channels is not None and channels % groups):
        raise Misfit(f"{channels} {side} channels in {groups} groups")
    return groups


def conv(image: int = 0, weight: int = 1, dtype: str = "") -> Outputs:
    """Return the rule of a convolution, by where its image and its weight stand among its inputs."""

    def outputs(call: Call) -> list[Tensor]:
        return [made(dtype or call.dtype(image), convolved(call, call.shape(image), call.shape(weight)))]

    return outputs


def conv_macs(weight: int = 1) -> Macs:
    """Return the count of a convolution: a window of its group's channels for each output element."""

    def macs(call: Call, outputs: list[Tensor]) -> int:
        return prod(outputs[0].sizes) * prod(call.sizes(weight)[1:])

    return macs


def transposed_window(call: Call, space: Dims, kernel: Sequence[int]) -> tuple[Window, Dims]:
    """Return the window of a transposed convolution, and the sizes of its output, which may be given instead of
    pads."""
    stated = _stated_window(call, space, kernel)
    axes = len(kernel)
    more = call.integers("output_padding") or (0,) * axes
    if len(more) != axes:
        raise Misfit(f"an output padding of {len(more)} axes over {shown(space)}")
    wanted = call.integers("output_shape")
    automatic = call.text("auto_pad", "NOTSET")
    sizes: list[Dim] = []
    pads = []
    for axis, size in enumerate(space):
        stride = stated.strides[axis]
        spans = stated.dilations[axis] * (kernel[axis] - 1) + 1 + more[axis]
        full = None if size is None else stride * (size - 1) + spans
        cut = sum(stated.pads[axis])
        target = wanted[len(wanted) - axes + axis] if wanted else None
        if target is None and automatic.startswith("SAME"):
            target = times(size, stride)
        if target is not None and full is not None:
            cut = max(0, full - target)
            pads.append((cut // 2, cut - cut // 2) if automatic != "SAME_UPPER" else (cut - cut // 2, cut // 2))
        else:
            pads.append(stated.pads[axis])
        sizes.append(target if target is not None else None if full is None else full - cut)
    if any(size is not None and size < 1 for size in sizes):
        raise Misfit(f"{shown(sizes)} are no sizes")
    return stated._replace(pads=tuple(pads)), tuple(sizes)


def _transposed(call: Call) -> list[Tensor]:
    image, weight = call.shape(), call.shape(1)
    if len(image) < 3 or len(weight) != len(image):
        raise Misfit(f"a weight {shown(weight)} on {shown(image)}")
    groups = _groups(call, weight[0], "input")
    if weight[0] is not None and image[1] is not None and weight[0] != image[1]:
        raise Misfit(f"a transposed convolution of {weight[0]} channels on {image[1]}")
    kernel = call.integers("kernel_shape") or numbers(weight[2:])
    _, sizes = transposed_window(call, image[2:], kernel)
    return [made(call.dtype(), (image[0], times(weight[1], groups), *sizes))]


def _transposed_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count a window for each input element, which is spread over so many outputs."""
    return prod(call.sizes()) * prod(call.sizes(1)[1:])


def _deformed(call: Call) -> list[Tensor]:
    image, offset = call.shape(), call.shape(2)
    shape = convolved(call, image, call.shape(1))
    if len(offset) != len(image):
        raise Misfit(f"offsets {shown(offset)} on {shown(image)}")
    return [made(call.dtype(), shape)]


def pooled(call: Call) -> list[Tensor]:
    """Return the maxima or means of windows, and the places of the maxima."""
    shape = call.shape()
    if len(shape) < 3:
        raise Misfit(f"a pool over {shown(shape)}")
    found = window(call, shape[2:], call.integers("kernel_shape") or ())
    sizes = (*shape[:2], *slid(shape[2:], found, bool(call.integer("ceil_mode"))))
    return [made(call.dtype(), sizes), made("int64", sizes)]


def global_pool(call: Call) -> list[Tensor]:
    """Return one element for each channel."""
    shape = call.shape()
    if len(shape) < 2:
        raise Misfit(f"a pool over {shown(shape)}")
    return [made(call.dtype(), (*shape[:2], *((1,) * (len(shape) - 2))))]


def _unpooled(call: Call) -> list[Tensor]:
    shape = call.shape()
    if call.has(2):
        return [made(call.dtype(), call.input(2).integers())]
    _, sizes = transposed_window(call, shape[2:], call.integers("kernel_shape") or ())
    return [made(call.dtype(), (*shape[:2], *sizes))]


def _of_regions(call: Call) -> list[Tensor]:
    """Return a small map of each region."""
    sizes = call.integers("pooled_shape")
    if sizes is None:
        sizes = (call.integer("output_height", 1), call.integer("output_width", 1))
    return [made(call.dtype(), (call.shape(1)[0], call.shape()[1], *sizes))]


def _resized(call: Call) -> list[Tensor]:
    """Return a map of other sizes: given as such, or by scales, as an attribute or as one of several inputs."""
    shape = call.shape()
    places = (1, 9) if call.op == "Upsample" or call.version < 11 else (2, 3)
    axes = call.integers("axes") or tuple(range(len(shape)))
    scales = call.attributes.get("scales")
    if scales is None:
        found = call.optional(places[0])
        scales = found.data if found is not None and found.elements != 0 else None
        if scales is None and found is not None and found.elements != 0:
            return [made(call.dtype(), (None,) * len(shape))]
    sizes: list[Dim] = list(shape)
    if scales is not None:
        _check_axes(scales, axes)
        for axis, scale in zip(axes, scales, strict=True):
            size = shape[axis_of(axis, len(shape))]
            sizes[axis_of(axis, len(shape))] = None if size is None or scale is None else _scaled(size, scale)
    else:
        wanted = call.input(places[1])
        data = wanted.data if wanted.data is not None else (None,) * len(axes)
        _check_axes(data, axes)
        for axis, target in zip(axes, data, strict=True):
            sizes[axis_of(axis, len(shape))] = None if target is None else int(target)
        sizes = list(_kept_ratio(call, shape, axes, tuple(sizes)))
    if any(size is not None and size < 1 for size in sizes):
        raise Misfit(f"{shown(sizes)} are no sizes")
    return [made(call.dtype(), sizes)]


def _scaled(size: int, scale: float) -> int:
    """Return a size times a scale, in single precision as runtimes have it."""
    found = rounded("float32", size * float(scale))
    return floor(found) if isinstance(found, float) and isfinite(found) else 0


def _check_axes(given: Sequence[object], axes: Sequence[int]) -> None:
    if len(given) != len(axes):
        raise Misfit(f"{len(given)} sizes of {len(axes)} axes")


def _kept_ratio(call: Call, shape: Dims, axes: Sequence[int], sizes: Dims) -> Dims:
    """Return sizes that keep the ratio of a map, the largest that fit, or the smallest that cover."""
    policy = call.text("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return sizes
    choose = min if policy == "not_larger" else max
    known, wanted = numbers(shape), numbers(sizes)
    scale = choose(wanted[axis] / known[axis] for axis in axes)
    return tuple([floor(known[k] * scale + 0.5) if k in axes else known[k] for k in range(len(shape))])


def _grid(call: Call) -> list[Tensor]:
    image, grid = call.shape(), call.shape(1)
    return [made(call.dtype(), (*image[:2], *grid[1:-1]))]


def _affine_grid(call: Call) -> list[Tensor]:
    n, _, *space = call.input(1).integers()
    return [made(call.dtype(), (n, *space, len(space)))]


def _columns_to_image(call: Call) -> list[Tensor]:
    n, rows, *_ = call.shape()
    space, block = call.input(1).integers(), call.input(2).integers()
    return [made(call.dtype(), (n, divided(rows, max(1, prod(block))), *space))]


_WEIGHTS = ("", "weight", "bias")

RULES: Rules = {
    "Conv": Rule(conv(), "standard", conv_macs(), _WEIGHTS),
    "ConvTranspose": Rule(_transposed, "standard", _transposed_macs, _WEIGHTS),
    "DeformConv": Rule(_deformed, "standard", conv_macs(), ("", "weight", "", "bias")),
    "ConvInteger": Rule(conv(dtype="int32"), "standard", conv_macs(), ("", "weight", "", "")),
    "QLinearConv": Rule(conv(0, 3), "standard", conv_macs(3), ("", "", "", "weight", "", "", "", "", "bias")),
    "MaxPool": Rule(pooled, "pool"),
    "AveragePool": Rule(pooled, "pool"),
    "LpPool": Rule(pooled, "pool"),
    "GlobalAveragePool": Rule(global_pool, "pool"),
    "GlobalMaxPool": Rule(global_pool, "pool"),
    "GlobalLpPool": Rule(global_pool, "pool"),
    "MaxUnpool": Rule(_unpooled),
    "MaxRoiPool": Rule(_of_regions, "pool"),
    "RoiAlign": Rule(_of_regions, "pool"),
    "Resize": Rule(_resized, "shape", slots=("",) * 4),
    "Upsample": Rule(_resized, "shape", slots=("",) * 2),
    "GridSample": Rule(_grid),
    "AffineGrid": Rule(_affine_grid),
    "Col2Im": Rule(_columns_to_image, "shape"),
}

"""Calls that cost nothing and carry the graph, as operators of ours: views, parts, joins, functions of each element."""

from collections.abc import Mapping, Sequence
from typing import Any

from archprof.captures.calls import Dispatched
from archprof.captures.site import Lift, Site, is_held, moved_axes, without_batch
from archprof.ir.operators.base import Operator
from archprof.ir.operators.flatten import Flatten
from archprof.ir.operators.join import Add, Concat, Multiply
from archprof.ir.operators.mean import Mean
from archprof.ir.operators.pointwise import Pointwise, Reduce
from archprof.ir.operators.shape import Permute
from archprof.ir.operators.views import (
    Chunk,
    ConcatAxis,
    Expand,
    GridSample,
    Interpolate,
    PadAxes,
    PixelShuffle,
    Reshape,
    Select,
    Slice,
    Stack,
    Unbind,
)

# So many parts a lock lists.
_MOST_PARTS = 63


def _join(op: type[Operator]) -> Lift:
    def lifted(site: Site) -> Operator | None:
        plain = len(list(site.call.tensors())) == 2 and site.given.get("alpha", 1) == 1
        same_rank = len({len(value.shape) for value in site.inputs}) == 1
        return op() if plain and len(site.inputs) == 2 and same_rank else _pointwise(site)

    return lifted


def _pointwise(site: Site) -> Operator | None:
    held = [seen for seen in site.call.tensors() if is_held(seen)]
    if len(held) > 1 or any(not seen.shape for seen in held):
        return None
    return Pointwise(site.call.name, _own(held[0].shape, site.inputs) if held else ())


def _own(shape: tuple[int, ...], inputs: Sequence[Any]) -> tuple[int, ...]:
    """Return the shape of a learned tensor without the axis that stands where the batch of others does."""
    most = max(len(value.shape) for value in inputs)
    return shape[1:] if len(shape) == most + 1 and shape[0] == 1 and isinstance(inputs[0].batch, int) else shape


def _concat(site: Site) -> Operator | None:
    axis = site.own_axis(site.given["dim"])
    if axis is None:
        return None
    channels = site.inputs[0].channel == axis == 0
    return Concat() if channels and site.given["dim"] == 1 else ConcatAxis(axis)


def _stack(site: Site) -> Operator | None:
    axis = without_batch(site.given["dim"] % (len(site.first) + 1), site.outputs[0])
    return None if axis is None else Stack(axis)


def _flatten(site: Site) -> Operator | None:
    whole = (site.given["start_dim"], site.given["end_dim"]) == (1, -1) and site.inputs[0].batch == 0
    return Flatten() if whole else _reshape(site)


def _reshape(site: Site) -> Operator | None:
    return Reshape(site.outputs[0].shape)


def _expand(site: Site) -> Operator | None:
    return Expand(site.outputs[0].shape)


def _permute(site: Site) -> Operator | None:
    axes = moved_axes(site.call)
    before, behind = site.inputs[0].batch, site.outputs[0].batch
    if isinstance(before, int) != isinstance(behind, int) or (isinstance(behind, int) and axes[behind] != before):
        return None
    left = [without_batch(axis, site.inputs[0]) for axis in axes]
    return Permute(tuple(axis for axis in left if axis is not None))


def _slice(site: Site) -> Operator | None:
    given = site.given
    whole = given["dim"] % len(site.first)
    axis = site.own_axis(whole)
    start = given["start"] or 0
    size = site.outputs[0].shape[axis] if axis is not None and len(site.outputs[0].shape) > axis else 0
    if axis is None or not size:
        return None
    return Slice(axis, start + site.first[whole] if start < 0 else start, size, given["step"])


def _select(site: Site) -> Operator | None:
    axis = site.own_axis(site.given["dim"])
    return None if axis is None else Select(axis)


def _split(site: Site) -> Operator | None:
    axis = site.own_axis(site.given["dim"])
    if axis is None or len(site.outputs) > _MOST_PARTS or any(len(one.shape) <= axis for one in site.outputs):
        return None
    return Chunk(axis, tuple(value.shape[axis] for value in site.outputs))


def _unbind(site: Site) -> Operator | None:
    axis = site.own_axis(site.given["dim"])
    return None if axis is None else Unbind(axis)


def _pad(site: Site) -> Operator | None:
    """Return the padding of the last axes, the last first, as torch has it."""
    ends = list(site.given["pad" if "pad" in site.given else "padding"])
    rank = len(site.first)
    pairs = [(0, 0)] * (rank - len(ends) // 2) + list(zip(ends[::2], ends[1::2], strict=True))[::-1]
    batch = site.inputs[0].batch
    if isinstance(batch, int):
        if pairs[batch] != (0, 0):
            return None
        del pairs[batch]
    if any(min(pair) < 0 for pair in pairs):
        return None
    mode = next((mode for mode in ("reflection", "replication") if site.call.name.startswith(mode)), "constant")
    return PadAxes(tuple(before for before, _ in pairs), tuple(behind for _, behind in pairs), mode)


def _interpolate(site: Site) -> Operator | None:
    rank = len(site.first) - 2
    return Interpolate(site.outputs[0].shape[-rank:], _mode(site.call))


def _mode(call: Dispatched) -> str:
    """Return `bilinear` of `upsample_bilinear2d`, `bilinear antialiased` of `_upsample_bilinear2d_aa`."""
    modes = ("trilinear", "bilinear", "linear", "bicubic", "nearest_exact", "nearest")
    mode = next(mode for mode in modes if mode in call.name).replace("_", " ")
    return f"{mode} antialiased" if call.name.endswith("_aa") else mode


def _shuffle(site: Site) -> Operator | None:
    return PixelShuffle(site.given["upscale_factor"])


def _unshuffle(site: Site) -> Operator | None:
    return PixelShuffle(site.given["downscale_factor"], back=True)


def _mean(site: Site) -> Operator | None:
    axes = site.given.get("dim")
    rank = len(site.first)
    on_map = site.inputs[0].channel == 0 and rank == 4 and site.inputs[0].batch == 0
    whole = on_map and axes is not None and sorted(axis % rank for axis in axes) == [2, 3]
    return Mean(site.given["keepdim"]) if whole else _reduce(site)


def _reduce(site: Site) -> Operator | None:
    given = site.given.get("dim")
    rank = len(site.first)
    listed = range(rank) if given is None or given == [] else [given] if isinstance(given, int) else given
    axes = [site.own_axis(axis) for axis in listed]
    found = tuple(sorted(axis for axis in axes if axis is not None))
    return Reduce(site.call.name, found, bool(site.given.get("keepdim"))) if len(found) == len(axes) else None


_FUNCTIONS = (
    *("abs", "acos", "asin", "atan", "atan2", "ceil", "clamp", "clamp_min", "clamp_max", "clone", "contiguous", "cos"),
    *("cumsum", "detach", "elu", "celu", "selu", "eq", "erf", "exp", "expm1", "floor", "floor_divide", "fmod", "ge"),
    *("gelu", "gt", "hardtanh", "isnan", "isinf", "le", "leaky_relu", "log", "log1p", "log2", "log_softmax", "lt"),
    *("logical_and", "logical_not", "logical_or", "bitwise_and", "bitwise_not", "bitwise_or", "maximum", "minimum"),
    *("_log_softmax", "log_sigmoid", "logit", "masked_fill", "mish", "ne", "neg", "normalize", "pow", "prelu"),
    *("_prelu_kernel", "reciprocal", "remainder", "rsqrt", "rsub", "roll", "round", "sign", "sin", "softplus", "flip"),
    *("sqrt", "square", "sub", "div", "tan", "to", "_to_copy", "tril", "triu", "trunc", "type_as", "where", "alias"),
    *("fill", "zeros_like", "ones_like", "full_like", "empty_like", "softsign", "tanhshrink", "hardshrink"),
    *("threshold", "lerp", "addcmul", "addcdiv", "xlogy", "erfinv", "lift_fresh", "copy", "dropout", "native_dropout"),
)
_REDUCTIONS = ("sum", "amax", "amin", "max", "min", "argmax", "argmin", "var", "std", "prod", "any", "all", "logsumexp")

LIFTS: Mapping[str, Lift] = {
    **dict.fromkeys(_FUNCTIONS, _pointwise),
    **dict.fromkeys((*_REDUCTIONS, "linalg_vector_norm"), _reduce),
    "mean": _mean,
    "add": _join(Add),
    "mul": _join(Multiply),
    "cat": _concat,
    "stack": _stack,
    "flatten": _flatten,
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "unflatten", "_reshape_alias"), _reshape
    ),
    "expand": _expand,
    **dict.fromkeys(("permute", "transpose", "t"), _permute),
    "slice": _slice,
    "select": _select,
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), _split),
    "unbind": _unbind,
    **dict.fromkeys(("constant_pad_nd", "pad"), _pad),
    **dict.fromkeys((f"{kind}_pad{rank}d" for kind in ("reflection", "replication") for rank in (1, 2, 3)), _pad),
    **dict.fromkeys(("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"), _interpolate),
    **dict.fromkeys(("upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"), _interpolate),
    **dict.fromkeys(
        (f"{kind}{rank}d" for kind in ("upsample_nearest", "_upsample_nearest_exact") for rank in (1, 2, 3)),
        _interpolate,
    ),
    "pixel_shuffle": _shuffle,
    "pixel_unshuffle": _unshuffle,
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d"), lambda site: GridSample()),
}

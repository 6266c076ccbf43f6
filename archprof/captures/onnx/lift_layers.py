"""Which operators of ours layers are: what multiplies, norms, activates, pools or joins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archprof.captures.onnx.facts import stands_for_none
from archprof.captures.onnx.rules.windows import conv_window, transposed_window, window
from archprof.captures.onnx.site import Lift, Site, made, plain
from archprof.captures.onnx.tensor import numbers
from archprof.ir.operators.base import Operator
from archprof.ir.operators.batch_norm import stands_on

_CONVOLUTIONS = {3: "Conv1d", 4: "Conv2d", 5: "Conv3d"}


def _conv(site: Site) -> Operator | None:
    call = site.call
    weight = call.sizes(1)
    name = _CONVOLUTIONS[len(weight)]
    found = conv_window(call, call.shape(), weight)
    groups = call.integer("group", 1)
    padding = _sides(found.pads) if name == "Conv2d" else _alike(found.pads)
    slides = (found.kernel, found.strides, padding, found.dilations)
    return made(name, weight[1] * groups, weight[0], *slides, groups, call.has(2))


def _sides(pads: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return padding as (height, width), or, where opposite sides differ, (top, bottom, left, right)."""
    (top, bottom), (left, right) = pads
    return (top, left) if (top, left) == (bottom, right) else (top, bottom, left, right)


def _alike(pads: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return the padding of each axis. Raises LookupError where opposite sides differ."""
    if any(before != behind for before, behind in pads):
        raise LookupError("sides differ")
    return tuple([before for before, _ in pads])


def _transposed(site: Site) -> Operator | None:
    call = site.call
    channels, each, *kernel = call.sizes(1)
    found, _ = transposed_window(call, call.shape()[2:], kernel)
    groups = call.integer("group", 1)
    more = call.integers("output_padding") or (0,) * len(kernel)
    slides = (found.kernel, found.strides, _alike(found.pads), more)
    name = f"ConvTranspose{len(kernel)}d"
    return made(name, channels, each * groups, *slides, groups, call.has(2), found.dilations)


def _gemm(site: Site) -> Operator | None:
    call = site.call
    if call.integer("transA") or call.number("alpha", 1) != 1 or call.number("beta", 1) != 1:
        return None
    rows, columns = call.sizes(1)
    features, out = (columns, rows) if call.integer("transB") else (rows, columns)
    return made("Linear", features, out, call.has(2))


def _matmul(site: Site) -> Operator | None:
    weight = site.call.input(1)
    if weight.source is not None and len(weight.sizes) == 2:
        return made("Linear", *weight.sizes, False)
    return made("MatMul") if len(site.inputs) == 2 else None


def _attention(site: Site) -> Operator | None:
    call = site.call
    if call.wanted > 1 or len(call.shape()) != 4:
        return None
    return made("Attention", call.sizes()[1], call.sizes(1)[1], bool(call.integer("is_causal")))


def _batch_norm(site: Site) -> Operator | None:
    call = site.call
    momentum, on = 1 - call.number("momentum", 0.9), stands_on(len(call.shape()) - 1)
    return made("BatchNorm2d", *numbers(call.shape()[1:2]), call.number("epsilon", 1e-5), momentum, True, *on)


def _layer_norm(site: Site) -> Operator | None:
    call = site.call
    (width,) = call.sizes(1)
    return made("LayerNorm", width, call.number("epsilon", 1e-5), True) if call.has(2) else None


def _rms_norm(site: Site) -> Operator | None:
    (width,) = site.call.sizes(1)
    return made("RMSNorm", width)


def _group_norm(site: Site) -> Operator | None:
    call = site.call
    return made("GroupNorm", call.sizes()[1], call.integer("num_groups", 1), call.number("epsilon", 1e-5))


def _instance_norm(site: Site) -> Operator | None:
    call, stored = site.call, site.call.input(1).source
    learned = stored is None or not stands_for_none(call.op, 1, stored)
    return made("InstanceNorm", call.sizes()[1], call.number("epsilon", 1e-5), learned)


def _max_pool(site: Site) -> Operator | None:
    return _pool("max", site) if site.call.wanted == 1 else None


def _average_pool(site: Site) -> Operator | None:
    return _pool("avg", site, bool(site.call.integer("count_include_pad")))


def _pool(function: str, site: Site, *more: bool) -> Operator | None:
    call = site.call
    found = window(call, call.shape()[2:], call.integers("kernel_shape") or ())
    if set(found.dilations) != {1}:
        return None
    slides = (found.kernel, found.strides, _alike(found.pads), bool(call.integer("ceil_mode")), *more)
    if len(found.kernel) != 2:
        return made("Pool", function, *slides)
    return made("MaxPool2d" if function == "max" else "AvgPool2d", *slides)


def _global_average(site: Site) -> Operator | None:
    return made("AdaptiveAvgPool2d", (1, 1)) if len(site.call.shape()) == 4 else None


def _mean(site: Site) -> Operator | None:
    call = site.call
    axes, rank = call.listed("axes", 1) or (), len(call.shape())
    if rank == 4 and sorted(axis % rank for axis in axes) == [2, 3]:
        return made("Mean", bool(call.integer("keepdims", 1)))
    return reduced(site)


def reduced(site: Site) -> Operator | None:
    """Return a reduction, by what its operator is called behind `Reduce`."""
    call = site.call
    axes = call.listed("axes", 1) or tuple(range(len(call.shape())))
    where = tuple(sorted(map(site.axis, axes)))
    return made("Reduce", call.op.removeprefix("Reduce").lower(), where, bool(call.integer("keepdims", 1)))


def _clip(site: Site) -> Operator | None:
    call = site.call
    bounds = [call.attributes.get("min"), call.attributes.get("max")]
    if call.version >= 11:
        bounds = [one.data[0] if one and one.data else None for one in (call.optional(1), call.optional(2))]
    return made("ReLU6") if bounds == [0, 6] else made("Pointwise", "clip")


def _hard_sigmoid(site: Site) -> Operator | None:
    call = site.call
    usual = abs(call.number("alpha", 0.2) - 1 / 6) < 1e-6 and call.number("beta", 0.5) == 0.5
    return made("Hardsigmoid") if usual else made("Pointwise", "hard_sigmoid")


def _gelu(site: Site) -> Operator | None:
    usual = site.call.text("approximate", "none") == "none"
    return made("GELU") if usual else made("Pointwise", "gelu")


def _softmax(site: Site) -> Operator | None:
    return made("Softmax", site.axis(site.call.integer("axis", 1 if site.call.version < 13 else -1)))


def _dropout(site: Site) -> Operator | None:
    ratio = site.call.optional(1)
    known = ratio.data[0] if ratio is not None and ratio.data else site.call.number("ratio", 0.5)
    return made("Dropout", known) if isinstance(known, float) and 0 <= known < 1 else None


def _joined(name: str) -> Lift:
    """Return the lift of an operator of two tensors, of which one may be stored."""

    def lifted(site: Site) -> Operator | None:
        if len(site.inputs) == 2 and site.inputs[0].shape == site.inputs[1].shape:
            return made(name)
        gated = len(site.inputs) == 2 and site.inputs[1].shape == (site.inputs[0].channels, 1, 1)
        return made(name) if gated and name == "Multiply" else pointwise(site)

    return lifted


_WORDS: Mapping[str, str] = {"LeakyRelu": "leaky_relu", "PRelu": "prelu", "HardSigmoid": "hard_sigmoid", "Cast": "to"}


def pointwise(site: Site) -> Operator | None:
    """Return a function of each element, with a learned tensor if one is stored."""
    call = site.call
    held = [one for one in call.inputs if one is not None and one.source is not None and one.source.elements > 1]
    name = _WORDS.get(call.op, call.op.lower())
    return made("Pointwise", name, held[0].sizes) if held else made("Pointwise", name)


LAYERS: Mapping[str, Lift] = {
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Attention": _attention,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "ReduceMean": _mean,
    **dict.fromkeys(("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2"), reduced),
    "Clip": _clip,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _gelu,
    "Softmax": _softmax,
    "Dropout": _dropout,
    "Add": _joined("Add"),
    "Mul": _joined("Multiply"),
    **dict.fromkeys(("Sub", "Div", "Pow", "Sqrt", "Exp", "Log", "Neg", "Abs", "Erf", "Sin", "Cos", "Where"), pointwise),
    **dict.fromkeys(("Elu", "Selu", "Celu", "LeakyRelu", "PRelu", "Softplus", "Mish", "Cast", "Max", "Min"), pointwise),
    "Relu": plain("ReLU"),
    "HardSwish": plain("Hardswish"),
    "Sigmoid": plain("Sigmoid"),
    "Tanh": plain("Tanh"),
}

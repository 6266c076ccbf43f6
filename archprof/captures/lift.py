"""Dispatched operators as operators of ours, where one has the shapes, the tensors and the multiply-accumulates that
were recorded; otherwise as what was recorded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from archprof.captures.calls import Dispatched, HeldTensor, SeenTensor
from archprof.ir.operators.act import GELU, Hardsigmoid, Hardswish, ReLU, ReLU6, Sigmoid, SiLU, Tanh
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.drop import Dropout
from archprof.ir.operators.flatten import Flatten
from archprof.ir.operators.global_pool import AdaptiveAvgPool2d, Mean
from archprof.ir.operators.join import Add, Concat, Multiply
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.norm import GroupNorm, LayerNorm
from archprof.ir.operators.pool import AvgPool2d, MaxPool2d
from archprof.ir.operators.recorded import Recorded
from archprof.ir.operators.shape import Permute
from archprof.ir.terms import total
from archprof.ir.values import Value

# Returns the operator of a call that a module or a function makes (`form`), None where the call is not of that sort.
Lift = Callable[[Dispatched, str], Operator | None]


def lift(call: Dispatched, inputs: Sequence[Value], outputs: Sequence[Value], form: str) -> Operator:
    """Return the operator of a call, on these values."""
    ours = call.target.startswith("aten.") and not call.bounded
    lifted = LIFTS.get(call.name) if ours else None
    typed = lifted(call, form) if lifted else None
    if typed is not None and _is_what_was_recorded(typed, call, inputs, outputs):
        return typed
    held = dict(held_tensors(call))
    return Recorded(
        call.target,
        call.macs,
        tuple((name, prod(seen.shape)) for name, (seen, held) in held.items() if held.kind == "parameter"),
        tuple((name, prod(seen.shape)) for name, (seen, held) in held.items() if held.kind == "buffer"),
        _kind(call),
        call.counted,
        _divides(call, outputs),
        call.bounded,
    )


def _kind(call: Dispatched) -> str:
    """Return what sort of operator a call is, one of the kinds of `Operator`; a product with a parameter is linear."""
    kind = KINDS.get(call.name, "other")
    if kind == "standard" and "weight" in call.arguments:  # packed weights do not say their groups
        return _kind_of_convolution(call)
    if kind == "other" and call.macs:
        learned = any(held.kind == "parameter" for _, (_, held) in held_tensors(call))
        return "linear" if learned else "matmul"
    return kind


def _kind_of_convolution(call: Dispatched) -> str:
    given = call.arguments
    out, each, *kernel = given["weight"].shape
    groups = given.get("groups", 1)
    if groups == 1:
        return "pointwise" if set(kernel) == {1} else "standard"
    return "depthwise" if (out, each) == (groups, 1) else "grouped"


def _divides(call: Dispatched, outputs: Sequence[Value]) -> int | None:
    """Return by how much a call divides the resolution: windows by their stride along the last axis; None where no
    positions are left."""
    if outputs and len(outputs[0].shape) <= 1:
        return None
    given = call.arguments
    slides = _kind(call) in ("standard", "pointwise", "depthwise", "grouped", "pool")
    if not slides or "transpose" in call.name or given.get("transposed"):
        return 1
    step = given.get("stride") or given.get("kernel_size") or 1
    return int(step if isinstance(step, int) else step[-1])


def held_tensors(call: Dispatched) -> Iterator[tuple[str, tuple[SeenTensor, HeldTensor]]]:
    """Yield the parameters and buffers of a call, by the names of the operator's arguments."""
    for name, value in call.arguments.items():
        for key, seen in _listed(name, value):
            if isinstance(seen, SeenTensor) and isinstance(seen.source, HeldTensor) and seen.source.name:
                yield key, (seen, seen.source)


def _listed(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{name}.{k}", item) for k, item in enumerate(value))
    else:
        yield name, value


def _is_what_was_recorded(op: Operator, call: Dispatched, inputs: Sequence[Value], outputs: Sequence[Value]) -> bool:
    held = {(name, held.kind): prod(seen.shape) for name, (seen, held) in held_tensors(call)}
    stated = {(name, "parameter"): total(terms) for name, terms in op.parameters().items()}
    stated |= {(name, "buffer"): total(terms) for name, terms in op.buffers().items()}
    if stated != held or not inputs:  # what reads constants alone has no shapes to go by
        return False
    try:
        made = op.outputs(*inputs)
    except ShapeError:
        return False
    same_shapes = [value.shape for value in made] == [value.shape for value in outputs]
    return same_shapes and total(op.macs(inputs, made)) == call.macs


def _conv2d(call: Dispatched, form: str) -> Operator | None:
    given = call.arguments
    if isinstance(given["padding"], str):
        return None
    out, each, *kernel = given["weight"].shape
    groups = given["groups"]
    stride, padding, dilation = (_pair(given[name]) for name in ("stride", "padding", "dilation"))
    return Conv2d(each * groups, out, _pair(kernel), stride, padding, dilation, groups, given["bias"] is not None)


def _linear(call: Dispatched, form: str) -> Operator | None:
    out, features = call.arguments["weight"].shape
    return Linear(features, out, call.arguments["bias"] is not None)


def _batch_norm(call: Dispatched, form: str) -> Operator | None:
    given = call.arguments
    shape = given["input"].shape
    affine = given["weight"] is not None
    return BatchNorm2d(shape[1], given["eps"], given["momentum"], affine, len(shape) == 2)


def _layer_norm(call: Dispatched, form: str) -> Operator | None:
    shape = call.arguments["normalized_shape"]
    return LayerNorm(shape[0], call.arguments["eps"], True) if len(shape) == 1 else None


def _group_norm(call: Dispatched, form: str) -> Operator | None:
    given = call.arguments
    return GroupNorm(given["input"].shape[1], given["num_groups"], given["eps"])


def _max_pool(call: Dispatched, form: str) -> Operator | None:
    given = call.arguments
    if _pair(given["dilation"]) != (1, 1):
        return None
    kernel = _pair(given["kernel_size"])
    return MaxPool2d(kernel, _pair(given["stride"] or kernel), _pair(given["padding"]), given["ceil_mode"])


def _avg_pool(call: Dispatched, form: str) -> Operator | None:
    given = call.arguments
    kernel = _pair(given["kernel_size"])
    if given["divisor_override"] is not None:
        return None
    window = (_pair(given["stride"] or kernel), _pair(given["padding"]), given["ceil_mode"], given["count_include_pad"])
    return AvgPool2d(kernel, *window)


def _mean(call: Dispatched, form: str) -> Operator | None:
    axes = call.arguments.get("dim")
    rank = len(call.arguments["self"].shape)
    whole = rank == 4 and axes is not None and sorted(axis % rank for axis in axes) == [2, 3]
    return Mean(call.arguments["keepdim"]) if whole else None


def _join(op: type[Operator]) -> Lift:
    def lifted(call: Dispatched, form: str) -> Operator | None:
        return op() if len(list(call.tensors())) == 2 and call.arguments.get("alpha", 1) == 1 else None

    return lifted


def _concat(call: Dispatched, form: str) -> Operator | None:
    return Concat() if call.arguments["dim"] == 1 else None


def _flatten(call: Dispatched, form: str) -> Operator | None:
    return Flatten() if (call.arguments["start_dim"], call.arguments["end_dim"]) == (1, -1) else None


def _permute(call: Dispatched, form: str) -> Operator | None:
    first, *axes = (axis % len(call.arguments["dims"]) for axis in call.arguments["dims"])
    return Permute(tuple(axis - 1 for axis in axes)) if first == 0 else None


def _plain(op: type[Operator]) -> Lift:
    return lambda call, form: op()


def _hardtanh(call: Dispatched, form: str) -> Operator | None:
    return ReLU6() if (call.arguments["min_val"], call.arguments["max_val"]) == (0, 6) else None


def _gelu(call: Dispatched, form: str) -> Operator | None:
    return GELU() if call.arguments["approximate"] == "none" else None


LIFTS: Mapping[str, Lift] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "max_pool2d": _max_pool,
    "avg_pool2d": _avg_pool,
    "adaptive_avg_pool2d": lambda call, form: AdaptiveAvgPool2d(_pair(call.arguments["output_size"]), form),
    "mean": _mean,
    "add": _join(Add),
    "mul": _join(Multiply),
    "cat": _concat,
    "flatten": _flatten,
    "permute": _permute,
    "dropout": lambda call, form: Dropout(call.arguments["p"]),
    "relu": _plain(ReLU),
    "hardtanh": _hardtanh,
    "hardswish": _plain(Hardswish),
    "hardsigmoid": _plain(Hardsigmoid),
    "silu": _plain(SiLU),
    "sigmoid": _plain(Sigmoid),
    "tanh": _plain(Tanh),
    "gelu": _gelu,
}
# Of operators that stay as recorded: what they are, for shares and filters.
KINDS: Mapping[str, str] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "_convolution", "deform_conv2d"), "standard"),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), "standard"),
    "linear": "linear",
    "scaled_dot_product_attention": "attention",
    "flex_attention": "attention",
    "_scaled_dot_product_flash_attention_for_cpu": "attention",
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu", "mkldnn_rnn_layer", "_cudnn_rnn"), "recurrent"),
    **dict.fromkeys(("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), "recurrent"),
    **dict.fromkeys(("layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm"), "norm"),
    **dict.fromkeys(("relu", "gelu", "silu", "sigmoid", "tanh", "leaky_relu", "elu", "hardtanh", "prelu"), "act"),
    **dict.fromkeys(("mish", "softplus", "softmax", "_softmax"), "act"),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"), "pool"),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"), "pool"),
    **dict.fromkeys(("adaptive_max_pool2d", "mean"), "pool"),
    **dict.fromkeys(("view", "reshape", "transpose", "permute", "slice", "select", "flatten", "unflatten"), "shape"),
    **dict.fromkeys(("unsqueeze", "squeeze", "expand", "contiguous", "clone", "split", "unbind", "roll"), "shape"),
    "dropout": "dropout",
    **dict.fromkeys(("cat", "stack", "add", "sub", "mul", "div"), "join"),
}


def _pair(sizes: Sequence[int] | int) -> tuple[int, int]:
    first, *rest = [sizes] if isinstance(sizes, int) else sizes
    return first, rest[0] if rest else first

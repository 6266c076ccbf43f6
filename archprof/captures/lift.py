"""Dispatched operators as operators of ours, where one has the shapes, the tensors and the multiply-accumulates that
were recorded; otherwise as what was recorded."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from archprof.captures import lift_layers, lift_shapes
from archprof.captures.calls import Dispatched, HeldTensor, SeenTensor
from archprof.captures.site import Lift, Site, is_held
from archprof.ir.operators.base import Operator
from archprof.ir.operators.recorded import Recorded
from archprof.ir.terms import total
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

LIFTS: Mapping[str, Lift] = {**lift_shapes.LIFTS, **lift_layers.LIFTS}


class Lifted(NamedTuple):
    """An operator, and its own name for each tensor of the call that has another one there."""

    op: Operator
    names: Mapping[str, str]


def lift(call: Dispatched, inputs: Sequence[Value], outputs: Sequence[Value], form: str) -> Lifted:
    """Return the operator of a call, on these values."""
    found = _typed(Site(call, form, inputs, outputs)) if inputs and not call.bounded else None
    if found is not None:
        return found
    held = dict(held_tensors(call))
    recorded = Recorded(
        call.target,
        call.macs,
        tuple((name, prod(seen.shape)) for name, (seen, held) in held.items() if held.kind == "parameter"),
        tuple(
            (name, prod(seen.shape))
            for name, (seen, held) in held.items()
            if held.kind == "buffer" and is_counted_buffer(held.name)
        ),
        _kind(call),
        call.counted,
        _divides(call, outputs),
        call.bounded,
    )
    return Lifted(recorded, {})


def _typed(site: Site) -> Lifted | None:
    """Return the operator of ours that says of itself what was recorded of the call; None where there is none."""
    lifted = LIFTS.get(site.call.name)
    try:
        op = lifted(site) if lifted else None
        found = Lifted(op, _tensor_names(op, site.call)) if op is not None else None
        return found if found and _is_what_was_recorded(found, site) else None
    except (ValueError, LookupError, ArithmeticError, TypeError):  # arguments or shapes of another form
        return None


def _tensor_names(op: Operator, call: Dispatched) -> Mapping[str, str]:
    held, own = [name for name, _ in held_tensors(call)], [*op.parameters(), *op.buffers()]
    if set(held) == set(own):
        return {}
    if call.name == "addmm":
        return {"self": "bias", "mat2": "weight"}
    return dict(zip(held, own, strict=False))


def is_counted_buffer(name: str) -> bool:
    """Tell a buffer from the number of batches that a norm has seen, which convention `archprof` leaves out."""
    return name.rpartition(".")[2] != "num_batches_tracked"


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
            if is_held(seen):
                yield key, (seen, seen.source)


def _listed(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{name}.{k}", item) for k, item in enumerate(value))
    else:
        yield name, value


def _is_what_was_recorded(found: Lifted, site: Site) -> bool:
    op, names = found
    held = {(names.get(name, name), held.kind): prod(seen.shape) for name, (seen, held) in held_tensors(site.call)}
    stated = {(name, "parameter"): total(terms) for name, terms in op.parameters().items()}
    stated |= {(name, "buffer"): total(terms) for name, terms in op.buffers().items()}
    made = op.outputs(*site.inputs)
    same_shapes = [value.shape for value in made] == [value.shape for value in site.outputs]
    return stated == held and same_shapes and total(op.macs(site.inputs, made)) == site.call.macs


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
    **dict.fromkeys(("native_layer_norm", "native_group_norm", "_native_batch_norm_legit_no_training"), "norm"),
    **dict.fromkeys(("relu", "gelu", "silu", "sigmoid", "tanh", "leaky_relu", "elu", "hardtanh", "prelu"), "act"),
    **dict.fromkeys(("mish", "softplus", "softmax", "_softmax"), "act"),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"), "pool"),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"), "pool"),
    **dict.fromkeys(("adaptive_max_pool2d", "mean", "max_pool2d_with_indices", "_adaptive_avg_pool2d"), "pool"),
    **dict.fromkeys(("view", "reshape", "transpose", "permute", "slice", "select", "flatten", "unflatten"), "shape"),
    **dict.fromkeys(("unsqueeze", "squeeze", "expand", "contiguous", "clone", "split", "unbind", "roll"), "shape"),
    "dropout": "dropout",
    **dict.fromkeys(("cat", "stack", "add", "sub", "mul", "div"), "join"),
}

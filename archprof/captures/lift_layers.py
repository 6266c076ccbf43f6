"""Calls of layers as operators of ours: convolutions, products, norms, pools, activations."""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod

from archprof.captures.site import Lift, Site, is_held, sizes
from archprof.ir.operators.act import GELU, Hardsigmoid, Hardswish, ReLU, ReLU6, Sigmoid, SiLU, Tanh
from archprof.ir.operators.attention import Attention
from archprof.ir.operators.base import Operator
from archprof.ir.operators.batch_norm import BatchNorm2d, stands_on
from archprof.ir.operators.bilinear import Bilinear
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.conv_ranks import Conv1d, Conv3d
from archprof.ir.operators.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.drop import Dropout
from archprof.ir.operators.einsum import Einsum, subscripts
from archprof.ir.operators.embedding import Embedding, EmbeddingBag
from archprof.ir.operators.global_pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.matmul import GroupedMatMul, MatMul
from archprof.ir.operators.norm import GroupNorm, LayerNorm
from archprof.ir.operators.norm_others import InstanceNorm, RMSNorm
from archprof.ir.operators.pointwise import Softmax
from archprof.ir.operators.pool import AvgPool2d, MaxPool2d
from archprof.ir.operators.pool_ranks import AdaptivePool, Pool
from archprof.ir.operators.recurrent import GRU, LSTM, RNN
from archprof.ir.values import BatchAxis

_CONVOLUTIONS: Mapping[int, Callable[..., Operator]] = {1: Conv1d, 2: Conv2d, 3: Conv3d}
_TRANSPOSED: Mapping[int, Callable[..., Operator]] = {1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d}
_AVG_POOLS: Mapping[int, Callable[..., Operator]] = {1: partial(Pool, "avg"), 2: AvgPool2d, 3: partial(Pool, "avg")}
_MAX_POOLS: Mapping[int, Callable[..., Operator]] = {1: partial(Pool, "max"), 2: MaxPool2d, 3: partial(Pool, "max")}


def _convolution(site: Site) -> Operator | None:
    given = site.given
    if given.get("transposed"):
        return _transposed(site)
    out, each, *kernel = site.shape("weight")
    rank, groups = len(kernel), given["groups"]
    stride, dilation = sizes(given["stride"], rank), sizes(given["dilation"], rank)
    padding = _padding(given["padding"], kernel, dilation)
    if padding is None:
        return None
    channels = each * groups
    return _CONVOLUTIONS[rank](channels, out, tuple(kernel), stride, padding, dilation, groups, site.has("bias"))


def _padding(padding: list[int] | str, kernel: list[int], dilation: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the padding of each axis; None for one that is not alike on both sides."""
    if not isinstance(padding, str):
        return sizes(padding, len(kernel))
    more = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    return None if any(one % 2 for one in more) else tuple(one // 2 for one in more)


def _transposed(site: Site) -> Operator | None:
    given = site.given
    channels, each, *kernel = site.shape("weight")
    rank, groups = len(kernel), given["groups"]
    ends = (sizes(given[name], rank) for name in ("stride", "padding", "output_padding"))
    dilation = sizes(given["dilation"], rank)
    return _TRANSPOSED[rank](channels, each * groups, tuple(kernel), *ends, groups, site.has("bias"), dilation)


def _deform(site: Site) -> Operator | None:
    given = site.given
    out, each, *kernel = site.shape("weight")
    groups, masked = given["n_weight_grps"], given["use_mask"]
    stride, padding, dilation = ((given[f"{name}_h"], given[f"{name}_w"]) for name in ("stride", "pad", "dilation"))
    window = ((kernel[0], kernel[1]), stride, padding, dilation)
    return DeformConv2d(
        each * groups, out, *window, groups, given["n_offset_grps"], masked=masked, bias=site.has("bias")
    )


def _linear(site: Site) -> Operator | None:
    weight = site.shape("weight")
    return Linear(weight[-1], weight[0], site.has("bias")) if len(weight) == 2 else None


def _added_product(site: Site) -> Operator | None:
    """Return the linear layer that a product with a parameter, and a bias added to it, is."""
    held = site.holds("self") and site.holds("mat2") and len(site.shape("self")) == 1
    plain = site.given.get("alpha", 1) == site.given.get("beta", 1) == 1
    features, out = site.shape("mat2")
    return Linear(features, out) if held and plain else None


def _product(site: Site) -> Operator | None:
    second = "other" if "other" in site.given else "mat2"
    if site.holds(second) and len(site.shape(second)) == 2:
        features, out = site.shape(second)
        return Linear(features, out, bias=False)
    return MatMul()


def _grouped_product(site: Site) -> Operator | None:
    if len(site.shape("self")) != 2 or len(site.shape("mat2")) != 3 or site.has("bias"):
        return None
    return GroupedMatMul(site.shape("mat2")[0], site.shape("mat2")[1:] if site.holds("mat2") else ())


def _einsum(site: Site) -> Operator | None:
    operands = site.given["tensors"]
    if len(operands) != 2:
        return None
    letters = subscripts(site.given["equation"], [len(one.shape) for one in operands])
    first, second, output = *letters.operands, letters.output
    if is_held(operands[0]):
        first, second, operands = second, first, operands[::-1]
    values = iter(site.inputs)
    named = [_left(first, next(values).batch), second]
    learned = is_held(operands[1])
    if not learned:
        named[1] = _left(second, next(values).batch)
    equation = f"{','.join(named)}->{_left(output, site.outputs[0].batch)}"
    return Einsum(equation, operands[1].shape if learned else ())


def _left(letters: str, batch: BatchAxis) -> str:
    """Return the letters without the batch's."""
    return letters[:batch] + letters[batch + 1 :] if isinstance(batch, int) else letters


def _attention(site: Site) -> Operator | None:
    queries, keys = (value.shape for value in site.inputs[:2])
    heads, shared = (shape[-3] if len(shape) > 2 else 1 for shape in (queries, keys))
    # The kernels themselves have no such option: what calls them has grouped heads.
    repeated = heads != shared and site.given.get("enable_gqa") is False
    return Attention(heads, shared, bool(site.given["is_causal"]), repeated, bool(site.given.get("dropout_p")))


def _recurrent(op: type[LSTM | GRU | RNN]) -> Lift:
    def lifted(site: Site) -> Operator | None:
        given = site.given
        if "params" not in given or "input" not in given:  # packed sequences
            return None
        first, second, *_ = (one.shape for one in given["params"])
        hidden = first[0] // op.gates
        batch_first = bool(given["batch_first"]) or len(site.inputs[0].shape) == 2
        how = (given["num_layers"], given["has_biases"], given["bidirectional"], batch_first)
        if op is LSTM:
            return LSTM(first[1], hidden, *how, projection=0 if second[1] == hidden else second[1])
        return op(first[1], hidden, *how)

    return lifted


def _embedding(site: Site) -> Operator | None:
    return Embedding(*site.shape("weight"))


def _embedding_bag(site: Site) -> Operator | None:
    return EmbeddingBag(*site.shape("weight"))


def _bilinear(site: Site) -> Operator | None:
    out, first, second = site.shape("weight")
    return Bilinear(first, second, out, site.has("bias"))


def _batch_norm(site: Site) -> Operator | None:
    given = site.given
    shape = site.shape("input")
    return BatchNorm2d(shape[1], given["eps"], given["momentum"], site.has("weight"), *stands_on(len(shape) - 1))


def _layer_norm(site: Site) -> Operator | None:
    over = tuple(site.given["normalized_shape"])
    several = over if len(over) > 1 else ()
    return LayerNorm(prod(over), site.given["eps"], True, site.has("weight"), site.has("bias"), several)


def _rms_norm(site: Site) -> Operator | None:
    over = site.given["normalized_shape"]
    return RMSNorm(over[0], site.has("weight")) if len(over) == 1 else None


def _group_norm(site: Site) -> Operator | None:
    given = site.given
    groups = given["num_groups"] if "num_groups" in given else given["group"]
    affine = site.has("weight")
    return GroupNorm(site.first[1], groups, given["eps"], affine, site.has("bias") or not affine)


def _instance_norm(site: Site) -> Operator | None:
    given = site.given
    return InstanceNorm(site.first[1], given["eps"], site.has("weight"), site.has("running_mean"))


def _window(site: Site, rank: int) -> tuple[tuple[int, ...], ...]:
    """Return the kernel, stride and padding of pooling."""
    given = site.given
    kernel = sizes(given["kernel_size"], rank)
    return kernel, sizes(given["stride"] or kernel, rank), sizes(given["padding"], rank)


def _max_pool(rank: int) -> Lift:
    def lifted(site: Site) -> Operator | None:
        if set(sizes(site.given["dilation"], rank)) != {1}:
            return None
        return _MAX_POOLS[rank](*_window(site, rank), site.given["ceil_mode"])

    return lifted


def _avg_pool(rank: int) -> Lift:
    def lifted(site: Site) -> Operator | None:
        given = site.given
        if given.get("divisor_override") is not None:
            return None
        return _AVG_POOLS[rank](*_window(site, rank), given["ceil_mode"], given["count_include_pad"])

    return lifted


def _adaptive(function: str, rank: int) -> Lift:
    def lifted(site: Site) -> Operator | None:
        size = sizes(site.given["output_size"], rank)
        if rank != 2:
            return AdaptivePool(function, size)
        pair = (size[0], size[1])
        return AdaptiveAvgPool2d(pair, site.form) if function == "avg" else AdaptiveMaxPool2d(pair)

    return lifted


def _plain(op: type[Operator]) -> Lift:
    return lambda site: op()


def _hardtanh(site: Site) -> Operator | None:
    return ReLU6() if (site.given["min_val"], site.given["max_val"]) == (0, 6) else None


def _gelu(site: Site) -> Operator | None:
    return GELU() if site.given["approximate"] == "none" else None


def _softmax(site: Site) -> Operator | None:
    axis = site.own_axis(site.given["dim"])
    return None if axis is None else Softmax(axis)


LIFTS: Mapping[str, Lift] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "_convolution"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "deform_conv2d": _deform,
    "linear": _linear,
    "addmm": _added_product,
    **dict.fromkeys(("matmul", "mm", "bmm"), _product),
    "_grouped_mm": _grouped_product,
    "einsum": _einsum,
    "bilinear": _bilinear,
    **dict.fromkeys(
        (
            *("scaled_dot_product_attention", "_scaled_dot_product_flash_attention"),
            *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_efficient_attention"),
            *("_scaled_dot_product_cudnn_attention", "_scaled_dot_product_fused_attention_overrideable"),
        ),
        _attention,
    ),
    "lstm": _recurrent(LSTM),
    "gru": _recurrent(GRU),
    "rnn_tanh": _recurrent(RNN),
    "rnn_relu": _recurrent(RNN),
    "embedding": _embedding,
    **dict.fromkeys(("_embedding_bag", "_embedding_bag_forward_only"), _embedding_bag),
    **dict.fromkeys(
        ("batch_norm", "native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"), _batch_norm
    ),
    **dict.fromkeys(("layer_norm", "native_layer_norm"), _layer_norm),
    **dict.fromkeys(("rms_norm", "_fused_rms_norm"), _rms_norm),
    **dict.fromkeys(("group_norm", "native_group_norm"), _group_norm),
    "instance_norm": _instance_norm,
    **{f"max_pool{rank}d": _max_pool(rank) for rank in (1, 2, 3)},
    **{f"max_pool{rank}d_with_indices": _max_pool(rank) for rank in (1, 2, 3)},
    **{f"avg_pool{rank}d": _avg_pool(rank) for rank in (1, 2, 3)},
    **{f"adaptive_avg_pool{rank}d": _adaptive("avg", rank) for rank in (1, 2, 3)},
    **{f"_adaptive_avg_pool{rank}d": _adaptive("avg", rank) for rank in (2, 3)},
    **{f"adaptive_max_pool{rank}d": _adaptive("max", rank) for rank in (1, 2, 3)},
    "dropout": lambda site: Dropout(site.given["p"]),
    "relu": _plain(ReLU),
    "hardtanh": _hardtanh,
    "hardswish": _plain(Hardswish),
    "hardsigmoid": _plain(Hardsigmoid),
    "silu": _plain(SiLU),
    "sigmoid": _plain(Sigmoid),
    "tanh": _plain(Tanh),
    "gelu": _gelu,
    **dict.fromkeys(("softmax", "_softmax", "_safe_softmax"), _softmax),
}

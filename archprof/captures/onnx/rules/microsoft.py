"""Fused operators of onnxruntime, in the domain `com.microsoft`: products and norms with what stands around them.

Their inputs and outputs are those of onnxruntime's ContribOperators.md, and, where channels stand in blocks, of its
nchwc_schema_defs.cc.
"""

from __future__ import annotations

from math import prod

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.rules.elementwise import dropped, same
from archprof.captures.onnx.rules.movement import RULES as MOVEMENT
from archprof.captures.onnx.rules.movement import joined
from archprof.captures.onnx.rules.products import RULES as PRODUCTS
from archprof.captures.onnx.rules.products import (
    dynamic_recurrent,
    dynamic_recurrent_macs,
    gemm,
    heads_of,
    matmul,
    matmul_macs,
    product_shape,
    sequence,
)
from archprof.captures.onnx.rules.quantised import RULES as QUANTISED
from archprof.captures.onnx.rules.quantised import in_a_byte
from archprof.captures.onnx.rules.rule import Macs, Outputs, Rule, Rules, unknown_macs
from archprof.captures.onnx.rules.shapes import RULES as SHAPES
from archprof.captures.onnx.rules.windows import RULES as WINDOWS
from archprof.captures.onnx.rules.windows import conv, conv_macs, convolved, global_pool, pooled
from archprof.captures.onnx.tensor import Dim, Dims, Tensor, Unknown, axis_of, broadcast, divided, made, numbers, times


def _added(first: int, second: int, dtype: str = "") -> Outputs:
    """Return the rule of an operator of two tensors, by where they stand among scales and zero points."""

    def outputs(call: Call) -> list[Tensor]:
        return [made(dtype or call.dtype(first), broadcast([call.shape(first), call.shape(second)]))]

    return outputs


def _halved(call: Call) -> list[Tensor]:
    """Return one half of the last axis times what the other half lets through."""
    *shape, last = call.shape()
    return [made(call.dtype(), (*shape, divided(last, 2)))]


def _mean(call: Call) -> list[Tensor]:
    """Return a mean over axes that are an attribute."""
    return SHAPES["ReduceMean"].outputs(call._replace(inputs=call.inputs[:1]))


def _sum(call: Call) -> list[Tensor]:
    return [one._replace(dtype="int32") for one in _mean(call)]


def _cropped(call: Call) -> list[Tensor]:
    """Return a map (C, h, w) of each region, of a size that is an input."""
    return [made(call.dtype(), (call.shape(1)[0], call.shape()[1], *call.input(3).integers()))]


def _skipped(call: Call) -> list[Tensor]:
    """Return a norm of a sum; the mean and inverse deviation; the sum."""
    shape = call.shape()
    kept = made("float32", (*shape[:-1], 1))
    return [made(call.dtype(), shape), kept, kept, made(call.dtype(), shape)]


def _joined(call: Call) -> list[Tensor]:
    """Return quantised tensors one behind the other: each stands before its scale and zero point."""
    found = joined([call.input(index) for index in range(2, len(call.inputs), 3)], call.integer("axis"))
    return [found._replace(data=None)]


def _turned(shape: Dims) -> Dims:
    return (shape[0], shape[-1], *shape[1:-1])


def _back(shape: Dims) -> Dims:
    return (shape[0], *shape[2:], shape[1])


def _global_pool(call: Call) -> list[Tensor]:
    if not call.integer("channels_last"):
        return global_pool(call)
    shape = call.shape()
    return [made(call.dtype(), (shape[0], *((1,) * (len(shape) - 2)), shape[-1]))]


def _pool(call: Call) -> list[Tensor]:
    if not call.integer("channels_last"):
        return pooled(call)[:1]
    first = call.input()
    inner = call._replace(inputs=(first._replace(shape=_turned(first.known_shape)), *call.inputs[1:]))
    return [one._replace(shape=_back(one.known_shape)) for one in pooled(inner)[:1]]


def _nhwc_conv(weight: int = 1) -> Outputs:
    def outputs(call: Call) -> list[Tensor]:
        shape = convolved(call, _turned(call.shape()), call.shape(weight))
        return [made(call.dtype(), _back(shape))]

    return outputs


def _quantised_conv(call: Call) -> list[Tensor]:
    if call.integer("channels_last"):
        return _nhwc_conv(3)(call)
    return conv(0, 3)(call)


# Channels in blocks of 8 or 16, as the machine has it that optimised the file; filters are padded to whole blocks


def _in_blocks(call: Call) -> list[Tensor]:
    """Return a map whose channels are put in blocks, of which the last may be filled up."""
    shape = call.shape()
    batch, channels, *space = _turned(shape) if call.integer("channels_last") else shape
    whole = channels is not None and channels % _LARGEST_BLOCK == 0
    return [made(call.dtype(), (batch, channels if whole else None, *space))]


def _from_blocks(call: Call) -> list[Tensor]:
    batch, _, *space = call.shape()
    shape = (batch, call.integer("channels"), *space)
    return [made(call.dtype(), _back(shape) if call.integer("channels_last") else shape)]


def _enlarged(call: Call) -> list[Tensor]:
    scales = call.integers("scales") or ()
    return [made(call.dtype(), [times(size, scale) for size, scale in zip(call.shape(), scales, strict=True)])]


# Attention


def _attention(past: int) -> Outputs:
    """Return the rule of attention whose queries, keys and values are first projected: (B, L, I) by a weight (I, 3·H);
    *past* is where keys and values of before stand, both in one: (2, B, H, steps, E)."""

    def outputs(call: Call) -> list[Tensor]:
        batch, length, _ = sequence(call)
        parts = _parts(call)
        heads = max(1, call.integer("num_heads", 1))
        present = made(call.dtype(), (2, batch, heads, _steps(call, length, past, 3), parts[-1] // heads))
        return [made(call.dtype(), (batch, length, parts[-1])), present]

    return outputs


def _parts(call: Call) -> tuple[int, ...]:
    """Return the widths of queries, keys and values."""
    return call.integers("qkv_hidden_sizes") or (numbers(call.shape(1))[-1] // 3,) * 3


def _steps(call: Call, length: Dim, past: int, axis: int) -> Dim:
    """Return how many steps there are with those of before, along an axis of theirs, which may have room for all."""
    if not call.has(past):
        return length
    before = call.shape(past)[axis]
    if _has_room(call, past):
        return before
    return None if before is None or length is None else before + length


def _has_room(call: Call, past: int) -> bool:
    """Tell whether the past has room for more steps than there are, so that their number stands in an input."""
    return bool(call.integer("past_present_share_buffer")) or call.has(past + 2)


def _projected_macs(past: int) -> Macs:
    """Return the count of both: the projection, queries with keys, weights with values."""

    def macs(call: Call, outputs: list[Tensor]) -> int:
        if _has_room(call, past):
            raise Unknown
        batch, length, width = numbers(sequence(call))
        parts = _parts(call)
        (steps,) = numbers([_steps(call, length, past, 3)])
        return batch * length * (width * numbers(call.shape(1))[-1] + steps * (parts[0] + parts[-1]))

    return macs


def _multi_head(past: int) -> Outputs:
    """Return the rule of attention of queries (B, L, H·E) with keys and values likewise, or of all three packed:
    (B, L, H, 3, E); *past* is where keys of before stand."""

    def outputs(call: Call) -> list[Tensor]:
        batch, length, width, steps, values = _attended(call, past)
        heads = call.integer("num_heads", 1)
        each = [divided(one, max(1, heads)) for one in (width, values)]
        kept = [made(call.dtype(), (batch, heads, steps, size)) for size in each]
        weights = made(call.dtype(), (batch, heads, length, steps))
        return [made(call.dtype(), (batch, length, values if call.has(2) else width)), *kept, weights]

    return outputs


def _attended(call: Call, before: int) -> Dims:
    """Return batch, length, width of queries, steps, width of values."""
    shape = call.shape()
    if len(shape) == 5:
        batch, length, heads, _, size = shape
        return batch, length, times(heads, size), length, times(heads, size)
    batch, length, width = sequence(call)
    if not call.has(1):
        raise Unknown  # they are packed with the queries
    keys = call.shape(1)
    if len(keys) == 5:
        return batch, length, width, keys[1], width
    steps = _steps(call, keys[1], before, 2) if len(keys) == 3 else keys[2]
    values = width
    if call.has(2):
        given = call.shape(2)
        values = given[2] if len(given) == 3 else times(given[1], given[3])
    return batch, length, width, steps, values


def _multi_head_macs(past: int) -> Macs:
    def macs(call: Call, outputs: list[Tensor]) -> int:
        if _has_room(call, past):
            raise Unknown
        batch, length, width, steps, values = numbers(_attended(call, past))
        return batch * length * steps * (width + values)

    return macs


def _grouped(call: Call) -> list[Tensor]:
    """Return attention in which several heads share keys and values."""
    batch, length, width = sequence(call)
    heads, few = heads_of(call, "num_heads")
    if not call.has(1):  # packed
        width = None if width is None else width * heads // (heads + 2 * few)
    size = divided(width, heads)
    past = call.shape(3)[2] if call.has(3) else 0
    steps = None if past is None or length is None else past + length
    kept = made(call.dtype(), (batch, few, steps, size))
    return [made(call.dtype(), (batch, length, width)), kept, kept]


def _grouped_macs(call: Call, outputs: list[Tensor]) -> int:
    batch, length, width = outputs[0].sizes
    return batch * length * outputs[1].sizes[2] * 2 * width


def _as_queries(call: Call) -> list[Tensor]:
    """Return an output like the first of several inputs; where they are packed in one, that is not known."""
    if not call.has(1):
        raise Unknown
    return same()(call)


def _packed(call: Call) -> list[Tensor]:
    """Return attention of all tokens of a batch (T, I) without padding, which are first projected."""
    return [made(call.dtype(), (call.shape()[0], _parts(call)[-1]))]


def _position_bias(call: Call) -> list[Tensor]:
    """Return a number for each head and each pair of positions."""
    lengths = [call.input(index).data for index in (1, 2)]
    queries, keys = (int(one[0]) if one and one[0] is not None else None for one in lengths)
    return [made(call.dtype(), (1, call.shape()[-1], queries, keys))]


def _gated_bias(call: Call) -> list[Tensor]:
    """Return such numbers, each weighed by gates that are a product of the queries (B, L, H·E) with (E, D)."""
    batch, length, _ = sequence(call)
    return [made(call.dtype(), (batch, call.integer("num_heads", 1), length, length))]


def _gated_bias_macs(call: Call, outputs: list[Tensor]) -> int:
    return prod(call.sizes()) * call.sizes(3)[-1]


# Products


def _experts_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count the experts that a token is sent to, each of two or three matrices: (experts, out, in)."""
    matrices = [call.sizes(index) for index in (2, 4, 6) if call.has(index)]
    return prod(call.sizes()[:-1]) * call.integer("k", 1) * sum(prod(one[1:]) for one in matrices)


def _quantised_experts_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count likewise experts whose weights may stand several in a byte."""
    matrices = [prod(call.sizes(at)[1:]) * in_a_byte(call, call.dtype(at)) for at in (2, 5, 8) if call.has(at)]
    return prod(call.sizes()[:-1]) * call.integer("k", 1) * sum(matrices)


def _quantised_rows(call: Call) -> list[Tensor]:
    """Return rows of a table whose last axis may be packed, as numbers."""
    *table, last = call.shape()
    table = [*table, times(last, in_a_byte(call, call.dtype()))]
    axis = axis_of(call.integer("gather_axis"), len(table))
    return [made(call.dtype(2), (*table[:axis], *call.shape(1), *table[axis + 1 :]))]


def _few_bits(call: Call) -> list[Tensor]:
    """Return a product with a weight of a few bits, of N rows of K, in blocks."""
    return [made(call.dtype(), (*call.shape()[:-1], call.integer("N")))]


def _few_bits_macs(call: Call, outputs: list[Tensor]) -> int:
    return prod(outputs[0].sizes) * call.integer("K")


def _quantised_gemm(call: Call) -> list[Tensor]:
    first, second = call.shape(), call.shape(3)
    first = (first[1], first[0]) if call.integer("transA") else first
    second = (second[1], second[0]) if call.integer("transB") else second
    return [made(call.dtype(8) if call.has(8) else "float32", product_shape(first, second))]


def _embedded(call: Call) -> list[Tensor]:
    """Return the norm of the embeddings of words, places and segments; which positions count; the sum."""
    batch, length = call.shape()
    width = call.shape(2)[-1]
    states = made("float32", (batch, length, width))
    return [states, made("int32", (batch,)), states]


_LARGEST_BLOCK = 16
_MASKED = (*("",) * 10, "bias")
_GATED_BIAS = ("", "bias", "", "weight", "bias_gate", "weight_gate")
_QUANTISED_EXPERTS = (
    *("", ""),
    *(slot for k in (1, 2, 3) for slot in (f"weight_{k}", "", f"bias_{k}")),
    *("",) * 10,
)
_EXPERTS = ("", "", *(f"{name}_{k}" for k in (1, 2, 3) for name in ("weight", "bias")))
# Scales and zero points stand between what is multiplied.
_INTEGER_MATMUL = ("", "weight", "", "", "", "", "bias")
_DYNAMIC_MATMUL = ("", "weight", "", "", "bias")
_FEW_BITS = ("", "weight", "", "", "", "bias")
_QATTENTION = ("", "weight", "bias", *("",) * 6)
_NORM = ("", "weight", "bias")
_SKIP = ("", "", "weight", "bias", "bias_added")
_CONV = ("", "weight", "bias")
_QLINEAR_CONV = ("", "", "", "weight", "", "", "", "", "bias")
_LSTM = ("", "weight_ih", "weight_hh", "bias", "", "", "", "weight_peephole", *("",) * 4)

RULES: Rules = {
    **QUANTISED,
    "FusedConv": Rule(conv(), "standard", conv_macs(), _CONV),
    "NhwcConv": Rule(_nhwc_conv(), "standard", conv_macs(), _CONV),
    "NhwcFusedConv": Rule(_nhwc_conv(), "standard", conv_macs(), _CONV),
    "QLinearConv": Rule(_quantised_conv, "standard", conv_macs(3), _QLINEAR_CONV),
    "FusedGemm": Rule(gemm, "linear", matmul_macs(), _CONV),
    "GemmFastGelu": Rule(matmul(), "linear", matmul_macs(), _CONV),
    "FusedMatMul": Rule(matmul(), "matmul", matmul_macs(), ("", "weight")),
    "FusedMatMulActivation": Rule(matmul(), "matmul", matmul_macs(), ("", "weight")),
    "TransposeMatMul": Rule(matmul(), "matmul", matmul_macs(), ("", "weight")),
    "MatMulIntegerToFloat": Rule(matmul(dtype="float32"), "matmul", matmul_macs(), _INTEGER_MATMUL),
    "MatMulInteger16": Rule(matmul(dtype="int32"), "matmul", matmul_macs(), ("", "weight")),
    "DynamicQuantizeMatMul": Rule(matmul(dtype="float32"), "matmul", matmul_macs(), _DYNAMIC_MATMUL),
    "MatMulNBits": Rule(_few_bits, "linear", _few_bits_macs, _FEW_BITS),
    "MatMulBnb4": Rule(_few_bits, "linear", _few_bits_macs, ("", "weight", "")),
    "QGemm": Rule(_quantised_gemm, "linear", matmul_macs(), ("", "", "", "weight", "", "", "bias", "", "")),
    "GemmFloat8": Rule(gemm, "linear", matmul_macs(), _CONV),
    "QOrderedMatMul": Rule(matmul(0, 2), "matmul", matmul_macs(), ("", "", "weight", "", "", "bias", "", "")),
    "QMoE": Rule(same(), "linear", _quantised_experts_macs, _QUANTISED_EXPERTS),
    "MoE": Rule(same(), "linear", _experts_macs, _EXPERTS),
    "DynamicQuantizeLSTM": Rule(dynamic_recurrent, "recurrent", dynamic_recurrent_macs, _LSTM),
    "Attention": Rule(_attention(4), "attention", _projected_macs(4), _CONV),
    "QAttention": Rule(_attention(8), "attention", _projected_macs(8), _QATTENTION),
    "DecoderMaskedSelfAttention": Rule(_attention(4), "attention", _projected_macs(4), _CONV),
    "MultiHeadAttention": Rule(_multi_head(6), "attention", _multi_head_macs(6), ("", "", "", "bias")),
    "DecoderMaskedMultiHeadAttention": Rule(_multi_head(5), "attention", _multi_head_macs(5), _MASKED),
    "PackedAttention": Rule(_packed, "attention", unknown_macs, _CONV),
    "PackedMultiHeadAttention": Rule(_as_queries, "attention", unknown_macs, ("", "", "", "bias")),
    "LongformerAttention": Rule(same(), "attention", unknown_macs, ("", "weight", "bias", "", "weight", "bias")),
    "SparseAttention": Rule(_as_queries, "attention", unknown_macs),
    "PagedAttention": Rule(_as_queries, "attention", unknown_macs),
    "LinearAttention": PRODUCTS["LinearAttention"],
    "RelativePositionBias": Rule(_position_bias, slots=("weight",)),
    "GatedRelativePositionBias": Rule(_gated_bias, "linear", _gated_bias_macs, _GATED_BIAS),
    "GroupQueryAttention": Rule(_grouped, "attention", _grouped_macs),
    "EmbedLayerNormalization": Rule(_embedded, "norm", slots=("", "", *("weight",) * 5)),
    "SkipLayerNormalization": Rule(_skipped, "norm", slots=_SKIP),
    "SkipSimplifiedLayerNormalization": Rule(_skipped, "norm", slots=_SKIP),
    "QEmbedLayerNormalization": Rule(_embedded, "norm", slots=("", "", *("weight",) * 5, *("",) * 11)),
    "GroupNorm": Rule(same(), "norm", slots=_NORM),
    "SkipGroupNorm": Rule(same(count=2), "norm", slots=("", "weight", "bias", "", "bias_added")),
    "GatedRMSNorm": Rule(same(), "norm", slots=("", "weight")),
    "BiasAdd": Rule(same(), "join"),
    "BiasGelu": Rule(same(), "act"),
    "BiasSoftmax": Rule(same(), "act"),
    "FastGelu": Rule(same(), "act"),
    "Gelu": Rule(same(), "act"),
    "QuickGelu": Rule(same(), "act"),
    "ScaledSiLU": Rule(same(), "act"),
    "SwiGLU": Rule(_as_queries, "act"),
    "BiasSplitGelu": Rule(_halved, "act", slots=("", "bias")),
    "BiasDropout": Rule(dropped, "dropout", slots=("", "bias", "", "", "")),
    "GatedAdd": Rule(same(), "join"),
    "ComplexMul": Rule(same(), "join"),
    "MulInteger": Rule(_added(0, 2, "int32"), "join", slots=("", "", "weight", "")),
    "QLinearSigmoid": Rule(same(), "act", slots=("",) * 5),
    "QLinearLeakyRelu": Rule(same(), "act", slots=("",) * 5),
    "QLinearSoftmax": Rule(same(), "act", slots=("",) * 5),
    "QLinearAdd": Rule(_added(0, 3), "join", slots=("weight", "", "", "weight_b", "", "", "", "")),
    "QLinearMul": Rule(_added(0, 3), "join", slots=("weight", "", "", "weight_b", "", "", "", "")),
    "QLinearConcat": Rule(_joined, "join"),
    "QLinearWhere": Rule(_added(1, 4)),
    "QLinearAveragePool": Rule(_pool, "pool", slots=("",) * 5),
    "QLinearGlobalAveragePool": Rule(_global_pool, "pool", slots=("",) * 5),
    "NhwcMaxPool": Rule(_pool, "pool"),
    "QLinearReduceMean": Rule(_mean, "pool", slots=("",) * 5),
    "ReduceSumInteger": Rule(_sum),
    **{name: MOVEMENT[name] for name in ("Pad", "GatherND")},
    "GridSample": WINDOWS["GridSample"],
    "GatherBlockQuantized": Rule(_quantised_rows, "shape", slots=("weight", "", "", "")),
    "CropAndResize": Rule(_cropped),
    **dict.fromkeys(("RotaryEmbedding", "MRotaryEmbedding"), Rule(same())),
    "Inverse": Rule(same(), macs=unknown_macs),
    "Trilu": Rule(same()),
}
_IN_BLOCKS: Rules = {
    "Conv": Rule(conv(), "standard", conv_macs(), _CONV),
    "MaxPool": Rule(pooled, "pool"),
    "AveragePool": Rule(pooled, "pool"),
    "GlobalMaxPool": Rule(global_pool, "pool"),
    "GlobalAveragePool": Rule(global_pool, "pool"),
    "ReorderInput": Rule(_in_blocks, "shape"),
    "ReorderOutput": Rule(_from_blocks, "shape"),
    "Upsample": Rule(_enlarged, "shape"),
}
DOMAINS = {"com.microsoft": RULES, "com.microsoft.nchwc": _IN_BLOCKS}

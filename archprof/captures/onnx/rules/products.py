"""Matrix products: of two tensors, by Einstein's notation, of attention, of cells that run over a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.rules.movement import shown
from archprof.captures.onnx.rules.rule import Macs, Outputs, Rule, Rules
from archprof.captures.onnx.tensor import Dim, Dims, Misfit, Tensor, broadcast, divided, made, numbers, times


def product_shape(first: Dims, second: Dims) -> Dims:
    """Return the shape of a product as numpy has it: of matrices, of stacks of them, of vectors."""
    if not first or not second:
        raise Misfit("a product with a number")
    rows, columns = len(first) > 1, len(second) > 1
    inner, other = first[-1], second[-2] if columns else second[-1]
    if None not in (inner, other) and inner != other:
        raise Misfit(f"{shown(first)} times {shown(second)}")
    stack = broadcast([first[:-2], second[:-2]])
    return (*stack, *first[-2:-1], *(second[-1:] if columns else ())) if rows else (*stack, *second[-1:] * columns)


def matmul(first: int = 0, second: int = 1, dtype: str = "") -> Outputs:
    """Return the rule of a product, by where its factors stand among its inputs."""

    def outputs(call: Call) -> list[Tensor]:
        a, b = _turned(call, first, "transA"), _turned(call, second, "transB")
        return [made(dtype or call.dtype(first), product_shape(a, b))]

    return outputs


def _turned(call: Call, index: int, name: str) -> Dims:
    """Return the shape of a factor as it is multiplied: where a fused operator says so, its first axis is its rows, and
    its last axes are turned."""
    shape = call.shape(index)
    if call.integer(name.replace("trans", "transBatch")) and len(shape) > 2:
        shape = (*shape[1:-1], shape[0], shape[-1])
    return (*shape[:-2], shape[-1], shape[-2]) if call.integer(name) and len(shape) > 1 else shape


def matmul_macs(first: int = 0, name: str = "transA") -> Macs:
    """Return the count of a product: output elements × the length of each dot product."""

    def macs(call: Call, outputs: list[Tensor]) -> int:
        return prod(outputs[0].sizes) * numbers(_turned(call, first, name))[-1]

    return macs


def gemm(call: Call) -> list[Tensor]:
    """Return a product of matrices, to which a third may be added."""
    a, b = _turned(call, 0, "transA"), _turned(call, 1, "transB")
    if len(a) != 2 or len(b) != 2:
        raise Misfit(f"{shown(a)} and {shown(b)} are no matrices")
    shape = product_shape(a, b)
    if call.has(2) and broadcast([shape, call.shape(2)]) != shape:
        raise Misfit(f"{shown(call.shape(2))} added to {shown(shape)}")
    return [made(call.dtype(), shape)]


# Einstein's notation


def _einsum(call: Call) -> list[Tensor]:
    _, result, sizes = _labels(call)
    return [made(call.dtype(), [sizes[label] for label in result])]


def _labels(call: Call) -> tuple[list[list[str]], list[str], dict[str, Dim]]:
    """Return the labels of each input, those of the output, and the size of each; dots stand for axes of their own."""
    equation = call.text("equation").replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(call.inputs):
        raise Misfit(f"`{equation[:100]}` of {len(call.inputs)} tensors")
    dotted = [len(call.shape(k)) - len(term.replace("...", "")) for k, term in enumerate(terms) if "..." in term]
    hidden = max(dotted, default=0)
    sizes: dict[str, Dim] = {}
    named = []
    for k, term in enumerate(terms):
        shape = call.shape(k)
        own = len(shape) - len(term.replace("...", "")) if "..." in term else 0
        labels = _spelled(term, [f"...{hidden - own + j}" for j in range(own)])
        if len(labels) != len(shape):
            raise Misfit(f"`{term[:100]}` of {shown(shape)}")
        for label, size in zip(labels, shape, strict=True):
            sizes[label] = broadcast([(sizes.get(label, 1),), (size,)])[0]
        named.append(labels)
    dots = [f"...{j}" for j in range(hidden)]
    if arrow:
        result = _spelled(right, dots)
    else:
        once = sorted(label for label in sizes if not label.startswith(".") and _count(named, label) == 1)
        result = dots + once
    if any(label not in sizes for label in result):
        raise Misfit(f"`{equation[:100]}` asks for an axis that nothing has")
    return named, result, sizes


def _count(terms: Sequence[Sequence[str]], label: str) -> int:
    return sum(list(term).count(label) for term in terms)


def _spelled(term: str, dots: Sequence[str]) -> list[str]:
    before, sign, behind = term.partition("...")
    return [*before, *(dots if sign else ()), *behind]


def _einsum_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count pairs from the left: a pair that sums over an axis of both is a matrix product, and costs every place of
    all axes that it has; what one alone sums over is summed before."""
    terms, result, sizes = _labels(call)
    kept, total = set(terms[0]), 0
    for k, term in enumerate(terms[1:], 1):
        later = set(result).union(*terms[k + 1 :])
        first, second = kept & (later | set(term)), set(term) & (later | kept)
        summed = {label for label in (first & second) - later if sizes[label] != 1}
        if summed:
            total += prod(numbers([sizes[label] for label in first | second]))
        kept = (first | second) - summed
    return total


# Attention


def _attention(call: Call) -> list[Tensor]:
    """Return attention of queries (B, H, L, E), or (B, L, H·E), with keys and values of the past behind it."""
    (batch, heads, length, _), (_, groups, steps, size), (_, _, _, values) = _heads(call)
    flat = len(call.shape()) == 3
    output: Dims = (batch, length, times(heads, values)) if flat else (batch, heads, length, values)
    found = [made(call.dtype(), output)]
    return [
        *found,
        made(call.dtype(), (batch, groups, steps, size)),
        made(call.dtype(), (batch, groups, steps, values)),
        made(call.dtype(), (batch, heads, length, steps)),
    ]


def _heads(call: Call) -> tuple[Dims, Dims, Dims]:
    queries, keys, values = (call.shape(index) for index in range(3))
    if len(queries) == 3:
        many, few = heads_of(call)
        queries, keys, values = _parted(queries, many), _parted(keys, few), _parted(values, few)
    if not len(queries) == len(keys) == len(values) == 4:
        raise Misfit(f"attention of {shown(queries)}, {shown(keys)} and {shown(values)}")
    past = call.shape(4)[2] if call.has(4) else 0
    steps = None if past is None or keys[2] is None else past + keys[2]
    return queries, (*keys[:2], steps, keys[3]), (*values[:2], steps, values[3])


def _parted(shape: Dims, heads: int) -> Dims:
    batch, length, width = shape
    return batch, heads, length, divided(width, heads)


def _attention_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count queries with keys, and weights with values."""
    (batch, heads, length, size), (_, _, steps, _), (_, _, _, values) = _heads(call)
    return prod(numbers((batch, heads, length, steps))) * sum(numbers((size, values)))


# Cells that run over a sequence


def recurrent(call: Call) -> list[Tensor]:
    """Return all states (L, D, B, H), and the last ones of hidden units and cells (D, B, H)."""
    length, batch, _ = _three(call)
    directions, units = call.shape(2)[0], call.shape(2)[-1]
    last = (directions, batch, units)
    if call.integer("layout"):
        last = (batch, directions, units)
        states: Dims = (batch, length, directions, units)
    else:
        states = (length, directions, batch, units)
    return [made(call.dtype(), shape) for shape in (states, last, last)]


def _three(call: Call) -> tuple[Dim, Dim, Dim]:
    """Return the length, the batch and the features of a sequence."""
    shape = call.shape()
    if len(shape) != 3 or len(call.shape(1)) != 3 or len(call.shape(2)) != 3:
        raise Misfit(f"a cell over {shown(shape)}")
    first, second, features = shape
    if None not in (features, call.shape(1)[-1]) and features != call.shape(1)[-1]:
        raise Misfit(f"a cell of {call.shape(1)[-1]} features on {features}")
    return (second, first, features) if call.integer("layout") else (first, second, features)


def _recurrent_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count each weight of both matrices once a step."""
    length, batch, _ = _three(call)
    return prod(numbers((length, batch))) * (prod(call.sizes(1)) + prod(call.sizes(2)))


def dynamic_recurrent(call: Call) -> list[Tensor]:
    """Return likewise the states of a cell whose quantised weights are turned: (D, I, 4·H), (D, H, 4·H)."""
    shape, inner = call.shape(), call.shape(2)
    if len(shape) != 3 or len(inner) != 3:
        raise Misfit(f"a cell over {shown(shape)}")
    length, batch, _ = shape
    last = (inner[0], batch, inner[1])
    return [made(call.dtype(), one) for one in ((length, inner[0], batch, inner[1]), last, last)]


def dynamic_recurrent_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count each weight of both matrices once a step."""
    length, batch, _ = call.sizes()
    return length * batch * (prod(call.sizes(1)) + prod(call.sizes(2)))


_RECURRENT = ("", "weight_ih", "weight_hh", "bias", "", "", "", "weight_peephole")


def _linear_attention(call: Call) -> list[Tensor]:
    """Return attention without weights over all steps: a state (B, H, K, V) that each step reads and adds to."""
    batch, length, width = sequence(call)
    heads, few = heads_of(call)
    size, values = divided(width, heads), divided(sequence(call, 2)[2], few)
    return [
        made(call.dtype(), (batch, length, times(heads, values))),
        made(call.dtype(), (batch, few, size, values)),
    ]


def sequence(call: Call, index: int = 0) -> Dims:
    """Return the shape of an input of three axes. Raises Misfit for another."""
    shape = call.shape(index)
    if len(shape) != 3:
        raise Misfit(f"{shown(shape)} is no batch of sequences")
    return shape


def heads_of(call: Call, name: str = "q_num_heads") -> tuple[int, int]:
    """Return the heads of queries, by the *name* of the attribute, and those of keys and values."""
    heads, few = call.integer(name, 1), call.integer("kv_num_heads", 1)
    if heads < 1 or few < 1:
        raise Misfit("attention without heads")
    return heads, few


def _linear_attention_macs(call: Call, outputs: list[Tensor]) -> int:
    """Count each step's product of key and value, what its query reads of the state, and, of a delta rule, what its
    key reads."""
    batch, few, size, values = outputs[1].sizes
    heads, _ = heads_of(call)
    reads = few if "delta" in call.text("update_rule", "gated_delta") else 0
    return batch * call.sizes()[1] * size * values * (few + heads + reads)


def _causal_conv(call: Call) -> list[Tensor]:
    """Return a depthwise convolution (B, C, L) that looks back alone, and the last positions."""
    batch, channels, length = sequence(call)
    kernel = sequence(call, 1)[2]
    past = None if kernel is None else kernel - 1
    return [made(call.dtype(), (batch, channels, length)), made(call.dtype(), (batch, channels, past))]


def _causal_conv_macs(call: Call, outputs: list[Tensor]) -> int:
    return prod(outputs[0].sizes) * call.sizes(1)[2]


RULES: Rules = {
    "MatMul": Rule(matmul(), "matmul", matmul_macs(), ("", "weight")),
    "MatMulInteger": Rule(matmul(dtype="int32"), "matmul", matmul_macs(), ("", "weight", "", "")),
    "QLinearMatMul": Rule(matmul(0, 3), "matmul", matmul_macs(), ("", "", "", "weight", *("",) * 4)),
    "Gemm": Rule(gemm, "linear", matmul_macs(), ("", "weight", "bias")),
    "Einsum": Rule(_einsum, "matmul", _einsum_macs),
    "LinearAttention": Rule(_linear_attention, "attention", _linear_attention_macs),
    "CausalConvWithState": Rule(_causal_conv, "depthwise", _causal_conv_macs, ("", "weight", "bias")),
    "Attention": Rule(_attention, "attention", _attention_macs),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), Rule(recurrent, "recurrent", _recurrent_macs, _RECURRENT)),
}

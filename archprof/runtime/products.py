"""Multiply-accumulates of operators for which the counters have no rule of their own, and which operators of others
have some.

A rule takes an operator's arguments, tensors as their shapes and lists of tensors as lists of shapes, and the shape of
its first output.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from math import isqrt, prod
from typing import Any

from archprof.runtime.einsum import einsum_macs

Sizes = Sequence[int]
Shapes = Sequence[Any]
Rule = Callable[[Shapes, Sizes], int]


def matmul(arguments: Shapes, output: Sizes) -> int:
    """Count output elements × the length of each dot product; vectors and a stretched batch among them."""
    return prod(output) * int(arguments[0][-1])


def attention(arguments: Shapes, output: Sizes) -> int:
    """Count the two matrix products of queries (…, L, E), keys (…, S, E) and values (…, S, V)."""
    queries, keys = arguments[:2]
    return int(keys[-2]) * (prod(queries) + prod(output))


def _contraction(arguments: Shapes, output: Sizes) -> int:
    """Count a product that sums over shared axes: of (a…, k…) and (b…, k…) to (a…, b…) it is a·b·k."""
    return isqrt(prod(arguments[0]) * prod(arguments[1]) * prod(output))


def _vector(arguments: Shapes, output: Sizes) -> int:
    """Count a matrix, or a vector, that meets a vector: each of its elements once."""
    return prod(arguments[0])


def _added_vector(arguments: Shapes, output: Sizes) -> int:
    return prod(arguments[1])


def _added_batch(arguments: Shapes, output: Sizes) -> int:
    """Count a sum of products of (b, n, m) and (b, m, p)."""
    return prod(arguments[1]) * int(arguments[2][-1])


def _bilinear(arguments: Shapes, output: Sizes) -> int:
    """Count each weight (out, in₁, in₂) once a position, as of a linear layer on the outer product."""
    weights: Sizes = arguments[2]
    return prod(output) * prod(weights[1:])


def _trilinear(arguments: Shapes, output: Sizes) -> int:
    """Count what `bilinear` runs: inputs (positions, in₁), weights (out, in₁, in₂)."""
    return int(arguments[0][0]) * prod(arguments[1])


def _recurrent(arguments: Shapes, output: Sizes) -> int:
    """Count each weight matrix once a position: of an LSTM 4·H·(I + H), of all layers and directions.

    The inputs are (steps, batch, I), then come the state and the weights; or they are packed, (positions, I), and the
    batch sizes stand between.
    """
    inputs = arguments[0]
    return _weighed(inputs, arguments[2 if len(inputs) == 3 else 3])


def _recurrent_cudnn(arguments: Shapes, output: Sizes) -> int:
    return _weighed(arguments[0], arguments[1])


def _recurrent_mkldnn(arguments: Shapes, output: Sizes) -> int:
    return _weighed(arguments[0], arguments[1:3])


def _weighed(inputs: Sizes, weights: Sequence[Sizes]) -> int:
    return prod(inputs[:-1]) * sum(prod(weight) for weight in weights if len(weight) == 2)


def _time_batch_convolution(arguments: Shapes, output: Sizes) -> int:
    """Count a convolution of (steps, batch, in) by weights (k, in, out)."""
    weights: Sizes = arguments[1]
    return prod(output) * prod(weights[:2])


# The kernels of attention that torch's own counter knows too.
_FUSED = (
    *("flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention"),
    "fused_attention_overrideable",
)


def _grouped(arguments: Shapes, output: Sizes) -> int:
    """Count a product for each group; an axis without groups is split among them."""
    left, right = arguments[:2]
    return (prod(left[-2:]) if len(left) > len(right) else prod(left)) * int(right[-1])


def _einsum(arguments: Shapes, output: Sizes) -> int:
    equation, operands, path = arguments
    return einsum_macs(equation, operands, path)


RULES: Mapping[str, Rule] = {
    "aten::mv": _vector,
    "aten::dot": _vector,
    "aten::vdot": _vector,
    "aten::addmv": _added_vector,
    "aten::addbmm": _added_batch,
    "aten::baddbmm": _added_batch,
    "aten::einsum": _einsum,
    "aten::inner": _contraction,
    "aten::tensordot": _contraction,
    "aten::bilinear": _bilinear,
    "aten::_trilinear": _trilinear,
    "aten::lstm": _recurrent,
    "aten::gru": _recurrent,
    "aten::rnn_tanh": _recurrent,
    "aten::rnn_relu": _recurrent,
    "aten::mkldnn_rnn_layer": _recurrent_mkldnn,
    "aten::_cudnn_rnn": _recurrent_cudnn,
    "aten::conv_tbc": _time_batch_convolution,
    "aten::_grouped_mm": _grouped,
    "aten::_scaled_grouped_mm": _grouped,
    "aten::_int_mm": matmul,
    "aten::scaled_dot_product_attention": attention,
    **dict.fromkeys((f"aten::_scaled_dot_product_{kind}" for kind in _FUSED), attention),
    "quantized::linear": matmul,
    "quantized::linear_relu": matmul,
    "quantized::linear_dynamic": matmul,
    "quantized::linear_relu_dynamic": matmul,
    "quantized::linear_dynamic_fp16": matmul,
}

# Of whatever else an operator is for, nothing is known.
_KNOWN = frozenset(
    ("aten", "prim", "prims", "profiler", "quantized", "quantization", "mkldnn", "onednn", "torchvision")
)
_MULTIPLIES = re.compile(
    r"""(?:^|_)(?:
    [a-z0-9]*mm | (?:add)?mv | (?:v|vec|tensor)?dot | [a-z]*matmul | inner | einsum | q?linear | bilinear | trilinear
    | conv(?:[123]d)? | convolution | rnn | lstm | gru | attention | transformer | cdist | euclidean_dist
    | [a-z]*fft[2n]? | i?stft
    | linalg(?!_+(?:cross|norm|vector_norm|matrix_norm|diagonal|vander|powsum|check_errors))
    | cholesky | p?inverse | (?:log|slog)?det | svd | qr | lu | matrix_exp | matrix_power
    | geqrf | orgqr | ormqr | solve | cov | corrcoef
    )(?:_|$) | PythonOp""",
    re.VERBOSE,
)
# Of what multiplies, the elements alone, the packing of weights, and names of frequencies.
_OTHERWISE = re.compile(r"_thnn_fused|(?:pre|un)pack|flatten_weight|reorder|convert|quantize_weight|fftshift|fftfreq")


def multiplies(operator: str) -> bool:
    """Tell whether an operator, as in `aten::mm`, multiplies and accumulates, as far as its name tells; one that is
    neither torch's nor torchvision's may."""
    namespace, _, name = operator.partition("::")
    if namespace not in _KNOWN:
        return True
    return _MULTIPLIES.search(name) is not None and _OTHERWISE.search(name) is None

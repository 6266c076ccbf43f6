"""Multiply-accumulates as fvcore counts them on a traced forward pass."""

from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from fvcore.nn import FlopCountAnalysis
from fvcore.nn.jit_handles import (
    addmm_flop_jit,
    bmm_flop_jit,
    conv_flop_count,
    conv_flop_jit,
    einsum_flop_jit,
    get_shape,
    linear_flop_jit,
)
from torch import Tensor, nn


def fvcore_macs(module: nn.Module, inputs: tuple[Tensor, ...]) -> Counter[str]:
    """Return the MACs of convolutions, linear layers and matrix products, by the path of the module that runs them
    itself.

    *module* is run once. It should be one that nobody else has: fvcore leaves its hooks on it when a forward fails.
    """
    analysis = FlopCountAnalysis(module, inputs).clear_op_handles().set_op_handle(**_HANDLES)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    sums: Mapping[str, float] = analysis.by_module()
    own = Counter({path: int(macs) for path, macs in sums.items()})
    for path, macs in sums.items():
        if path:
            own[path.rpartition(".")[0]] -= int(macs)
    return own


def _matmul(inputs: list[Any], outputs: list[Any]) -> int:
    """Count output elements × the length of each dot product; fvcore's own handle does not take vectors or a stretched
    batch."""
    return _elements(outputs[0]) * _sizes(inputs[0])[-1]


def _baddbmm(inputs: list[Any], outputs: list[Any]) -> int:
    return _matmul(inputs[1:], outputs)


def _attention(inputs: list[Any], outputs: list[Any]) -> int:
    """Count the two matrix products of queries (…, L, E), keys (…, S, E) and values (…, S, V)."""
    queries, keys = inputs[:2]
    return _sizes(keys)[-2] * (_elements(queries) + _elements(outputs[0]))


def _convolution_mode(inputs: list[Any], outputs: list[Any]) -> int:
    """Count a convolution whose padding is a word, `same` or `valid`."""
    macs: int = conv_flop_count(_sizes(inputs[0]), _sizes(inputs[1]), _sizes(outputs[0]))
    return macs


def _sizes(value: Any) -> list[int]:
    sizes: list[int] = get_shape(value)
    return sizes


def _elements(value: Any) -> int:
    return prod(_sizes(value))


# What the convention counts; fvcore's own handles where it has them.
_HANDLES: Mapping[str, Callable[[list[Any], list[Any]], Any]] = {
    "aten::_convolution": conv_flop_jit,
    "aten::_convolution_mode": _convolution_mode,
    "aten::linear": linear_flop_jit,
    "aten::addmm": addmm_flop_jit,
    "aten::mm": _matmul,
    "aten::matmul": _matmul,
    "aten::bmm": bmm_flop_jit,
    "aten::baddbmm": _baddbmm,
    "aten::einsum": einsum_flop_jit,
    "aten::scaled_dot_product_attention": _attention,
}

"""The multiply-accumulates of dispatched operators, by rule: one for each operator, of shapes alone; and which are
known to have none."""

from collections.abc import Mapping
from math import prod
from typing import Any

from archprof.captures.calls import SeenTensor
from archprof.runtime.products import RULES as PRODUCTS
from archprof.runtime.products import Rule, Shapes, Sizes, attention, matmul, multiplies


def _convolution(arguments: Shapes, output: Sizes) -> int:
    """Count a window for each output element: of its group's channels."""
    weight: Sizes = arguments[1]
    return prod(output) * prod(weight[1:])


def _transposed(arguments: Shapes, output: Sizes) -> int:
    """Count a window for each input element, which is spread over so many outputs."""
    weight: Sizes = arguments[1]
    return prod(arguments[0]) * prod(weight[1:])


def _either_convolution(arguments: Shapes, output: Sizes) -> int:
    transposed = arguments[6]
    return (_transposed if transposed else _convolution)(arguments, output)


def _linear(arguments: Shapes, output: Sizes) -> int:
    weight: Sizes = arguments[1]
    return prod(arguments[0]) * prod(weight[:-1])


def _added_product(arguments: Shapes, output: Sizes) -> int:
    return matmul(arguments[1:], output)


def _cell(arguments: Shapes, output: Sizes) -> int:
    """Count both weight matrices once a sequence."""
    inputs: Sizes = arguments[0]
    return prod(inputs[:-1]) * (prod(arguments[2]) + prod(arguments[3]))


RULES: Mapping[str, Rule] = {
    **PRODUCTS,
    **dict.fromkeys(("aten::conv1d", "aten::conv2d", "aten::conv3d"), _convolution),
    **dict.fromkeys(("aten::conv_transpose1d", "aten::conv_transpose2d", "aten::conv_transpose3d"), _transposed),
    **dict.fromkeys(("aten::convolution", "aten::_convolution"), _either_convolution),
    "aten::linear": _linear,
    **dict.fromkeys(("aten::matmul", "aten::mm", "aten::bmm", "aten::_scaled_mm"), matmul),
    "aten::addmm": _added_product,
    **dict.fromkeys(("aten::lstm_cell", "aten::gru_cell", "aten::rnn_tanh_cell", "aten::rnn_relu_cell"), _cell),
    "torchvision::deform_conv2d": _convolution,
    "higher_order::flex_attention": attention,
    **dict.fromkeys(("quantized::conv1d", "quantized::conv2d", "quantized::conv3d"), _convolution),
    **dict.fromkeys(("quantized::conv1d_relu", "quantized::conv2d_relu", "quantized::conv3d_relu"), _convolution),
}
# A composite operator that is taken apart where it runs, and may stand whole in a file.
WRITTEN: Mapping[str, Rule] = {"aten::linalg_matmul": matmul}
# Composite operators without multiply-accumulates that are noted as they are; others are taken apart.
_WHOLE = frozenset(
    (
        *("aten::layer_norm", "aten::batch_norm", "aten::group_norm", "aten::instance_norm", "aten::rms_norm"),
        *("aten::adaptive_avg_pool1d", "aten::adaptive_avg_pool2d", "aten::adaptive_avg_pool3d"),
        *("aten::max_pool1d", "aten::max_pool2d", "aten::max_pool3d", "aten::adaptive_max_pool2d"),
        *("aten::avg_pool1d", "aten::adaptive_max_pool1d", "aten::adaptive_max_pool3d", "aten::pixel_unshuffle"),
        *("aten::dropout", "aten::flatten", "aten::silu", "aten::softmax", "aten::embedding", "aten::pixel_shuffle"),
        *("aten::reshape", "aten::contiguous", "aten::to", "aten::type_as"),
        *("aten::upsample_nearest1d", "aten::upsample_nearest2d", "aten::upsample_nearest3d"),
        *("aten::_upsample_nearest_exact1d", "aten::_upsample_nearest_exact2d", "aten::_upsample_nearest_exact3d"),
        *("aten::upsample_linear1d", "aten::upsample_bilinear2d", "aten::upsample_trilinear3d"),
        *("aten::upsample_bicubic2d", "aten::_upsample_bilinear2d_aa", "aten::_upsample_bicubic2d_aa"),
    )
)


def is_whole(operator: str) -> bool:
    """Tell whether an operator, as in `aten::conv2d`, is noted as it is rather than taken apart."""
    name = operator.rstrip("_")
    return name in RULES or name in _WHOLE


def macs_of(operator: str, given: Mapping[str, Any], output: Sizes) -> int | None:
    """Return what a call multiplies and accumulates; None where there is no rule, and it may do so."""
    rule = RULES.get(operator) or WRITTEN.get(operator)
    if rule is not None:
        return rule([_shapes(value) for value in given.values()], output)
    return None if multiplies(operator) else 0


def _shapes(value: Any) -> Any:
    if isinstance(value, SeenTensor):
        return value.shape
    return [_shapes(item) for item in value] if isinstance(value, list) else value

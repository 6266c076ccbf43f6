"""Each rule of multiply-accumulates, at two shapes or more, against arithmetic written out."""

from typing import Any

import pytest

from archprof.captures.calls import HeldTensor, SeenTensor
from archprof.captures.macs import RULES, WRITTEN, macs_of

_KERNELS = ("flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention")
ATTENTION = (
    "aten::scaled_dot_product_attention",
    *(f"aten::_scaled_dot_product_{kernel}" for kernel in _KERNELS),
    *("aten::_scaled_dot_product_fused_attention_overrideable", "higher_order::flex_attention"),
)
CONV = {k: (f"aten::conv{k}d", f"quantized::conv{k}d", f"quantized::conv{k}d_relu") for k in (1, 2, 3)}
EITHER = ("aten::convolution", "aten::_convolution")
_LAYERS = ("linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic", "linear_dynamic_fp16")
QUANTIZED = tuple(f"quantized::{layer}" for layer in _LAYERS)
MATMUL = ("aten::matmul", "aten::linalg_matmul")
MM = ("aten::mm", "aten::_int_mm", "aten::_scaled_mm", *MATMUL)
GROUPED = ("aten::_grouped_mm", "aten::_scaled_grouped_mm")
RNN = ("aten::rnn_tanh", "aten::rnn_relu")
RNN_CELL = ("aten::rnn_tanh_cell", "aten::rnn_relu_cell")

# Operators, arguments (tuples are shapes of tensors, lists of them tensors), the first output's shape, and MACs.
CASES: list[tuple[tuple[str, ...], list[Any], tuple[int, ...], int]] = [
    (CONV[1], [(2, 4, 10), (6, 4, 3)], (2, 6, 8), 2 * 6 * 8 * 4 * 3),
    (CONV[1], [(1, 6, 9), (6, 1, 5)], (1, 6, 5), 6 * 5 * 5),
    (CONV[2], [(1, 3, 9, 7), (8, 3, 3, 3)], (1, 8, 4, 3), 8 * 4 * 3 * 3 * 9),
    (CONV[2], [(2, 4, 6, 6), (6, 2, 5, 1)], (2, 6, 2, 6), 2 * 6 * 2 * 6 * 2 * 5),
    (CONV[3], [(1, 2, 5, 6, 7), (4, 2, 3, 3, 3)], (1, 4, 3, 4, 5), 4 * 60 * 2 * 27),
    (CONV[3], [(1, 4, 4, 5, 5), (4, 1, 1, 3, 3)], (1, 4, 4, 3, 3), 4 * 4 * 9 * 9),
    (("torchvision::deform_conv2d",), [(1, 4, 8, 8), (6, 4, 3, 3), (1, 18, 4, 4)], (1, 6, 4, 4), 6 * 16 * 4 * 9),
    (("torchvision::deform_conv2d",), [(2, 4, 5, 5), (8, 2, 1, 1), (2, 2, 5, 5)], (2, 8, 5, 5), 2 * 8 * 25 * 2),
    (("aten::conv_transpose1d",), [(1, 3, 7), (3, 5, 4)], (1, 5, 10), 3 * 7 * 5 * 4),
    (("aten::conv_transpose1d",), [(2, 4, 5), (4, 3, 2)], (2, 6, 10), 2 * 4 * 5 * 3 * 2),
    (("aten::conv_transpose2d",), [(1, 3, 4, 4), (3, 5, 2, 2)], (1, 5, 8, 8), 3 * 16 * 5 * 4),
    (("aten::conv_transpose2d",), [(2, 4, 5, 6), (4, 3, 3, 3)], (2, 6, 10, 12), 2 * 4 * 30 * 3 * 9),
    (("aten::conv_transpose3d",), [(1, 2, 3, 4, 5), (2, 3, 2, 2, 2)], (1, 3, 4, 5, 6), 2 * 60 * 3 * 8),
    (("aten::conv_transpose3d",), [(1, 4, 2, 3, 3), (4, 2, 1, 2, 2)], (1, 2, 2, 6, 6), 4 * 18 * 2 * 4),
    (EITHER, [(1, 4, 9, 8), (6, 2, 3, 3), None, 2, 1, 1, False], (1, 6, 5, 4), 6 * 20 * 2 * 9),
    (EITHER, [(1, 4, 5, 7), (4, 6, 3, 3), None, 2, 1, 1, True], (1, 6, 10, 14), 4 * 35 * 6 * 9),
    (("aten::conv_tbc",), [(7, 2, 4), (3, 4, 5)], (5, 2, 5), 5 * 2 * 3 * 4 * 5),
    (("aten::conv_tbc",), [(4, 1, 6), (1, 6, 2)], (4, 1, 2), 4 * 6 * 2),
    (("aten::linear",), [(2, 7, 8), (5, 8)], (2, 7, 5), 2 * 7 * 8 * 5),
    (("aten::linear",), [(8,), (3, 8)], (3,), 8 * 3),
    (QUANTIZED, [(2, 7, 8)], (2, 7, 5), 2 * 7 * 8 * 5),
    (QUANTIZED, [(4, 6)], (4, 3), 4 * 6 * 3),
    (MM, [(3, 4), (4, 5)], (3, 5), 3 * 4 * 5),
    (MM, [(32, 16), (16, 8)], (32, 8), 32 * 16 * 8),
    (("aten::bmm", *MATMUL), [(2, 3, 4), (2, 4, 5)], (2, 3, 5), 2 * 3 * 4 * 5),
    (("aten::bmm", *MATMUL), [(6, 1, 7), (6, 7, 2)], (6, 1, 2), 6 * 7 * 2),
    (MATMUL, [(3, 1, 4, 5), (2, 5, 6)], (3, 2, 4, 6), 3 * 2 * 4 * 5 * 6),
    (MATMUL, [(5,), (5,)], (), 5),
    (("aten::addmm",), [(5,), (3, 4), (4, 5)], (3, 5), 3 * 4 * 5),
    (("aten::addmm",), [(7, 2), (7, 6), (6, 2)], (7, 2), 7 * 6 * 2),
    (("aten::mv",), [(3, 4), (4,)], (3,), 3 * 4),
    (("aten::mv",), [(7, 2), (2,)], (7,), 7 * 2),
    (("aten::dot", "aten::vdot"), [(7,), (7,)], (), 7),
    (("aten::dot", "aten::vdot"), [(12,), (12,)], (), 12),
    (("aten::addmv",), [(3,), (3, 4), (4,)], (3,), 3 * 4),
    (("aten::addmv",), [(1,), (5, 6), (6,)], (5,), 5 * 6),
    (("aten::addbmm",), [(3, 5), (2, 3, 4), (2, 4, 5)], (3, 5), 2 * 3 * 4 * 5),
    (("aten::addbmm",), [(1, 2), (7, 1, 3), (7, 3, 2)], (1, 2), 7 * 3 * 2),
    (("aten::baddbmm",), [(2, 3, 5), (2, 3, 4), (2, 4, 5)], (2, 3, 5), 2 * 3 * 4 * 5),
    (("aten::baddbmm",), [(7, 1, 2), (7, 1, 3), (7, 3, 2)], (7, 1, 2), 7 * 3 * 2),
    (("aten::inner",), [(3, 4), (5, 4)], (3, 5), 3 * 4 * 5),
    (("aten::inner",), [(2, 3, 6), (6,)], (2, 3), 2 * 3 * 6),
    (("aten::tensordot",), [(3, 4, 5), (4, 5, 6)], (3, 6), 3 * 20 * 6),
    (("aten::tensordot",), [(2, 7), (7, 3, 4)], (2, 3, 4), 2 * 7 * 12),
    (("aten::einsum",), ["bhid,bhjd->bhij", [(2, 3, 5, 4), (2, 3, 6, 4)], None], (2, 3, 5, 6), 2 * 3 * 5 * 6 * 4),
    (("aten::einsum",), ["ab,bc,cd->ad", [(2, 3), (3, 4), (4, 5)], [1, 2, 0, 1]], (2, 5), 3 * 4 * 5 + 2 * 3 * 5),
    (("aten::einsum",), ["ij,jk->ik", [(3, 1), (1, 4)], None], (3, 4), 0),  # nothing is summed
    (("aten::bilinear",), [(2, 3), (2, 4), (5, 3, 4)], (2, 5), 2 * 5 * 3 * 4),
    (("aten::bilinear",), [(2, 6, 3), (2, 6, 3), (1, 3, 3)], (2, 6, 1), 2 * 6 * 9),
    (("aten::_trilinear",), [(2, 3), (5, 3, 4), (2, 4)], (2, 5), 2 * 5 * 3 * 4),
    (("aten::_trilinear",), [(12, 3), (1, 3, 3), (12, 3)], (12, 1), 12 * 9),
    (("aten::lstm",), [(5, 3, 10), [(1, 3, 20)] * 2, [(80, 10), (80, 20), (80,)]], (5, 3, 20), 15 * 80 * (10 + 20)),
    (("aten::lstm",), [(7, 10), (5,), [(1, 3, 20)] * 2, [(80, 10), (80, 20)]], (7, 20), 7 * 80 * (10 + 20)),  # packed
    (("aten::lstm",), [(4, 1, 10), [(1, 1, 6)] * 2, [(80, 10), (80, 6), (6, 20)]], (4, 1, 6), 4 * (80 * 16 + 120)),
    (("aten::gru",), [(5, 3, 10), (1, 3, 20), [(60, 10), (60, 20)]], (5, 3, 20), 15 * 60 * (10 + 20)),
    (("aten::gru",), [(7, 1, 4), (2, 1, 3), [(9, 4), (9, 3)] * 2], (7, 1, 6), 7 * 2 * 9 * (4 + 3)),
    (RNN, [(5, 3, 10), (1, 3, 20), [(20, 10), (20, 20)]], (5, 3, 20), 15 * 20 * 30),
    (RNN, [(6, 2, 3), (2, 2, 4), [(4, 3), (4, 4), (4, 4), (4, 4)]], (6, 2, 4), 12 * 4 * (3 + 4 + 4 + 4)),
    (("aten::_cudnn_rnn",), [(5, 3, 10), [(80, 10), (80, 20), (80,)]], (5, 3, 20), 15 * 80 * (10 + 20)),
    (("aten::_cudnn_rnn",), [(4, 1, 6), [(9, 6), (9, 3)]], (4, 1, 3), 4 * 9 * (6 + 3)),
    (("aten::mkldnn_rnn_layer",), [(5, 3, 10), (80, 10), (80, 20), (80,), (80,)], (5, 3, 20), 15 * 80 * (10 + 20)),
    (("aten::mkldnn_rnn_layer",), [(4, 1, 6), (12, 6), (12, 3), (12,), (12,)], (4, 1, 3), 4 * 12 * (6 + 3)),
    (("aten::lstm_cell",), [(3, 10), [(3, 20), (3, 20)], (80, 10), (80, 20)], (3, 20), 3 * 80 * (10 + 20)),
    (("aten::lstm_cell",), [(1, 4), [(1, 2), (1, 2)], (8, 4), (8, 2)], (1, 2), 8 * (4 + 2)),
    (("aten::gru_cell",), [(3, 10), (3, 20), (60, 10), (60, 20)], (3, 20), 3 * 60 * (10 + 20)),
    (("aten::gru_cell",), [(1, 4), (1, 2), (6, 4), (6, 2)], (1, 2), 6 * (4 + 2)),
    (RNN_CELL, [(3, 10), (3, 20), (20, 10), (20, 20)], (3, 20), 3 * 20 * (10 + 20)),
    (RNN_CELL, [(1, 4), (1, 2), (2, 4), (2, 2)], (1, 2), 2 * (4 + 2)),
    (ATTENTION, [(1, 2, 5, 8), (1, 2, 7, 8), (1, 2, 7, 6)], (1, 2, 5, 6), 2 * 5 * 7 * (8 + 6)),
    (ATTENTION, [(3, 8, 4, 2), (3, 2, 9, 2), (3, 2, 9, 2)], (3, 8, 4, 2), 3 * 8 * 4 * 9 * (2 + 2)),
    # Rows, batches, a length or columns that are split into groups.
    (GROUPED, [(12, 16), (3, 16, 8)], (12, 8), 12 * 16 * 8),
    (GROUPED, [(3, 12, 16), (3, 16, 8)], (3, 12, 8), 3 * 12 * 16 * 8),
    (GROUPED, [(4, 12), (12, 8)], (3, 4, 8), 4 * 12 * 8),
    (GROUPED, [(3, 4, 16), (16, 24)], (4, 24), 4 * 16 * 24),
]  # fmt: skip


def seen(value):
    """Return an argument as calls have it."""
    if isinstance(value, tuple):
        return SeenTensor(value, "float32", HeldTensor("", "constant"))
    return [seen(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("operator", "arguments", "output", "macs"),
    [(operator, *case) for operators, *case in CASES for operator in operators],
)
def test_a_rule_is_arithmetic(operator, arguments, output, macs):
    given = {f"argument{k}": seen(value) for k, value in enumerate(arguments)}
    assert macs_of(operator, given, output) == macs


def test_every_rule_is_tested_at_two_shapes():
    shapes = {operator: {str(case[1]) for case in CASES if operator in case[0]} for operator in {**RULES, **WRITTEN}}
    assert [operator for operator, found in shapes.items() if len(found) < 2] == []

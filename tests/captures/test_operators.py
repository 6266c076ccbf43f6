"""What is counted of each operator that torch dispatches, against arithmetic written out and FlopCounterMode."""

from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import archprof
from archprof.analysis.compare import compare


class Calls(nn.Module):
    """A module that runs a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def captured(function, *shapes):
    module = function if isinstance(function, nn.Module) else Calls(function)
    return archprof.analyze(archprof.capture(module, args=tuple(torch.zeros(shape) for shape in shapes)))


# What runs, on which shapes, and its multiply-accumulates.
COUNTS: dict[str, tuple[Any, list[Any], int]] = {
    "conv1d": (nn.Conv1d(4, 6, 3), [(1, 4, 10)], 6 * 8 * 4 * 3),
    "conv1d groups": (nn.Conv1d(4, 6, 3, padding=1, groups=2), [(2, 4, 10)], 2 * 6 * 10 * 2 * 3),
    "conv2d": (nn.Conv2d(3, 8, 3, stride=2), [(1, 3, 9, 11)], 8 * 4 * 5 * 3 * 9),
    "conv2d depthwise": (nn.Conv2d(4, 4, 5, padding=2, groups=4), [(1, 4, 6, 6)], 4 * 36 * 25),
    "conv3d": (nn.Conv3d(2, 4, 3), [(1, 2, 5, 6, 7)], 4 * 3 * 4 * 5 * 2 * 27),
    "conv3d stride": (nn.Conv3d(2, 4, (1, 3, 3), stride=(2, 1, 1)), [(1, 2, 4, 5, 5)], 4 * 2 * 3 * 3 * 2 * 9),
    "conv_transpose2d": (nn.ConvTranspose2d(3, 5, 2, stride=2), [(1, 3, 4, 4)], 3 * 16 * 5 * 4),
    "conv_transpose2d groups": (nn.ConvTranspose2d(4, 6, 3, groups=2), [(1, 4, 5, 5)], 4 * 25 * 3 * 9),
    "conv_transpose1d": (nn.ConvTranspose1d(3, 5, 4), [(1, 3, 7)], 3 * 7 * 5 * 4),
    "linear": (nn.Linear(8, 5), [(2, 7, 8)], 2 * 7 * 8 * 5),
    "linear of a vector": (nn.Linear(8, 5), [(8,)], 8 * 5),
    "matmul": (torch.matmul, [(2, 3, 4, 5), (5, 6)], 2 * 3 * 4 * 5 * 6),
    "matmul, stretched": (torch.matmul, [(3, 1, 4, 5), (2, 5, 6)], 3 * 2 * 4 * 5 * 6),
    "matmul of vectors": (torch.matmul, [(5,), (5,)], 5),
    "mm": (torch.mm, [(3, 4), (4, 5)], 60),
    "bmm": (torch.bmm, [(2, 3, 4), (2, 4, 5)], 120),
    "mv": (torch.mv, [(3, 4), (4,)], 12),
    "dot": (torch.dot, [(7,), (7,)], 7),
    "inner": (torch.inner, [(3, 4), (5, 4)], 60),
    "outer": (torch.outer, [(3,), (4,)], 0),
    "addmm": (torch.addmm, [(3, 5), (3, 4), (4, 5)], 60),
    "addmv": (torch.addmv, [(3,), (3, 4), (4,)], 12),
    "baddbmm": (torch.baddbmm, [(2, 3, 5), (2, 3, 4), (2, 4, 5)], 120),
    "addbmm": (torch.addbmm, [(3, 5), (2, 3, 4), (2, 4, 5)], 120),
    "tensordot": (lambda x, y: torch.tensordot(x, y, 2), [(3, 4, 5), (4, 5, 6)], 3 * 20 * 6),
    "einsum": (lambda x, y: torch.einsum("bhid,bhjd->bhij", x, y), [(1, 8, 197, 64), (1, 8, 197, 64)], 19_870_208),
    "einsum, two positions": (lambda x, y: torch.einsum("lm,mhn->lhn", x, y), [(5, 6), (6, 2, 3)], 5 * 6 * 2 * 3),
    "einsum of three": (
        lambda x, y, z: torch.einsum("ab,bc,cd->ad", x, y, z), [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5,
    ),
    "einsum without a sum": (lambda x, y: torch.einsum("i,j->ij", x, y), [(3,), (4,)], 0),
    "einsum that sums one alone": (lambda x, y: torch.einsum("ij,jk->k", x, y), [(3, 4), (4, 5)], 4 * 5),
    "einsum without an arrow": (lambda x, y: torch.einsum("...ij,...jk", x, y), [(7, 2, 3), (7, 3, 4)], 7 * 24),
    "attention, fused": (
        lambda q: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, q, q)[0], [(1, 2, 5, 8)],
        2 * 5 * 5 * (8 + 8),
    ),
    "conv_transpose3d": (nn.ConvTranspose3d(4, 6, 3, groups=2), [(1, 4, 2, 3, 4)], 4 * 24 * 3 * 27),
    "bilinear": (nn.Bilinear(3, 4, 5), [(2, 3), (2, 4)], 2 * 3 * 4 * 5),
    "attention": (
        functional.scaled_dot_product_attention, [(1, 2, 5, 8), (1, 2, 7, 8), (1, 2, 7, 6)], 2 * 5 * 7 * (8 + 6),
    ),
    "multi-head attention": (
        lambda x: nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x, need_weights=False)[0], [(1, 5, 8)],
        5 * 8 * 24 + 2 * 5 * 5 * (4 + 4) + 5 * 8 * 8,
    ),
    "lstm": (nn.LSTM(10, 20), [(5, 3, 10)], 5 * 3 * 4 * 20 * (10 + 20)),
    "lstm, two layers, both ways": (
        nn.LSTM(10, 20, num_layers=2, bidirectional=True), [(5, 3, 10)],
        5 * 3 * 2 * 4 * 20 * ((10 + 20) + (40 + 20)),
    ),
    "lstm, projected": (nn.LSTM(10, 20, proj_size=6), [(5, 3, 10)], 5 * 3 * (4 * 20 * (10 + 6) + 20 * 6)),
    "gru": (nn.GRU(10, 20), [(5, 3, 10)], 5 * 3 * 3 * 20 * 30),
    "rnn": (nn.RNN(10, 20), [(5, 3, 10)], 5 * 3 * 20 * 30),
    "lstm cell": (nn.LSTMCell(10, 20), [(3, 10)], 3 * 4 * 20 * 30),
    "gru cell": (nn.GRUCell(10, 20), [(3, 10)], 3 * 3 * 20 * 30),
    "embedding": (lambda x: functional.embedding(x.long(), torch.zeros(9, 4)), [(2, 5)], 0),
    "norms": (nn.Sequential(nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.BatchNorm2d(4)), [(1, 4, 5, 5)], 0),
    "pools": (nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)), [(1, 4, 8, 8)], 0),
    "resizing": (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), [(1, 4, 8, 8)], 0),
    "shapes": (lambda x: x.unfold(1, 2, 1).flip(0).roll(1).unbind(0)[0].softmax(-1), [(2, 4, 8)], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_multiply_accumulates(name):
    function, shapes, expected = COUNTS[name]
    report = captured(function, *shapes)
    assert report.totals.macs == expected


@pytest.mark.skipif(not hasattr(torch, "_grouped_mm"), reason="an older torch has none")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_grouped_product_of_any_type(dtype):
    def experts(tokens, weights, ends):
        return torch._grouped_mm(tokens.to(dtype), weights.to(dtype), offs=ends.int())

    report = captured(experts, (12, 16), (3, 16, 8), (3,))
    assert report.totals.macs == 12 * 16 * 8
    assert report.graph.nodes[-1].outputs[0].dtype == str(dtype).removeprefix("torch.")


# FlopCounterMode has no rule for these, or needs the meta device for it.
NOT_SEEN = ("attention, fused", "mv", "dot", "matmul of vectors", "addmv", "bilinear", "addbmm", "inner")


@pytest.mark.parametrize("name", [name for name in COUNTS if not name.startswith(NOT_SEEN)])
def test_torch_counts_as_much(name):
    function, shapes, expected = COUNTS[name]
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), torch.device("meta"), FlopCounterMode(display=False) as counted:
            module = function.eval().to("meta") if isinstance(function, nn.Module) else function
            module(*(torch.zeros(shape) for shape in shapes))
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    assert counted.get_total_flops() == 2 * expected


# What runs, on which shapes, and which kinds of operator that is, those that cost nothing left out.
KINDS: dict[str, tuple[Any, list[Any], list[str]]] = {
    "conv1d": (nn.Conv1d(4, 6, 3), [(1, 4, 10)], ["standard"]),
    "conv1d of one position": (nn.Conv1d(4, 6, 1), [(1, 4, 10)], ["pointwise"]),
    "conv1d depthwise": (nn.Conv1d(4, 4, 3, groups=4), [(1, 4, 10)], ["depthwise"]),
    "conv3d grouped": (nn.Conv3d(4, 6, 3, groups=2), [(1, 4, 5, 5, 5)], ["grouped"]),
    "linear of tokens": (nn.Linear(8, 5), [(2, 7, 8)], ["linear"]),
    "attention": (functional.scaled_dot_product_attention, [(1, 2, 5, 8)] * 3, ["attention"]),
    "two activations": (torch.matmul, [(2, 3, 4), (2, 4, 5)], ["matmul"]),
    "lstm": (nn.LSTM(10, 20), [(5, 3, 10)], ["recurrent"]),
    "bilinear": (nn.Bilinear(3, 4, 5), [(2, 3), (2, 4)], ["linear"]),
    "einsum": (lambda x, y: torch.einsum("bij,bjk->bik", x, y), [(2, 3, 4), (2, 4, 5)], ["matmul"]),
    "transposed": (nn.ConvTranspose2d(4, 4, 3, groups=4), [(1, 4, 5, 5)], ["depthwise"]),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds(name):
    function, shapes, expected = KINDS[name]
    assert [row.kind for row in captured(function, *shapes).rows if row.cost.macs] == expected


def test_all_that_multiplies_is_of_a_kind_that_does():
    for name in COUNTS:
        function, shapes, _ = COUNTS[name]
        [found] = compare([captured(function, *shapes)]).models
        assert sum(group.cost.macs for group in found.kinds.values()) == found.totals.macs


@pytest.mark.parametrize(
    ("function", "shape", "stages"),
    [
        (nn.Sequential(nn.Conv1d(2, 4, 3, stride=2, padding=1), nn.AvgPool1d(2)), (1, 2, 16), [2, 4]),
        (nn.Conv3d(2, 4, 3, padding=1, stride=(1, 2, 2)), (1, 2, 4, 8, 8), [2]),
        (nn.ConvTranspose2d(2, 4, 2, stride=2), (1, 2, 4, 4), [Fraction(1, 2)]),
        (lambda x: x.mean(1), (1, 4, 8), [0]),
    ],
)
def test_stages_of_what_has_no_form_of_ours(function, shape, stages):
    assert [row.stage for row in captured(function, shape).rows if row.kind != "shape"] == stages


# What may multiply, and has no rule.
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (torch.fft.rfft, "aten._fft_r2c"),
        (torch.linalg.inv, "aten.linalg_inv_ex"),
        (lambda x: torch.cdist(x, x), "aten._cdist_forward"),
    ],
)
def test_what_has_no_rule_is_named(function, name):
    from archprof.analysis.summary import not_counted

    assert list(not_counted(captured(function, (4, 4))) or {}) == [name]


@pytest.mark.parametrize(
    ("function", "count", "forms"),
    [
        (lambda x: functional.relu(x), 1, ["function"]),
        (lambda x: x.relu(), 1, ["method"]),
        # Four projections and two products: the first three stand in a function that torch's function calls.
        (nn.MultiheadAttention(8, 2), 3, ["function"] * 6),
    ],
)
def test_how_an_operator_is_called(function, count, forms):
    rows = captured(function, *[(1, 5, 8)] * count).rows
    assert [row.form for row in rows if row.cost.macs or row.op == "relu"] == forms

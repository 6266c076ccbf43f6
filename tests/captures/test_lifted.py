"""Which operator of ours a dispatched one is: its fields and multiply-accumulates at two shapes, each as arithmetic
written out, and that a lock gives the same again."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import archprof
from archprof.captures.lock import read_lock
from archprof.captures.lock_text import Captured, Lock, lock_text
from archprof.ir.operators import captured_operators
from archprof.ir.operators.attention import Attention
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.ir.operators.bilinear import Bilinear
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.conv_ranks import Conv1d, Conv3d
from archprof.ir.operators.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.einsum import Einsum
from archprof.ir.operators.embedding import Embedding, EmbeddingBag
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.matmul import GroupedMatMul, MatMul
from archprof.ir.operators.norm import GroupNorm, LayerNorm
from archprof.ir.operators.norm_others import InstanceNorm, RMSNorm
from archprof.ir.operators.pointwise import Pointwise, Reduce, Softmax
from archprof.ir.operators.pool_ranks import AdaptivePool, Pool
from archprof.ir.operators.recurrent import GRU, LSTM, RNN
from archprof.ir.operators.shape import Permute
from archprof.ir.operators.views import (
    Chunk,
    ConcatAxis,
    Expand,
    GridSample,
    Interpolate,
    PadAxes,
    PixelShuffle,
    Reshape,
    Select,
    Slice,
    Stack,
    Unbind,
)
from archprof.ir.values import Value

aten = torch.ops.aten
HOW = Captured("net.py:Net", (), "eval", "0.1.0", "2.13.0", "")


class Calls(nn.Module):
    """A module that runs a function on its inputs, then on its parameters and buffers."""

    def __init__(self, function, parameters=(), buffers=()):
        super().__init__()
        self.function = function
        self.learned = nn.ParameterList(torch.zeros(shape) for shape in parameters)
        for k, shape in enumerate(buffers):
            self.register_buffer(f"kept{k}", torch.zeros(shape))

    def forward(self, *inputs):
        return self.function(*inputs, *self.learned, *self.buffers())


def last(graph):
    """Return the only operator that is no constant's, or the last."""
    return next(node for node in reversed(graph.nodes) if node.inputs)


def gqa(q, k, v):
    return functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)


def causal(q, k, v):
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def fused(q, k, v):
    return aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)[0]


def grouped(rows, matrices):
    offsets = torch.zeros(len(matrices), dtype=torch.int32, device=rows.device)
    return functional.grouped_mm(rows, matrices, offs=offsets)


def bag(numbers, weight):
    return functional.embedding_bag(numbers.long(), weight, mode="sum")


def einsum(equation):
    return lambda *operands: torch.einsum(equation, *operands)


def convolution(x, weight, bias):
    return aten.convolution(x, weight, bias, [2, 2], [1, 1], [1, 1], False, [0, 0], 2)


def back(x, weight):
    return aten.convolution(x, weight, None, [2, 2], [1, 1], [1, 1], True, [1, 1], 1)


# What runs, on which shapes (the batch in front), the operator it is, and its multiply-accumulates for one image.
MULTIPLYING: dict[str, tuple[Any, list[Any], Operator, int]] = {
    "linear, rank 1": (nn.Linear(8, 5), [(1, 8)], Linear(8, 5), 8 * 5),
    "linear, rank 2": (nn.Linear(8, 5, bias=False), [(1, 7, 8)], Linear(8, 5, bias=False), 7 * 8 * 5),
    "linear, rank 4": (nn.Linear(8, 5), [(1, 2, 3, 4, 8)], Linear(8, 5), 2 * 3 * 4 * 8 * 5),
    "addmm": (Calls(lambda x, b, w: aten.addmm(b, x, w), [(5,), (8, 5)]), [(1, 8)], Linear(8, 5), 8 * 5),
    "addmm, the weight turned": (
        Calls(lambda x, b, w: aten.addmm(b, x, aten.permute(w, [1, 0])), [(3,), (3, 4)]), [(1, 4)],
        Linear(4, 3), 4 * 3,
    ),
    "mm": (Calls(torch.mm, [(8, 5)]), [(1, 8)], Linear(8, 5, bias=False), 8 * 5),
    "matmul with a parameter": (Calls(torch.matmul, [(6, 2)]), [(1, 3, 6)], Linear(6, 2, bias=False), 3 * 6 * 2),
    "conv1d": (nn.Conv1d(4, 6, 3), [(1, 4, 10)], Conv1d(4, 6, (3,), bias=True), 6 * 8 * 4 * 3),
    "conv1d, depthwise, dilated": (
        nn.Conv1d(4, 4, 3, 2, 2, 2, groups=4, bias=False), [(1, 4, 11)],
        Conv1d(4, 4, (3,), (2,), (2,), (2,), 4), 4 * 6 * 3,
    ),
    "conv1d, same": (
        nn.Conv1d(4, 6, 3, padding="same"), [(1, 4, 9)], Conv1d(4, 6, (3,), (1,), (1,), bias=True), 6 * 9 * 4 * 3,
    ),
    "conv2d of frames": (
        Calls(lambda x, w: functional.conv2d(x.flatten(0, 1), w), [(4, 3, 3, 3)]), [(1, 5, 3, 6, 6)],
        Conv2d(3, 4, (3, 3)), 5 * 4 * 4 * 4 * 3 * 9,
    ),
    "conv3d": (
        nn.Conv3d(3, 8, (3, 7, 7), (1, 2, 2), (1, 3, 3)), [(1, 3, 4, 8, 10)],
        Conv3d(3, 8, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=True), 8 * 4 * 4 * 5 * 3 * 3 * 7 * 7,
    ),
    "conv3d, groups": (
        nn.Conv3d(4, 6, 3, groups=2, bias=False), [(1, 4, 5, 6, 7)], Conv3d(4, 6, (3, 3, 3), groups=2),
        6 * 3 * 4 * 5 * 2 * 27,
    ),
    "convolution": (
        Calls(convolution, [(6, 2, 3, 3), (6,)]), [(1, 4, 9, 8)],
        Conv2d(4, 6, (3, 3), (2, 2), (1, 1), (1, 1), 2, bias=True), 6 * 5 * 4 * 2 * 9,
    ),
    "convolution, transposed": (
        Calls(back, [(4, 6, 3, 3)]), [(1, 4, 5, 7)],
        ConvTranspose2d(4, 6, (3, 3), (2, 2), (1, 1), (1, 1), bias=False), 4 * 5 * 7 * 6 * 9,
    ),
    "conv_transpose1d": (
        nn.ConvTranspose1d(3, 5, 4, stride=2), [(1, 3, 7)], ConvTranspose1d(3, 5, (4,), (2,)), 3 * 7 * 5 * 4,
    ),
    "conv_transpose1d, dilated": (
        nn.ConvTranspose1d(4, 4, 3, groups=4, dilation=2, bias=False), [(1, 4, 5)],
        ConvTranspose1d(4, 4, (3,), groups=4, bias=False, dilation=(2,)), 4 * 5 * 3,
    ),
    "conv_transpose2d": (
        nn.ConvTranspose2d(3, 5, 2, stride=2), [(1, 3, 4, 4)], ConvTranspose2d(3, 5, (2, 2), (2, 2)), 3 * 16 * 5 * 4,
    ),
    "conv_transpose2d, groups, output padding": (
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), [(1, 4, 5, 6)],
        ConvTranspose2d(4, 6, (3, 3), (2, 2), (1, 1), (1, 1), 2), 4 * 5 * 6 * 3 * 9,
    ),
    "conv_transpose3d": (
        nn.ConvTranspose3d(2, 3, 2, bias=False), [(1, 2, 3, 4, 5)], ConvTranspose3d(2, 3, (2, 2, 2), bias=False),
        2 * 3 * 4 * 5 * 3 * 8,
    ),
    "conv_transpose3d, stride": (
        nn.ConvTranspose3d(4, 2, (1, 2, 2), (1, 2, 2)), [(1, 4, 2, 3, 3)],
        ConvTranspose3d(4, 2, (1, 2, 2), (1, 2, 2)), 4 * 2 * 3 * 3 * 2 * 4,
    ),
    "bilinear": (nn.Bilinear(3, 4, 5), [(1, 3), (1, 4)], Bilinear(3, 4, 5), 3 * 4 * 5),
    "bilinear at positions": (
        nn.Bilinear(3, 4, 5, bias=False), [(1, 6, 3), (1, 6, 4)], Bilinear(3, 4, 5, bias=False), 6 * 3 * 4 * 5,
    ),
    "matmul": (torch.matmul, [(1, 3, 4, 5), (1, 3, 5, 6)], MatMul(), 3 * 4 * 5 * 6),
    "matmul, stretched": (torch.matmul, [(1, 4, 3, 7), (1, 1, 7, 2)], MatMul(), 4 * 3 * 7 * 2),
    "bmm of heads and images": (
        lambda x, y: torch.bmm(x.flatten(0, 1), y.flatten(0, 1)), [(1, 3, 4, 5), (1, 3, 5, 2)], MatMul(),
        3 * 4 * 5 * 2,
    ),
    "attention": (
        functional.scaled_dot_product_attention, [(1, 2, 5, 8), (1, 2, 7, 8), (1, 2, 7, 6)], Attention(2, 2),
        2 * 5 * 7 * (8 + 6),
    ),
    "attention, causal": (causal, [(1, 3, 6, 4)] * 3, Attention(3, 3, causal=True), 3 * 6 * 6 * (4 + 4)),
    "attention of shared keys": (
        gqa, [(1, 8, 5, 4), (1, 2, 9, 4), (1, 2, 9, 4)], Attention(8, 2), 8 * 5 * 9 * (4 + 4),
    ),
    "attention, fused": (fused, [(1, 2, 5, 8)] * 3, Attention(2, 2), 2 * 5 * 5 * (8 + 8)),
    "attention of windows": (
        lambda x: causal(*(x.flatten(0, 1),) * 3), [(1, 9, 3, 6, 4)], Attention(3, 3, causal=True),
        9 * 3 * 6 * 6 * (4 + 4),
    ),
    "grouped_mm": (
        Calls(lambda x, w: grouped(x.flatten(0, 1), w), [(4, 8, 16)]), [(1, 6, 8)], GroupedMatMul(4, (8, 16)),
        6 * 8 * 16,
    ),
    "grouped_mm of activations": (
        lambda x, w: grouped(x.flatten(0, 1), w.sum(0)), [(1, 5, 8), (1, 3, 8, 2)], GroupedMatMul(3), 5 * 8 * 2,
    ),
    "einsum": (einsum("bhid,bhjd->bhij"), [(1, 2, 5, 4), (1, 2, 6, 4)], Einsum("hid,hjd->hij"), 2 * 5 * 6 * 4),
    "einsum with a parameter": (
        Calls(einsum("blm,mhn->blhn"), [(6, 2, 3)]), [(1, 5, 6)], Einsum("lm,mhn->lhn", (6, 2, 3)), 5 * 6 * 2 * 3,
    ),
    "einsum around": (einsum("...ij,...jk"), [(1, 7, 2, 3), (1, 7, 3, 4)], Einsum("1ij,1jk->1ik"), 7 * 2 * 3 * 4),
    "lstm": (
        nn.LSTM(10, 20, batch_first=True), [(1, 5, 10)], LSTM(10, 20), 5 * 4 * 20 * (10 + 20),
    ),
    "lstm, two layers, both ways": (
        nn.LSTM(10, 20, num_layers=2, bidirectional=True, batch_first=True), [(1, 4, 10)],
        LSTM(10, 20, 2, bidirectional=True), 4 * 2 * 4 * 20 * ((10 + 20) + (40 + 20)),
    ),
    "lstm, projected": (
        nn.LSTM(10, 20, proj_size=6, bias=False, batch_first=True), [(1, 3, 10)],
        LSTM(10, 20, bias=False, projection=6), 3 * (4 * 20 * (10 + 6) + 20 * 6),
    ),
    "gru": (nn.GRU(10, 20, batch_first=True), [(1, 5, 10)], GRU(10, 20), 5 * 3 * 20 * 30),
    "gru, both ways": (
        nn.GRU(4, 3, bidirectional=True, batch_first=True), [(1, 7, 4)], GRU(4, 3, bidirectional=True),
        7 * 2 * 3 * 3 * (4 + 3),
    ),
    "rnn": (nn.RNN(10, 20, batch_first=True), [(1, 5, 10)], RNN(10, 20), 5 * 20 * 30),
    "rnn, two layers": (
        nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True), [(1, 6, 3)], RNN(3, 4, 2), 6 * 4 * ((3 + 4) + (4 + 4)),
    ),
}  # fmt: skip
# Likewise, of those that multiply nothing.
FREE: dict[str, tuple[Any, list[Any], Operator]] = {
    "embedding": (Calls(lambda x, w: functional.embedding(x.long(), w), [(9, 4)]), [(1, 5)], Embedding(9, 4)),
    "embedding_bag": (Calls(bag, [(9, 4)]), [(1, 5)], EmbeddingBag(9, 4)),
    "batch_norm of volumes": (nn.BatchNorm3d(4), [(1, 4, 2, 3, 3)], BatchNorm2d(4, volume=True)),
    "native batch_norm": (
        Calls(
            lambda x, w, b, m, v: aten._native_batch_norm_legit_no_training(x, w, b, m, v, 0.1, 1e-5)[0],
            [(4,), (4,)], [(4,), (4,)],
        ),
        [(1, 4, 3, 3)], BatchNorm2d(4),
    ),
    "layer_norm": (nn.LayerNorm((3, 4)), [(1, 2, 3, 4)], LayerNorm(12, channels_last=True, over=(3, 4))),
    "layer_norm without bias": (nn.LayerNorm(4, bias=False), [(1, 3, 4)], LayerNorm(4, 1e-5, True, bias=False)),
    "layer_norm, plain": (
        nn.LayerNorm(4, elementwise_affine=False), [(1, 3, 4)], LayerNorm(4, 1e-5, True, affine=False, bias=False),
    ),
    "native layer_norm": (
        Calls(lambda x, w, b: aten.native_layer_norm(x, [4], w, b, 1e-6)[0], [(4,), (4,)]), [(1, 3, 4)],
        LayerNorm(4, 1e-6, True),
    ),
    "native group_norm": (
        Calls(lambda x, w, b: aten.native_group_norm(x, w, b, 1, 6, 8, 2, 1e-5)[0], [(6,), (6,)]), [(1, 6, 8)],
        GroupNorm(6, 2),
    ),
    "group_norm, plain": (nn.GroupNorm(2, 6, affine=False), [(1, 6, 2, 2, 2)], GroupNorm(6, 2, affine=False)),
    "instance_norm": (nn.InstanceNorm2d(4, affine=True), [(1, 4, 3, 3)], InstanceNorm(4, affine=True)),
    "rms_norm": (nn.RMSNorm(8), [(1, 3, 8)], RMSNorm(8)),
    "softmax": (lambda x: x.softmax(-1), [(1, 2, 5, 5)], Softmax(2)),
    "max_pool1d": (nn.MaxPool1d(3, 2, 1), [(1, 4, 9)], Pool("max", (3,), (2,), (1,))),
    "avg_pool3d": (nn.AvgPool3d(2), [(1, 4, 4, 6, 6)], Pool("avg", (2, 2, 2), (2, 2, 2), (0, 0, 0))),
    "adaptive_avg_pool3d": (nn.AdaptiveAvgPool3d((1, 2, 2)), [(1, 4, 4, 6, 6)], AdaptivePool("avg", (1, 2, 2))),
    "resizing": (
        lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), [(1, 4, 3, 5)],
        Interpolate((6, 10), "bilinear"),
    ),
    "pixel_shuffle": (nn.PixelShuffle(2), [(1, 8, 3, 4)], PixelShuffle(2)),
    "pixel_unshuffle": (nn.PixelUnshuffle(2), [(1, 2, 4, 6)], PixelShuffle(2, back=True)),
    "grid_sample": (
        lambda x, grid: functional.grid_sample(x, grid, align_corners=False), [(1, 3, 4, 4), (1, 5, 6, 2)],
        GridSample(),
    ),
    "multiply by a parameter": (Calls(torch.mul, [(8,)]), [(1, 5, 8)], Pointwise("mul", (8,))),
    "positions": (Calls(torch.add, [(1, 5, 8)]), [(1, 5, 8)], Pointwise("add", (5, 8))),
    "a constant": (lambda x: x * 2, [(1, 5)], Pointwise("mul")),
    "ranks that differ": (lambda x, y: x / y.sum(0), [(1, 4, 5), (1, 5)], Pointwise("div")),
    "sum": (lambda x: x.sum(2), [(1, 4, 5)], Reduce("sum", (1,))),
    "mean over tokens": (lambda x: x.mean(1, keepdim=True), [(1, 4, 5)], Reduce("mean", (0,), keep=True)),
    "transpose": (lambda x: x.transpose(1, 2), [(1, 4, 5)], Permute((1, 0))),
    "permute of the batch": (lambda x: x.permute(1, 0, 2), [(1, 4, 5)], Permute((0, 1))),
    "reshape": (lambda x: x.reshape(len(x), 4, 2, 3), [(1, 4, 6)], Reshape((4, 2, 3))),
    "expand": (lambda x: x.unsqueeze(1).expand(-1, 4, -1), [(1, 6)], Expand((4, 6))),
    "slice": (lambda x: x[:, -5:-1:2], [(1, 8, 3)], Slice(0, 3, 2, 2)),
    "select": (lambda x: x[:, 0], [(1, 8, 3)], Select(0)),
    "split": (lambda x: x.split([2, 3], 2), [(1, 4, 5)], Chunk(1, (2, 3))),
    "chunk": (lambda x: x.chunk(2, -1), [(1, 4, 6)], Chunk(1, (3, 3))),
    "unbind": (lambda x: x.unbind(1), [(1, 3, 6)], Unbind(0)),
    "concat of tokens": (lambda x, y: torch.cat([x, y], 1), [(1, 4, 5), (1, 3, 5)], ConcatAxis(0)),
    "stack": (lambda x, y: torch.stack([x, y], 1), [(1, 4), (1, 4)], Stack(0)),
    "pad": (lambda x: functional.pad(x, (1, 2, 0, 3)), [(1, 4, 5, 6)], PadAxes((0, 0, 1), (0, 3, 2))),
    "roll": (lambda x: x.roll((1, 2), (1, 2)), [(1, 4, 5)], Pointwise("roll")),
}  # fmt: skip
CASES = {**MULTIPLYING, **{name: (*case, 0) for name, case in FREE.items()}}


def captured(function, shapes):
    module = function if isinstance(function, nn.Module) else Calls(function)
    return archprof.capture(module, args=tuple(torch.zeros(shape) for shape in shapes))


@pytest.mark.parametrize("name", CASES)
def test_an_operator_is_what_was_recorded(name, tmp_path):
    function, shapes, op, macs = CASES[name]
    graph = captured(function, shapes)
    assert last(graph).op == op
    report = archprof.analyze(graph)
    assert report.rows[graph.nodes.index(last(graph))].cost.macs == macs
    file = tmp_path / "net.lock.json"
    file.write_text(lock_text(Lock(graph, HOW)), encoding="utf-8")
    again = read_lock(str(file)).graph
    assert again.nodes == graph.nodes
    assert archprof.analyze(again).columns == report.columns


def deformed(x, offset, mask, weight, bias):
    sizes = (2, 2, 1, 1, 1, 1, 1, 1)
    return torch.ops.torchvision.deform_conv2d(x, weight, offset, mask, bias, *sizes, len(mask.shape) == 4)


_TORCHVISION = torch.library.Library("torchvision", "FRAGMENT")
if not hasattr(torch.ops.torchvision, "deform_conv2d"):
    _TORCHVISION.define(
        "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, int stride_h,"
        " int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w, int n_weight_grps, int n_offset_grps,"
        " bool use_mask) -> Tensor"
    )
    _TORCHVISION.impl(
        "deform_conv2d",
        lambda x, weight, offset, *_: x.new_empty((len(x), len(weight), *offset.shape[2:])),
        "Meta",
    )


@pytest.mark.parametrize(
    ("channels", "out", "side", "mask", "masked"), [(4, 6, 8, (1, 9, 4, 4), True), (3, 5, 12, (1, 1), False)]
)
def test_deformable_convolution(channels, out, side, mask, masked):
    module = Calls(deformed, [(out, channels, 3, 3), (out,)])
    half = side // 2
    graph = captured(module, [(1, channels, side, side), (1, 18, half, half), mask])
    window = ((3, 3), (2, 2), (1, 1), (1, 1))
    assert graph.nodes[-1].op == DeformConv2d(channels, out, *window, masked=masked, bias=True)
    totals = archprof.analyze(graph).totals
    assert (totals.macs, totals.params) == (out * half * half * channels * 9, out * channels * 9 + out)


def test_what_a_recurrent_module_starts_from_stands_in_its_block():
    graph = archprof.capture(nn.Sequential(nn.Sequential(nn.LSTM(4, 3, batch_first=True))), (5, 4))
    assert {node.block for node in graph.nodes} == {"0"}
    assert [node.path for node in graph.nodes if node.op.kind == "recurrent"] == ["0.0"]
    assert archprof.analyze(graph).totals.macs == 5 * 4 * 3 * (4 + 3)


def test_layers_on_what_has_the_batch_behind_are_lifted():
    module = Calls(lambda x, w, b: functional.linear(x.transpose(0, 1), w, b), [(6, 8), (6,)])
    graph = captured(module, [(1, 5, 8)])
    assert (graph.nodes[-1].op, graph.nodes[-1].outputs[0].shape) == (Linear(8, 6), (5, 6))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_grouped_products_are_recorded_in_every_type(dtype):
    module = Calls(grouped, [(4, 8, 16)]).to(dtype)
    [product] = [
        node
        for node in archprof.capture(module, args=(torch.zeros(6, 8, dtype=dtype),)).nodes
        if node.op.kind == "linear"
    ]
    assert product.op == GroupedMatMul(4, (8, 16))


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (Conv3d(3, 8, (3, 3, 3)), ((3, 9, 9),), "a convolution needs a video or volume (C×T×H×W), not 3×9×9"),
        (ConvTranspose2d(4, 2, (2, 2)), ((3, 9, 9),), "a transposed convolution of 4 channels on 3"),
        (ConvTranspose1d(4, 2, (2,), padding=(9,)), ((4, 5),), "a padding of 9 leaves nothing"),
        (Attention(3, 3), ((2, 5, 8),) * 3, "attention of 3 heads on 2"),
        (
            Attention(2, 2),
            ((2, 5, 8), (2, 7, 6), (2, 7, 8)),
            "queries, keys and values of 2×5×8, 2×7×6, 2×7×8 do not meet",
        ),
        (MatMul(), ((2, 3), (4, 5)), "2×3 and 4×5 have no common length to multiply along"),
        (LSTM(10, 20), ((5, 9),), "a recurrent layer of 10 features on 5×9"),
        (LSTM(10, 20, 2000), ((5, 10),), "2000 recurrent layers: at most 1000 are possible"),
        (Unbind(0), ((2000, 3),), "an axis of 2000 positions, each an output"),
        (LayerNorm(12, channels_last=True, over=(3, 4)), ((2, 4, 4),), "layer norm of 3×4 on 4×4"),
        (Einsum("lm,mn->ln"), ((2, 3), (4, 5)), "sizes of 3 and 4 for `m`"),
    ],
)
def test_an_operator_that_does_not_fit_says_why(op, inputs, message):
    with pytest.raises(ShapeError) as raised:
        op.outputs(*map(Value, inputs))
    assert str(raised.value) == message


def test_every_operator_of_captures_is_lifted():
    assert {type(op) for _, _, op, _ in CASES.values()} >= {*captured_operators()}


def test_every_operator_that_multiplies_is_tested_at_two_shapes():
    found = Counter(type(op) for _, _, op, macs in MULTIPLYING.values() if macs)
    multiplying = {Conv2d, Linear, *(cls for cls in captured_operators() if cls.macs is not Operator.macs)}
    assert {cls for cls in multiplying if found[cls] < 2} == set()

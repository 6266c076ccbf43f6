"""The formulas that the reference prints are those that the code computes."""

import pytest

from archprof.ir.operators import all_operators, captured_operators
from archprof.ir.operators.act_more import PReLU, StarReLU
from archprof.ir.operators.attention import Attention
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.ir.operators.bilinear import Bilinear
from archprof.ir.operators.blur_pool import BlurPool2d
from archprof.ir.operators.channel_conv import ChannelConv
from archprof.ir.operators.context import ContextPool
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.conv_ranks import Conv1d, Conv1dCausal, Conv3d
from archprof.ir.operators.conv_same import Conv2dSame
from archprof.ir.operators.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.dynamic_conv import DynamicConv2d
from archprof.ir.operators.einsum import Einsum
from archprof.ir.operators.embedding import Embedding, EmbeddingBag
from archprof.ir.operators.frozen_batch_norm import FrozenBatchNorm2d
from archprof.ir.operators.grn import GlobalResponseNorm
from archprof.ir.operators.heads import CrossCovarianceAttention, HeadAttention, LinearAttention, TalkingHeadsAttention
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.matmul import GroupedMatMul, MatMul, Product
from archprof.ir.operators.norm import GroupNorm, L2Norm, LayerNorm, LayerScale, LearnedScale
from archprof.ir.operators.norm_gated import EvoNorm, FilterResponseNorm
from archprof.ir.operators.norm_others import InstanceNorm, RMSNorm
from archprof.ir.operators.pointwise import Pointwise
from archprof.ir.operators.recurrent import GRU, LSTM, RNN
from archprof.ir.operators.scores import AttendedValues, AttentionScores
from archprof.ir.operators.std_conv import StdConv2d
from archprof.ir.operators.swish import Swish
from archprof.ir.operators.tokens import ClassToken, FourierPositions, PositionEmbedding
from archprof.ir.terms import total
from archprof.ir.values import Value

# In the letters of the page: M inputs, N outputs, K kernel side, g groups, F output side, and those of captures.
LETTERS = {"M": 24, "N": 36, "K": 5, "g": 4, "F": 7, "L": 6, "S": 9, "T": 8, "E": 10, "V": 11, "h": 3, "H": 13}
LETTERS |= {"P": 5, "R": 20, "n": 2}
WINDOW = ((5, 5), (2, 2), (2, 2), (1, 1))
SAMPLES = [
    (Conv2d(24, 36, *WINDOW, 4, bias=True), [(24, 13, 13)]),
    (StdConv2d(24, 36, *WINDOW, 4, bias=True, scaled=True), [(24, 13, 13)]),
    (Conv2dSame(24, 36, (5, 5), (2, 2), groups=4, bias=True), [(24, 13, 13)]),
    (DynamicConv2d(24, 36, *WINDOW, 4), [(24, 13, 13), (24 // 4 * 36 * 25,)]),
    (PReLU(36), [(36, 7, 7)]),
    (StarReLU(), [(36, 7, 7)]),
    (ChannelConv((5,)), [(24, 1, 1)]),
    (BlurPool2d(24, (5, 5)), [(24, 14, 14)]),
    (ContextPool(), [(24, 7, 7), (1, 7, 7)]),
    (DeformConv2d(24, 36, *WINDOW, 4), [(24, 13, 13), (50, 7, 7)]),
    (Linear(24, 36, bias=True), [(24,)]),
    (BatchNorm2d(36), [(36, 7, 7)]),
    (FrozenBatchNorm2d(36), [(36, 7, 7)]),
    (GroupNorm(36, 4), [(36, 7, 7)]),
    (LayerNorm(36), [(36, 7, 7)]),
    (LayerScale(36), [(36, 7, 7)]),
    (EvoNorm(36, 4), [(36, 7, 7)]),
    (FilterResponseNorm(36), [(36, 7, 7)]),
    (LearnedScale(bias=True), [(36, 7, 7)]),
    (L2Norm(36), [(36, 7, 7)]),
    (Swish(learnable=True), [(36, 7, 7)]),
    (Conv1d(24, 36, (5,), (2,), (2,), (1,), 4, bias=True), [(24, 13)]),
    (Conv1dCausal(24, 36, (5,), (2,), groups=4, bias=True), [(24, 13)]),
    (Conv3d(24, 36, (5,) * 3, (2,) * 3, (2,) * 3, (1,) * 3, 4, bias=True), [(24, 13, 13, 13)]),
    (ConvTranspose1d(24, 36, (5,), groups=4), [(24, 7)]),
    (ConvTranspose2d(24, 36, (5, 5), groups=4), [(24, 7, 7)]),
    (ConvTranspose3d(24, 36, (5, 5, 5), groups=4), [(24, 7, 7, 7)]),
    (Bilinear(24, 5, 36), [(24,), (5,)]),
    (
        HeadAttention(3, 3, 10, 11, windowed=True, position="distance", size=(3, 3)),
        [Value((1, 6, 30), 2), Value((1, 9, 63), 2)],
    ),
    (LinearAttention(3, 10), [(90, 6, 1)]),
    (AttentionScores(3, 10, (3, 3)), [(30, 6, 1), (30, 3, 3)]),
    (AttendedValues(3), [(3, 6, 6), (33, 6, 1)]),
    (TalkingHeadsAttention(3, 10), [Value((6, 90), 1)]),
    (CrossCovarianceAttention(3, 10), [Value((6, 90), 1)]),
    (GlobalResponseNorm(36), [(36, 7, 7)]),
    (ClassToken(36, 2), [Value((6, 36), 1)]),
    (FourierPositions(36), [(36, 7, 7)]),
    (PositionEmbedding((6, 36)), [(6, 36)]),
    (Attention(3, 3), [(3, 6, 10), (3, 9, 10), (3, 9, 11)]),
    (MatMul(), [(6, 24), (24, 36)]),
    (Product(), [(6, 24), (24, 36)]),
    (GroupedMatMul(4, (24, 36)), [(8, 24)]),
    (Einsum("lm,mn->ln", (24, 36)), [(6, 24)]),
    (LSTM(24, 13), [(6, 24)]),
    (GRU(24, 13), [(6, 24)]),
    (RNN(24, 13), [(6, 24)]),
    (Embedding(20, 36), [Value((6,), None, dtype="int64")]),
    (EmbeddingBag(20, 36), [(6,)]),
    (RMSNorm(36), [(6, 36)]),
    (InstanceNorm(36, affine=True, tracked=True), [(36, 7, 7)]),
    (Pointwise("mul", (36,)), [(6, 36)]),
]


def value(formula):
    """Return what a formula of the page gives for the sample's letters."""
    return eval(formula.replace("²", "**2").replace("³", "**3").replace("·", "*").replace("/", "//"), {}, LETTERS)


@pytest.mark.parametrize(("op", "shapes"), SAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_formulas_give_the_counts(op, shapes):
    values = tuple(one if isinstance(one, Value) else Value(one) for one in shapes)
    assert value(op.formula) == total(op.macs(values, op.outputs(*values)))
    assert value(op.params_formula) == sum(map(total, op.parameters().values()))
    assert value(op.buffers_formula) == sum(map(total, op.buffers().values()))


def test_every_formula_has_a_sample():
    operators = (*all_operators(), *captured_operators())
    stated = {op for op in operators if (op.formula, op.params_formula, op.buffers_formula) != ("0", "0", "0")}
    assert stated <= {type(op) for op, _ in SAMPLES}

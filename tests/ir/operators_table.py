"""One row per operator and interesting setting: its inputs and output, and its counts as products written out.

The rows are checked against the formulas where torch is not installed, and against torch, fvcore and FlopCounterMode
where it is.
"""

from collections.abc import Mapping
from typing import NamedTuple

from archprof.ir.operators.act import GELU, Hardsigmoid, Hardswish, LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Tanh
from archprof.ir.operators.act_more import ELU, GELUTanh, Mish, PReLU, QuickGELU, Softplus, StarReLU
from archprof.ir.operators.base import Operator
from archprof.ir.operators.batch_norm import BatchNorm2d
from archprof.ir.operators.blur_pool import BlurPool2d
from archprof.ir.operators.called import Abs, Exp
from archprof.ir.operators.channel_conv import ChannelConv
from archprof.ir.operators.context import ContextPool
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.conv_ranks import Conv1d, Conv1dCausal, Conv3d
from archprof.ir.operators.conv_same import Conv2dSame
from archprof.ir.operators.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.drop import Dropout, StochasticDepth
from archprof.ir.operators.dynamic_conv import DynamicConv2d
from archprof.ir.operators.embedding import Embedding
from archprof.ir.operators.flatten import Flatten, Identity, Unflatten
from archprof.ir.operators.frozen_batch_norm import FrozenBatchNorm2d
from archprof.ir.operators.global_pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d
from archprof.ir.operators.grn import GlobalResponseNorm
from archprof.ir.operators.heads import (
    CrossCovarianceAttention,
    HeadAttention,
    LinearAttention,
    TalkingHeadsAttention,
    WindowPartition,
    WindowReverse,
)
from archprof.ir.operators.join import Add, Concat, Multiply, Subtract
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.matmul import Product
from archprof.ir.operators.mean import Mean
from archprof.ir.operators.norm import GroupNorm, L2Norm, LayerNorm, LayerScale, LearnedScale
from archprof.ir.operators.norm_gated import EvoNorm, FilterResponseNorm
from archprof.ir.operators.norm_others import InstanceNorm, RMSNorm
from archprof.ir.operators.normalize import Normalize
from archprof.ir.operators.pad import Pad, PadShortcut
from archprof.ir.operators.part_softmax import PartSoftmax
from archprof.ir.operators.pointwise import Softmax
from archprof.ir.operators.pool import AvgPool2d, MaxPool2d
from archprof.ir.operators.recurrent import GRU, LSTM, RNN
from archprof.ir.operators.rotary import RotaryPositions
from archprof.ir.operators.scores import AttendedValues, AttentionScores
from archprof.ir.operators.shape import ChannelShuffle, CropLike, Permute, ResizeLike, SpaceToChannels, Split
from archprof.ir.operators.std_conv import StdConv2d
from archprof.ir.operators.swish import Swish
from archprof.ir.operators.tokens import (
    ClassToken,
    ConcatTokens,
    FourierPositions,
    MergeHeads,
    PatchMerging,
    PositionEmbedding,
    Scale,
    SplitHeads,
    Token,
    TokenRange,
    Tokens,
    TokensToMap,
    Transpose,
)
from archprof.ir.operators.unfold import Fold, RowSum, Unfold
from archprof.ir.operators.upsample import Upsample
from archprof.ir.operators.views import PixelShuffle
from archprof.ir.terms import Terms, total
from archprof.ir.values import Value


class Row(NamedTuple):
    """An operator on inputs of some shapes (without the batch, channels in front), and what is known of it."""

    op: Operator
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    macs: int = 0
    params: int = 0
    buffers: int = 0
    kind: str = ""
    channel: int = 0  # the axis of the input's channels
    dtype: str = "float32"
    # Whether the first axis of inputs, and of the output, is windows in the axis of the batch.
    windows: tuple[bool, bool] = (False, False)

    @property
    def values(self) -> tuple[Value, ...]:
        """The inputs as values."""
        return tuple(
            Value(shape, self.channel, (shape[0], 0, 0, 0) if self.windows[0] else 0, self.dtype)
            for shape in self.inputs
        )

    def inputs_at(self, images: int) -> list[tuple[int, ...]]:
        """Return the whole shapes of the inputs of so many images."""
        return [_at(shape, images, self.windows[0]) for shape in self.inputs]

    def output_at(self, images: int) -> tuple[int, ...]:
        """Return the whole shape of the output."""
        return _at(self.output, images, self.windows[1])


def _at(shape: tuple[int, ...], images: int, windows: bool) -> tuple[int, ...]:
    return (images * shape[0], *shape[1:]) if windows else (images, *shape)


MAP = (12, 9, 8)
WINDOWS = (9, 12, 4, 3)
FEATURES = (12,)
SQUARE = (3, 224, 224)

CONVOLUTIONS = (
    Row(
        Conv2d(3, 32, (3, 3), (2, 2), (1, 1)),
        (SQUARE,),
        (32, 112, 112),
        3 * 32 * 3 * 3 * 112 * 112,
        3 * 32 * 3 * 3,
        kind="standard",
    ),
    Row(
        Conv2d(3, 32, (3, 3), (2, 2), (1, 1), bias=True),
        (SQUARE,),
        (32, 112, 112),
        3 * 32 * 3 * 3 * 112 * 112,
        3 * 32 * 3 * 3 + 32,
    ),
    Row(
        Conv2d(3, 16, (3, 3), (2, 2), (1, 1)),
        ((3, 225, 193),),
        (16, 113, 97),
        3 * 16 * 3 * 3 * 113 * 97,
        3 * 16 * 3 * 3,
    ),
    Row(Conv2d(3, 16, (3, 3), (2, 2)), ((3, 225, 193),), (16, 112, 96), 3 * 16 * 3 * 3 * 112 * 96, 3 * 16 * 3 * 3),
    Row(Conv2d(64, 128), ((64, 28, 28),), (128, 28, 28), 64 * 128 * 28 * 28, 64 * 128, kind="pointwise"),
    Row(Conv2d(64, 16, bias=True), ((64, 1, 1),), (16, 1, 1), 64 * 16, 64 * 16 + 16, kind="pointwise"),
    Row(
        Conv2d(64, 128, (1, 1), (2, 2)),
        ((64, 27, 28),),
        (128, 14, 14),
        64 * 128 * 14 * 14,
        64 * 128,
        kind="pointwise",
    ),
    Row(
        Conv2d(32, 32, (3, 3), (1, 1), (1, 1), groups=32),
        ((32, 56, 56),),
        (32, 56, 56),
        32 * 3 * 3 * 56 * 56,
        32 * 3 * 3,
        kind="depthwise",
    ),
    Row(
        Conv2d(32, 32, (5, 5), (2, 2), (2, 2), groups=32),
        ((32, 15, 14),),
        (32, 8, 7),
        32 * 5 * 5 * 8 * 7,
        32 * 5 * 5,
        kind="depthwise",
    ),
    Row(
        Conv2d(32, 64, (3, 3), (1, 1), (1, 1), groups=32),
        ((32, 7, 7),),
        (64, 7, 7),
        64 * 3 * 3 * 7 * 7,
        64 * 3 * 3,
        kind="grouped",
    ),
    Row(
        Conv2d(12, 20, (3, 3), groups=4, bias=True),
        (MAP,),
        (20, 7, 6),
        3 * 20 * 3 * 3 * 7 * 6,
        3 * 20 * 3 * 3 + 20,
        kind="grouped",
    ),
    Row(Conv2d(12, 20, groups=2), (MAP,), (20, 9, 8), 6 * 20 * 9 * 8, 6 * 20, kind="grouped"),
    # The worked example of group convolution: 11×11 kernels, 3 → 6 channels in 3 groups.
    Row(
        Conv2d(3, 6, (11, 11), (4, 4), (2, 2), groups=3),
        (SQUARE,),
        (6, 55, 55),
        6 * 11 * 11 * 55 * 55,
        6 * 11 * 11,
    ),
    Row(
        Conv2d(12, 8, (3, 3), (1, 1), (2, 2), (2, 2)),
        (MAP,),
        (8, 9, 8),
        12 * 8 * 3 * 3 * 9 * 8,
        12 * 8 * 3 * 3,
        kind="standard",
    ),
    Row(Conv2d(12, 8, (3, 3), (1, 1), (0, 0), (3, 2)), (MAP,), (8, 3, 4), 12 * 8 * 3 * 3 * 3 * 4, 12 * 8 * 3 * 3),
    Row(
        Conv2d(12, 12, (3, 3), (2, 2), (2, 2), (2, 2), 12),
        (MAP,),
        (12, 5, 4),
        12 * 3 * 3 * 5 * 4,
        12 * 3 * 3,
        kind="depthwise",
    ),
    # A kernel of 4 keeps the size with 3 zeros more, one before and two behind (or however they are shared out).
    Row(
        Conv2d(12, 8, (4, 4), (1, 1), (1, 2, 0, 3), bias=True),
        (MAP,),
        (8, 9, 8),
        12 * 8 * 4 * 4 * 9 * 8,
        12 * 8 * 4 * 4 + 8,
        kind="standard",
    ),
    Row(
        Conv2d(12, 12, (3, 3), (2, 2), (0, 1, 4, 0), (2, 2), 12),
        (MAP,),
        (12, 3, 4),
        12 * 3 * 3 * 3 * 4,
        12 * 3 * 3,
        kind="depthwise",
    ),
    Row(
        Conv2d(12, 8, (1, 7), (1, 1), (0, 3)),
        (MAP,),
        (8, 9, 8),
        12 * 8 * 1 * 7 * 9 * 8,
        12 * 8 * 1 * 7,
        kind="standard",
    ),
    Row(Conv2d(12, 8, (7, 1), (1, 1), (3, 0)), (MAP,), (8, 9, 8), 12 * 8 * 7 * 1 * 9 * 8, 12 * 8 * 7 * 1),
    Row(Conv2d(12, 8, (3, 2), (2, 3), (1, 0)), (MAP,), (8, 5, 3), 12 * 8 * 3 * 2 * 5 * 3, 12 * 8 * 3 * 2),
    Row(Conv2d(12, 8, (4, 4), (4, 4)), (MAP,), (8, 2, 2), 12 * 8 * 4 * 4 * 2 * 2, 12 * 8 * 4 * 4),
    Row(Conv2d(12, 8, (9, 8)), (MAP,), (8, 1, 1), 12 * 8 * 9 * 8, 12 * 8 * 9 * 8),
    Row(Conv2d(3, 4, (3, 3), (5, 5), (1, 1)), ((3, 1, 1),), (4, 1, 1), 3 * 4 * 3 * 3, 3 * 4 * 3 * 3),
    Row(
        DeformConv2d(12, 8, (3, 3), (2, 2), (1, 1), (1, 1)),
        (MAP, (18, 5, 4)),
        (8, 5, 4),
        12 * 8 * 3 * 3 * 5 * 4,
        12 * 8 * 3 * 3,
    ),
    Row(
        DeformConv2d(12, 8, (3, 3), (1, 1), (2, 2), (2, 2), 4, 3, True),
        (MAP, (81, 9, 8)),
        (8, 9, 8),
        3 * 8 * 3 * 3 * 9 * 8,
        3 * 8 * 3 * 3,
    ),
    Row(
        DynamicConv2d(12, 8, (3, 3), (2, 2), (1, 1)),
        (MAP, (12 * 8 * 3 * 3,)),
        (8, 5, 4),
        12 * 8 * 3 * 3 * 5 * 4,
    ),
    Row(
        DynamicConv2d(12, 12, (3, 3), (1, 1), (1, 1), groups=12),
        (MAP, (12 * 3 * 3,)),
        (12, 9, 8),
        12 * 3 * 3 * 9 * 8,
        kind="depthwise",
    ),
    Row(
        DynamicConv2d(12, 8, (4, 3), (2, 2), by_size=True),
        (MAP, (12 * 8 * 4 * 3,)),
        (8, 5, 4),
        12 * 8 * 4 * 3 * 5 * 4,
    ),
    Row(ChannelConv((3,)), ((12, 1, 1),), (12, 1, 1), 3 * 12, 3, kind="depthwise"),
    Row(BlurPool2d(12), (MAP,), (12, 5, 4), 12 * 3 * 3 * 5 * 4, buffers=12 * 3 * 3, kind="depthwise"),
    Row(BlurPool2d(12, (5, 3), (1, 2)), (MAP,), (12, 9, 4), 12 * 5 * 3 * 9 * 4, buffers=12 * 5 * 3),
    Row(BlurPool2d(12, border="zeros"), (MAP,), (12, 5, 4), 12 * 3 * 3 * 5 * 4, buffers=12 * 3 * 3),
    Row(
        StdConv2d(12, 8, (3, 3), padding=(1, 1)),
        (MAP,),
        (8, 9, 8),
        12 * 8 * 9 * 9 * 8,
        12 * 8 * 9,
    ),
    Row(
        StdConv2d(12, 8, (3, 3), (2, 2), (0, 1, 0, 1), bias=True, scaled=True),
        (MAP,),
        (8, 4, 4),
        12 * 8 * 9 * 4 * 4,
        12 * 8 * 9 + 8 + 8,
    ),
)
LINEAR = (
    Row(Linear(12, 5), (FEATURES,), (5,), 12 * 5, 12 * 5 + 5, kind="linear"),
    Row(Linear(12, 5, bias=False), (FEATURES,), (5,), 12 * 5, 12 * 5),
    Row(Linear(8, 5), (MAP,), (12, 9, 5), 12 * 9 * 8 * 5, 8 * 5 + 5, channel=2),
)
NORMS = (
    Row(BatchNorm2d(12), (MAP,), MAP, params=2 * 12, buffers=2 * 12),
    Row(BatchNorm2d(12, eps=0.001, momentum=0.01, affine=False), (MAP,), MAP, buffers=2 * 12),
    Row(BatchNorm2d(12, flat=True), (FEATURES,), FEATURES, params=2 * 12, buffers=2 * 12),
    Row(FrozenBatchNorm2d(12), (MAP,), MAP, buffers=4 * 12),
    Row(FrozenBatchNorm2d(12, eps=0.001, rank=0), (FEATURES,), FEATURES, buffers=4 * 12),
    Row(GroupNorm(12, 4), (MAP,), MAP, params=2 * 12),
    Row(GroupNorm(12, 4, affine=False), (MAP,), MAP),
    Row(LayerNorm(12), (MAP,), MAP, params=2 * 12),
    Row(LayerNorm(12, bias=False), (MAP,), MAP, params=12),
    Row(LayerNorm(12, affine=False), (MAP,), MAP),
    Row(LayerNorm(8, channels_last=True, bias=False), (MAP,), MAP, params=8, channel=2),
    Row(LayerNorm(8, channels_last=True), (MAP,), MAP, params=2 * 8, channel=2),
    Row(LayerNorm(12, channels_last=True), (FEATURES,), FEATURES, params=2 * 12),
    Row(LayerScale(12), (MAP,), MAP, params=12),
    Row(LearnedScale(), (MAP,), MAP, params=1),
    Row(LearnedScale(bias=True), (MAP,), MAP, params=2),
    Row(L2Norm(12), (MAP,), MAP, params=12),
    Row(EvoNorm(12, 4), (MAP,), MAP, params=3 * 12),
    Row(EvoNorm(12, 4, act=False), (MAP,), MAP, params=2 * 12),
    Row(FilterResponseNorm(12), (MAP,), MAP, params=3 * 12),
)
ACTIVATIONS = (
    *(
        Row(op(), (inputs,), inputs)
        for op in (
            ReLU,
            ReLU6,
            Hardswish,
            Hardsigmoid,
            SiLU,
            Sigmoid,
            Tanh,
            GELU,
            LeakyReLU,
            Swish,
        )
        for inputs in (MAP, FEATURES)
    ),
    Row(Swish(learnable=True), (MAP,), MAP, params=1),
    Row(Softmax(2), (MAP,), MAP),
    Row(PartSoftmax(3, 2), ((12, 1, 1),), (12, 1, 1)),
    Row(Dropout(0.2), (FEATURES,), FEATURES),
    Row(StochasticDepth(0.2), (MAP,), MAP),
)
POOLS = (
    Row(MaxPool2d((3, 3), (2, 2), (1, 1)), ((12, 112, 112),), (12, 56, 56)),
    Row(MaxPool2d((3, 3), (2, 2)), ((12, 112, 112),), (12, 55, 55)),
    Row(MaxPool2d((3, 3), (2, 2), ceil=True), ((12, 112, 112),), (12, 56, 56)),
    Row(MaxPool2d((2, 2), (2, 2), ceil=True), ((12, 7, 8),), (12, 4, 4)),
    # The last window would start in the padding, and is dropped.
    Row(MaxPool2d((2, 2), (2, 2), (1, 1), ceil=True), ((12, 7, 8),), (12, 4, 5)),
    Row(MaxPool2d((1, 1), (2, 2), ceil=True), ((12, 7, 8),), (12, 4, 4)),
    Row(MaxPool2d((3, 3), (2, 2), ceil=True), ((12, 2, 2),), (12, 1, 1)),
    Row(MaxPool2d((3, 1), (2, 3), (1, 0)), (MAP,), (12, 5, 3)),
    Row(MaxPool2d((3, 3), (1, 1), (1, 1)), (MAP,), MAP),
    Row(MaxPool2d((4, 4), (1, 1), (1, 2, 0, 3)), (MAP,), MAP),
    Row(AvgPool2d((4, 4), (1, 1), (1, 2, 0, 3)), (MAP,), MAP),
    Row(AvgPool2d((3, 3), (2, 2), (0, 1, 0, 0), ceil=True, count_padding=False), (MAP,), (12, 5, 4)),
    Row(AvgPool2d((2, 2), (2, 2)), (MAP,), (12, 4, 4)),
    Row(AvgPool2d((2, 2), (2, 2), ceil=True), (MAP,), (12, 5, 4)),
    Row(AvgPool2d((3, 3), (2, 2), (1, 1), count_padding=False), (MAP,), (12, 5, 4)),
    Row(AvgPool2d((9, 8), (9, 8)), (MAP,), (12, 1, 1)),
    Row(AdaptiveAvgPool2d(), (MAP,), (12, 1, 1)),
    Row(AdaptiveAvgPool2d(form="function"), (MAP,), (12, 1, 1)),
    Row(AdaptiveAvgPool2d((7, 5)), (MAP,), (12, 7, 5)),
    Row(AdaptiveAvgPool2d((10, 10), form="function"), (MAP,), (12, 10, 10)),
    Row(AdaptiveMaxPool2d(), (MAP,), (12, 1, 1)),
    Row(AdaptiveMaxPool2d((2, 3)), (MAP,), (12, 2, 3)),
    Row(ContextPool(), (MAP, (1, 9, 8)), (12, 1, 1), 12 * 9 * 8),
    Row(Mean(), (MAP,), (12,)),
    Row(Mean(keep=True), (MAP,), (12, 1, 1)),
)
SHAPES = (
    Row(Add(), (MAP, MAP), MAP),
    Row(Add(), (MAP, MAP, MAP), MAP),
    Row(Add(), (MAP, (12, 1, 1)), MAP),
    Row(Add(), ((1, 9, 8), MAP), MAP),
    Row(Subtract(), (MAP, MAP), MAP),
    Row(Subtract(), (MAP, (12, 1, 1)), MAP),
    Row(Multiply(), (MAP, (1, 9, 8)), MAP),
    Row(Add(), ((1, 9, 1), (12, 1, 8)), MAP),
    Row(Multiply(), (MAP, (12, 1, 1)), MAP),
    Row(Multiply(), ((12, 1, 1), MAP), MAP),
    Row(Multiply(), (MAP, (12, 9, 1), (12, 1, 8)), MAP),
    Row(Multiply(), (FEATURES, FEATURES), FEATURES),
    Row(Concat(), (MAP, (5, 9, 8), (1, 9, 8)), (18, 9, 8)),
    Row(Concat(), (FEATURES, (3,)), (15,)),
    Row(Split(0, 5), (MAP,), (5, 9, 8)),
    Row(Normalize(), (MAP,), MAP),
    Row(Normalize((1, 2)), (MAP,), MAP),
    Row(Normalize(), (FEATURES,), FEATURES),
    Row(Unfold(2), ((12, 6, 8),), (12, 4, 12)),
    Row(Fold(2), ((12, 4, 12), (3, 6, 8)), (12, 6, 8)),
    Row(RowSum(), (MAP,), (12, 9, 1)),
    Row(Split(5, 7), (MAP,), (7, 9, 8)),
    Row(ChannelShuffle(3), (MAP,), MAP),
    Row(SpaceToChannels(2), ((12, 8, 6),), (48, 4, 3)),
    Row(Permute.to("channels_last"), (MAP,), (9, 8, 12)),
    Row(Permute.to("channels_first"), ((9, 8, 12),), MAP, channel=2),
    Row(Flatten(), (MAP,), (12 * 9 * 8,)),
    Row(Flatten(), (FEATURES,), FEATURES),
    Row(Unflatten(), (FEATURES,), (12, 1, 1)),
    Row(Pad((0, 1, 2, 3)), (MAP,), (12, 10, 13)),
    Row(PadShortcut((2, 2), 20), (MAP,), (20, 5, 4)),
    Row(PadShortcut((1, 1), 12), (MAP,), MAP),
    Row(ResizeLike(), ((12, 5, 4), MAP), MAP),
    Row(ResizeLike(), ((12, 5, 4), (7, 9, 8)), MAP),
    Row(CropLike(), (MAP, (7, 5, 6)), (12, 5, 6)),
    Row(CropLike(), (MAP, MAP), MAP),
    Row(ResizeLike("bilinear"), ((12, 5, 4), (7, 9, 8)), MAP),
    Row(Identity(), (MAP,), MAP),
)
LINE, CLIP = (12, 9), (12, 5, 9, 8)
# Maps of one and of three dimensions, larger maps, and sequences that are read in order.
RANKED = (
    Row(Conv1d(12, 8, (3,), (2,), (1,), (2,), 4, True), (LINE,), (8, 4), 8 * 3 * 3 * 4, 8 * 3 * 3 + 8, kind="grouped"),
    Row(Conv1dCausal(12, 8, (4,), (2,), dilation=(2,), bias=True), (LINE,), (8, 5), 8 * 12 * 4 * 5, 8 * 12 * 4 + 8),
    Row(Conv1dCausal(12, 12, (2,), groups=12), (LINE,), LINE, 12 * 2 * 9, 12 * 2, kind="depthwise"),
    Row(Conv1d(12, 12, (3,), (1,), (1,), groups=12), (LINE,), LINE, 12 * 3 * 9, 12 * 3, kind="depthwise"),
    Row(
        Conv3d(12, 8, (3, 5, 1), (1, 2, 2), (1, 2, 0)), (CLIP,), (8, 5, 5, 4),
        12 * 8 * 15 * 5 * 5 * 4, 12 * 8 * 15, kind="standard",
    ),
    Row(ConvTranspose1d(12, 8, (4,), (2,), (1,)), (LINE,), (8, 18), 12 * 8 * 4 * 9, 12 * 8 * 4 + 8),
    Row(
        ConvTranspose2d(12, 8, (3, 3), (2, 2), (1, 1), (1, 1), 4, False), (MAP,), (8, 18, 16),
        12 * 2 * 9 * 9 * 8, 12 * 2 * 9, kind="grouped",
    ),
    Row(
        ConvTranspose3d(12, 8, (2, 3, 3), (2, 1, 1), (0, 1, 1)), (CLIP,), (8, 10, 9, 8),
        12 * 8 * 18 * 5 * 9 * 8, 12 * 8 * 18 + 8,
    ),
    # At an odd size one zero stands behind the map, at an even one two around it.
    Row(Conv2dSame(12, 8, (3, 3), (2, 2)), (MAP,), (8, 5, 4), 12 * 8 * 9 * 5 * 4, 12 * 8 * 9, kind="standard"),
    Row(Conv2dSame(12, 12, (2, 2), (2, 2), groups=12, bias=True), (MAP,), (12, 5, 4), 12 * 4 * 5 * 4, 12 * 4 + 12),
    Row(
        LSTM(12, 5, 2, bidirectional=True, states=False), ((9, 12),), (9, 10),
        9 * 2 * 4 * 5 * (12 + 5 + 10 + 5), 2 * 4 * 5 * (12 + 5 + 2 + 10 + 5 + 2), channel=1, kind="recurrent",
    ),
    Row(ChannelConv((3,), 1), ((12, 1),), (12, 1), 3 * 12, 3, kind="depthwise"),
    Row(ChannelConv((5,), 3), ((12, 1, 1, 1),), (12, 1, 1, 1), 5 * 12, 5),
    Row(GRU(12, 5, states=False), ((9, 12),), (9, 5), 9 * 3 * 5 * (12 + 5), 3 * 5 * (12 + 5 + 2), channel=1),
    Row(RNN(12, 5, bias=False, states=False), ((9, 12),), (9, 5), 9 * 5 * (12 + 5), 5 * (12 + 5), channel=1),
)  # fmt: skip
RANKED_OTHERS = (
    Row(BatchNorm2d(12, flat=True), (LINE,), LINE, params=2 * 12, buffers=2 * 12),
    Row(BatchNorm2d(12, volume=True), (CLIP,), CLIP, params=2 * 12, buffers=2 * 12),
    Row(InstanceNorm(12), (MAP,), MAP),
    Row(LayerNorm(12, rank=1), (LINE,), LINE, params=2 * 12),
    Row(LayerNorm(12, rank=3), (CLIP,), CLIP, params=2 * 12),
    Row(Mean(rank=1), (LINE,), FEATURES),
    Row(Mean(True, rank=3), (CLIP,), (12, 1, 1, 1)),
    Row(Unflatten((1,)), (FEATURES,), (12, 1)),
    Row(Unflatten((1, 1, 1)), (FEATURES,), (12, 1, 1, 1)),
    Row(Unflatten((3, 2)), (FEATURES,), (2, 3, 2)),
    Row(InstanceNorm(12, affine=True, rank=1), (LINE,), LINE, params=2 * 12),
    Row(RMSNorm(12, eps=1e-6), ((10, 12),), (10, 12), params=12, channel=1),
    Row(MaxPool2d((3, 3), (2, 2), (1, 1), dilation=(2, 1)), (MAP,), (12, 4, 4)),
    Row(PReLU(12), (MAP,), MAP, params=12),
    Row(PReLU(1, shared=True), (MAP,), MAP, params=1),
    Row(ELU(0.5), (MAP,), MAP),
    Row(Mish(), (MAP,), MAP),
    Row(GELUTanh(), (MAP,), MAP),
    Row(QuickGELU(), (MAP,), MAP),
    Row(Softplus(), (MAP,), MAP),
    Row(Abs(), (FEATURES,), FEATURES),
    Row(Exp(), (MAP,), MAP),
    Row(StarReLU(), (MAP,), MAP, params=2),
    Row(Upsample((2, 3)), (MAP,), (12, 18, 24)),
    Row(Upsample(size=(5, 20), mode="bilinear", align_corners=True), (MAP,), (12, 5, 20)),
    Row(Upsample((2,), mode="linear"), (LINE,), (12, 18)),
    Row(PixelShuffle(2), (MAP,), (3, 18, 16)),
    Row(PixelShuffle(2, back=True), ((3, 18, 16),), MAP),
)
# Ten positions of twelve features, and a map whose channels are last.
TOKENS = (10, 12)
LAST = (9, 8, 12)
SEQUENCES = (
    Row(GlobalResponseNorm(12), (MAP,), MAP, params=2 * 12),
    Row(GlobalResponseNorm(12, channels_last=True), (LAST,), LAST, params=2 * 12, channel=2),
    Row(Tokens(), (MAP,), (72, 12)),
    Row(Tokens(True), (LAST,), (72, 12), channel=2),
    Row(TokensToMap(), ((72, 5), MAP), (5, 9, 8), channel=1),
    Row(Transpose(), (TOKENS,), (12, 10), channel=1),
    Row(Normalize((1,)), (TOKENS,), TOKENS, channel=1),
    Row(PReLU(1, shared=True), (TOKENS,), TOKENS, params=1, channel=1),
    Row(Token(), (TOKENS,), FEATURES, channel=1),
    Row(Token(9), (TOKENS,), FEATURES, channel=1),
    Row(Token(-1), (TOKENS,), FEATURES, channel=1),
    Row(TokenRange(1), (TOKENS,), (9, 12), channel=1),
    Row(TokenRange(2, 3), (TOKENS,), (3, 12), channel=1),
    Row(ClassToken(12), (TOKENS,), (11, 12), params=12, channel=1),
    Row(ClassToken(12, 2), (TOKENS,), (12, 12), params=2 * 12, channel=1),
    Row(ConcatTokens(), (TOKENS, (1, 12)), (11, 12), channel=1),
    Row(Concat(1), (TOKENS, (10, 3)), (10, 15), channel=1),
    Row(FourierPositions(12), (MAP,), MAP, 64 * 12 * 9 * 8, 64 * 12 + 12),
    Row(RotaryPositions(12, 3), (TOKENS,), TOKENS, channel=1),
    Row(RotaryPositions(12, 2, 100.0, "neighbours", skip=2), (TOKENS,), TOKENS, channel=1),
    Row(RotaryPositions(12, 3, pairs="neighbours", sides=(3, 3), skip=1), (TOKENS,), TOKENS, channel=1),
    Row(RotaryPositions(12, 3, sides=(9, 8), columns_first=True), (LAST,), LAST, channel=2),
    Row(PositionEmbedding(TOKENS), (TOKENS,), TOKENS, params=10 * 12, channel=1),
    Row(PositionEmbedding(MAP, 0), (MAP,), MAP, params=12 * 9 * 8),
    Row(Embedding(20, 12), ((10,),), TOKENS, params=20 * 12, dtype="int64"),
    Row(PositionEmbedding(TOKENS, size=16), (TOKENS,), TOKENS, params=16 * 12, channel=1),
    Row(Product(), (TOKENS, (12, 7)), (10, 7), 10 * 12 * 7, kind="matmul", channel=1),
    Row(Scale(0.5), (TOKENS,), TOKENS, channel=1),
    Row(SplitHeads(3), (TOKENS,), (10, 3, 4), channel=1),
    Row(MergeHeads(), ((10, 3, 4),), TOKENS, channel=2),
    Row(PatchMerging(), (LAST,), (5, 4, 48), channel=2),
    Row(LayerNorm(12, channels_last=True), (TOKENS,), TOKENS, params=2 * 12, channel=1),
    Row(LayerScale(12, channels_last=True), (TOKENS,), TOKENS, params=12, channel=1),
    Row(Mean(positions=1), (TOKENS,), FEATURES, channel=1),
    Row(Mean(positions=2), (LAST,), FEATURES, channel=2),
    Row(Split(4, 5, 1), (TOKENS,), (10, 5), channel=1),
    Row(WindowPartition((4, 3)), (LAST,), (9, 12, 12), channel=2),
    Row(WindowPartition((3, 4), (1, 2)), (LAST,), (6, 12, 12), channel=2),
    Row(WindowPartition((3, 4), grid=True), (LAST,), (6, 12, 12), channel=2),
    Row(WindowReverse(9, 8, (4, 3)), ((9, 12, 12),), LAST, channel=2),
    Row(WindowReverse(9, 8, (3, 4), (1, 2)), ((6, 12, 12),), LAST, channel=2),
    Row(WindowReverse(9, 8, (3, 4), grid=True), ((6, 12, 12),), LAST, channel=2),
    # Windows that are maps, in the axis of the batch.
    Row(WindowPartition((4, 3), maps=True), (MAP,), WINDOWS, windows=(False, True)),
    Row(WindowPartition((3, 4), (1, 2), maps=True), (MAP,), (6, 12, 3, 4), windows=(False, True)),
    Row(WindowReverse(9, 8, (4, 3), maps=True), (WINDOWS,), MAP, channel=1, windows=(True, False)),
    Row(WindowReverse(9, 8, (3, 4), grid=True, maps=True), ((6, 12, 3, 4),), MAP, channel=1, windows=(True, False)),
    Row(BatchNorm2d(12), (WINDOWS,), WINDOWS, 0, 2 * 12, 2 * 12, channel=1, windows=(True, True)),
    Row(Split(4, 5), (WINDOWS,), (9, 5, 4, 3), channel=1, windows=(True, True)),
    Row(Concat(), (WINDOWS, (9, 5, 4, 3)), (9, 17, 4, 3), channel=1, windows=(True, True)),
)
ATTENTION = (
    # Three heads of queries, keys and values of four features.
    Row(HeadAttention(3, 3, 4, 4), ((10, 36),), TOKENS, 3 * 10 * 10 * (4 + 4), kind="attention", channel=1),
    Row(HeadAttention(3, 3, 4, 4, interleaved=True), ((10, 36),), TOKENS, 3 * 10 * 10 * (4 + 4), channel=1),
    Row(HeadAttention(3, 3, 4, 4, causal=True), ((10, 36),), TOKENS, 3 * 10 * 10 * (4 + 4), channel=1),
    Row(HeadAttention(3, 3, 2, 4, interleaved=True), ((10, 24),), TOKENS, 3 * 10 * 10 * (2 + 4), channel=1),
    Row(HeadAttention(3, 3, 4, 4), (TOKENS, (5, 24)), TOKENS, 3 * 10 * 5 * (4 + 4), channel=1),
    Row(HeadAttention(3, 3, 4, 2), (TOKENS, (5, 12), (5, 6)), (10, 6), 3 * 10 * 5 * (4 + 2), channel=1),
    Row(HeadAttention(3, 1, 4, 2), (TOKENS, (5, 4), (5, 2)), (10, 6), 3 * 10 * 5 * (4 + 2), channel=1),
    Row(HeadAttention(3, 1, 4, 4, False), (MAP, (4, 5, 4), (4, 5, 4)), MAP, 3 * 72 * 20 * (4 + 4)),
    Row(
        HeadAttention(3, 3, 2, 4, False, True, position="distance", size=(4, 5)),
        ((24, 4, 5),), (12, 4, 5), 3 * 20 * 20 * (2 + 4), 3 * 4 * 5,
    ),
    Row(
        HeadAttention(3, 3, 4, 2, False, True, position="distance", size=(9, 8), every=2),
        ((12, 5, 4), (18, 9, 8)), (6, 5, 4), 3 * 20 * 72 * (4 + 2), 3 * 9 * 8,
    ),
    Row(
        HeadAttention(3, 3, 4, 4, windowed=True, position="relative", size=(3, 4)),
        ((6, 12, 36),), (6, 12, 12), 6 * 3 * 12 * 12 * (4 + 4), 5 * 7 * 3, channel=2,
    ),
    Row(
        HeadAttention(3, 3, 4, 4, windowed=True, position="relative", size=(3, 4), shifted=(3, 2, 1, 2)),
        ((6, 12, 36),), (6, 12, 12), 6 * 3 * 12 * 12 * (4 + 4), 5 * 7 * 3, channel=2,
    ),
    Row(
        HeadAttention(3, 3, 2, 4, False, windowed=True, position="distance", size=(4, 3)),
        ((9, 24, 4, 3),), WINDOWS, 9 * 3 * 12 * 12 * (2 + 4), 3 * 4 * 3, channel=1, windows=(True, True),
    ),
    Row(
        HeadAttention(3, 3, 2, 4, False, windowed=True, position="relative", size=(4, 3)),
        ((9, 6, 4, 3), (9, 18, 4, 3)), WINDOWS, 9 * 3 * 12 * 12 * (2 + 4), 3 * 7 * 5, channel=1, windows=(True, True),
    ),
    Row(LinearAttention(3, 4), ((36, 9, 8),), MAP, 2 * 3 * 72 * 4 * 5),
    Row(LinearAttention(3, 4, True), ((10, 36),), TOKENS, 2 * 3 * 10 * 4 * 5, channel=1),
    Row(AttentionScores(3, 4), (MAP, (12, 3, 2)), (3, 72, 6), 12 * 72 * 6),
    Row(AttentionScores(3, 4, (9, 8)), (MAP, MAP), (3, 72, 72), 12 * 72 * 72, 3 * 72),
    Row(AttendedValues(3), ((3, 72, 72), MAP), MAP, 12 * 72 * 72),
    Row(TalkingHeadsAttention(3, 4), ((10, 36),), TOKENS, 2 * 3 * 10 * 10 * (4 + 3), 2 * (3 * 3 + 3), channel=1),
    Row(TalkingHeadsAttention(3, 4, False), ((36, 9, 8),), MAP, 2 * 3 * 72 * 72 * (4 + 3), 2 * (3 * 3 + 3)),
    Row(CrossCovarianceAttention(3, 4), ((10, 36),), TOKENS, 2 * 3 * 10 * 4 * 4, 3, channel=1),
    Row(CrossCovarianceAttention(3, 4, False), ((36, 9, 8),), MAP, 2 * 3 * 72 * 4 * 4, 3),
)  # fmt: skip
ROWS = (*CONVOLUTIONS, *LINEAR, *NORMS, *ACTIVATIONS, *POOLS, *SHAPES, *SEQUENCES, *ATTENTION, *RANKED, *RANKED_OTHERS)


def elements(tensors: Mapping[str, Terms]) -> int:
    """Return the elements of an operator's parameters or buffers."""
    return sum(total(terms) for terms in tensors.values())


def label(row: Row) -> str:
    """Return a row's name in a test report."""
    return f"{row.op}-{'-'.join('x'.join(map(str, shape)) for shape in row.inputs)}"

"""One row per operator and interesting setting: its inputs and output, and its counts as products written out.

The rows are checked against the formulas where torch is not installed, and against torch, fvcore and FlopCounterMode
where it is.
"""

from typing import NamedTuple

from archprof.graph.operators import act, conv, deform, norm, pool, shape
from archprof.graph.operators.base import Operator

Shapes = tuple[tuple[int, ...], ...]


class Row(NamedTuple):
    """An operator on inputs of some shapes (without the batch), and what is known of it."""

    op: Operator
    inputs: Shapes
    output: tuple[int, ...]
    macs: int = 0
    params: int = 0
    buffers: int = 0
    kind: str = ""


MAP = (12, 9, 8)
FEATURES = (12,)
SQUARE = (3, 224, 224)

CONVOLUTIONS = (
    Row(
        conv.Conv2d(3, 32, (3, 3), (2, 2), (1, 1)),
        (SQUARE,),
        (32, 112, 112),
        3 * 32 * 3 * 3 * 112 * 112,
        3 * 32 * 3 * 3,
        kind="standard",
    ),
    Row(
        conv.Conv2d(3, 32, (3, 3), (2, 2), (1, 1), bias=True),
        (SQUARE,),
        (32, 112, 112),
        3 * 32 * 3 * 3 * 112 * 112,
        3 * 32 * 3 * 3 + 32,
    ),
    Row(
        conv.Conv2d(3, 16, (3, 3), (2, 2), (1, 1)),
        ((3, 225, 193),),
        (16, 113, 97),
        3 * 16 * 3 * 3 * 113 * 97,
        3 * 16 * 3 * 3,
    ),
    Row(conv.Conv2d(3, 16, (3, 3), (2, 2)), ((3, 225, 193),), (16, 112, 96), 3 * 16 * 3 * 3 * 112 * 96, 3 * 16 * 3 * 3),
    Row(conv.Conv2d(64, 128), ((64, 28, 28),), (128, 28, 28), 64 * 128 * 28 * 28, 64 * 128, kind="pointwise"),
    Row(conv.Conv2d(64, 16, bias=True), ((64, 1, 1),), (16, 1, 1), 64 * 16, 64 * 16 + 16, kind="pointwise"),
    Row(
        conv.Conv2d(64, 128, (1, 1), (2, 2)),
        ((64, 27, 28),),
        (128, 14, 14),
        64 * 128 * 14 * 14,
        64 * 128,
        kind="pointwise",
    ),
    Row(
        conv.Conv2d(32, 32, (3, 3), (1, 1), (1, 1), groups=32),
        ((32, 56, 56),),
        (32, 56, 56),
        32 * 3 * 3 * 56 * 56,
        32 * 3 * 3,
        kind="depthwise",
    ),
    Row(
        conv.Conv2d(32, 32, (5, 5), (2, 2), (2, 2), groups=32),
        ((32, 15, 14),),
        (32, 8, 7),
        32 * 5 * 5 * 8 * 7,
        32 * 5 * 5,
        kind="depthwise",
    ),
    Row(
        conv.Conv2d(32, 64, (3, 3), (1, 1), (1, 1), groups=32),
        ((32, 7, 7),),
        (64, 7, 7),
        64 * 3 * 3 * 7 * 7,
        64 * 3 * 3,
        kind="grouped",
    ),
    Row(
        conv.Conv2d(12, 20, (3, 3), groups=4, bias=True),
        (MAP,),
        (20, 7, 6),
        3 * 20 * 3 * 3 * 7 * 6,
        3 * 20 * 3 * 3 + 20,
        kind="grouped",
    ),
    Row(conv.Conv2d(12, 20, groups=2), (MAP,), (20, 9, 8), 6 * 20 * 9 * 8, 6 * 20, kind="grouped"),
    # The worked example of group convolution: 11×11 kernels, 3 → 6 channels in 3 groups.
    Row(
        conv.Conv2d(3, 6, (11, 11), (4, 4), (2, 2), groups=3),
        (SQUARE,),
        (6, 55, 55),
        6 * 11 * 11 * 55 * 55,
        6 * 11 * 11,
    ),
    Row(
        conv.Conv2d(12, 8, (3, 3), (1, 1), (2, 2), (2, 2)),
        (MAP,),
        (8, 9, 8),
        12 * 8 * 3 * 3 * 9 * 8,
        12 * 8 * 3 * 3,
        kind="standard",
    ),
    Row(conv.Conv2d(12, 8, (3, 3), (1, 1), (0, 0), (3, 2)), (MAP,), (8, 3, 4), 12 * 8 * 3 * 3 * 3 * 4, 12 * 8 * 3 * 3),
    Row(
        conv.Conv2d(12, 12, (3, 3), (2, 2), (2, 2), (2, 2), 12),
        (MAP,),
        (12, 5, 4),
        12 * 3 * 3 * 5 * 4,
        12 * 3 * 3,
        kind="depthwise",
    ),
    Row(
        conv.Conv2d(12, 8, (1, 7), (1, 1), (0, 3)),
        (MAP,),
        (8, 9, 8),
        12 * 8 * 1 * 7 * 9 * 8,
        12 * 8 * 1 * 7,
        kind="standard",
    ),
    Row(conv.Conv2d(12, 8, (7, 1), (1, 1), (3, 0)), (MAP,), (8, 9, 8), 12 * 8 * 7 * 1 * 9 * 8, 12 * 8 * 7 * 1),
    Row(conv.Conv2d(12, 8, (3, 2), (2, 3), (1, 0)), (MAP,), (8, 5, 3), 12 * 8 * 3 * 2 * 5 * 3, 12 * 8 * 3 * 2),
    Row(conv.Conv2d(12, 8, (4, 4), (4, 4)), (MAP,), (8, 2, 2), 12 * 8 * 4 * 4 * 2 * 2, 12 * 8 * 4 * 4),
    Row(conv.Conv2d(12, 8, (9, 8)), (MAP,), (8, 1, 1), 12 * 8 * 9 * 8, 12 * 8 * 9 * 8),
    Row(conv.Conv2d(3, 4, (3, 3), (5, 5), (1, 1)), ((3, 1, 1),), (4, 1, 1), 3 * 4 * 3 * 3, 3 * 4 * 3 * 3),
    Row(
        deform.DeformConv2d(12, 8, (3, 3), (2, 2), (1, 1), (1, 1)),
        (MAP, (18, 5, 4)),
        (8, 5, 4),
        12 * 8 * 3 * 3 * 5 * 4,
        12 * 8 * 3 * 3,
    ),
    Row(
        deform.DeformConv2d(12, 8, (3, 3), (1, 1), (2, 2), (2, 2), 4, 3, True),
        (MAP, (81, 9, 8)),
        (8, 9, 8),
        3 * 8 * 3 * 3 * 9 * 8,
        3 * 8 * 3 * 3,
    ),
)
LINEAR = (
    Row(conv.Linear(12, 5), (FEATURES,), (5,), 12 * 5, 12 * 5 + 5, kind="linear"),
    Row(conv.Linear(12, 5, bias=False), (FEATURES,), (5,), 12 * 5, 12 * 5),
    Row(conv.Linear(8, 5), (MAP,), (12, 9, 5), 12 * 9 * 8 * 5, 8 * 5 + 5),
)
NORMS = (
    Row(norm.BatchNorm2d(12), (MAP,), MAP, params=2 * 12, buffers=2 * 12),
    Row(norm.BatchNorm2d(12, eps=0.001, momentum=0.01, affine=False), (MAP,), MAP, buffers=2 * 12),
    Row(norm.BatchNorm2d(12, flat=True), (FEATURES,), FEATURES, params=2 * 12, buffers=2 * 12),
    Row(norm.FrozenBatchNorm2d(12), (MAP,), MAP, buffers=4 * 12),
    Row(norm.FrozenBatchNorm2d(12, eps=0.001), (FEATURES,), FEATURES, buffers=4 * 12),
    Row(norm.GroupNorm(12, 4), (MAP,), MAP, params=2 * 12),
    Row(norm.LayerNorm(12), (MAP,), MAP, params=2 * 12),
    Row(norm.LayerNorm(8, channels_last=True), (MAP,), MAP, params=2 * 8),
    Row(norm.LayerNorm(12, channels_last=True), (FEATURES,), FEATURES, params=2 * 12),
    Row(norm.LayerScale(12), (MAP,), MAP, params=12),
)
ACTIVATIONS = (
    *(
        Row(op(), (inputs,), inputs)
        for op in (
            act.ReLU,
            act.ReLU6,
            act.Hardswish,
            act.Hardsigmoid,
            act.SiLU,
            act.Sigmoid,
            act.Tanh,
            act.GELU,
            act.Swish,
        )
        for inputs in (MAP, FEATURES)
    ),
    Row(act.Swish(learnable=True), (MAP,), MAP, params=1),
    Row(act.Dropout(0.2), (FEATURES,), FEATURES),
    Row(act.StochasticDepth(0.2), (MAP,), MAP),
)
POOLS = (
    Row(pool.MaxPool2d((3, 3), (2, 2), (1, 1)), ((12, 112, 112),), (12, 56, 56)),
    Row(pool.MaxPool2d((3, 3), (2, 2)), ((12, 112, 112),), (12, 55, 55)),
    Row(pool.MaxPool2d((3, 3), (2, 2), ceil=True), ((12, 112, 112),), (12, 56, 56)),
    Row(pool.MaxPool2d((2, 2), (2, 2), ceil=True), ((12, 7, 8),), (12, 4, 4)),
    # The last window would start in the padding, and is dropped.
    Row(pool.MaxPool2d((2, 2), (2, 2), (1, 1), ceil=True), ((12, 7, 8),), (12, 4, 5)),
    Row(pool.MaxPool2d((1, 1), (2, 2), ceil=True), ((12, 7, 8),), (12, 4, 4)),
    Row(pool.MaxPool2d((3, 3), (2, 2), ceil=True), ((12, 2, 2),), (12, 1, 1)),
    Row(pool.MaxPool2d((3, 1), (2, 3), (1, 0)), (MAP,), (12, 5, 3)),
    Row(pool.MaxPool2d((3, 3), (1, 1), (1, 1)), (MAP,), MAP),
    Row(pool.AvgPool2d((2, 2), (2, 2)), (MAP,), (12, 4, 4)),
    Row(pool.AvgPool2d((2, 2), (2, 2), ceil=True), (MAP,), (12, 5, 4)),
    Row(pool.AvgPool2d((3, 3), (2, 2), (1, 1), count_padding=False), (MAP,), (12, 5, 4)),
    Row(pool.AvgPool2d((9, 8), (9, 8)), (MAP,), (12, 1, 1)),
    Row(pool.AdaptiveAvgPool2d(), (MAP,), (12, 1, 1)),
    Row(pool.AdaptiveAvgPool2d(form="function"), (MAP,), (12, 1, 1)),
    Row(pool.AdaptiveAvgPool2d((7, 5)), (MAP,), (12, 7, 5)),
    Row(pool.AdaptiveAvgPool2d((10, 10), form="function"), (MAP,), (12, 10, 10)),
    Row(pool.AdaptiveMaxPool2d(), (MAP,), (12, 1, 1)),
    Row(pool.AdaptiveMaxPool2d((2, 3)), (MAP,), (12, 2, 3)),
    Row(pool.Mean(), (MAP,), (12,)),
    Row(pool.Mean(keep=True), (MAP,), (12, 1, 1)),
)
SHAPES = (
    Row(shape.Add(), (MAP, MAP), MAP),
    Row(shape.Add(), (MAP, MAP, MAP), MAP),
    Row(shape.Add(), (MAP, (12, 1, 1)), MAP),
    Row(shape.Multiply(), (MAP, (12, 1, 1)), MAP),
    Row(shape.Multiply(), ((12, 1, 1), MAP), MAP),
    Row(shape.Multiply(), (MAP, (12, 9, 1), (12, 1, 8)), MAP),
    Row(shape.Multiply(), (FEATURES, FEATURES), FEATURES),
    Row(shape.Concat(), (MAP, (5, 9, 8), (1, 9, 8)), (18, 9, 8)),
    Row(shape.Concat(), (FEATURES, (3,)), (15,)),
    Row(shape.Split(0, 5), (MAP,), (5, 9, 8)),
    Row(shape.Split(5, 7), (MAP,), (7, 9, 8)),
    Row(shape.ChannelShuffle(3), (MAP,), MAP),
    Row(shape.Permute.to("channels_last"), (MAP,), (9, 8, 12)),
    Row(shape.Permute.to("channels_first"), ((9, 8, 12),), MAP),
    Row(shape.Flatten(), (MAP,), (12 * 9 * 8,)),
    Row(shape.Flatten(), (FEATURES,), FEATURES),
    Row(shape.Unflatten(), (FEATURES,), (12, 1, 1)),
    Row(shape.Pad((0, 1, 2, 3)), (MAP,), (12, 10, 13)),
    Row(shape.PadShortcut((2, 2), 20), (MAP,), (20, 5, 4)),
    Row(shape.PadShortcut((1, 1), 12), (MAP,), MAP),
    Row(shape.ResizeLike(), ((12, 5, 4), MAP), MAP),
    Row(shape.ResizeLike(), ((12, 5, 4), (7, 9, 8)), MAP),
    Row(shape.Identity(), (MAP,), MAP),
)
ROWS = (*CONVOLUTIONS, *LINEAR, *NORMS, *ACTIVATIONS, *POOLS, *SHAPES)


def label(row: Row) -> str:
    """Return a row's name in a test report."""
    return f"{row.op}-{'-'.join('x'.join(map(str, shape)) for shape in row.inputs)}"

"""All operators, in one explicit tuple, and the way from a name in a spec to one of them."""

from collections.abc import Mapping

from archprof.graph.operators import act, conv, deform, norm, pool, shape
from archprof.graph.operators.base import Operator

OPERATORS: tuple[type[Operator], ...] = (
    conv.Conv2d,
    conv.Linear,
    deform.DeformConv2d,
    norm.BatchNorm2d,
    norm.FrozenBatchNorm2d,
    norm.GroupNorm,
    norm.LayerNorm,
    norm.LayerScale,
    act.ReLU,
    act.ReLU6,
    act.Hardswish,
    act.Hardsigmoid,
    act.SiLU,
    act.Sigmoid,
    act.Tanh,
    act.GELU,
    act.Swish,
    act.Dropout,
    act.StochasticDepth,
    pool.MaxPool2d,
    pool.AvgPool2d,
    pool.AdaptiveAvgPool2d,
    pool.AdaptiveMaxPool2d,
    pool.Mean,
    shape.Add,
    shape.Multiply,
    shape.Concat,
    shape.Split,
    shape.ChannelShuffle,
    shape.Permute,
    shape.Flatten,
    shape.Unflatten,
    shape.Pad,
    shape.PadShortcut,
    shape.ResizeLike,
    shape.Identity,
)

# Where two operators share a name in specs (average pooling by window and to a size), the later one chooses.
BY_NAME: Mapping[str, type[Operator]] = {name: op for op in OPERATORS for name in (op.name, *op.spellings)}

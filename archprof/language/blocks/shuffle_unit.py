"""shuffle_unit: half of the channels pass by, the other half is filtered, and a shuffle mixes the two (Ma et al. 2018,
Figure 3 c and d)."""

from archprof.ir.dims import Dim, same
from archprof.ir.operators.base import ShapeError
from archprof.ir.operators.conv import C, Pair, S, kernel
from archprof.ir.operators.join import Concat
from archprof.ir.operators.shape import ChannelShuffle, Split
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def shuffle_unit(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    k: Pair = (3, 3),
    s: Pair = (1, 1),
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if s == (1, 1) and not same(x.channels, c):
        raise ShapeError(
            f"a shuffle unit of stride 1 from {x.channels} to {c} channels",
            "only a unit with a stride changes the channels",
            ("c",),
        )
    half = c // 2
    if s == (1, 1):
        kept = net.apply("split0", Split(0, half), x)
        x = net.apply("split1", Split(half, c - half), x)
    else:
        with net.scope("shortcut"):
            kept = _filtered(net, x, half, k, s, norm, act)
    with net.scope("body"):
        with net.scope("expand"):
            y = conv_norm_act(net, x, c - half, norm=norm, act=act)
        y = _filtered(net, y, c - half, k, s, norm, act)
    return net.apply("shuffle", ChannelShuffle(2), net.apply("concat", Concat(), kept, y))


def _filtered(
    net: Tracer, x: Feature, channels: Dim, k: Pair, s: Pair, norm: NamedOperator | None, act: NamedOperator | None
) -> Feature:
    """Apply a depthwise convolution without activation, then a pointwise one to *channels*."""
    with net.scope("depthwise"):
        x = conv_norm_act(net, x, x.channels, k, s, groups=x.channels, norm=norm)
    with net.scope("pointwise"):
        return conv_norm_act(net, x, channels, norm=norm, act=act)


SHUFFLE_UNIT = Block(
    "shuffle_unit",
    shuffle_unit,
    (
        C,
        kernel("kernel size of the depthwise convolutions; 3 unless given"),
        S,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Splits the channels, filters one half, concatenates and shuffles; with a stride both halves are filtered from "
    "the whole input (Ma et al. 2018, Figure 3 c and d).",
)

"""replk_block: a depthwise convolution of a very large kernel, a small one beside it, then a feed-forward part (Ding et
al. 2022, Figure 3)."""

from archprof.ir.columns import SIZE, Column, optional, ratio
from archprof.ir.dims import Dim, same, truncate
from archprof.ir.operators.act import GELU
from archprof.ir.operators.base import ShapeError
from archprof.ir.operators.conv import C, Pair, S, kernel
from archprof.ir.operators.join import Add
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.blocks.stochastic_depth import STOCHASTIC_DEPTH
from archprof.language.cells import DropRate
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def replk_block(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    k: Pair = (31, 31),
    small_k: Pair | None = None,
    s: Pair = (1, 1),
    t: float = 4,
    stochastic_depth: DropRate | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if s != (1, 1):
        x = _transition(net, x, c, s, norm, act)
    elif not same(x.channels, c):
        raise ShapeError(
            f"a RepLK block of stride 1 from {x.channels} to {c} channels",
            "only a block with a stride changes the channels",
            ("c",),
        )
    with net.scope("large_kernel"):
        y = net.norm(x, norm)
        with net.scope("expand"):
            y = conv_norm_act(net, y, c, norm=norm, act=act)
        with net.scope("depthwise"):
            y = net.act(_depthwise(net, y, k, small_k, norm), act)
        with net.scope("project"):
            y = conv_norm_act(net, y, c, norm=norm)
        x = net.apply("add", Add(), x, net.drop(y, stochastic_depth))
    with net.scope("feed_forward"):
        y = net.norm(x, norm)
        with net.scope("expand"):
            y = conv_norm_act(net, y, truncate(c * t), norm=norm, act=NamedOperator(GELU, {}))
        with net.scope("project"):
            y = conv_norm_act(net, y, c, norm=norm)
        return net.apply("add", Add(), x, net.drop(y, stochastic_depth))


def _transition(
    net: Tracer, x: Feature, channels: Dim, s: Pair, norm: NamedOperator | None, act: NamedOperator | None
) -> Feature:
    """Apply a pointwise convolution to *channels*, then a depthwise 3×3 with the stride."""
    with net.scope("transition"):
        with net.scope("pointwise"):
            x = conv_norm_act(net, x, channels, norm=norm, act=act)
        with net.scope("depthwise"):
            return conv_norm_act(net, x, channels, (3, 3), s, groups=channels, norm=norm, act=act)


def _depthwise(net: Tracer, x: Feature, k: Pair, small_k: Pair | None, norm: NamedOperator | None) -> Feature:
    """Apply the large kernel, and add what the small one gives where there is one."""
    with net.scope("large"):
        y = conv_norm_act(net, x, x.channels, k, groups=x.channels, norm=norm)
    if small_k is None:
        return y
    with net.scope("small"):
        z = conv_norm_act(net, x, x.channels, small_k, groups=x.channels, norm=norm)
    return net.apply("add", Add(), y, z)


REPLK_BLOCK = Block(
    "replk_block",
    replk_block,
    (
        C,
        kernel("kernel size of the large depthwise convolution; 31 unless given"),
        Column(
            "small_k", optional(SIZE), "kernel size of the convolution beside it; none unless given", ("small_kernel",)
        ),
        S._replace(doc="stride: a pointwise and a depthwise 3×3 convolution of that stride stand before the block"),
        Column("t", ratio(0.01, 1000), "expansion of the feed-forward part; 4 unless given", ("ffn_ratio",)),
        STOCHASTIC_DEPTH,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Norm, pointwise, large depthwise and pointwise convolution with a shortcut; then, with another, a feed-forward "
    "part of norm, two pointwise convolutions and GELU (Ding et al. 2022, Figure 3).",
)

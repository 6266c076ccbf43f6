"""fire: a squeeze layer of 1×1 convolutions, and an expand layer of 1×1 and 3×3 ones (Iandola et al. 2016, Figure
1)."""

from archprof.ir.columns import CHANNELS, Column
from archprof.ir.dims import Dim
from archprof.ir.operators.join import Concat
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def fire(
    net: Tracer,
    x: Feature,
    *,
    s1x1: Dim,
    e1x1: Dim,
    e3x3: Dim,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    with net.scope("squeeze"):
        x = conv_norm_act(net, x, s1x1, norm=norm, act=act)
    with net.scope("expand1x1"):
        small = conv_norm_act(net, x, e1x1, norm=norm, act=act)
    with net.scope("expand3x3"):
        large = conv_norm_act(net, x, e3x3, (3, 3), norm=norm, act=act)
    return net.apply("concat", Concat(), small, large)


FIRE = Block(
    "fire",
    fire,
    (
        Column("s1x1", CHANNELS, "number of 1×1 convolutions that squeeze", required=True),
        Column("e1x1", CHANNELS, "number of 1×1 convolutions that expand", required=True),
        Column("e3x3", CHANNELS, "number of 3×3 convolutions that expand", required=True),
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "A squeeze layer of 1×1 convolutions, then 1×1 and 3×3 convolutions beside each other, concatenated (Iandola et "
    "al. 2016, Figure 1).",
)

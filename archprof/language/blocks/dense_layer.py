"""dense_layer and transition: layers that add a few channels to all before them, and what makes the map smaller between
them (Huang et al. 2017)."""

from archprof.ir.columns import CHANNELS, Column, count, ratio
from archprof.ir.dims import Dim, truncate
from archprof.ir.operators.conv import Conv2d, Pair, same_padding
from archprof.ir.operators.join import Concat
from archprof.ir.operators.pool import AvgPool2d
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def _norm_act_conv(
    net: Tracer, x: Feature, channels: Dim, k: Pair, norm: NamedOperator | None, act: NamedOperator | None
) -> Feature:
    x = net.act(net.norm(x, norm), act)
    return net.apply("conv", Conv2d(x.channels, channels, k, padding=same_padding(k, (1, 1)), bias=norm is None), x)


def dense_layer(
    net: Tracer,
    x: Feature,
    *,
    growth_rate: Dim,
    bottleneck: int = 4,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    with net.scope("bottleneck"):
        y = _norm_act_conv(net, x, bottleneck * growth_rate, (1, 1), norm, act)
    with net.scope("grow"):
        y = _norm_act_conv(net, y, growth_rate, (3, 3), norm, act)
    return net.apply("concat", Concat(), x, y)


def transition(
    net: Tracer,
    x: Feature,
    *,
    compression: float = 0.5,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    x = _norm_act_conv(net, x, truncate(x.channels * compression), (1, 1), norm, act)
    return net.apply("pool", AvgPool2d((2, 2), (2, 2)), x)


DENSE_LAYER = Block(
    "dense_layer",
    dense_layer,
    (
        Column("growth_rate", CHANNELS, "channels that the layer adds to its input's", ("k",), required=True),
        Column(
            "bottleneck",
            count(1, 1024),
            "channels of the 1×1 convolution, in growth rates; 4 unless given",
            ("bn_size",),
        ),
        NORM_COLUMN._replace(doc="the norm before each convolution"),
        ACT_COLUMN._replace(doc="the activation before each convolution"),
    ),
    "Norm, activation, 1×1 convolution, norm, activation, 3×3 convolution, whose output is concatenated to the input "
    "(Huang et al. 2017, section 3). Repeated, it is a dense block.",
)
TRANSITION = Block(
    "transition",
    transition,
    (
        Column(
            "compression", ratio(0.01, 1), "output channels = compression × the input's; 0.5 unless given", ("theta",)
        ),
        NORM_COLUMN._replace(doc="the norm before the convolution"),
        ACT_COLUMN._replace(doc="the activation before the convolution"),
    ),
    "Norm, activation, 1×1 convolution and 2×2 average pooling between two dense blocks (Huang et al. 2017, section "
    "3).",
)

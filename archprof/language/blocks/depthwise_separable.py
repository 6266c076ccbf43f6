"""depthwise_separable: a depthwise convolution that filters, a pointwise one that mixes (Howard et al. 2017, Figure
3)."""

from archprof.ir.columns import FLAG, Column
from archprof.ir.dims import Dim
from archprof.ir.operators.conv import C, D, P, Pair, S, kernel
from archprof.ir.operators.padding import Padding
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.blocks.squeeze_excite import SE_COLUMN, SqueezeExcite, apply_squeeze_excite
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def depthwise_separable(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    k: Pair = (3, 3),
    s: Pair = (1, 1),
    p: Padding | None = None,
    d: Pair = (1, 1),
    linear: bool = False,
    se: SqueezeExcite | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    with net.scope("depthwise"):
        y = conv_norm_act(net, x, x.channels, k, s, p, d, x.channels, None, norm, act)
    if se is not None:
        y = apply_squeeze_excite(net, y, se, x.channels)
    with net.scope("pointwise"):
        return conv_norm_act(net, y, c, norm=norm, act=None if linear else act)


DEPTHWISE_SEPARABLE = Block(
    "depthwise_separable",
    depthwise_separable,
    (
        C,
        kernel("kernel size of the depthwise convolution; 3 unless given"),
        S,
        P,
        D,
        Column("linear", FLAG, "no activation behind the pointwise convolution"),
        SE_COLUMN,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "A depthwise and a pointwise convolution, each with norm and activation (Howard et al. 2017, Figure 3), and "
    "between them a squeeze-excite where one is wanted.",
)

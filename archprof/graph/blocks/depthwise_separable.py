"""depthwise_separable: a depthwise convolution that filters, a pointwise one that mixes (Howard et al. 2017, Figure
3)."""

from archprof.graph.block import Block
from archprof.graph.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.graph.choices import Maker
from archprof.graph.columns import FLAG, Column
from archprof.graph.dims import Dim
from archprof.graph.operators.conv import C, D, K, Pair, S
from archprof.graph.trace import Feature, Tracer


def depthwise_separable(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    k: Pair = (3, 3),
    s: Pair = (1, 1),
    d: Pair = (1, 1),
    linear: bool = False,
    norm: Maker | None = None,
    act: Maker | None = None,
) -> Feature:
    with net.scope("depthwise"):
        x = conv_norm_act(net, x, x.channels, k, s, None, d, x.channels, None, norm, act)
    with net.scope("pointwise"):
        return conv_norm_act(net, x, c, norm=norm, act=None if linear else act)


DEPTHWISE_SEPARABLE = Block(
    "depthwise_separable",
    depthwise_separable,
    (
        C,
        K._replace(doc="kernel size of the depthwise convolution; 3 unless given"),
        S,
        D,
        Column("linear", FLAG, "no activation behind the pointwise convolution"),
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "A depthwise and a pointwise convolution, each with norm and activation (Howard et al. 2017, Figure 3).",
)

"""inverted_residual: expand, filter depthwise, project linearly; a shortcut where the shape stays (Sandler et al. 2018, Howard et al. 2019)."""

from archprof.graph.block import Block
from archprof.graph.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.graph.blocks.squeeze_excite import SE_COLUMN, SqueezeExcite, apply_squeeze_excite
from archprof.graph.columns import EXPANDED, Column, Maker, ratio
from archprof.graph.dims import Dim, round_half_even, same
from archprof.graph.operators.base import ShapeError
from archprof.graph.operators.conv import C, D, K, Pair, S
from archprof.graph.operators.shape import Add
from archprof.graph.trace import Feature, Tracer


def inverted_residual(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    t: float | None = None,
    exp: Dim | None = None,
    k: Pair = (3, 3),
    s: Pair = (1, 1),
    d: Pair = (1, 1),
    se: SqueezeExcite | None = None,
    norm: Maker | None = None,
    act: Maker | None = None,
) -> Feature:
    if (t is None) == (exp is None):
        raise ShapeError("an inverted residual needs one of `t` and `exp`", "`t`: times the input's channels; `exp`: a channel count")
    expanded = exp if exp is not None else round_half_even(x.channels * t)
    y = x
    if not same(expanded, x.channels):
        with net.scope("expand"):
            y = conv_norm_act(net, y, expanded, norm=norm, act=act)
    gated_first = se is not None and se.before_act
    with net.scope("depthwise"):
        y = conv_norm_act(net, y, y.channels, k, s, None, d, y.channels, None, norm, None if gated_first else act)
    if se is not None:
        y = apply_squeeze_excite(net, y, se, x.channels)
    if gated_first:
        y = net.act(y, act)
    with net.scope("project"):
        y = conv_norm_act(net, y, c, norm=norm)
    return net.apply("add", Add(), x, y) if s == (1, 1) and same(x.channels, c) else y


INVERTED_RESIDUAL = Block(
    "inverted_residual",
    inverted_residual,
    (
        Column("t", ratio(0.01, 1000), "expansion: expanded channels = t × the input's", ("expand_ratio",)),
        Column("exp", EXPANDED, "expanded channels", ("exp_size", "expanded")),
        C,
        K._replace(doc="kernel size of the depthwise convolution; 3 unless given"),
        S,
        D,
        SE_COLUMN,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Expand, filter depthwise, project linearly; no expansion where it would keep the channels, a shortcut where the shape stays "
    "(Sandler et al. 2018, Figure 4; with squeeze-excite Howard et al. 2019, Figure 4).",
)

"""ghost_bottleneck: an inverted residual of ghost modules, which make half of their channels by a cheap filter (Han et
al. 2020)."""

from archprof.ir.columns import EXPANDED, Column
from archprof.ir.dims import Dim, ceil_div, same
from archprof.ir.operators.conv import C, Pair, S, kernel
from archprof.ir.operators.join import Add, Concat
from archprof.ir.operators.shape import Split
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.blocks.squeeze_excite import SE_COLUMN, SqueezeExcite, apply_squeeze_excite
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def ghost_bottleneck(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    exp: Dim,
    k: Pair = (3, 3),
    s: Pair = (1, 1),
    se: SqueezeExcite | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    y = _ghost_module(net, "expand", x, exp, norm, act)
    if s != (1, 1):
        with net.scope("depthwise"):
            y = conv_norm_act(net, y, exp, k, s, groups=exp, norm=norm)
    if se is not None:
        y = apply_squeeze_excite(net, y, se, x.channels)
    y = _ghost_module(net, "project", y, c, norm, None)
    return net.apply("add", Add(), y, _shortcut(net, x, c, k, s, norm))


def _ghost_module(
    net: Tracer, name: str, x: Feature, channels: Dim, norm: NamedOperator | None, act: NamedOperator | None
) -> Feature:
    """Make half of the channels by a 1×1 convolution, and as many ghosts of them by a 3×3 depthwise one (equations 2
    and 3, with s = 2)."""
    half = ceil_div(channels, 2)
    with net.scope(name):
        with net.scope("primary"):
            primary = conv_norm_act(net, x, half, norm=norm, act=act)
        with net.scope("cheap"):
            ghosts = conv_norm_act(net, primary, half, (3, 3), groups=half, norm=norm, act=act)
        both = net.apply("concat", Concat(), primary, ghosts)
        return both if same(both.channels, channels) else net.apply("split", Split(0, channels), both)


def _shortcut(net: Tracer, x: Feature, c: Dim, k: Pair, s: Pair, norm: NamedOperator | None) -> Feature:
    """Return the input, or where the shape changes its depthwise separable, linear image."""
    if s == (1, 1) and same(x.channels, c):
        return x
    with net.scope("shortcut"):
        with net.scope("depthwise"):
            x = conv_norm_act(net, x, x.channels, k, s, groups=x.channels, norm=norm)
        with net.scope("pointwise"):
            return conv_norm_act(net, x, c, norm=norm)


GHOST_BOTTLENECK = Block(
    "ghost_bottleneck",
    ghost_bottleneck,
    (
        Column("exp", EXPANDED, "expanded channels", ("exp_size", "expanded"), required=True),
        C,
        kernel("kernel size of the strided depthwise convolutions; 3 unless given"),
        S,
        SE_COLUMN,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "A ghost module expands and a ghost module projects; between them a depthwise convolution where there is a "
    "stride. Half of a ghost module's channels come from a 1×1 convolution, the others from a 3×3 depthwise "
    "convolution of those (Han et al. 2020, Figures 2 and 3).",
)

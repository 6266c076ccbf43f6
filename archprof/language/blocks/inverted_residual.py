"""inverted_residual: expand, filter depthwise, project linearly; a shortcut where the shape stays (Sandler et al. 2018,
Howard et al. 2019)."""

from archprof.ir.columns import EXPANDED, FLAG, Column, count, optional, ratio
from archprof.ir.dims import Dim, round_half_even, same
from archprof.ir.operators.base import ShapeError
from archprof.ir.operators.conv import C, D, P, Pair, S, kernel
from archprof.ir.operators.join import Add
from archprof.ir.operators.padding import Padding
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.blocks.squeeze_excite import SE_COLUMN, SqueezeExcite, apply_squeeze_excite
from archprof.language.blocks.stochastic_depth import STOCHASTIC_DEPTH
from archprof.language.cells import DropRate
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def inverted_residual(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    t: float | None = None,
    exp: Dim | None = None,
    k: Pair = (3, 3),
    s: Pair = (1, 1),
    p: Padding | None = None,
    d: Pair = (1, 1),
    group_size: int | None = None,
    fused: bool = False,
    always_expand: bool = False,
    skip: bool = True,
    se: SqueezeExcite | None = None,
    stochastic_depth: DropRate | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if (t is None) == (exp is None):
        raise ShapeError(
            "an inverted residual needs one of `t` and `exp`",
            "`t`: times the input's channels; `exp`: a channel count",
            ("exp",),
        )
    expanded = exp if exp is not None else round_half_even(x.channels * t)
    body = _fused if fused else _separable
    expands = always_expand or not same(expanded, x.channels)
    y = body(net, x, expanded, expands, c, k, s, p, d, group_size, se, norm, act)
    if not skip or s != (1, 1) or not same(x.channels, c):
        return y
    return net.apply("add", Add(), x, net.drop(y, stochastic_depth))


def _separable(
    net: Tracer,
    x: Feature,
    expanded: Dim,
    expands: bool,
    c: Dim,
    k: Pair,
    s: Pair,
    p: Padding | None,
    d: Pair,
    group_size: int | None,
    se: SqueezeExcite | None,
    norm: NamedOperator | None,
    act: NamedOperator | None,
) -> Feature:
    """Expand where that is wanted, filter depthwise, gate, project."""
    y = x
    if expands:
        with net.scope("expand"):
            y = conv_norm_act(net, y, expanded, norm=norm, act=act)
    with net.scope("depthwise"):
        groups = _groups(y.channels, group_size) if group_size else y.channels
        y = conv_norm_act(net, y, y.channels, k, s, p, d, groups, norm=norm, act=None if se and se.before_act else act)
    y = _gated(net, y, se, act, x)
    with net.scope("project"):
        return conv_norm_act(net, y, c, norm=norm)


def _fused(
    net: Tracer,
    x: Feature,
    expanded: Dim,
    expands: bool,
    c: Dim,
    k: Pair,
    s: Pair,
    p: Padding | None,
    d: Pair,
    group_size: int | None,
    se: SqueezeExcite | None,
    norm: NamedOperator | None,
    act: NamedOperator | None,
) -> Feature:
    """Expand and filter in one convolution, gate, project (Tan & Le 2021, Figure 2); a single convolution where there
    is no expansion."""
    y = x
    if expands:
        with net.scope("expand"):
            groups = _groups(expanded, group_size) if group_size else 1
            y = conv_norm_act(
                net, y, expanded, k, s, p, d, groups, norm=norm, act=None if se and se.before_act else act
            )
    y = _gated(net, y, se, act, x)
    with net.scope("project"):
        return (
            conv_norm_act(net, y, c, norm=norm) if expands else conv_norm_act(net, y, c, k, s, p, d, norm=norm, act=act)
        )


def _groups(channels: Dim, group_size: int) -> Dim:
    """Return how many groups of *group_size* channels there are."""
    if channels % group_size != 0:
        raise ShapeError(
            f"{channels} expanded channels are not divisible by a group size of {group_size}",
            "choose a group size that divides them",
            ("group_size", "c"),
        )
    return channels // group_size


def _gated(
    net: Tracer, y: Feature, se: SqueezeExcite | None, act: NamedOperator | None, block_input: Feature
) -> Feature:
    """Apply the squeeze-excite, and the activation where it stands behind that."""
    if se is None:
        return y
    y = apply_squeeze_excite(net, y, se, block_input.channels)
    return net.act(y, act) if se.before_act else y


INVERTED_RESIDUAL = Block(
    "inverted_residual",
    inverted_residual,
    (
        Column("t", ratio(0.01, 1000), "expansion: expanded channels = t × the input's", ("expand_ratio",)),
        Column("exp", EXPANDED, "expanded channels", ("exp_size", "expanded")),
        C,
        kernel("kernel size of the depthwise convolution; 3 unless given"),
        S,
        P,
        D,
        Column(
            "group_size",
            optional(count()),
            "channels of a group of the k×k convolution; 1, or all where it is `fused`, unless given",
        ),
        Column("fused", FLAG, "one k×k convolution expands and filters, instead of a 1×1 and a depthwise one"),
        Column("always_expand", FLAG, "expand even where that keeps the channels (`t: 1`), as some implementations do"),
        Column("skip", FLAG, "`false`: no shortcut, also where the shape stays", ("shortcut",)),
        SE_COLUMN,
        STOCHASTIC_DEPTH,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Expand, filter depthwise, project linearly; no expansion where it would keep the channels, unless told so, a "
    "shortcut where the shape stays (Sandler et al. 2018, Figure 4; with squeeze-excite Howard et al. 2019, Figure 4; "
    "fused Tan & Le 2021, Figure 2).",
)

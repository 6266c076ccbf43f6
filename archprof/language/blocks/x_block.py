"""x_block: the residual bottleneck of RegNets, as wide inside as outside unless it says otherwise, in groups of one
width (Radosavovic et al. 2020, Figure 4)."""

from archprof.ir.columns import Column, count
from archprof.ir.dims import Dim, same
from archprof.ir.operators.base import ShapeError
from archprof.ir.operators.conv import C, Pair, S
from archprof.ir.operators.join import Add
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.blocks.squeeze_excite import SE_COLUMN, SqueezeExcite, apply_squeeze_excite
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def x_block(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    g: Dim,
    b: Dim = 1,
    s: Pair = (1, 1),
    se: SqueezeExcite | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if c % b != 0:
        message = f"{c} channels are not divisible by a bottleneck ratio of {b}"
        raise ShapeError(message, "choose a ratio that divides the channels", ("b", "c"))
    inner = c // b
    if inner % g != 0:
        raise ShapeError(
            f"{inner} channels are not divisible by a group width of {g}",
            "choose a group width that divides the channels",
            ("g", "c"),
        )
    shortcut = x
    if s != (1, 1) or not same(x.channels, c):
        with net.scope("shortcut"):
            shortcut = conv_norm_act(net, x, c, s=s, norm=norm)
    with net.scope("conv1"):
        y = conv_norm_act(net, x, inner, norm=norm, act=act)
    with net.scope("conv2"):
        y = conv_norm_act(net, y, inner, (3, 3), s, groups=inner // g, norm=norm, act=act)
    if se is not None:
        y = apply_squeeze_excite(net, y, se, x.channels)
    with net.scope("conv3"):
        y = conv_norm_act(net, y, c, norm=norm)
    return net.act(net.apply("add", Add(), shortcut, y), act)


X_BLOCK = Block(
    "x_block",
    x_block,
    (
        C._replace(synonyms=(*C.synonyms, "w", "width")),
        Column("g", count(), "width of a group of the 3×3, in channels", ("group_width",), required=True),
        Column("b", count(), "output channels over those inside (1)", ("bottleneck_ratio",)),
        S,
        SE_COLUMN._replace(doc="squeeze-excite behind the 3×3, which makes it a Y block"),
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "1×1, grouped 3×3 and 1×1 convolutions, the first two as wide as the last over `b`, and a shortcut, projected "
    "where the shape changes (Radosavovic et al. 2020, Figure 4).",
)

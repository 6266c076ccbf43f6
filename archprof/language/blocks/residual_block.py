"""basic_block and bottleneck: the residual blocks of ResNet, ResNeXt, SE-ResNet and the detection backbones (He et al.
2016, Xie et al. 2017)."""

from collections.abc import Callable

from archprof.ir.columns import CHANNELS, FLAG, Column, count, one_of
from archprof.ir.dims import Dim, same, truncate
from archprof.ir.operators.blur_pool import BlurPool2d
from archprof.ir.operators.conv import Conv2d, D, Pair, S, same_padding
from archprof.ir.operators.deform import DeformConv2d
from archprof.ir.operators.join import Add
from archprof.ir.operators.pad import PadShortcut
from archprof.ir.operators.pool import AvgPool2d
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.blocks.eca import apply_eca
from archprof.language.blocks.squeeze_excite import SE_COLUMN, SqueezeExcite, apply_squeeze_excite
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def _shortcut(net: Tracer, x: Feature, out: Dim, s: Pair, kind: str, norm: NamedOperator | None) -> Feature:
    """Apply a shortcut of kind A (zeros for new channels), B (a projection where the shape changes), C (always a
    projection) or D (as B, behind the means of windows as wide as the stride)."""
    if kind != "C" and s == (1, 1) and same(x.channels, out):
        return x
    if kind == "A":
        return net.apply("shortcut", PadShortcut(s, out), x)
    with net.scope("shortcut"):
        if kind == "D" and s != (1, 1):
            x, s = net.apply("pool", AvgPool2d(s, s, ceil=True, count_padding=False), x), (1, 1)
        return conv_norm_act(net, x, out, s=s, norm=norm)


def _gated(net: Tracer, y: Feature, se: SqueezeExcite | None, eca: bool, block_input: Dim) -> Feature:
    y = apply_squeeze_excite(net, y, se, block_input) if se else y
    return apply_eca(net, y) if eca else y


def _pooled(net: Tracer, y: Feature, s: Pair, aa: str) -> Feature:
    """Apply the pool that has the stride of a block whose convolutions have none, lest they alias."""
    if aa == "blur":
        return net.apply("blur", BlurPool2d(y.channels, (3, 3), s), y)
    return net.apply("pool", AvgPool2d(s, s), y)


def _residual(
    net: Tracer,
    x: Feature,
    body: Callable[[], Feature],
    shortcut: Callable[[], Feature],
    first: bool,
    act: NamedOperator | None,
) -> Feature:
    """Apply body and shortcut, the shortcut *first* where the followed implementation registers it so, then add and
    activate."""
    if first:
        x = shortcut()
        y = body()
    else:
        y = body()
        x = shortcut()
    return net.act(net.apply("add", Add(), y, x), act)


def basic_block(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    s: Pair = (1, 1),
    d: Pair = (1, 1),
    shortcut: str = "B",
    shortcut_first: bool = False,
    aa: str = "-",
    se: SqueezeExcite | None = None,
    eca: bool = False,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    s = (1, 1) if d != (1, 1) else s
    pooled = aa != "-" and s != (1, 1)

    def body() -> Feature:
        with net.scope("conv1"):
            y = conv_norm_act(net, x, c, (3, 3), (1, 1) if pooled else s, None, d, norm=norm, act=act)
            y = _pooled(net, y, s, aa) if pooled else y
        with net.scope("conv2"):
            y = conv_norm_act(net, y, c, (3, 3), (1, 1), None, d, norm=norm)
        return _gated(net, y, se, eca, x.channels)

    return _residual(net, x, body, lambda: _shortcut(net, x, c, s, shortcut, norm), shortcut_first, act)


def bottleneck(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    out: Dim | None = None,
    s: Pair = (1, 1),
    d: Pair = (1, 1),
    groups: Dim = 1,
    width_per_group: Dim = 64,
    stride_in_1x1: bool = False,
    shortcut: str = "B",
    shortcut_first: bool = False,
    deform: str = "-",
    deformable_groups: int = 1,
    aa: str = "-",
    se: SqueezeExcite | None = None,
    eca: bool = False,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    # A dilated stage keeps its resolution.
    s = (1, 1) if d != (1, 1) else s
    inner = truncate(c * width_per_group / 64) * groups
    outer = 4 * c if out is None else out
    pooled = aa != "-" and s != (1, 1)
    inside = (1, 1) if pooled else s
    first, middle = (inside, (1, 1)) if stride_in_1x1 else ((1, 1), inside)

    def body() -> Feature:
        with net.scope("conv1"):
            y = conv_norm_act(net, x, inner, s=first, norm=norm, act=act)
        with net.scope("conv2"):
            if deform == "-":
                y = conv_norm_act(net, y, inner, (3, 3), middle, None, d, groups, norm=norm, act=act)
            else:
                y = net.act(
                    net.norm(
                        _deformable(net, y, inner, middle, d, groups, deform == "modulated", deformable_groups), norm
                    ),
                    act,
                )
            y = _pooled(net, y, s, aa) if pooled else y
        with net.scope("conv3"):
            y = conv_norm_act(net, y, outer, norm=norm)
        return _gated(net, y, se, eca, x.channels)

    return _residual(net, x, body, lambda: _shortcut(net, x, outer, s, shortcut, norm), shortcut_first, act)


def _deformable(
    net: Tracer, x: Feature, channels: Dim, s: Pair, d: Pair, groups: Dim, modulated: bool, deformable_groups: int
) -> Feature:
    """Apply the convolution that predicts offsets (2 a tap; 3 with a modulation), and the convolution that samples
    there."""
    padding = same_padding((3, 3), d)
    offsets = Conv2d(x.channels, deformable_groups * (27 if modulated else 18), (3, 3), s, padding, d, bias=True)
    sampled = DeformConv2d(x.channels, channels, (3, 3), s, padding, d, groups, deformable_groups, modulated)
    return net.apply("conv", sampled, x, net.apply("offset", offsets, x))


_SHORTCUT = Column(
    "shortcut",
    one_of("A", "B", "C", "D"),
    "A: zeros for new channels; B: a projection where the shape changes; C: always a projection; D: as B, behind an "
    "average pool that has the stride (He et al. 2019, Figure 2c)",
)
_FIRST = Column(
    "shortcut_first", FLAG, "register the shortcut's parameters before the others, as some implementations do"
)
_AA = Column(
    "aa",
    one_of("-", "avg", "blur"),
    "a pool behind the convolution that would have the stride, which then has none: of means, or by a binomial filter "
    "(Zhang 2019)",
)
_ECA = Column("eca", FLAG, "efficient channel attention (Wang et al. 2020)")
_DILATION = D._replace(doc="dilation of the 3×3; above 1 the stage keeps its resolution")
BASIC_BLOCK = Block(
    "basic_block",
    basic_block,
    (
        Column("c", CHANNELS, "channels", ("out", "out_channels", "planes"), required=True),
        S,
        _DILATION,
        _SHORTCUT,
        _FIRST,
        _AA,
        SE_COLUMN,
        _ECA,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Two 3×3 convolutions and a shortcut (He et al. 2016, Figure 5 left).",
)
BOTTLENECK = Block(
    "bottleneck",
    bottleneck,
    (
        Column(
            "c",
            CHANNELS,
            "channels of the 3×3, for one group of width 64",
            ("planes", "bottleneck_channels"),
            required=True,
        ),
        Column("out", CHANNELS, "output channels; 4·c unless given", ("out_channels",)),
        S,
        _DILATION,
        Column("groups", count(), "groups of the 3×3 (cardinality)", ("g", "cardinality")),
        Column(
            "width_per_group", count(), "channels a group at c = 64: the 3×3 has c·width/64·groups", ("base_width",)
        ),
        Column("stride_in_1x1", FLAG, "the stride in the first 1×1, as in the paper, instead of in the 3×3 (v1.5)"),
        _SHORTCUT,
        _FIRST,
        Column(
            "deform",
            one_of("-", "plain", "modulated"),
            "a deformable 3×3 (Dai et al. 2017; modulated: Zhu et al. 2019)",
        ),
        Column("deformable_groups", count(), "groups of channels that share offsets"),
        _AA,
        SE_COLUMN,
        _ECA,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "1×1, 3×3 and 1×1 convolutions and a shortcut (He et al. 2016, Figure 5 right; groups: Xie et al. 2017).",
    channels="out",
)

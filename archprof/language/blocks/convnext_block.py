"""convnext_block: a large depthwise convolution, then two linear layers at every position (Liu et al. 2022, Figure
4)."""

from archprof.ir.columns import Column, optional, ratio
from archprof.ir.dims import Dim, same, truncate
from archprof.ir.operators.base import ShapeError
from archprof.ir.operators.conv import C, Conv2d, Pair, S, kernel
from archprof.ir.operators.join import Add
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.norm import LayerScale
from archprof.ir.operators.shape import Permute
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.blocks.stochastic_depth import STOCHASTIC_DEPTH
from archprof.language.cells import DropRate
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def convnext_block(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    k: Pair = (7, 7),
    s: Pair = (1, 1),
    t: float = 4,
    layer_scale: float | None = 1e-6,
    stochastic_depth: DropRate | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if s != (1, 1):
        with net.scope("downsample"):
            x = net.norm(x, norm)
            x = net.apply("conv", Conv2d(x.channels, c, s, s, bias=True), x)
    elif not same(x.channels, c):
        raise ShapeError(
            f"a ConvNeXt block of stride 1 from {x.channels} to {c} channels",
            "only a block with a stride changes the channels",
            ("c",),
        )
    if layer_scale is not None:
        # In the implementations it is a parameter of the block itself, which torch lists before those of the block's
        # layers.
        net.reserve("layer_scale")
    with net.scope("depthwise"):
        y = conv_norm_act(net, x, c, k, groups=c, bias=True, norm=norm)
    y = _mixed(net, y, truncate(c * t), act)
    if layer_scale is not None:
        y = net.apply("layer_scale", LayerScale(c, layer_scale), y)
    return net.apply("add", Add(), net.drop(y, stochastic_depth), x)


def _mixed(net: Tracer, x: Feature, expanded: Dim, act: NamedOperator | None) -> Feature:
    """Apply linear layers to *expanded* channels and back, at every position."""
    y = net.apply("channels_last", Permute.to("channels_last"), x)
    with net.scope("expand"):
        y = net.act(net.apply("linear", Linear(x.channels, expanded), y), act)
    with net.scope("project"):
        y = net.apply("linear", Linear(expanded, x.channels), y)
    return net.apply("channels_first", Permute.to("channels_first"), y)


CONVNEXT_BLOCK = Block(
    "convnext_block",
    convnext_block,
    (
        C,
        kernel("kernel size of the depthwise convolution; 7 unless given"),
        S._replace(doc="stride: a norm and a convolution of that size and stride stand before the block"),
        Column("t", ratio(0.01, 1000), "expansion of the linear layers; 4 unless given", ("expand_ratio",)),
        Column(
            "layer_scale",
            optional(ratio(0, 1)),
            "what the learned factors of the body start from; 1e-6 unless given, `-`: no factors",
        ),
        STOCHASTIC_DEPTH,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "A depthwise convolution and a norm, then at every position a linear layer that expands, an activation and one "
    "that projects; learned factors; a shortcut (Liu et al. 2022, Figure 4).",
)

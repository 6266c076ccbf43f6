"""fpn: a feature pyramid over several maps of a backbone (Lin et al. 2017, section 3)."""

from archprof.ir.columns import CHANNELS, FLAG, Column, count, one_of
from archprof.ir.dims import Dim
from archprof.ir.operators.act import ReLU
from archprof.ir.operators.base import ShapeError
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.join import Add
from archprof.ir.operators.pool import MaxPool2d
from archprof.ir.operators.shape import ResizeLike
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer

EXTRA = ("-", "max_pool", "p6p7", "p6p7_from_c5")


def fpn(
    net: Tracer,
    *maps: Feature,
    c: Dim,
    extra: str = "max_pool",
    first: int = 2,
    laterals_first: bool = False,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if len(maps) < 2:
        raise ShapeError(
            "a pyramid over a single map", "name the maps, finest first: `from: [conv2_x, conv3_x, conv4_x, conv5_x]`"
        )
    # Some implementations register level by level what is applied in two sweeps, up and down.
    for level in range(first, first + (0 if laterals_first else len(maps))):
        operators = ("conv", "norm") if norm else ("conv",)
        net.reserve(*(f"{part}{level}.{operator}" for part in ("lateral", "p") for operator in operators))
    lateral = []
    for level, x in enumerate(maps, first):
        with net.scope(f"lateral{level}"):
            lateral.append(conv_norm_act(net, x, c, norm=norm, act=act))
    merged = lateral[-1:]
    for level in range(first + len(maps) - 2, first - 1, -1):
        finer = lateral[level - first]
        above = net.apply(f"resize{level}", ResizeLike(), merged[0], finer)
        merged.insert(0, net.apply(f"add{level}", Add(), finer, above))
    levels = []
    for level, x in enumerate(merged, first):
        with net.scope(f"p{level}"):
            levels.append(conv_norm_act(net, x, c, (3, 3), norm=norm, act=act))
    levels += _coarser(net, levels[-1], maps[-1], c, extra, first + len(levels))
    for level, x in enumerate(levels, first):
        net.publish(f"p{level}", x)
    return levels[-1]


def _coarser(net: Tracer, finest: Feature, last: Feature, c: Dim, extra: str, level: int) -> list[Feature]:
    """Return the levels above the pyramid: one by subsampling, or RetinaNet's two by strided convolutions (Lin et al.
    2017b, section 4)."""
    if extra == "-":
        return []
    if extra == "max_pool":
        return [net.apply(f"p{level}", MaxPool2d((1, 1), (2, 2)), finest)]
    source = last if extra == "p6p7_from_c5" else finest
    x = net.apply(f"p{level}", Conv2d(source.channels, c, (3, 3), (2, 2), (1, 1), bias=True), source)
    y = net.apply(f"p{level}_act", ReLU(), x)
    return [x, net.apply(f"p{level + 1}", Conv2d(c, c, (3, 3), (2, 2), (1, 1), bias=True), y)]


FPN = Block(
    "fpn",
    fpn,
    (
        Column("c", CHANNELS, "channels of every level", ("out", "out_channels"), required=True),
        Column(
            "extra",
            one_of(*EXTRA),
            "levels above: one by subsampling, or RetinaNet's two, from the last level or from C5",
        ),
        Column("first", count(1, 7), "the number of the first level"),
        Column("laterals_first", FLAG, "all lateral convolutions are registered before the output ones"),
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Lateral 1×1 convolutions, a top-down path, 3×3 output convolutions, over maps named finest first (Lin et al. "
    "2017). Its levels are the places `id.p2`, `id.p3` … It takes no norm and no activation from `defaults`.",
    joins=True,
    inherits=False,
)

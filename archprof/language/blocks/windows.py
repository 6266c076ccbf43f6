"""windows: layers within windows of a map, which is put together behind them (Liu et al. 2021; Tu et al. 2022)."""

from archprof.ir.columns import FLAG, LAYERS, SIZE, Column, count
from archprof.ir.dims import same
from archprof.ir.operators.base import ShapeError, feature_map
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.heads import HeadAttention, WindowPartition, WindowReverse
from archprof.language.block import Block
from archprof.language.bound import Layers
from archprof.language.fragment import Feature
from archprof.language.trace import Tracer

_BY_ITSELF = "`each_row: true` of `attention`, or a `window` of `dot_product_attention`, keeps each by itself"


def windows(
    net: Tracer, x: Feature, *, layers: Layers, size: Pair, shift: int = 0, grid: bool = False, maps: bool = False
) -> Feature:
    if maps:
        return _maps(net, x, layers, size, shift, grid)
    if len(x.shape) != 3 or x.value.channel != 2:
        advice = "place it behind `permute: channels_last`"
        raise ShapeError("windows of a map whose channels are not last", advice, ("size",))
    height, width, _ = x.shape
    y = net.apply("windows", WindowPartition(size, (shift, shift), grid), x)
    inside = net.parts
    y = net.layers(layers, y)
    for op in net.applied(inside):
        if op.across_windows:
            advice = _BY_ITSELF if isinstance(op, HeadAttention) else "place it outside of `windows`"
            raise ShapeError(f"`{op.name}` looks at all windows at once", advice, ("layers",))
    return net.apply("map", WindowReverse(height, width, size, (shift, shift), grid), y)


def _maps(net: Tracer, x: Feature, layers: Layers, size: Pair, shift: int, grid: bool) -> Feature:
    """Return the map that layers within windows C×h×w make; a window is no larger than the map, and a map that is one
    window is left as it is, as timm's and the authors' EfficientViT have it."""
    height, width = feature_map(x.value, "a cut into windows that are maps").space
    size = (height if height <= size[0] else size[0], width if width <= size[1] else size[1])
    if shift == 0 and same(size[0], height) and same(size[1], width):
        return net.layers(layers, x)
    y = net.apply("windows", WindowPartition(size, (shift, shift), grid, maps=True), x)
    y = net.layers(layers, y)
    return net.apply("map", WindowReverse(height, width, size, (shift, shift), grid, maps=True), y)


WINDOWS = Block(
    "windows",
    windows,
    (
        Column(
            "layers",
            LAYERS,
            "the layers inside, on windows of positions and features (of attention with `each_row: true`), or of maps",
            required=True,
        ),
        Column("size", SIZE, "the sides of a window", ("window",), required=True),
        Column("shift", count(0, 1024), "by how much the map is rolled before it is cut"),
        Column("grid", FLAG, "whether a window's positions are as far apart as they can be"),
        Column("maps", FLAG, "whether windows are maps C×h×w, of a map whose channels are in front"),
    ),
    "Layers within windows of a map whose channels are last, zeros behind it where they do not fit; the map is put "
    "together again behind them. With `maps` they are layers of maps, and a window is no larger than the map.",
    inherits=False,
)

"""attention: a projection to queries, keys and values, attention of several heads, a projection back (Vaswani et al.
2017); within windows (Liu et al. 2021), or to a smaller map (Wang et al. 2022)."""

from archprof.ir.columns import CHANNELS, FLAG, NORM, SIZE, Column, count, one_of
from archprof.ir.dims import Dim, same
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.conv import Conv2d, Pair
from archprof.ir.operators.heads import POSITIONS, HeadAttention, WindowPartition, WindowReverse, windows_of
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.norm import LayerNorm
from archprof.ir.operators.shape import Permute, Split
from archprof.ir.operators.tokens import MergeHeads, SplitHeads
from archprof.ir.values import show_shape
from archprof.language.block import Block
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer


def attention(
    net: Tracer,
    x: Feature,
    *,
    heads: int | None = None,
    head_dim: int | None = None,
    c: Dim | None = None,
    bias: bool = True,
    project_bias: bool = True,
    qk_norm: NamedOperator | None = None,
    interleaved: bool = False,
    causal: bool = False,
    position: str = "",
    window: Pair | None = None,
    shift: int = 0,
    grid: bool = False,
    each_row: bool = False,
    reduce: int | None = None,
    norm: NamedOperator | None = None,
) -> Feature:
    _check(window, shift, grid, each_row, reduce, qk_norm, position, norm)
    features = x.channels
    count = _count(features, heads, head_dim)
    each = head_dim or features // count
    width = count * each
    size, whole, shifts = window, x.shape, (shift, shift)
    if position:
        net.reserve("attention")  # the table is a parameter of the whole module, which torch lists first
    parts: tuple[Feature, ...]
    if reduce is not None:
        parts = _reduced(net, x, width, reduce, bias, norm)
    else:
        if window is not None:
            size, shifts = _fitting(x, window, shift)
            x = net.apply("windows", WindowPartition(size, shifts, grid), x)
        x = net.apply("qkv", _projection(x, 3 * width, bias), x)
        parts = _normalised(net, x, count, each, qk_norm, interleaved)
    core = _core(parts, count, each, interleaved, causal, position, size, shifts, whole, each_row)
    x = net.apply("attention", core, *parts)
    x = net.apply("proj", _projection(x, features if c is None else c, project_bias), x)
    if size is not None:
        x = net.apply("map", WindowReverse(whole[0], whole[1], size, shifts, grid), x)
    return x


def _check(
    window: Pair | None,
    shift: int,
    grid: bool,
    each_row: bool,
    reduce: int | None,
    qk_norm: NamedOperator | None,
    position: str,
    norm: NamedOperator | None,
) -> None:
    """Raise ShapeError for options that say nothing beside others, so that none is passed over without a word."""
    given = {
        "window": window is not None,
        "shift": shift > 0,
        "grid": grid,
        "each_row": each_row,
        "reduce": reduce is not None,
        "qk_norm": qk_norm is not None,
        "position": position != "",
        "norm": norm is not None,
    }
    for option, other in (("shift", "window"), ("grid", "window"), ("norm", "reduce")):
        if given[option] and not given[other]:
            raise ShapeError(f"`{option}` of attention without `{other}`", columns=(option,))
    for option, others in (("each_row", ("window", "reduce", "position")), ("reduce", ("window", "qk_norm"))):
        for other in others:
            if given[option] and given[other]:
                raise ShapeError(f"attention of both `{option}` and `{other}`", "keep one of them", (other, option))
    if window is not None and shift >= min(window):
        message = f"a shift of {shift} is no smaller than the window of {show_shape(window)}"
        raise ShapeError(message, columns=("shift",))


def _count(features: Dim, heads: int | None, head_dim: int | None) -> Dim:
    """Return how many heads there are."""
    if heads is None and head_dim is None:
        raise ShapeError("attention of neither `heads` nor `head_dim`", "give one of them")
    count = features // head_dim if heads is None else heads
    if head_dim is None and features % count != 0:
        raise ShapeError(f"{features} features are not divisible by {count} heads", columns=("heads",))
    return count


def _projection(x: Feature, features: Dim, bias: bool) -> Operator:
    """Return a linear layer at every position: of a map whose channels come first, a convolution."""
    return Conv2d(x.channels, features, bias=bias) if x.value.channel == 0 else Linear(x.channels, features, bias)


def _fitting(x: Feature, window: Pair, shift: int) -> tuple[Pair, tuple[int, int]]:
    """Return a window no larger than the map, and its shift, which is 0 along a side that it fills, as torchvision's
    and timm's code have it."""
    if len(x.shape) != 3 or x.value.channel != 2:
        advice = "place it behind `permute: channels_last`"
        raise ShapeError("attention in windows needs a map whose channels are last", advice, ("window",))
    height, width = x.shape[:2]
    size = (height if height <= window[0] else window[0], width if width <= window[1] else window[1])
    return size, (0 if same(size[0], height) else shift, 0 if same(size[1], width) else shift)


def _normalised(
    net: Tracer, x: Feature, heads: Dim, each: Dim, norm: NamedOperator | None, interleaved: bool
) -> tuple[Feature, ...]:
    """Return the projection; queries, keys and values apart where the first two of each head get a norm (Dehghani et
    al. 2023)."""
    if norm is None:
        return (x,)
    if interleaved:
        message = "a norm of queries and keys that lie together with the values"
        raise ShapeError(message, columns=("qk_norm", "interleaved"))
    width = heads * each
    axis = x.value.channel or 0
    parts = [net.apply(name, Split(k * width, width, axis), x) for k, name in enumerate(("q", "k", "v"))]
    for k, name in enumerate(("q", "k")):
        y = net.apply(f"{name}_heads", SplitHeads(heads), parts[k])
        y = net.apply(f"{name}_norm", norm.make(y.value), y)
        parts[k] = net.apply(f"{name}_features", MergeHeads(), y)
    return tuple(parts)


def _reduced(
    net: Tracer, x: Feature, width: Dim, reduce: int, bias: bool, norm: NamedOperator | None
) -> tuple[Feature, Feature]:
    """Return queries of a map, and keys and values of a smaller one (Wang et al. 2022, equation 1)."""
    if x.value.channel == 0 or (reduce > 1 and len(x.shape) != 3):
        raise ShapeError("attention to a smaller map needs a map whose channels are last", columns=("reduce",))
    net.reserve("q", "kv", "proj")
    queries = net.apply("q", Linear(x.channels, width, bias), x)
    if reduce == 1:
        return queries, net.apply("kv", Linear(x.channels, 2 * width, bias), x)
    y = net.apply("first", Permute.to("channels_first"), x)
    y = net.apply("reduce", Conv2d(x.channels, x.channels, (reduce, reduce), (reduce, reduce), bias=True), y)
    y = net.apply("last", Permute.to("channels_last"), y)
    y = net.apply("norm", norm.make(y.value) if norm else LayerNorm(x.channels, channels_last=True), y)
    return queries, net.apply("kv", Linear(x.channels, 2 * width, bias), y)


def _core(
    parts: tuple[Feature, ...],
    heads: Dim,
    each: Dim,
    interleaved: bool,
    causal: bool,
    position: str,
    window: Pair | None,
    shifts: tuple[int, int],
    whole: tuple[Dim, ...],
    each_row: bool,
) -> Operator:
    """Return the attention between the projections."""
    x = parts[0]
    if each_row:
        return HeadAttention(heads, heads, each, each, True, interleaved, causal, True)
    if window is None:
        size = x.value.space if len(x.shape) == 3 else (1, 1)
        last = x.value.channel != 0
        return HeadAttention(heads, heads, each, each, last, interleaved, causal, position=position, size=size)
    shifted = (*windows_of(whole, window), *shifts) if any(shifts) else ()
    return HeadAttention(
        heads, heads, each, each, True, interleaved, causal, True, position=position, size=window, shifted=shifted
    )


ATTENTION = Block(
    "attention",
    attention,
    (
        Column("heads", count(), "heads", ("num_heads",)),
        Column("head_dim", count(), "features of a head; the channels shared out unless given", ("dim_head",)),
        Column("c", CHANNELS, "output channels; those of the input unless given", ("out",)),
        Column("bias", FLAG, "whether queries, keys and values have a bias; they do unless given", ("qkv_bias",)),
        Column("project_bias", FLAG, "whether the projection back has one; it does unless given"),
        Column("qk_norm", NORM, "a norm of each head's queries and keys"),
        Column("interleaved", FLAG, "whether each head's queries, keys and values lie together"),
        Column("causal", FLAG, "whether a position sees only those up to it"),
        Column("position", one_of(*POSITIONS), "a learned bias for each way that two positions lie to each other"),
        Column("window", SIZE, "within windows of that size of a map whose channels are last", ("window_size",)),
        Column("shift", count(0, 1024), "by how much the map is rolled before it is cut into windows"),
        Column("grid", FLAG, "whether a window's positions are as far apart as they can be"),
        Column("each_row", FLAG, "within each row of a map whose channels are last"),
        Column("reduce", count(1, 64), "keys and values of a map that a convolution of that stride makes", ("sr",)),
        Column("norm", NORM, "the norm behind that convolution; a layer norm unless given"),
    ),
    "Queries, keys and values of every position by one linear layer, of a map whose channels come first by a 1×1 "
    "convolution; attention of several heads; a projection back. It takes no norm from `defaults`.",
    inherits=False,
)

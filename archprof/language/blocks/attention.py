"""attention: a projection to queries, keys and values, attention of several heads, a projection back (Vaswani et al.
2017); within windows (Liu et al. 2021), or to a smaller map (Wang et al. 2022)."""

from collections.abc import Mapping
from typing import Any

from archprof.ir.columns import CHANNELS, FLAG, NORM, SIZE, Column, count, one_of, options, ratio
from archprof.ir.dims import Dim, same
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.conv import Conv2d, Pair
from archprof.ir.operators.heads import POSITIONS, HeadAttention, WindowPartition, WindowReverse, windows_of
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.norm import LayerNorm
from archprof.ir.operators.rotary import OPTIONS, RotaryPositions
from archprof.ir.operators.shape import Permute, Split
from archprof.ir.operators.tokens import MergeHeads, SplitHeads
from archprof.ir.values import show_shape
from archprof.language.block import Block
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer
from archprof.named_tuple import NamedTuple


class Rotary(NamedTuple):
    """How queries and keys turn with their positions: options of `rotary_positions`."""

    options: Mapping[str, Any]

    def apply(self, net: Tracer, name: str, heads: Dim, x: Feature) -> Feature:
        """Apply it to the queries, or the keys, of so many heads."""
        return net.apply(name, RotaryPositions.of(x.value, heads=heads, **self.options), x)


def attention(
    net: Tracer,
    x: Feature,
    *,
    heads: int | None = None,
    kv_heads: int | None = None,
    head_dim: int | None = None,
    c: Dim | None = None,
    bias: bool = True,
    key_bias: bool | None = None,
    project_bias: bool = True,
    apart: bool = False,
    qk_norm: NamedOperator | None = None,
    rotary: Rotary | None = None,
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
    _check(
        {
            "window": window, "shift": shift, "grid": grid, "each_row": each_row, "reduce": reduce, "qk_norm": qk_norm,
            "position": position, "norm": norm, "rotary": rotary, "apart": apart, "kv_heads": kv_heads,
            "interleaved": interleaved, "key_bias": None if key_bias is None else True,
        }
    )  # fmt: skip
    if window is not None and shift >= min(window):
        message = f"a shift of {shift} is no smaller than the window of {show_shape(window)}"
        raise ShapeError(message, columns=("shift",))
    features = x.channels
    count = _count(features, heads, head_dim)
    each = head_dim or features // count
    shape = _Heads(count, count if kv_heads is None else kv_heads, each)
    size, whole, shifts = window, x.shape, (shift, shift)
    if position:
        net.reserve("attention")  # the table is a parameter of the whole module, which torch lists first
    parts: tuple[Feature, ...]
    if reduce is not None:
        parts = _reduced(net, x, count * each, reduce, bias, norm)
    else:
        if window is not None:
            size, shifts = _fitting(x, window, shift)
            x = net.apply("windows", WindowPartition(size, shifts, grid), x)
        if apart:
            parts = _apart(net, x, shape, bias, bias if key_bias is None else key_bias)
        else:
            parts = (net.apply("qkv", _projection(x, shape.width + 2 * shape.kv_width, bias), x),)
        parts = _prepared(net, parts, shape, qk_norm, rotary)
    core = _core(parts, shape, interleaved, causal, position, size, shifts, whole, each_row)
    x = net.apply("attention", core, *parts)
    x = net.apply("proj", _projection(x, features if c is None else c, project_bias), x)
    if size is not None:
        x = net.apply("map", WindowReverse(whole[0], whole[1], size, shifts, grid), x)
    return x


class _Heads(NamedTuple):
    """How many heads there are, how many of keys and values, and the features of each."""

    count: Dim
    kv_count: Dim
    each: Dim

    @property
    def width(self) -> Dim:
        """Features of all queries."""
        return self.count * self.each

    @property
    def kv_width(self) -> Dim:
        """Features of all keys, and of all values."""
        return self.kv_count * self.each


# Options that mean nothing without another, and those that cannot be together.
_NEEDS = (("shift", "window"), ("grid", "window"), ("norm", "reduce"), ("key_bias", "apart"))
_EITHER = (
    ("each_row", ("window", "reduce", "position", "rotary")),
    ("reduce", ("window", "qk_norm", "rotary", "apart", "kv_heads")),
    ("rotary", ("window", "interleaved")),
    ("interleaved", ("apart", "qk_norm")),
)


def _check(options: Mapping[str, object]) -> None:
    """Raise ShapeError for options that say nothing beside others, so that none is passed over without a word."""
    given = {name for name, value in options.items() if value}
    for option, other in _NEEDS:
        if option in given and other not in given:
            raise ShapeError(f"`{option}` of attention without `{other}`", columns=(option,))
    for option, others in _EITHER:
        for other in others:
            if {option, other} <= given:
                raise ShapeError(f"attention of both `{option}` and `{other}`", "keep one of them", (other, option))


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


def _apart(net: Tracer, x: Feature, heads: _Heads, bias: bool, key_bias: bool) -> tuple[Feature, ...]:
    """Return queries, keys and values, each by a layer of its own."""
    widths = {"q": heads.width, "k": heads.kv_width, "v": heads.kv_width}
    return tuple(
        [net.apply(name, _projection(x, width, key_bias if name == "k" else bias), x) for name, width in widths.items()]
    )


def _prepared(
    net: Tracer, parts: tuple[Feature, ...], heads: _Heads, norm: NamedOperator | None, rotary: Rotary | None
) -> tuple[Feature, ...]:
    """Return the projection, or queries, keys and values apart where the first two of each head get a norm (Dehghani et
    al. 2023), or turn with their positions (Su et al. 2021)."""
    if norm is None and rotary is None:
        return parts
    names = ("q", "k", "v")
    if len(parts) == 1:
        x, starts = parts[0], (0, heads.width, heads.width + heads.kv_width)
        widths, axis = (heads.width, heads.kv_width, heads.kv_width), x.value.channel or 0
        parts = tuple([net.apply(names[k], Split(starts[k], widths[k], axis), x) for k in range(3)])
    made = list(parts)
    for k, number in enumerate((heads.count, heads.kv_count)):
        if norm is not None:
            y = net.apply(f"{names[k]}_heads", SplitHeads(number), made[k])
            y = net.apply(f"{names[k]}_norm", norm.make(y.value), y)
            made[k] = net.apply(f"{names[k]}_features", MergeHeads(), y)
        if rotary is not None:
            made[k] = rotary.apply(net, f"{names[k]}_rotary", number, made[k])
    return tuple(made)


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
    heads: _Heads,
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
    sizes = heads.count, heads.kv_count, heads.each, heads.each
    if each_row:
        return HeadAttention(*sizes, True, interleaved, causal, True)
    if window is None:
        size = x.value.space if len(x.shape) == 3 else (1, 1)
        last = x.value.channel != 0
        return HeadAttention(*sizes, last, interleaved, causal, position=position, size=size)
    shifted = (*windows_of(whole, window), *shifts) if any(shifts) else ()
    return HeadAttention(*sizes, True, interleaved, causal, True, position=position, size=window, shifted=shifted)


ROTARY = options(
    "rotary positions: the base of their wavelengths, as `10000`, a mapping of options, or `-`",
    OPTIONS,
    lambda **given: Rotary(given),
    short="base",
    of=ratio(1, 1e9),
    what="`rotary`",
)
ATTENTION = Block(
    "attention",
    attention,
    (
        Column("heads", count(), "heads", ("num_heads",)),
        Column("kv_heads", count(), "heads of keys and values; as many unless given", ("num_kv_heads",)),
        Column("head_dim", count(), "features of a head; the channels shared out unless given", ("dim_head",)),
        Column("c", CHANNELS, "output channels; those of the input unless given", ("out",)),
        Column("bias", FLAG, "whether queries, keys and values have a bias; they do unless given", ("qkv_bias",)),
        Column("key_bias", FLAG, "whether keys have one, where `apart`; as queries and values unless given"),
        Column("project_bias", FLAG, "whether the projection back has one; it does unless given"),
        Column("apart", FLAG, "whether queries, keys and values each have a linear layer of their own"),
        Column("qk_norm", NORM, "a norm of each head's queries and keys"),
        Column("rotary", ROTARY, "queries and keys turn with their positions (`rotary_positions`)", ("rope",)),
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

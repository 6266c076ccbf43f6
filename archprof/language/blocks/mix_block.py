"""mix_block: an inverted residual whose depthwise convolution mixes kernel sizes (Tan & Le 2019, MixConv)."""

from archprof.ir.columns import SIZES, Column, ratio
from archprof.ir.dims import Dim, same, truncate
from archprof.ir.operators.conv import C, Conv2d, P, Pair, S
from archprof.ir.operators.join import Add, Concat
from archprof.ir.operators.padding import Padding
from archprof.ir.operators.shape import Split
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN
from archprof.language.blocks.squeeze_excite import SE_COLUMN, SqueezeExcite, apply_squeeze_excite
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer

Kernels = tuple[Pair, ...]


def split_channels(channels: Dim, parts: int) -> list[Dim]:
    """Return the channels of each part: equal ones, the remainder in the first."""
    each = channels // parts
    return [channels - each * (parts - 1), *[each] * (parts - 1)]


def mixed_conv(
    net: Tracer,
    x: Feature,
    channels: Dim,
    kernels: Kernels,
    s: Pair = (1, 1),
    p: Padding | None = None,
    *,
    depthwise: bool = False,
) -> Feature:
    """Apply one convolution for each kernel, to its part of the channels, and concatenate; a single kernel is an
    ordinary convolution.

    *depthwise* convolutions keep the channels of their part; others (grouped pointwise) map a part of the input to a
    part of the output.
    """
    if len(kernels) == 1:
        return net.apply("conv", _conv(x, channels, kernels[0], s, p, depthwise), x)
    with net.scope("conv", kind="mixed" if depthwise else "grouped"):
        ends, start = [], 0
        before = split_channels(x.channels, len(kernels))
        after = before if depthwise else split_channels(channels, len(kernels))
        for index, kernel in enumerate(kernels):
            part = net.apply(f"split{index}", Split(start, before[index]), x)
            ends.append(net.apply(str(index), _conv(part, after[index], kernel, s, p, depthwise), part))
            start = start + before[index]
        return net.apply("concat", Concat(), *ends)


def _conv(x: Feature, out: Dim, kernel: Pair, s: Pair, p: Padding | None, depthwise: bool) -> Conv2d:
    channels = x.channels if depthwise else out
    return Conv2d.of(x.value, c=channels, k=kernel, s=s, p=p, g="depthwise" if depthwise else 1, bias=False)


def mix_block(
    net: Tracer,
    x: Feature,
    *,
    c: Dim,
    k: Kernels = ((3, 3),),
    expand_k: Kernels = ((1, 1),),
    project_k: Kernels = ((1, 1),),
    s: Pair = (1, 1),
    p: Padding | None = None,
    t: float = 1,
    se: SqueezeExcite | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    expanded = truncate(x.channels * t)
    y = x
    if not same(expanded, x.channels):
        with net.scope("expand"):
            y = net.act(net.norm(mixed_conv(net, y, expanded, expand_k), norm), act)
    with net.scope("depthwise"):
        y = net.act(net.norm(mixed_conv(net, y, y.channels, k, s, p, depthwise=True), norm), act)
    if se is not None:
        y = apply_squeeze_excite(net, y, se, x.channels)
    with net.scope("project"):
        y = net.norm(mixed_conv(net, y, c, project_k), norm)
    return net.apply("add", Add(), x, y) if s == (1, 1) and same(x.channels, c) else y


MIX_BLOCK = Block(
    "mix_block",
    mix_block,
    (
        C._replace(required=True),
        Column("k", SIZES, "kernel sizes that the depthwise convolution mixes", ("kernel", "kernel_size")),
        Column("expand_k", SIZES, "one 1 for each group of the expansion", ("expand_ksize",)),
        Column("project_k", SIZES, "one 1 for each group of the projection", ("project_ksize",)),
        S,
        P,
        Column("t", ratio(0.01, 1000), "expansion: expanded channels = t × the input's", ("expand_ratio",)),
        SE_COLUMN,
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "An inverted residual whose depthwise convolution mixes kernel sizes, each on its share of the channels, the "
    "remainder in the first; expansion and projection may be grouped the same way (Tan & Le 2019).",
)

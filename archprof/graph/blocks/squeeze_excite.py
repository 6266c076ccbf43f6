"""squeeze_excite: channels weighted by a gate that is computed from their means (Hu et al. 2018)."""

from typing import Any, NamedTuple

from archprof.graph.block import Block
from archprof.graph.choices import ACT, Maker
from archprof.graph.columns import FLAG, Cells, Column, Kind, count, is_none, one_of, optional, ratio, read_options
from archprof.graph.dims import Dim, make_divisible, maximum, truncate
from archprof.graph.operators.act import ReLU, Sigmoid
from archprof.graph.operators.conv import Conv2d, Linear
from archprof.graph.operators.pool import AdaptiveAvgPool2d, Mean
from archprof.graph.operators.shape import Flatten, Multiply, Unflatten
from archprof.graph.trace import Feature, Tracer
from archprof.spec.nodes import Map, Node, Scalar
from archprof.spec.values import FALSE, TRUE


class SqueezeExcite(NamedTuple):
    """How a squeeze-excite is built; see `COLUMNS` for what each says."""

    ratio: float = 0.25
    of: str = "expanded"
    divisor: int | None = None
    act: Maker | None = Maker(ReLU, {})
    gate: Maker | None = Maker(Sigmoid, {})
    bias: bool = True
    form: str = "conv"
    pool: str = "module"
    before_act: bool = False


def apply_squeeze_excite(net: Tracer, x: Feature, se: SqueezeExcite, block_input: Dim) -> Feature:
    """Apply the gate to *x* under `se`: mean, reduce, act, expand, gate, multiply.

    The squeezed width is ratio × the channels of *x* or of the block's input, rounded by the divisor where there is
    one, and at least 1.
    """
    base = block_input if se.of == "input" else x.channels
    squeezed = maximum(truncate(base * se.ratio), 1)
    if se.divisor is not None:
        squeezed = make_divisible(squeezed, se.divisor)
    with net.scope("se", kind="se"):
        gate = net.apply("pool", Mean(True) if se.pool == "mean" else AdaptiveAvgPool2d((1, 1), se.pool), x)
        if se.form == "linear":
            gate = net.apply("flatten", Flatten(), gate)
        gate = _dense(net, "reduce", gate, squeezed, se)
        gate = net.apply("act", se.act.make(gate.shape), gate) if se.act else gate
        gate = _dense(net, "expand", gate, x.channels, se)
        gate = net.apply("gate", se.gate.make(gate.shape), gate) if se.gate else gate
        if se.form == "linear":
            gate = net.apply("unflatten", Unflatten(), gate)
        return net.apply("scale", Multiply(), x, gate)


def _dense(net: Tracer, name: str, x: Feature, channels: Dim, se: SqueezeExcite) -> Feature:
    if se.form == "linear":
        return net.apply(name, Linear(x.channels, channels, se.bias), x)
    return net.apply(name, Conv2d(x.channels, channels, bias=se.bias), x)


def squeeze_excite(net: Tracer, x: Feature, **options: Any) -> Feature:
    return apply_squeeze_excite(net, x, SqueezeExcite(**options), x.channels)


COLUMNS = (
    Column("ratio", ratio(0.0001, 16), "squeezed channels = ratio × channels", ("se_ratio",)),
    Column("of", one_of("expanded", "input"), "of which channels: those at the gate, or the block's input"),
    Column("divisor", optional(count(1, 1024)), "round the squeezed channels to a multiple; `-`: cut the fraction"),
    Column("act", ACT, "the activation between the two layers"),
    Column("gate", ACT, "the activation that makes the gate"),
    Column("bias", FLAG, "whether the two layers have a bias"),
    Column("form", one_of("conv", "linear"), "1×1 convolutions or linear layers: the same function"),
    Column(
        "pool",
        one_of("module", "function", "mean"),
        "how the mean is written: the same result, priced differently by some tools",
    ),
    Column("before_act", FLAG, "whether the gate stands before the block's activation"),
)
SQUEEZE_EXCITE = Block(
    "squeeze_excite",
    squeeze_excite,
    COLUMNS,
    "Weights channels by a gate computed from their means (Hu et al. 2018).",
    inherits=False,
)


def read_squeeze_excite(node: Node, cells: Cells) -> SqueezeExcite | None:
    """Return the squeeze-excite of a cell: `-` (none), `✓` (as in `defaults`), a ratio, or a mapping of options; a
    ratio of 0 is none."""
    if is_none(node) or (isinstance(node, Scalar) and node.text in FALSE):
        return None
    template = cells.defaults.get("squeeze_excite")
    values = (
        read_options(template[1], COLUMNS, cells, "`squeeze_excite`", "defaults.squeeze_excite")
        if template and isinstance(template[1], Map)
        else {}
    )
    if isinstance(node, Map):
        values |= read_options(node, COLUMNS, cells, "`se`")
    elif not (isinstance(node, Scalar) and node.text in TRUE):
        values["ratio"] = ratio(0, 16).read(node, cells)
    return SqueezeExcite(**values) if values.get("ratio", 1) else None


SE = Kind(
    "squeeze-excite: `-`, `✓`, a ratio, or a mapping of options",
    read_squeeze_excite,
    {"anyOf": [FLAG.schema, ratio(0, 16).schema]},
    template="squeeze_excite",
)
SE_COLUMN = Column("se", SE, "squeeze-excite", ("SE", "se_ratio"))

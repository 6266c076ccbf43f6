"""squeeze_excite: channels weighted by a gate that is computed from their means (Hu et al. 2018)."""

from typing import Any

from archprof.ir.columns import ACT, FLAG, Column, count, one_of, optional, options, ratio
from archprof.ir.dims import Dim, make_divisible, maximum, truncate
from archprof.ir.operators import class_of
from archprof.ir.operators.act import ReLU, Sigmoid
from archprof.ir.operators.base import Operator
from archprof.ir.operators.flatten import Flatten, Unflatten
from archprof.ir.operators.global_pool import AdaptiveAvgPool2d
from archprof.ir.operators.join import Multiply
from archprof.ir.operators.linear import Linear
from archprof.ir.values import Value
from archprof.language.block import Block
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer
from archprof.named_tuple import NamedTuple


class SqueezeExcite(NamedTuple):
    """How a squeeze-excite is built; see `COLUMNS` for what each says."""

    ratio: float = 0.25
    of: str = "expanded"
    divisor: int | None = None
    act: NamedOperator | None = NamedOperator(ReLU, {})
    gate: NamedOperator | None = NamedOperator(Sigmoid, {})
    bias: bool = True
    form: str = "conv"
    pool: str = "module"
    before_act: bool = False
    c: int | None = None


def apply_squeeze_excite(net: Tracer, x: Feature, se: SqueezeExcite, block_input: Dim) -> Feature:
    """Apply the gate to *x* under `se`: mean, reduce, act, expand, gate, multiply.

    The squeezed width is ratio × the channels of *x* or of the block's input, rounded by the divisor where there is
    one, and at least 1; or what is printed.
    """
    squeezed = _squeezed(block_input if se.of == "input" else x.channels, se) if se.c is None else se.c
    with net.scope("se", kind="se"):
        gate = net.apply("pool", _pool(se, x.value), x)
        if se.form == "linear":
            gate = net.apply("flatten", Flatten(), gate)
        gate = _dense(net, "reduce", gate, squeezed, se)
        gate = net.apply("act", se.act.make(gate.value), gate) if se.act else gate
        gate = _dense(net, "expand", gate, x.channels, se)
        gate = net.apply("gate", se.gate.make(gate.value), gate) if se.gate else gate
        if se.form == "linear":
            gate = net.apply("unflatten", Unflatten((1,) * (len(x.value.shape) - 1)), gate)
        return net.apply("scale", Multiply(), x, gate)


def _squeezed(channels: Dim, se: SqueezeExcite) -> Dim:
    squeezed = maximum(truncate(channels * se.ratio), 1)
    return squeezed if se.divisor is None else make_divisible(squeezed, se.divisor)


def _pool(se: SqueezeExcite, value: Value) -> Operator:
    if se.pool != "mean":
        return AdaptiveAvgPool2d.of(value, form=se.pool)
    from archprof.ir.operators.mean import Mean

    return Mean.of(value, keep=True)


def _dense(net: Tracer, name: str, x: Feature, channels: Dim, se: SqueezeExcite) -> Feature:
    if se.form == "linear":
        return net.apply(name, Linear(x.channels, channels, se.bias), x)
    conv = class_of(f"Conv{len(x.value.shape) - 1}d")
    return net.apply(name, conv(x.channels, channels, bias=se.bias), x)


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
    Column(
        "c",
        optional(count()),
        "squeezed channels as printed, at every width, instead of a ratio",
        instead=("ratio", "of", "divisor"),
    ),
)
SQUEEZE_EXCITE = Block(
    "squeeze_excite",
    squeeze_excite,
    COLUMNS,
    "Weights channels by a gate computed from their means (Hu et al. 2018).",
    inherits=False,
)


def _made(**options: Any) -> SqueezeExcite | None:
    """Return a squeeze-excite; a ratio of 0 is none."""
    return SqueezeExcite(**options) if options.get("ratio", 1) else None


SE = options(
    "squeeze-excite: `-`, `✓`, a ratio, or a mapping of options",
    COLUMNS,
    _made,
    short="ratio",
    of=ratio(0, 16),
    what="`se`",
    template="squeeze_excite",
)
SE_COLUMN = Column("se", SE, "squeeze-excite", ("SE", "se_ratio"))

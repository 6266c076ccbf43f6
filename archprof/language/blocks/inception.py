"""inception and inception_v3: towers of convolutions beside each other, concatenated (Szegedy et al. 2014, 2015)."""

from collections.abc import Mapping, Sequence

from archprof.ir.columns import CHANNELS, SIZE, Column, one_of, optional
from archprof.ir.dims import Dim
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.conv import Pair
from archprof.ir.operators.join import Concat
from archprof.ir.operators.pool import AvgPool2d, MaxPool2d
from archprof.language.block import Block
from archprof.language.blocks.conv import ACT_COLUMN, NORM_COLUMN, conv_norm_act
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer
from archprof.named_tuple import NamedTuple


class Conv(NamedTuple):
    """One convolution of a tower; it keeps the size, or halves it without padding."""

    k: Pair
    c: Dim
    halves: bool = False


# A tower may end in towers of its own.
Step = Conv | Operator | Mapping[str, "Tower"]
Tower = Sequence[Step]

MAX_POOL = MaxPool2d((3, 3), (1, 1), (1, 1))
HALVING_POOL = MaxPool2d((3, 3), (2, 2))
AVG_POOL = AvgPool2d((3, 3), (1, 1), (1, 1))


def _towers(
    net: Tracer, x: Feature, towers: Mapping[str, Tower], norm: NamedOperator | None, act: NamedOperator | None
) -> Feature:
    """Apply each tower to *x* under its name, and concatenate what comes out."""
    ends = []
    for name, steps in towers.items():
        y = x
        with net.scope(name):
            for index, step in enumerate(steps):
                y = _step(net, str(index), y, step, norm, act)
        ends.append(y)
    return net.apply("concat", Concat(), *ends)


def _step(
    net: Tracer, name: str, x: Feature, step: Step, norm: NamedOperator | None, act: NamedOperator | None
) -> Feature:
    if isinstance(step, Operator):
        return net.apply(name, step, x)
    with net.scope(name):
        if isinstance(step, Conv):
            stride, padding = ((2, 2), (0, 0)) if step.halves else ((1, 1), None)
            return conv_norm_act(net, x, step.c, step.k, stride, padding, norm=norm, act=act)
        return _towers(net, x, step, norm, act)


def inception(
    net: Tracer,
    x: Feature,
    *,
    c1x1: Dim,
    r3x3: Dim,
    c3x3: Dim,
    r5x5: Dim,
    c5x5: Dim,
    pool_proj: Dim,
    k: Pair = (5, 5),
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    towers: Mapping[str, Tower] = {
        "1x1": [Conv((1, 1), c1x1)],
        "3x3": [Conv((1, 1), r3x3), Conv((3, 3), c3x3)],
        "5x5": [Conv((1, 1), r5x5), Conv(k, c5x5)],
        "pool": [MAX_POOL, Conv((1, 1), pool_proj)],
    }
    return _towers(net, x, towers, norm, act)


def _module_a(filters: Dim) -> Mapping[str, Tower]:
    return {
        "1x1": [Conv((1, 1), 64)],
        "5x5": [Conv((1, 1), 48), Conv((5, 5), 64)],
        "3x3_double": [Conv((1, 1), 64), Conv((3, 3), 96), Conv((3, 3), 96)],
        "pool": [AVG_POOL, Conv((1, 1), filters)],
    }


def _module_c(filters: Dim) -> Mapping[str, Tower]:
    return {
        "1x1": [Conv((1, 1), 192)],
        "7x7": [Conv((1, 1), filters), Conv((1, 7), filters), Conv((7, 1), 192)],
        "7x7_double": [
            Conv((1, 1), filters),
            Conv((7, 1), filters),
            Conv((1, 7), filters),
            Conv((7, 1), filters),
            Conv((1, 7), 192),
        ],
        "pool": [AVG_POOL, Conv((1, 1), 192)],
    }


_SPREAD: Mapping[str, Tower] = {"1x3": [Conv((1, 3), 384)], "3x1": [Conv((3, 1), 384)]}
_OF_FILTERS = {"A": _module_a, "C": _module_c}
_FIXED: Mapping[str, Mapping[str, Tower]] = {
    "B": {
        "3x3": [Conv((3, 3), 384, True)],
        "3x3_double": [Conv((1, 1), 64), Conv((3, 3), 96), Conv((3, 3), 96, True)],
        "pool": [HALVING_POOL],
    },
    "D": {
        "3x3": [Conv((1, 1), 192), Conv((3, 3), 320, True)],
        "7x7_3x3": [Conv((1, 1), 192), Conv((1, 7), 192), Conv((7, 1), 192), Conv((3, 3), 192, True)],
        "pool": [HALVING_POOL],
    },
    "E": {
        "1x1": [Conv((1, 1), 320)],
        "3x3": [Conv((1, 1), 384), _SPREAD],
        "3x3_double": [Conv((1, 1), 448), Conv((3, 3), 384), _SPREAD],
        "pool": [AVG_POOL, Conv((1, 1), 192)],
    },
}


def inception_v3(
    net: Tracer,
    x: Feature,
    *,
    module: str,
    filters: Dim | None = None,
    norm: NamedOperator | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    if (filters is None) != (module in _FIXED):
        raise ShapeError(
            f"module {module} {'without' if filters is None else 'with'} `filters`",
            "modules A and C have them, the others do not",
            ("filters", "module"),
        )
    return _towers(net, x, _FIXED[module] if filters is None else _OF_FILTERS[module](filters), norm, act)


_PRINTED = (
    ("c1x1", "#1x1", "1×1 convolutions"),
    ("r3x3", "#3x3 reduce", "1×1 convolutions before the 3×3"),
    ("c3x3", "#3x3", "3×3 convolutions"),
    ("r5x5", "#5x5 reduce", "1×1 convolutions before the 5×5"),
    ("c5x5", "#5x5", "5×5 convolutions"),
    ("pool_proj", "pool proj", "1×1 convolutions behind the max pooling"),
)
INCEPTION = Block(
    "inception",
    inception,
    (
        *(Column(name, CHANNELS, f"number of {doc}", (printed,), required=True) for name, printed, doc in _PRINTED),
        Column("k", SIZE, "kernel size of what the paper calls 5×5; 5 unless given", ("kernel_size",)),
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Four towers, concatenated: 1×1, 3×3 and 5×5 convolutions, and max pooling (Szegedy et al. 2014, Figure 2b).",
)
INCEPTION_V3 = Block(
    "inception_v3",
    inception_v3,
    (
        Column("module", one_of("A", "B", "C", "D", "E"), "which of the five modules", required=True),
        Column(
            "filters",
            optional(CHANNELS),
            "what differs from row to row: channels behind the pooling of A, inside the 7×7 towers of C",
        ),
        NORM_COLUMN,
        ACT_COLUMN,
    ),
    "Towers of factorised convolutions, concatenated: A at 35×35 (Szegedy et al. 2015, Figure 5), C at 17×17 (Figure "
    "6) and E at 8×8 (Figure 7); B and D halve the size in between (Figure 10). Channels are those of the released "
    "network.",
)

"""Layers made of layers: sequence, repeat, residual, branches, each."""

from collections.abc import Mapping

from archprof.ir.columns import FLAG, LAYERS, PATHS, Column, one_of
from archprof.ir.dims import same_shape
from archprof.ir.operators.base import Operator, ShapeError
from archprof.ir.operators.join import Add, Concat, Multiply, Subtract
from archprof.ir.operators.shape import Split
from archprof.ir.operators.tokens import ConcatTokens
from archprof.language.block import Block, N
from archprof.language.blocks.conv import ACT_COLUMN
from archprof.language.blocks.stochastic_depth import STOCHASTIC_DEPTH
from archprof.language.bound import Layers
from archprof.language.cells import DropRate
from archprof.language.fragment import Feature
from archprof.language.named_operator import NamedOperator
from archprof.language.trace import Tracer
from archprof.units import plural

JOINS: Mapping[str, type[Operator]] = {
    "concat": Concat,
    "add": Add,
    "subtract": Subtract,
    "multiply": Multiply,
    "concat_tokens": ConcatTokens,
}


def sequence(net: Tracer, x: Feature, *, layers: Layers) -> Feature:
    return net.layers(layers, x)


def repeat(net: Tracer, x: Feature, *, layers: Layers, n: int, shared: bool = False) -> Feature:
    for index in range(n):
        with net.scope("" if shared else str(index)):
            x = net.layers(layers, x, shared=shared)
    return x


def residual(
    net: Tracer,
    x: Feature,
    *,
    body: Layers,
    shortcut: Layers = (),
    skip: str = "always",
    stochastic_depth: DropRate | None = None,
    act: NamedOperator | None = None,
) -> Feature:
    with net.scope("body"):
        y = net.layers(body, x)
    with net.scope("shortcut"):
        x = net.layers(shortcut, x)
    if skip == "always" or same_shape(x.shape, y.shape):
        y = net.apply("add", Add(), net.drop(y, stochastic_depth), x)
    return net.act(y, act)


def branches(
    net: Tracer, x: Feature, *, paths: tuple[Layers, ...], join: str = "concat", split: bool = False
) -> Feature:
    if len(paths) < 2:
        raise ShapeError(f"branches with {plural(len(paths), 'path')}", "a single path is a `sequence`", ("paths",))
    parts = _split(net, x, len(paths)) if split else [x] * len(paths)
    ends = []
    for index, (path, part) in enumerate(zip(paths, parts, strict=True)):
        with net.scope(str(index)):
            ends.append(net.layers(path, part))
    return net.apply(join, JOINS[join].of(*[x.value for x in ends]), *ends)


def each(net: Tracer, *maps: Feature, layers: Layers, shared: bool = False, join: str = "-") -> Feature:
    ends = []
    for name, x in zip(net.named_inputs(), maps, strict=True):
        with net.scope("" if shared else name):
            ends.append(net.layers(layers, x, shared=shared))
        if join == "-":
            net.publish(name, ends[-1])
    return ends[-1] if join == "-" else net.apply(join, JOINS[join].of(*[x.value for x in ends]), *ends)


def _split(net: Tracer, x: Feature, count: int) -> list[Feature]:
    """Return the channels in equal parts, the remainder in the first. Raises ShapeError where a part has none."""
    if x.channels < count:
        message = f"{plural(x.channels, 'channel')} for {count} paths"
        raise ShapeError(message, "with `split` each path gets a share of them", ("paths",))
    each = x.channels // count
    parts, start = [], 0
    for index in range(count):
        channels = each + (x.channels - each * count if index == 0 else 0)
        parts.append(net.apply(f"split{index}", Split.of(x.value, start=start, channels=channels), x))
        start = start + channels
    return parts


_LAYERS = Column("layers", LAYERS, "the layers inside", required=True)
SEQUENCE = Block("sequence", sequence, (_LAYERS,), "Layers one after the other.")
REPEAT = Block(
    "repeat",
    repeat,
    (_LAYERS, N._replace(required=True, doc="how often"), Column("shared", FLAG, "one set of weights for all repeats")),
    "The same layers several times.",
)
RESIDUAL = Block(
    "residual",
    residual,
    (
        Column("body", LAYERS, "the layers inside", required=True),
        Column("shortcut", LAYERS, "layers on the shortcut; none unless given"),
        Column(
            "skip",
            one_of("always", "same_shape"),
            "whether the sum is always there, or only where the body keeps the shape",
        ),
        STOCHASTIC_DEPTH,
        ACT_COLUMN._replace(doc="the activation behind the sum"),
    ),
    "The sum of a body and its input. It takes no activation from `defaults`.",
    inherits=False,
)
BRANCHES = Block(
    "branches",
    branches,
    (
        Column("paths", PATHS, "the paths, each a list of layers; an empty one hands its input on", required=True),
        Column("join", one_of(*JOINS), "how the paths are joined"),
        Column("split", FLAG, "each path gets a share of the channels, the remainder goes to the first"),
    ),
    "Paths beside each other, joined.",
)
EACH = Block(
    "each",
    each,
    (
        _LAYERS,
        Column("shared", FLAG, "one set of weights for all maps"),
        Column("join", one_of("-", *JOINS), "how the maps that come out are joined; `-`: not at all"),
    ),
    "The same layers over each of several maps: the heads of a pyramid, which share their weights (Lin et al. 2017b, "
    "section 4) or do not (Liu et al. 2016). What comes out is a place for each map, called as the map is: behind "
    "`from: [fpn.p3, fpn.p4]` the layer `head` has `head.p3` and `head.p4`. What follows reads the last one; "
    "joined they are one.",
    joins=True,
)

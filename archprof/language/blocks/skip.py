"""The block that is not there: what a search space draws where a network has one block less."""

from archprof.ir.columns import CHANNELS, SIDES, Column
from archprof.ir.dims import Dim
from archprof.ir.operators.base import ShapeError
from archprof.language.block import Block
from archprof.language.fragment import Feature
from archprof.language.trace import Tracer


def skip(net: Tracer, x: Feature, *, c: Dim | None = None, s: tuple[int, ...] = (1, 1)) -> Feature:
    if c is not None and c != x.channels:
        message = f"`skip` hands on its {x.channels} channels, not {c}"
        raise ShapeError(message, "only a row that keeps them has it", ("c",))
    if any(side != 1 for side in s):
        raise ShapeError("`skip` keeps the size of its map", "only a row of stride 1 has it", ("s",))
    return x


SKIP = Block(
    "skip",
    skip,
    (
        Column("c", CHANNELS, "channels, which have to be the input's", ("out", "channels")),
        Column("s", SIDES, "stride, which has to be 1", ("stride",)),
    ),
    "The input, handed on: no block at all, as one of those to choose from.",
    inherits=False,
)

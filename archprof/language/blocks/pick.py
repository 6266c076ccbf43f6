"""One of several maps, handed on: how a cell whose wiring is drawn says which it takes."""

from archprof.ir.columns import Column, count
from archprof.ir.operators.base import ShapeError
from archprof.language.block import Block
from archprof.language.fragment import Feature
from archprof.language.trace import Tracer
from archprof.limits import MAX_CHANNELS
from archprof.units import plural


def pick(net: Tracer, *maps: Feature, which: int) -> Feature:
    if which >= len(maps):
        message = f"`pick` of map {which} among {plural(len(maps), 'map')}"
        raise ShapeError(message, f"they count from 0 to {len(maps) - 1}", ("which",))
    return maps[which]


PICK = Block(
    "pick",
    pick,
    (Column("which", count(0, MAX_CHANNELS), "its number, from 0, in the order of `from`", required=True),),
    "One of several maps, handed on, by its number: how a cell whose wiring is drawn says which it takes.",
    joins=True,
    inherits=False,
)

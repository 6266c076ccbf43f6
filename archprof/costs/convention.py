"""What is counted, under a name and a version: our own rule. `costs.tools` has those of others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.costs.price import Price
    from archprof.costs.report import Row

Sees = Literal["calls", "modules", "kinds of modules", "leaves", "modules and functions"]


class Convention(NamedTuple):
    """A named rule of counting: our MACs, and prices on top. *version* is that of the tool that it follows, *unit* what
    it counts.

    *sees* is what the tool looks at in a captured module: each call of an operator; modules of torch's own classes, of
    these and what is made from them, or all that hold no others; or modules and functions. *products* are the names,
    of operators or of classes, whose MACs it counts as we do, and *unknown* those for which it has a rule that is not
    followed here: of all others it counts no MACs. *wholes* are classes of modules that it counts with all in them. Of
    a tool that is *recorded* nothing is known but what it counted once, where it could be run.
    """

    name: str
    version: int | str
    text: str
    unit: str = "MACs"
    prices: tuple["Price", ...] = ()
    sees: Sees = "calls"
    products: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    wholes: frozenset[str] = frozenset()
    recorded: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


ARCHPROF = Convention("archprof", 1, "MACs of convolutions and linear layers, bias not counted; batch 1, inference")


def convention_sum(rows: "Sequence[Row]", convention: Convention) -> int:
    """Return what operators count together under a convention, in its unit."""
    return sum(row.cost.macs for row in rows) + sum(price.count(rows) for price in convention.prices)

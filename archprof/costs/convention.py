"""What is counted, under a name and a version: our own rule. `costs.tools` has those of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from archprof.costs.amounts import Amount
    from archprof.costs.report import Row


class Price(NamedTuple):
    """What a tool counts for some operators besides their MACs.

    *operators* are their classes, all where none is named; *when* narrows them down, by their fields, their form,
    whether they are frozen, or called *again*.
    """

    label: str
    amount: Amount
    operators: tuple[str, ...]
    when: Mapping[str, object]

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that the price is for."""
        return [row for row in rows if self._is_for(row)]

    def _is_for(self, row: Row) -> bool:
        named = not self.operators or type(row.operator).__name__ in self.operators
        return named and all(_said(row, name) == wanted for name, wanted in self.when.items())

    def count(self, rows: Iterable[Row]) -> int:
        """Return what the tool counts for rows besides their MACs."""
        return sum(map(self.amount.of, self.rows(rows)))


class Convention(NamedTuple):
    """A named rule of counting: our MACs, and prices on top. *version* is that of the tool that it follows, *unit* what
    it counts; *sees* what the tool looks at: each call of an operator, modules by their class, or functions as well."""

    name: str
    version: int | str
    text: str
    unit: str = "MACs"
    prices: tuple[Price, ...] = ()
    sees: Literal["calls", "modules", "modules and functions"] = "calls"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


ARCHPROF = Convention("archprof", 1, "MACs of convolutions and linear layers, bias not counted; batch 1, inference")


def _said(row: Row, name: str) -> object:
    if name == "frozen":
        # A module that is called again has its parameters in its first row.
        return row.cost.trainable < row.cost.params
    if name == "again":
        return row.node.call > 1
    return row.form if name == "form" else getattr(row.operator, name)


def convention_sum(rows: Sequence[Row], convention: Convention) -> int:
    """Return what operators count together under a convention, in its unit."""
    return sum(row.cost.macs for row in rows) + sum(price.count(rows) for price in convention.prices)

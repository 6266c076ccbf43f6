"""What a tool counts besides our MACs, and for which operators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from archprof.costs.amounts import Amount
from archprof.costs.report import Row
from archprof.ir.operators.base import Operator
from archprof.ir.operators.recorded import Recorded

# Forms in which an operator is a module.
MODULES = ("module", "other module")


class Price(NamedTuple):
    """What a tool counts for some operators besides their MACs.

    *operators* are their classes, and the names in torch of those that have none of ours, all where none is named;
    *when* narrows them down, to one of several values where these are a tuple: by their fields, their form, torch's
    class of their module, whether they have *learned* tensors, are *recorded*, *frozen*, or called *again*.
    """

    label: str
    amount: Amount
    operators: tuple[str, ...]
    when: Mapping[str, object]

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that the price is for."""
        return [row for row in rows if self._is_for(row)]

    def _is_for(self, row: Row) -> bool:
        named = not self.operators or operator_name(row.operator) in self.operators
        return named and all(_is(_said(row, name), wanted) for name, wanted in self.when.items())

    def count(self, rows: Iterable[Row]) -> int:
        """Return what the tool counts for rows besides their MACs."""
        return sum(map(self.amount.of, self.rows(rows)))


def operator_name(op: Operator) -> str:
    """Return what prices call an operator: its class, or, where it is recorded, its name in torch: `softmax`."""
    return op.describe().rstrip("_") if isinstance(op, Recorded) else type(op).__name__


def held_names(row: Row) -> Iterator[str]:
    """Yield what the module calls the parameters of an operator: `weight`."""
    names = row.node.parameters or {}
    for key in row.operator.parameters():
        yield names.get(key, key).rpartition(".")[2]


def _is(said: object, wanted: object) -> bool:
    return said in wanted if isinstance(wanted, tuple) else said == wanted


def _said(row: Row, name: str) -> object:
    said = _SAID.get(name)
    return getattr(row.operator, name) if said is None else said(row)


def _own(row: Row) -> str:
    """Return torch's class of the module that an operator is; what `build` makes is of the operator's name."""
    if not row.modules:
        return type(row.operator).__name__
    return row.module.own if row.module and row.form in MODULES else ""


_SAID: Mapping[str, Callable[[Row], object]] = {
    # A module that is called again has its parameters in its first row.
    "frozen": lambda row: row.cost.trainable < row.cost.params,
    "again": lambda row: row.node.call > 1,
    "form": lambda row: row.form,
    "learned": lambda row: bool(row.operator.parameters()),
    "recorded": lambda row: isinstance(row.operator, Recorded),
    "own": _own,
    "base": lambda row: row.module.base if row.module else type(row.operator).__name__,
    "around": lambda row: row.module.name if row.module else "",
    "conv": lambda row: row.module is None or "Conv" in row.module.short,
}

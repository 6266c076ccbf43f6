"""Norms and activations in cells: the operator that a name means, with its options."""

from collections.abc import Mapping
from typing import Any

from archprof.ir.operators.base import Operator
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple


class NamedOperator(NamedTuple):
    """A norm or activation as a cell names it, to be made for the map that it stands on."""

    operator: type[Operator]
    options: Mapping[str, Any]

    def make(self, value: Value) -> Operator:
        """Return the operator for a map."""
        return self.operator.of(value, **self.options)

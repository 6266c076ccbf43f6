"""What runs: nodes with what they read and returned, where they stand, and which values are at hand there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archprof.captures.onnx.model import NodeRecord
from archprof.captures.onnx.rules.rule import Rule
from archprof.captures.onnx.tensor import Tensor
from archprof.named_tuple import NamedTuple


class Ran(NamedTuple):
    """A node that ran: what it read and returned, its multiply-accumulates, whether they are known, and the rule that
    says so, if there is one. *inside* are the names of the nodes that call it, of a function or a graph; *bounded* says
    that another one may run in its place, which multiplies less; *puts_out* are the activations of all for which it
    stands."""

    node: NodeRecord
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    macs: int
    counted: bool
    rule: Rule | None
    inside: tuple[str, ...] = ()
    version: int = 0
    bounded: bool = False
    puts_out: int | None = None


class NodeError(Exception):
    """A node that does not fit what it reads; *advice* says what to change, where that is known."""

    def __init__(self, node: NodeRecord, reason: str, advice: str = "") -> None:
        self.node = node
        self.reason = reason
        self.advice = advice
        super().__init__(reason)


class Scope:
    """The values of a graph by name; what is not there may be in the graph around it."""

    def __init__(self, around: Scope | None = None) -> None:
        self.values: dict[str, Tensor] = {}
        self._around = around

    def find(self, name: str) -> Tensor | None:
        """Return a value, if there is one of that name."""
        scope: Scope | None = self
        while scope is not None:
            if (found := scope.values.get(name)) is not None:
                return found
            scope = scope._around
        return None


class Place(NamedTuple):
    """Where nodes stand: which versions of which operators they mean, the names of those that call them, and the
    attributes of the function that they are in."""

    opsets: Mapping[str, int]
    inside: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}

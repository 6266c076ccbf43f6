"""What counters found on a module, and how it stands beside a report."""

from collections.abc import Callable, Mapping
from typing import Protocol

from archprof.costs.metrics import Counts
from archprof.ir.graph import Graph
from archprof.named_tuple import NamedTuple


class CountedModule(Protocol):
    """What a counter found for one module."""

    @property
    def params(self) -> int: ...
    @property
    def macs(self) -> int: ...
    @property
    def macs_torch(self) -> int | None: ...


class CountedModules(Protocol):
    """What counters found on a network, module by module, by path."""

    @property
    def counter(self) -> str: ...
    @property
    def torch(self) -> str: ...
    @property
    def rows(self) -> Mapping[str, CountedModule]: ...
    @property
    def params(self) -> int: ...
    @property
    def macs(self) -> int: ...
    @property
    def macs_torch(self) -> int | None: ...
    @property
    def not_counted(self) -> Mapping[str, int]: ...


# Counts on the module of a graph: whoever has a runtime hands it in.
Measure = Callable[[Graph], CountedModules]


class Measured(NamedTuple):
    """What the counters found for a row: `macs` is that of the counter asked for, `macs_torch` the second one's where
    two ran."""

    params: int
    macs: int
    macs_torch: int | None = None

    def agrees(self, cost: Counts, *, at_most: bool = False) -> bool:
        """Tell whether that is what the formulas say, or no more where they say how many there are *at most*."""
        if at_most:
            return self.params == cost.params and max(self.macs, self.macs_torch or 0) <= cost.macs
        return (self.params, self.macs) == (cost.params, cost.macs) and self.macs_torch in (None, cost.macs)


class Agreement(NamedTuple):
    """What was measured: by which counter, under which torch, in all and row by row, and how often operators ran that
    multiply and that a counter has no rule for. Where modules were compared rather than operators, there were so many
    *compared_modules*."""

    counter: str
    torch: str
    params: int
    macs: int
    macs_torch: int | None
    agree: bool
    rows: tuple[Measured, ...] = ()
    not_counted: Mapping[str, int] = {}
    compared_modules: int | None = None

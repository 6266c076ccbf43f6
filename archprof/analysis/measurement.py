"""What counters found on a module, as a result."""

from collections.abc import Mapping

from archprof.analysis.document import ConventionText, convention_text
from archprof.named_tuple import NamedTuple
from archprof.runtime.measure import Measurement


class MeasuredModule(NamedTuple):
    """What was found for one module: its own parameters, the MACs that it runs itself, and what was not counted."""

    path: str
    params: int
    macs: int
    macs_torch: int | None = None
    not_counted: Mapping[str, int] | None = None


class MeasuredTotal(NamedTuple):
    """What was found in all. Where operators are *not_counted*, by name, the MACs are at least so many."""

    params: int
    macs: int
    macs_torch: int | None = None
    not_counted: Mapping[str, int] | None = None


class MeasuredModules(NamedTuple):
    """A module's parts in their order of registration; `macs_torch` is torch's count where two counters ran."""

    counter: str
    torch: str
    convention: ConventionText
    totals: MeasuredTotal
    modules: tuple[MeasuredModule, ...]


def measured_modules(found: Measurement) -> MeasuredModules:
    """Return a measurement as a result."""
    modules = tuple(
        MeasuredModule(path, row.params, row.macs, row.macs_torch, row.not_counted or None)
        for path, row in found.rows.items()
    )
    totals = MeasuredTotal(found.params, found.macs, found.macs_torch, found.not_counted or None)
    return MeasuredModules(found.counter, found.torch, convention_text(), totals, modules)

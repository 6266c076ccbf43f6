"""Views of a report: rows folded to blocks or to a depth of their paths, sorted and cut, always summing to the rows
they stand for."""

from typing import NamedTuple

from archprof.costs.agreement import Measured
from archprof.costs.metrics import Counts
from archprof.costs.report import Report, Row, total_cost
from archprof.errors import UsageError, problem, suggest

SORT_KEYS = ("params", "trainable", "buffers", "macs", "activations")


class Line(NamedTuple):
    """One line of a view: the rows it stands for, their sums, and what describes them together."""

    path: str
    label: str
    rows: tuple[Row, ...]
    cost: Counts

    @property
    def input(self) -> tuple[int, ...]:
        return self.rows[0].inputs[0]

    @property
    def output(self) -> tuple[int, ...]:
        return self.rows[-1].output

    @property
    def kernels(self) -> tuple[tuple[int, int], ...]:
        """The kernels and windows inside, 1×1 only where there is nothing larger."""
        found = list(dict.fromkeys(row.kernel for row in self.rows if row.kernel is not None))
        return tuple([kernel for kernel in found if kernel != (1, 1)] or found[:1])

    @property
    def stride(self) -> tuple[int, int] | None:
        """By how much the rows divide the map; on a shortcut beside another path, that path's stride counts once."""
        strides = [row.stride for row in self.rows if row.stride is not None]
        return max(strides) if strides else None

    @property
    def measured(self) -> Measured | None:
        found = [row.measured for row in self.rows if row.measured is not None]
        if not found:
            return None
        torch = [row.macs_torch for row in found if row.macs_torch is not None]
        return Measured(sum(row.params for row in found), sum(row.macs for row in found), sum(torch) if torch else None)

    @property
    def agrees(self) -> bool:
        return all(row.agrees for row in self.rows)


class View(NamedTuple):
    """Lines of a report, and how many were left out."""

    lines: tuple[Line, ...]
    total: int  # lines before cutting


def view(
    report: Report, *, depth: int | None = None, full: bool = False, sort: str | None = None, top: int | None = None
) -> View:
    """Return the lines of a report: one a block, one for each path cut at *depth*, or, if *full*, one an operator.

    *sort* orders by a count, largest first; *top* keeps the first lines. Raises UsageError for an unknown *sort*.
    """
    groups: dict[str, list[Row]] = {}
    for index, row in enumerate(report.rows):
        key = f"{index}" if full else row.block if depth is None else ".".join(row.path.split(".")[:depth])
        groups.setdefault(key, []).append(row)
    lines = [_line(key, rows, full) for key, rows in groups.items()]
    if sort is not None:
        if sort not in SORT_KEYS:
            raise UsageError(problem(f"unknown sort key `{sort}`", help=suggest(sort, SORT_KEYS, "keys")).problems)
        lines.sort(key=lambda line: -line.cost[sort])
    return View(tuple(lines if top is None else lines[:top]), len(lines))


def _line(key: str, rows: list[Row], full: bool) -> Line:
    first = rows[0]
    if full:
        return Line(first.path, first.label, tuple(rows), first.cost)
    types = dict.fromkeys(row.block_type for row in rows)
    label = (
        first.block_type
        if len(types) == 1
        else f"{first.block_type} +{len(types) - 1}"
        if len(types) < 4
        else "several"
    )
    return Line(key, label, tuple(rows), total_cost(rows))

"""What was measured beside what was computed, row by row."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from archprof.costs.agreement import Agreement, CountedModules, Measured
from archprof.costs.at_most import bounded_nodes
from archprof.costs.report import Report, Row


def with_measured_modules(report: Report, counted: CountedModules) -> Report:
    """Return the report of a module that was captured with what was measured on it, beside each row.

    Counters know modules alone: of the calls of one, the first takes what the count leaves after the others' own, as it
    does what is found in modules that call nothing. Parameters are compared in all: whose one is depends on who asks.
    """
    calls: dict[str, list[Row]] = {}
    for row in report.rows:
        calls.setdefault(_module_of(row), []).append(row)
    found = _by_caller(counted, calls)
    rows = tuple(_called(row, calls[_module_of(row)], found[_module_of(row)]) for row in report.rows)
    return _with_rows(report, counted, rows, modules=len(calls))


def _module_of(row: Row) -> str:
    return row.node.path.partition(":")[0]


def _by_caller(counted: CountedModules, calls: Collection[str]) -> dict[str, tuple[int, int | None]]:
    """Return the MACs of each counter in modules that call something: their own, and those of modules below."""
    both = counted.macs_torch is not None
    found: dict[str, tuple[int, int | None]] = dict.fromkeys(calls, (0, 0 if both else None))
    for path, row in counted.rows.items():
        caller = path
        while caller and caller not in found:
            caller = caller.rpartition(".")[0]
        macs, second = found.get(caller, (0, None))
        found[caller] = macs + row.macs, None if second is None else second + (row.macs_torch or 0)
    return found


def _called(row: Row, calls: Sequence[Row], found: tuple[int, int | None]) -> Measured:
    macs, second = found
    if row is not calls[0]:
        return Measured(row.cost.params, row.cost.macs, None if second is None else row.cost.macs)
    beside = sum(other.cost.macs for other in calls[1:])
    return Measured(row.cost.params, macs - beside, None if second is None else second - beside)


def with_measured(report: Report, counted: CountedModules) -> Report:
    """Return the report with what was measured beside each row.

    A module that is called several times is one to the counters: its first row takes what their count leaves after the
    others' own.
    """
    repeated: dict[str, list[Row]] = {}
    for row in report.rows:
        repeated.setdefault(row.node.path, []).append(row)
    return _with_rows(report, counted, tuple(_measured(row, repeated[row.node.path], counted) for row in report.rows))


def _with_rows(
    report: Report, counted: CountedModules, rows: tuple[Measured, ...], modules: int | None = None
) -> Report:
    both, bounded = counted.macs_torch, bounded_nodes(report.graph)
    pairs = enumerate(zip(report.rows, rows, strict=True))
    agree = all(found.agrees(row.cost, at_most=index in bounded) for index, (row, found) in pairs)
    whole = Measured(counted.params, counted.macs, both)
    agree = agree and whole.agrees(report.totals, at_most=bool(bounded))
    counter, torch = counted.counter, counted.torch
    found = Agreement(counter, torch, counted.params, counted.macs, both, agree, rows, counted.not_counted, modules)
    return replace(report, measured=found)


def _measured(row: Row, calls: Sequence[Row], counted: CountedModules) -> Measured:
    found = counted.rows.get(row.node.path)
    if found is None:
        return Measured(0, 0, None if counted.macs_torch is None else 0)
    if row is not calls[0]:
        return Measured(0, row.cost.macs, None if found.macs_torch is None else row.cost.macs)
    beside = sum(other.cost.macs for other in calls[1:])
    second = None if found.macs_torch is None else found.macs_torch - beside
    return Measured(found.params, found.macs - beside, second)


def disagreement(report: Report) -> str:
    """Return what a disagreement between analytic and measured counts is, naming the first row that differs; empty when
    there is none."""
    if report.measured is None or report.measured.agree:
        return ""
    bounded = bounded_nodes(report.graph)
    for index, row in enumerate(report.rows):
        if row.measured is not None and not row.measured.agrees(row.cost, at_most=index in bounded):
            return _row_disagreement(row, row.measured)
    totals, measured = report.totals, report.measured
    analytic = f"{totals.params:,} params, {totals.macs:,} MACs analytic"
    return f"the totals differ: {analytic}, {measured.params:,}, {measured.macs:,} measured"


def _row_disagreement(row: Row, measured: Measured) -> str:
    pairs = [("params", row.cost.params, measured.params), ("MACs", row.cost.macs, measured.macs)]
    if measured.macs_torch is not None:
        pairs.append(("MACs (torch)", row.cost.macs, measured.macs_torch))
    differing = [f"{mine:,} {what} analytic, {found:,} measured" for what, mine, found in pairs if mine != found]
    return f"`{row.path}` ({row.op}): {'; '.join(differing)}"

"""What was measured beside what was computed, row by row."""

from collections.abc import Sequence
from dataclasses import replace

from archprof.costs.agreement import Agreement, CountedModules, Measured
from archprof.costs.report import Report, Row


def with_measured(report: Report, counted: CountedModules) -> Report:
    """Return the report with what was measured beside each row.

    A module that is called several times is one to the counters: its first row takes what their count leaves after the
    others' own.
    """
    repeated: dict[str, list[Row]] = {}
    for row in report.rows:
        repeated.setdefault(row.node.path, []).append(row)
    rows = tuple(_measured(row, repeated[row.node.path], counted) for row in report.rows)
    totals, both = report.totals, counted.macs_torch
    agree = all(row._replace(measured=found).agrees for row, found in zip(report.rows, rows, strict=True))
    agree = agree and (counted.params, counted.macs) == (totals.params, totals.macs)
    agree = agree and both in (None, totals.macs)
    counter, torch = counted.counter, counted.torch
    found = Agreement(counter, torch, counted.params, counted.macs, both, agree, rows, counted.not_counted)
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
    for row in report.rows:
        if not row.agrees and row.measured is not None:
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

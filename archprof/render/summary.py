"""A report as a table: `archprof summary`."""

from collections.abc import Sequence
from typing import Any

from archprof.analysis.fold import Line, View
from archprof.costs.convention import Convention, convention_sum, convention_total
from archprof.costs.report import Report
from archprof.render.table import Column, Table
from archprof.units import exact, percent, plural, short

BAR = 12


def summary_table(report: Report, view: View, sort: str | None = None, conventions: Sequence[Convention] = ()) -> Table:
    """Return the table of a view of a report; what other *conventions* count stands beside our MACs."""
    totals = report.totals
    largest = max((line.cost.macs for line in view.lines), default=0)
    columns = [
        Column("path", "path", left=True),
        Column("operator", "op", left=True),
        Column("input", "input", shape, drop=5),
        Column("output", "output", shape, drop=4 if conventions else 0),
        Column("k", "kernel", kernels, drop=2),
        Column("s", "stride", pair, drop=3),
        Column("params", "params", exact),
        Column("MACs", "macs", exact),
        *(
            Column(f"{rule.name} {rule.unit}", f"{rule.name}_{rule.unit}".replace("-", "_").lower(), exact)
            for rule in conventions
        ),
        Column("share", "share", lambda part: percent(part, totals.macs), drop=1, person=True),
        Column("", "bar", lambda part: bar(part, largest), left=True, drop=6, person=True),
    ]
    if report.measured:
        measured = [Column("measured", "measured_macs", exact)]
        if report.measured.macs_torch is not None:
            measured.append(Column("torch", "measured_macs_torch", exact))
        columns[-2:] = [*measured, Column("", "agree", lambda agree: "✓" if agree else "≠", left=True), *columns[-2:]]
    rows = tuple(_values(line, report, conventions) for line in view.lines)
    quiet = frozenset(index for index, line in enumerate(view.lines) if not line.cost.macs and not line.cost.params)
    return Table(
        heading(report),
        tuple(columns),
        rows,
        (*footer(report, view, sort), *(_rule(report, rule) for rule in conventions)),
        quiet,
    )


def _rule(report: Report, rule: Convention) -> str:
    return f"{rule}: {exact(convention_total(report, rule))} {rule.unit}, {rule.text}"


def _values(line: Line, report: Report, conventions: Sequence[Convention]) -> tuple[Any, ...]:
    cost = line.cost
    start = (line.path, line.label, line.input, line.output, line.kernels, line.stride, cost.params, cost.macs)
    measured: tuple[Any, ...] = ()
    if report.measured and line.measured:
        torch = (line.measured.macs_torch,) if report.measured.macs_torch is not None else ()
        measured = (line.measured.macs, *torch, line.agrees)
    counts = tuple(convention_sum(line.rows, rule) for rule in conventions)
    return (*start, *counts, *measured, cost.macs, cost.macs)


def heading(report: Report) -> str:
    """Return the line above a table: the network, its settings, where it is printed, its input."""
    spec = report.origin
    asked = ", ".join(f"{key} {value}" for key, value in spec.asked)
    return " · ".join(filter(None, [spec.title, asked, str(spec.source), f"input {shape(report.input)}"]))


def footer(report: Report, view: View, sort: str | None) -> tuple[str, ...]:
    """Return the lines below a table: what was left out, totals, what was measured, the convention."""
    totals = report.totals
    lines = []
    if len(view.lines) < view.total:
        part = sum(getattr(line.cost, sort or "macs") for line in view.lines)
        whole = getattr(totals, sort or "macs")
        left_out = plural(view.total - len(view.lines), "row")
        lines.append(
            f"{left_out} of {view.total} left out; those shown have {percent(part, whole)} of the {label(sort or 'macs')}"
        )
    counts = [f"params {exact(totals.params)} ({short(totals.params)})"]
    if totals.trainable != totals.params:
        counts.append(f"trainable {exact(totals.trainable)}")
    counts += [f"MACs {exact(totals.macs)} ({short(totals.macs)})", f"activations {short(totals.activations)}"]
    if totals.buffers:
        counts.append(f"buffers {exact(totals.buffers)}")
    lines.append(" · ".join(counts))
    if len(report.outputs) > 1:
        lines.append("outputs " + " · ".join(f"{name} {shape(value.shape)}" for name, value in report.outputs.items()))
    if report.measured:
        lines.append(_measured_line(report))
    lines.append(f"convention {report.convention}: {report.convention.text}")
    return tuple(lines)


def _measured_line(report: Report) -> str:
    measured = report.measured
    assert measured is not None
    found = [f"params {exact(measured.params)}", f"MACs {exact(measured.macs)}"]
    if measured.macs_torch is not None:
        found.append(f"MACs (torch) {exact(measured.macs_torch)}")
    agreeing = sum(row.agrees for row in report.rows)
    verdict = (
        f"all {agreeing} operators agree" if measured.agree else f"{agreeing} of {len(report.rows)} operators agree"
    )
    counter = "fvcore and torch" if measured.counter == "both" else measured.counter
    return f"measured by {counter} on torch {measured.torch}: {' · '.join(found)} · {verdict}"


def label(key: str) -> str:
    """Return the word for a count: MACs, params."""
    return "MACs" if key == "macs" else key


def shape(dims: tuple[int, ...]) -> str:
    """Return `16×112×112`."""
    return "×".join(map(str, dims))


def pair(value: tuple[int, int] | None) -> str:
    """Return `2`, `1×2` where the axes differ, or nothing."""
    if value is None:
        return ""
    return str(value[0]) if value[0] == value[1] else f"{value[0]}×{value[1]}"


def kernels(sizes: tuple[tuple[int, int], ...]) -> str:
    """Return the kernels of a line: `3`, `3,5,7`, `1×7`."""
    return ",".join(map(pair, sizes)) if len(sizes) < 5 else f"{pair(sizes[0])}…{pair(sizes[-1])}"


def bar(part: int, largest: int) -> str:
    """Return a bar in proportion to the largest part; a part that is not zero shows at least a sliver."""
    if not part or not largest:
        return ""
    eighths = max(1, part * BAR * 8 // largest)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]

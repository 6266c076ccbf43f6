"""A block table as its paper prints it: `archprof show`."""

from typing import Any

from archprof.analysis.block_table import BlockTable
from archprof.costs.report import Report
from archprof.ir.dims import Shape
from archprof.render.summary import heading
from archprof.render.table import Column, Table
from archprof.units import exact, percent, short

# Columns that are a table's substance; the others leave a narrow terminal from the right.
_ALWAYS = ("c", "k", "s", "n", "t", "exp", "out")


def show_table(report: Report, table: BlockTable) -> Table:
    """Return the printed table with the computed input, params and MACs of every row."""
    totals = report.totals
    columns = (
        Column("input", "input", printed_shape),
        Column("operator", "block", left=True),
        *(
            Column(heading, name, drop=0 if name in _ALWAYS else 2 + place)
            for place, (name, heading) in enumerate(table.headings.items())
        ),
        Column("params", "params", exact),
        Column("MACs", "macs", exact),
        Column("share", "share", lambda part: percent(part, totals.macs), drop=1, person=True),
    )
    rows = tuple(
        (
            row.input,
            row.block,
            *(row.cells.get(name, "") for name in table.headings),
            row.cost.params,
            row.cost.macs,
            row.cost.macs,
        )
        for row in table.rows
    )
    footer = [
        f"params {exact(totals.params)} ({short(totals.params)}) · MACs {exact(totals.macs)} ({short(totals.macs)})",
        *([f"note: {report.origin.note}"] if report.origin.note else []),
        f"convention {report.convention}: {report.convention.text}",
    ]
    return Table(heading(report), columns, rows, tuple(footer))


def show_document(report: Report, table: BlockTable) -> dict[str, Any]:
    """Return the JSON of a block table: the rows of `archprof show`, cells as typed."""
    from archprof.render.json import head

    rows = [
        {
            "path": row.path,
            "block": row.block,
            "cells": row.cells,
            "input": list(row.input),
            "output": list(row.output),
            **dict(row.cost),
        }
        for row in table.rows
    ]
    return {**head(report), "totals": dict(report.totals), "rows": rows}


def printed_shape(shape: Shape) -> str:
    """Return a shape as papers print it: `112²×16`, `96×160×16`, `1280`."""
    if len(shape) != 3:
        return "×".join(map(str, shape))
    channels, height, width = shape
    return f"{height}²×{channels}" if height == width else f"{height}×{width}×{channels}"

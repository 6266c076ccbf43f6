"""A table as HTML, for notebooks: without script, bars drawn by their width, every text escaped."""

from collections.abc import Sequence
from html import escape
from typing import Any

from archprof.render.style import COLORS
from archprof.render.table import Heading, Table, printable_table

_BAR = "bar"


def to_html(table: Table) -> str:
    """Return the table as HTML, with its title as caption and its notes below; of columns for the eye alone, bars are
    there."""
    table = printable_table(table)
    kept = [index for index, column in enumerate(table.columns) if column.title or not column.person or _is_bar(column)]
    columns = [table.columns[index] for index in kept]
    cells = [[row[index] for index in kept] for row in table.rows]
    head = "".join(f"<th>{escape(column.title)}</th>" for column in columns)
    largest = [_largest(column, values) for column, values in zip(columns, zip(*cells, strict=True), strict=False)]
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    notes = "".join(f"<p>{escape(note.text)}</p>\n" for note in table.footer)
    body = "\n".join(_row(columns, values, largest) for values in cells)
    return f"<table>{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n{notes}"


def _is_bar(column: Heading) -> bool:
    return column.key == _BAR


def _largest(column: Heading, values: Sequence[Any]) -> Any:
    """Return the largest value of a column of bars."""
    return max(values) if _is_bar(column) else 0


def _row(columns: Sequence[Heading], values: Sequence[Any], largest: Sequence[Any]) -> str:
    cells = (
        _bar(value, most) if _is_bar(column) else _cell(column, value)
        for column, value, most in zip(columns, values, largest, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _cell(column: Heading, value: Any) -> str:
    side = "left" if column.left else "right"
    return f'<td style="text-align: {side}">{escape(column.show(value))}</td>'


def _bar(value: Any, largest: Any) -> str:
    """Return a bar as long as a value is of the largest; the number that it repeats stands before it."""
    width = f"{100 * value / largest:.1f}" if largest else "0"
    bar = f'<div style="background: {COLORS[0]}; height: 0.8em; width: {width}%"></div>'
    return f'<td aria-hidden="true" style="width: 10em">{bar}</td>'

"""A table as HTML, for notebooks: plain, without style or script, every text escaped."""

from collections.abc import Iterable
from html import escape

from archprof.render.table import Heading, Table, printable_table


def to_html(table: Table) -> str:
    """Return the table as HTML, with its title as caption and its notes below; columns for the eye alone are left
    out."""
    table = printable_table(table)
    kept = [index for index, column in enumerate(table.columns) if column.title or not column.person]
    columns = [table.columns[index] for index in kept]
    head = "".join(f"<th>{escape(column.title)}</th>" for column in columns)
    rows = (_row(columns, [row[index] for index in kept]) for row in table.rows)
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    notes = "".join(f"<p>{escape(note.text)}</p>\n" for note in table.footer)
    body = "\n".join(rows)
    return f"<table>{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n{notes}"


def _row(columns: Iterable[Heading], values: Iterable[object]) -> str:
    cells = (
        f'<td style="text-align: {"left" if column.left else "right"}">{escape(column.show(value))}</td>'
        for column, value in zip(columns, values, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"

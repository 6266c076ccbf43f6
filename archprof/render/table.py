"""One model of a table for every command, and its renderings: a rich table fitted to its room, Markdown, CSV."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from archprof.errors import printable

if TYPE_CHECKING:
    from archprof.render.formats import Page

GAP = 2
WRAPPED = 28
FOLDED = 8


class Heading(NamedTuple):
    """A column: its title for people, its key for machines, and how a value is shown.

    Columns with the highest *drop* leave first, together, when the room is narrow; 0 stays always. A column that may
    *wrap* gives up room before that, down to `WRAPPED` characters. A column of the *person* alone is not in CSV.
    """

    title: str
    key: str
    show: Callable[[Any], str] = str
    left: bool = False
    drop: int = 0
    person: bool = False
    wrap: bool = False


class Note(NamedTuple):
    """A line below a table, and what sort of thing it says."""

    kind: Literal[
        "convention", "totals", "outputs", "measured", "left out", "ratio", "published", "writing", "unpriced",
        "defaults", "change", "verdicts", "budget", "exceeded", "better", "new", "problem", "impossible", "plot",
        "spec", "not counted",
    ]  # fmt: skip
    text: str


class Table(NamedTuple):
    """Rows of values under columns, with a title above and notes below; *quiet* rows are those that cost nothing.

    Tables *below* follow in text and Markdown; CSV has the first alone.
    """

    title: str
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Any, ...], ...]
    footer: tuple[Note, ...] = ()
    quiet: frozenset[int] = frozenset()
    below: "tuple[Table, ...]" = ()


def printable_table(table: Table) -> Table:
    """Return a table of which every text, made of whatever names and titles, is one printable line as it is shown."""
    return table._replace(
        title=printable(table.title),
        columns=tuple(map(_printable_column, table.columns)),
        footer=tuple([note._replace(text=printable(note.text)) for note in table.footer]),
        below=tuple(map(printable_table, table.below)),
    )


def _printable_column(column: Heading) -> Heading:
    return column._replace(title=printable(column.title), show=lambda value: printable(column.show(value)))


def to_text(table: Table, page: "Page") -> str:
    """Return the table as text for a page; one without a width leaves it as wide as it wants to be.

    No digit is ever cut: columns leave instead, then paths fold in their middle. Problems are left out: they are said
    on standard error.
    """
    width = page.width
    columns, widths, rows = _fitted(table, width)
    parts = [
        _wrapped(table.title, width),
        _rich(columns, widths, rows, table.quiet, page.color) if rows else "",
        "\n".join(_wrapped(note.text, width) for note in table.footer if note.kind != "problem"),
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    text = "\n".join([text, *(to_text(further, page._replace(ascii_only=False)) for further in table.below)])
    return to_ascii(text) if page.ascii_only else text


def _fitted(table: Table, width: int | None) -> tuple[list[Heading], list[int], list[list[str]]]:
    """Return the columns that fit, their widths, and the rows as text."""
    from rich.cells import cell_len  # some characters of names are two columns wide

    cells = [[column.show(value) for column, value in zip(table.columns, row, strict=True)] for row in table.rows]
    # A column in which nothing stands says nothing.
    kept = [index for index in range(len(table.columns)) if not cells or any(row[index] for row in cells)]
    widths = [
        max([cell_len(column.title), *(cell_len(row[index]) for row in cells)])
        for index, column in enumerate(table.columns)
    ]
    if width is not None:
        _narrow(table.columns, widths, kept, width)
        over = _room(widths, kept) - width
        first = next((index for index in kept if table.columns[index].title), None)  # marks have no title
        if over > 0 and first is not None and table.columns[first].left and widths[first] > FOLDED:
            widths[first] = max(FOLDED, widths[first] - over)
            for row in cells:
                row[first] = fold_path(row[first], widths[first])
    return (
        [table.columns[index] for index in kept],
        [widths[index] for index in kept],
        [[row[index] for index in kept] for row in cells],
    )


def _narrow(columns: Sequence[Heading], widths: list[int], kept: list[int], room: int) -> None:
    """Wrap what may wrap, then drop columns, until the rest fits; both lists change in place."""
    while (over := _room(widths, kept) - room) > 0:
        wrappable = [index for index in kept if columns[index].wrap and widths[index] > WRAPPED]
        droppable = [index for index in kept if columns[index].drop]
        if wrappable:
            widest = max(wrappable, key=lambda index: widths[index])
            widths[widest] = max(WRAPPED, widths[widest] - over)
        elif droppable:
            first = max(columns[index].drop for index in droppable)
            kept[:] = [index for index in kept if columns[index].drop != first]
        else:
            return


def _room(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[index] for index in kept) + GAP * max(len(kept) - 1, 0)


def fold_path(path: str, room: int) -> str:
    """Return a path of at most *room* characters, its middle replaced by an ellipsis."""
    if len(path) <= room:
        return path
    head = (room - 1) // 3
    return f"{path[:head]}…{path[len(path) - (room - 1 - head) :]}"


def _rich(columns: list[Heading], widths: list[int], rows: list[list[str]], quiet: frozenset[int], color: bool) -> str:
    from io import StringIO

    from rich.box import Box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    # A rule under the header and one at the end: what papers use.
    booktabs = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
    # One column of padding and one of the (blank) divider make the gap.
    grid = RichTable(box=booktabs, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style="bold")
    lines = [_joined([column.title for column in columns], columns, widths)]
    lines += [_joined(row, columns, widths) for row in rows]
    for (wrap, width), title in zip(_groups(columns, widths), lines[0], strict=True):
        grid.add_column(Text(title), width=width, no_wrap=not wrap)
    for index, line in enumerate(lines[1:]):
        grid.add_row(*map(Text, line), style="dim" if index in quiet else None)
    out = StringIO()
    console = Console(
        file=out,
        width=sum(widths) + GAP * len(widths),
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        emoji=False,
        markup=False,
    )
    console.print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _groups(columns: list[Heading], widths: list[int]) -> list[tuple[bool, int]]:
    """Return whether each column that rich lays out wraps, and its width: those that do, and all between them as one,
    since a cell costs rich as much as a line."""
    groups: list[tuple[bool, int]] = []
    for column, width in zip(columns, widths, strict=True):
        if groups and not column.wrap and not groups[-1][0]:
            groups[-1] = (False, groups[-1][1] + GAP + width)
        else:
            groups.append((column.wrap, width))
    return groups


def _joined(cells: list[str], columns: list[Heading], widths: list[int]) -> list[str]:
    """Return the cells of a line as rich lays them out."""
    from rich.cells import cell_len

    joined: list[str] = []
    open_group = False
    for text, column, width in zip(cells, columns, widths, strict=True):
        room = " " * (width - cell_len(text))
        aligned = text if column.wrap else text + room if column.left else room + text
        if open_group and not column.wrap:
            joined[-1] += " " * GAP + aligned
        else:
            joined.append(aligned)
        open_group = not column.wrap
    return joined


def _wrapped(line: str, width: int | None) -> str:
    if width is None or len(line) <= width:
        return line
    from textwrap import wrap

    return "\n".join(wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


# Never "-" for the dot of a product, nor "?" for the sign of a number.
_PLAIN = str.maketrans(
    {
        "×": "x", "·": "*", "—": "-", "–": "-", "−": "-", "…": "~", "─": "-", "█": "#", "✓": "v", "✗": "x",
        "²": "^2", "±": "+-", "→": "->",
        "≤": "<=", "≥": ">=", "≠": "!=", "Δ": "d",
    }
)  # fmt: skip


def to_ascii(text: str) -> str:
    """Return the text for an output that takes no more than ASCII."""
    return text.replace(" · ", " - ").translate(_PLAIN).encode("ascii", "replace").decode("ascii")


def to_markdown(table: Table, page: object = None) -> str:
    """Return a GitHub table; cells are escaped. Plots of characters are left out."""
    lines = [f"**{markdown_cell(table.title)}**", ""] if table.title else []
    # Without a title a column is for the eye alone: a bar.
    kept = [index for index, column in enumerate(table.columns) if column.title or not column.person]
    columns = [table.columns[index] for index in kept]
    if columns:
        lines.append("| " + " | ".join(markdown_cell(column.title) or " " for column in columns) + " |")
        lines.append("| " + " | ".join(":--" if column.left else "--:" for column in columns) + " |")
    for row in table.rows:
        cells = (markdown_cell(table.columns[index].show(row[index])) for index in kept)
        lines.append("| " + " | ".join(cells) + " |")
    notes = [_markdown_line(note.text) for note in table.footer if note.kind != "plot"]
    if notes:
        lines += ["", *(f"{text}  " for text in notes[:-1]), notes[-1]]
    return "\n".join(["\n".join(lines) + "\n", *map(to_markdown, table.below)])


def markdown_cell(text: str) -> str:
    """Return text that Markdown shows as it is; an underscore inside a word is one already."""
    import re

    return re.sub(r"([\\`*\[\]<>|&~$]|(?<!\w)_|_(?!\w))", r"\\\1", text)


def _markdown_line(text: str) -> str:
    """Return text that stands at the start of a line, where more signs have a meaning: lists, headings, rules."""
    import re

    return re.sub(r"^([0-9]*)([-+#=.)])", r"\1\\\2", markdown_cell(text))


def to_csv(table: Table, page: object = None) -> str:
    """Return the values unformatted under the machine names of the columns: counts exact, fractions as decimals."""
    import csv
    from io import StringIO

    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    kept = [index for index, column in enumerate(table.columns) if not column.person]
    writer.writerow([csv_cell(table.columns[index].key) for index in kept])
    writer.writerows([csv_cell(_plain(row[index])) for index in kept] for row in table.rows)
    return out.getvalue()


# The signs that begin a formula, also as wide as a letter of Chinese.
_FORMULA = tuple("=+-@＝＋－＠")


def csv_cell(value: Any) -> Any:
    """Return a value as a cell of CSV: text is one printable line, and where a spreadsheet would take it for a formula,
    a `'` stands before it."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    import re

    return re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", text) is not None


def _plain(value: Any) -> Any:
    """Return a value as CSV holds it: shapes and pairs joined by `x`, several of them by `+`; a fraction as a decimal,
    since `1/64` is a date to spreadsheets."""
    if isinstance(value, Fraction):
        return float(value) if value.denominator > 1 else value.numerator
    if not isinstance(value, tuple):
        return value
    return ("+" if value and isinstance(value[0], tuple) else "x").join(str(_plain(item)) for item in value)

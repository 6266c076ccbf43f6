"""One model of a table for every command, and its renderings: a rich table fitted to its room, Markdown, CSV."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from archprof.errors import printable
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.render.formats import Page

GAP = 2
# Down to so many characters wrap columns of words, and where not even the columns that are always there fit.
WRAPPED, NARROWEST = 28, 12
# Down to so many characters fold paths of modules, names of networks, places in files.
PATH, NAME, LOCATION = 8, 12, 24
# Columns of this drop, and larger ones, make nothing fold.
UNFOLDED = 3


class Heading(NamedTuple):
    """A column: its title for people, its key for machines, and how a value is shown.

    Where the room is narrow, columns come in by their *drop*, those of one number together: 0 always, 1 and 2 even
    where paths must *fold* in their middle for them, down to so many characters, the others where there is room beside
    whole paths. A column that may *wrap* gives up room before that, down to `WRAPPED` characters. Where those of 0 do
    not fit even so, words wrap and paths fold further, and then the last of the columns leave. A column of the *person*
    alone is not in CSV.
    """

    title: str
    key: str
    show: Callable[[Any], str] = str
    left: bool = False
    drop: int = 0
    person: bool = False
    wrap: bool = False
    fold: int = 0


class Note(NamedTuple):
    """A line below a table, and what sort of thing it says."""

    kind: Literal[
        "convention", "totals", "outputs", "measured", "left out", "ratio", "published", "writing", "unpriced",
        "defaults", "change", "verdicts", "budget", "exceeded", "better", "new", "problem", "impossible", "plot",
        "spec", "not counted", "constant", "at most", "captured", "packed", "folded", "remark", "bytes",
        "unknown", "noise", "estimate",
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

    No digit is ever cut: columns leave instead, which is said below, then paths fold in their middle. Problems are left
    out: they are said on standard error.
    """
    width = page.width
    columns, left_out = _fitted(_in_ascii(table) if page.ascii_only else table, width)
    notes = [*left_out, *(note.text for note in table.footer if note.kind != "problem")]
    parts = [
        _wrapped(table.title, width),
        _laid_out(columns, table.quiet, page.color) if columns else "",
        "\n".join(_wrapped(text, width) for text in notes),
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    text = "\n".join([text, *(to_text(further, page) for further in table.below)])
    return to_ascii(text) if page.ascii_only else text


def _in_ascii(table: Table) -> Table:
    """Return the table with cells as wide as ASCII makes them: `≤` is two characters there."""
    return table._replace(columns=tuple(map(_ascii_column, table.columns)))


def _ascii_column(column: Heading) -> Heading:
    return column._replace(title=to_ascii(column.title), show=lambda value: to_ascii(column.show(value)))


class _Column(NamedTuple):
    """A column as text: how wide it stands, and, where that matters, how narrow it may."""

    heading: Heading
    texts: list[str]
    width: int
    least: int = 0


def _fitted(table: Table, room: int | None) -> tuple[list[_Column], list[str]]:
    """Return the columns that fit, and what is said of the others."""
    if not table.rows:
        return [], []
    cells = zip(table.columns, zip(*table.rows, strict=True), strict=True)
    columns = [_column(heading, [heading.show(value) for value in values]) for heading, values in cells]
    # A column in which nothing stands says nothing.
    filled = [column for column in columns if any(column.texts)]
    if room is None or _room([column.width for column in filled]) <= room:
        return filled, []
    filled = [column._replace(least=_least(*column[:3])) for column in filled]
    kept = _admitted(filled, room)
    if _room([column.least for column in kept]) > room:
        narrowest = list(map(_narrowest, kept))
        while len(kept) > 1 and _room(narrowest[: len(kept)]) > room:
            kept.pop()
    return _narrowed(kept, room), _left_out(filled, kept)


def _column(heading: Heading, texts: list[str]) -> _Column:
    plain = heading.title.isascii() and "".join(texts).isascii()
    return _Column(heading, texts, max(map(len if plain else _width, (heading.title, *texts))))


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: some characters of names take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _least(heading: Heading, texts: list[str], width: int) -> int:
    """Return the width down to which a column may go: where it folds, as far as its texts can still be told apart."""
    if heading.wrap:
        return min(width, WRAPPED)
    if not heading.fold:
        return width
    least, differing = min(width, max(heading.fold, len(heading.title))), len(set(texts))
    while least < width and len({fold_path(text, least) for text in texts}) < differing:
        least += 1
    return least


def _narrowest(column: _Column) -> int:
    """Return the width down to which a column may go where nothing else fits: its words whole, its paths however
    alike, but never its networks."""
    heading, least = column.heading, column.least
    if heading.wrap:
        words = [word for text in (heading.title, *column.texts) for word in text.split()]
        return min(least, max(NARROWEST, *map(_width, words)))
    return min(least, max(PATH, len(heading.title))) if heading.fold == PATH else least


def _admitted(columns: Sequence[_Column], room: int) -> list[_Column]:
    """Return the columns that there is room for, in their order: the most important first, then whatever still fits."""
    chosen: set[int] = set()
    for drop in sorted({column.heading.drop for column in columns}):
        more = chosen | {index for index, column in enumerate(columns) if column.heading.drop == drop}
        widths = [columns[i].least if drop < UNFOLDED or columns[i].heading.wrap else columns[i].width for i in more]
        if not drop or _room(widths) <= room:
            chosen = more
    return [column for index, column in enumerate(columns) if index in chosen]


def _left_out(columns: Sequence[_Column], kept: Sequence[_Column]) -> list[str]:
    """Return the titles of missing columns, and what shows them; bars, which repeat a number, have none."""
    shown = {column.heading.title for column in kept}
    missing = dict.fromkeys(column.heading.title for column in columns if column.heading.title not in {"", *shown})
    if not missing:
        return []
    titled = [column for column in columns if column.heading.title or column in kept]
    wide = _room([column.least if column.heading.wrap else column.width for column in titled])
    return [f"left out for width: {', '.join(missing)} · `-o FILE` or {wide} columns show all"]


def _narrowed(columns: Sequence[_Column], room: int) -> list[_Column]:
    """Return the columns wrapped, then folded, until they fit; where that is not enough, more of both."""
    widths = [column.width for column in columns]
    _shrink(columns, widths, [column.least for column in columns], room)
    if _room(widths) > room:
        _shrink(columns, widths, list(map(_narrowest, columns)), room)
    return [_at(column, width) for column, width in zip(columns, widths, strict=True)]


def _shrink(columns: Sequence[_Column], widths: list[int], least: Sequence[int], room: int) -> None:
    """Take from the widths of columns that wrap, then of those that fold, the widest first, until they fit or are all
    at their *least*."""
    for bends in ([column.heading.wrap for column in columns], [bool(column.heading.fold) for column in columns]):
        able = [index for index, bend in enumerate(bends) if bend]
        while (over := _room(widths) - room) > 0 and (able := [i for i in able if widths[i] > least[i]]):
            widest = max(able, key=lambda index: widths[index])
            widths[widest] = max(least[widest], widths[widest] - over)


def _at(column: _Column, width: int) -> _Column:
    if not column.heading.fold or width == column.width:
        return column._replace(width=width)
    return column._replace(width=width, texts=[fold_path(text, width) for text in column.texts])


def _room(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def fold_path(path: str, room: int) -> str:
    """Return a path of at most *room* characters, its middle replaced by an ellipsis; a number in it is there whole or
    not at all."""
    if len(path) <= room:
        return path
    start = (room - 1) // 2
    stop = len(path) - (room - 1 - start)
    while start > 0 and path[start - 1 : start + 1].isdigit():
        start -= 1
    while stop < len(path) and set(path[stop - 1 : stop + 1]) <= set(".0123456789"):
        stop += 1
    return f"{path[:start]}…{path[stop:]}"


def _laid_out(columns: Sequence[_Column], quiet: frozenset[int], color: bool) -> str:
    """Return the lines of a table: as they stand where nothing wraps and nothing is coloured, else laid out by rich,
    which takes as long for a line as all that is before it."""
    groups = _groups(columns)
    if color or len(groups) > 1 or groups[0][0]:
        return _rich(columns, quiet, color)
    lines = [*map((" " * GAP).join, zip(*map(_aligned, columns), strict=True))]
    lines.insert(1, "─" * groups[0][1])
    return "\n".join([line.rstrip() for line in lines])


def _rich(columns: Sequence[_Column], quiet: frozenset[int], color: bool) -> str:
    from io import StringIO

    from rich.box import Box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    # A rule under the header and one at the end: what papers use.
    booktabs = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
    # One column of padding and one of the (blank) divider make the gap.
    grid = RichTable(box=booktabs, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style="bold")
    groups = _groups(columns)
    titles, *lines = [_joined(row, columns) for row in zip(*map(_aligned, columns), strict=True)]
    for (wrap, width), title in zip(groups, titles, strict=True):
        grid.add_column(Text(title), width=width, no_wrap=not wrap)
    alike = enumerate(lines) if len(groups) > 1 or groups[0][0] else _together(lines, quiet)
    for index, line in alike:
        grid.add_row(*map(Text, line), style="dim" if index in quiet else None)
    out = StringIO()
    console = Console(
        file=out,
        width=_room([column.width for column in columns]) + GAP,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        emoji=False,
        markup=False,
    )
    console.print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _together(lines: Sequence[Sequence[str]], quiet: frozenset[int]) -> Iterator[tuple[int, list[str]]]:
    """Yield lines of a single cell as rich lays them out: those of one style as one, since a row costs rich much more
    than a line in it; with the number of the first."""
    start = 0
    for index in range(1, len(lines) + 1):
        if index == len(lines) or (index in quiet) != (start in quiet):
            yield start, ["\n".join([cell for (cell,) in lines[start:index]])]
            start = index


def _groups(columns: Sequence[_Column]) -> list[tuple[bool, int]]:
    """Return whether each column that rich lays out wraps, and its width: those that do, and all between them as one,
    since a cell costs rich as much as a line."""
    groups: list[tuple[bool, int]] = []
    for column in columns:
        wrap = column.heading.wrap
        if groups and not wrap and not groups[-1][0]:
            groups[-1] = (False, groups[-1][1] + GAP + column.width)
        else:
            groups.append((wrap, column.width))
    return groups


def _joined(cells: Sequence[str], columns: Sequence[_Column]) -> list[str]:
    """Return the aligned cells of a line as rich lays them out."""
    joined: list[str] = []
    open_group = False
    for text, column in zip(cells, columns, strict=True):
        if open_group and not column.heading.wrap:
            joined[-1] += " " * GAP + text
        else:
            joined.append(text)
        open_group = not column.heading.wrap
    return joined


def _aligned(column: _Column) -> list[str]:
    """Return the title and the texts of a column, as wide as it is unless it wraps."""
    texts = [column.heading.title, *column.texts]
    if column.heading.wrap:
        return texts
    rooms = [" " * (column.width - _width(text)) for text in texts]
    pairs = zip(texts, rooms, strict=True) if column.heading.left else zip(rooms, texts, strict=True)
    return [*map("".join, pairs)]


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
        "▁": ".", "▂": ":", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%",
        "▏": ".", "▎": ".", "▍": "-", "▌": "-", "▋": "=", "▊": "=", "▉": "=",
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

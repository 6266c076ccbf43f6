"""The block table of a spec as its paper prints it: the cells as typed, with the computed input and the costs of every
row."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from archprof.analysis.report import Cost, Report, Row, total
from archprof.graph.block import spellings
from archprof.graph.dims import Shape
from archprof.spec.layers import BESIDE
from archprof.spec.nodes import Map, Node, Scalar, Seq

# Stated in tables to be checked; the computed input stands there instead.
_LEFT_OUT = ("input", "id")
# Options that say how a cell is meant, which no paper's table has a column for.
_NO_COLUMN = ("narrow", "scale", "form")


class TableRow(NamedTuple):
    """One printed row: its block, its cells by the column's name, what goes in, what comes out, and what its operators
    cost together."""

    path: str
    block: str
    cells: dict[str, str]
    input: Shape
    output: Shape
    cost: Cost


class BlockTable(NamedTuple):
    """Printed rows, and the columns of all of them: name → heading, as the spec's own tables spell it."""

    headings: dict[str, str]
    rows: tuple[TableRow, ...]


def block_table(report: Report) -> BlockTable:
    """Return the block table of a report's spec; a row that repeats is one row, with the costs of all its repeats."""
    headings: dict[str, str] = {}
    rows = []
    for path, block, cells, typed in _printed(report.spec.layers):
        headings.update({name: heading for name, heading in typed.items() if name not in headings})
        operators = _operators_of(report, path)
        if operators:
            rows.append(TableRow(path, block, cells, operators[0].inputs[0], operators[-1].output, total(operators)))
    return BlockTable(_ordered(headings, report.spec.layers), tuple(rows))


def _operators_of(report: Report, path: str) -> list[Row]:
    """Return the rows at or below a path."""
    return [row for row in report.rows if row.path == path or row.path.startswith(f"{path}.")]


def _printed(layers: Seq) -> Iterator[tuple[str, str, dict[str, str], dict[str, str]]]:
    """Yield path, block, cells and headings of every printed row."""
    for index, layer in enumerate(layers.items):
        block, args, name = _parts(layer)
        segment = name or str(index)
        names = spellings(block)
        options = _options(args, names)
        table = _table(args)
        if table is None:
            yield (
                segment,
                block,
                {key: text for key, (_, text) in options.items()},
                {key: typed for key, (typed, _) in options.items()},
            )
            continue
        columns, rows = table
        canonical = [names.get(column, column) for column in columns]
        headings = {key: typed for key, typed in zip(canonical, columns, strict=True) if key not in _LEFT_OUT}
        headings |= {key: typed for key, (typed, _) in options.items() if key not in headings}
        for number, row in enumerate(rows):
            cells = dict(zip(canonical, map(_text, row), strict=False))
            shown = {key: text for key, (_, text) in options.items()} | {
                key: text for key, text in cells.items() if key not in _LEFT_OUT
            }
            yield f"{segment}.{cells.get('id') or number}", block, shown, headings


def _parts(layer: Node) -> tuple[str, Node | None, str]:
    if isinstance(layer, Scalar):
        return layer.text, None, ""
    assert isinstance(layer, Map)
    block = next(key for key in layer.entries if key not in BESIDE)
    name = layer.get("id")
    return block, layer.get(block), name.text if isinstance(name, Scalar) else ""


def _options(args: Node | None, names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return a layer's options: name → (as typed, cell)."""
    if isinstance(args, Map):
        pairs = [(key, value) for key, value in args.pairs() if key not in ("columns", "rows", *_LEFT_OUT)]
    else:
        first = next(iter(names), "")
        pairs = [(first, args)] if isinstance(args, Scalar) and args.text and first else []
    return {names.get(key, key): (key, _text(value)) for key, value in pairs if not _is_layers(value)}


def _is_layers(value: Node) -> bool:
    return isinstance(value, Seq) and any(not isinstance(item, Scalar) for item in value.items)


def _table(args: Node | None) -> tuple[list[str], list[tuple[Node, ...]]] | None:
    columns, rows = (args.get("columns"), args.get("rows")) if isinstance(args, Map) else (None, None)
    if not isinstance(columns, Seq) or not isinstance(rows, Seq):
        return None
    return [_text(column) for column in columns.items], [row.items for row in rows.items if isinstance(row, Seq)]


def _text(node: Node) -> str:
    """Return a cell as typed: a list as `3,5,7`, a mapping as its entries."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return ",".join(map(_text, node.items))
    return " ".join(f"{key}={_text(value)}" for key, value in node.pairs())


def _ordered(headings: dict[str, str], layers: Seq) -> dict[str, str]:
    """Return the headings with those of tables first, in the tables' order and spelling."""
    first: dict[str, str] = {}
    for layer in layers.items:
        block, args, _ = _parts(layer)
        table = _table(args)
        for typed in table[0] if table else ():
            name = spellings(block).get(typed, typed)
            if name not in _LEFT_OUT:
                first.setdefault(name, typed)
    return first | {name: typed for name, typed in headings.items() if name not in first and name not in _NO_COLUMN}

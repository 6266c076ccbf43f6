"""The block table of a spec as its paper prints it: the cells as typed, a knob by its value, with the computed input
and the costs of every row."""

from collections.abc import Iterator, Mapping

from archprof.analysis.document import Head, Tensor, head, tensor
from archprof.costs.metrics import Counts
from archprof.costs.report import Report, Row, total_cost
from archprof.language.cells import knobs_of, typed_word
from archprof.language.expression import evaluate
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec.layers import Spellings, WrittenArguments, column_names, written_arguments, written_layer
from archprof.spec.nodes import Node, Scalar, Seq
from archprof.spec.types import spec_of

# Stated in tables to be checked; the computed input stands there instead.
_LEFT_OUT = ("input", "id")
# What a block may say of its rows itself.
_REPEATS = "n"
# Options that say how a cell is meant, which no paper's table has a column for.
_NO_COLUMN = ("narrow", "scale", "form")


class PrintedRow(NamedTuple):
    """One printed row: its block, its cells by the column's name, what goes in, what comes out, and what its operators
    cost together."""

    path: str
    block_type: str
    cells: Mapping[str, str]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    cost: Counts


class BlockTable(NamedTuple):
    """Printed rows; the columns of all of them, name → heading, as the spec's own tables spell it; and the spec's
    note."""

    head: Head
    headings: Mapping[str, str]
    rows: tuple[PrintedRow, ...]
    note: str = ""


def block_table(report: Report) -> BlockTable:
    """Return the block table of a report's spec; a row that repeats is one row, with the costs of all its repeats.

    Raises UsageError for a network that comes from no spec.
    """
    spec = spec_of(report.origin, "`show`")
    assert spec.tree is not None
    named, knobs = spellings.within(spec.tree.root), knobs_of(spec.settings)
    layers = [_Written(index, node, knobs, named) for index, node in enumerate(spec.layers.items)]
    repeating = {name for name, block in spec.blocks.items() if block.repeats is not None}
    rows = []
    for layer in layers:
        for path, cells in layer.rows():
            operators = _operators_of(report, path)
            if operators:
                first, last = operators[0].values, operators[-1].node.outputs
                where = operators[-1].node.provenance
                if layer.block in repeating and where is not None:
                    cells.setdefault(_REPEATS, str(where.repeat + 1))
                ends = (tuple(map(tensor, first)), tuple(map(tensor, last)))
                rows.append(PrintedRow(path, layer.block, cells, *ends, total_cost(operators)))
    headings = _headings(layers)
    if any(layer.block in repeating for layer in layers):
        headings.setdefault(_REPEATS, _REPEATS)
    return BlockTable(head(report), headings, tuple(rows), spec.note)


def _operators_of(report: Report, path: str) -> list[Row]:
    """Return the rows at or below a path."""
    return [row for row in report.rows if row.path == path or row.path.startswith(f"{path}.")]


class _Written:
    """A layer as it is written: its block, its options, and the columns and rows of its table."""

    def __init__(self, index: int, node: Node, knobs: Mapping[str, object], spellings: Spellings) -> None:
        layer = written_layer(node)
        assert layer is not None
        self.block = layer.block.text
        self.segment = layer.id.text if isinstance(layer.id, Scalar) else str(index)
        self._names = spellings(self.block)
        self._knobs = knobs
        arguments = written_arguments(layer.arguments, next(iter(self._names), None))
        self.options = self._options(arguments)
        self.columns = column_names(arguments.columns)
        self._rows = arguments.rows

    def name(self, typed: str) -> str:
        """Return the name of a column as typed."""
        return self._names.get(typed, typed)

    def _options(self, arguments: WrittenArguments) -> Mapping[str, tuple[str, str]]:
        """Return the options: name → (as typed, cell)."""
        hidden = {*_LEFT_OUT, *self._names.lists, *self._names.paths}
        pairs = [(self.name(typed), typed, value) for typed, (_, value) in arguments.options.items()]
        return {name: (typed, self._text(value)) for name, typed, value in pairs if name not in hidden}

    def rows(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the path and the cells of each printed row."""
        options = {name: cell for name, (_, cell) in self.options.items()}
        if not isinstance(self._rows, Seq):
            yield self.segment, options
            return
        names = [self.name(column) for column in self.columns]
        for number, row in enumerate(self._rows.items):
            cells = dict(zip(names, map(self._text, row.items), strict=False)) if isinstance(row, Seq) else {}
            shown = {name: cell for name, cell in cells.items() if name not in _LEFT_OUT}
            yield f"{self.segment}.{cells.get('id') or number}", {**options, **shown}

    def _text(self, node: Node) -> str:
        """Return a cell as typed: a list as `3,5,7`, a mapping as its entries; of an expression with knobs, its
        value."""
        if isinstance(node, Scalar):
            return _valued(node, self._knobs) if "$" in node.text else node.text
        if isinstance(node, Seq):
            return ",".join(map(self._text, node.items))
        return " ".join(f"{key}={self._text(value)}" for key, value in node.pairs())


def _valued(node: Scalar, knobs: Mapping[str, object]) -> str:
    value = evaluate(node, knobs)
    return f"{value:.15g}" if isinstance(value, float) else typed_word(value)


def _headings(layers: list[_Written]) -> dict[str, str]:
    """Return the columns of all layers, those of tables first, in the tables' order and spelling."""
    found: dict[str, str] = {}
    for layer in layers:
        for typed in layer.columns:
            if layer.name(typed) not in _LEFT_OUT:
                found.setdefault(layer.name(typed), typed)
    for layer in layers:
        for name, (typed, _) in layer.options.items():
            if name not in _NO_COLUMN:
                found.setdefault(name, typed)
    return found

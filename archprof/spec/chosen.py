"""A space with its choices drawn: the spec of one of its networks, in which no choice is left."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from archprof.errors import SpecError, problem, suggest
from archprof.named_tuple import NamedTuple
from archprof.spec.choices import (
    Choices,
    Draw,
    LayerDraws,
    LayerPick,
    Pick,
    RowDraws,
    RowPick,
    WrittenTable,
    options_of,
)
from archprof.spec.layers import ABSENT, BLOCK, Spellings, block_of, written_arguments, written_layer
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe

# A stride belongs to the first repeat of a row, a stated input too; its id to the last.
_STRIDE, _INPUT, _ID, _REPEATS = "s", "input", "id", "n"


class Run(NamedTuple):
    """Repeats of a row that are alike, one after the other: what is written of it, and its cells, with nothing left to
    draw."""

    row: Seq
    cells: Mapping[str, Node]


def chosen(root: Map, choices: Choices, picked: Pick, spellings: Spellings) -> tuple[Map, dict[str, Scalar]]:
    """Return a spec in full form with its choices drawn, and the knobs that were.

    Raises SpecError for options that cannot be written down.
    """
    layers = root.get("layers")
    assert isinstance(layers, Seq)
    items = list(layers.items)
    for index, drawn in picked.layers.items():
        items[index] = OpenLayer(items[index], choices.layers[index], spellings, root.get("defaults")).drawn(drawn)
    knobs = {}
    for draw, digit in zip(choices.knobs, picked.knobs, strict=True):
        option = draw.options[digit]
        assert isinstance(option, Scalar)
        knobs[draw.place] = option
    return root.with_entry("layers", layers._replace(items=tuple(items))), knobs


class OpenLayer:
    """A layer in full form that has choices, in a spec with some *defaults*."""

    def __init__(self, node: Node, draws: LayerDraws, spellings: Spellings, defaults: Node | None) -> None:
        layer = written_layer(node)
        assert layer is not None
        assert isinstance(node, Map)
        assert isinstance(layer.arguments, Map)
        self.draws = draws
        self._node, self._layer, self._arguments = node, layer, layer.arguments
        self._table = WrittenTable.of(layer.block.text, layer.arguments)
        self._spellings = spellings
        self._stride = self._default_stride(defaults)

    def _default_stride(self, defaults: Node | None) -> Node | None:
        """Return the stride that rows have by default, which as any other belongs to the first of their repeats.

        Raises SpecError where the block is drawn: each may have another.
        """
        block, found = self._layer.block.text, None
        blocks = [block_of(option) or "" for option in options_of(self._arguments)] if block == BLOCK else [block]
        for name in blocks:
            names = self._spellings(name)
            for holder in (defaults.get(name), defaults) if isinstance(defaults, Map) else ():
                for key, value in holder.pairs() if isinstance(holder, Map) else ():
                    found = value if found is None and names.get(key) == _STRIDE else found
        if found is not None and block == BLOCK and _STRIDE not in {*self._table.columns, *self._table.options}:
            advice = "write `s` in the row, or beside it"
            raise problem("a stride by default, of blocks to choose from", found.location, help=advice)
        return found

    def drawn(self, picked: LayerPick) -> Map:
        """Return the layer with its choices drawn."""
        runs = [run for number, row in enumerate(picked.rows) for run in self.runs(number, picked.table, row)]
        return self.written(runs)

    def runs(self, number: int, table: tuple[int, ...], picked: RowPick) -> list[Run]:
        """Return a row, with its choices drawn, as runs of equal repeats."""
        row = self.draws.rows[number].forms[picked.form]
        if not row.each:
            return [self.run(number, table, picked, (), first=True, last=True)]
        alike = [(digits, len(list(same))) for digits, same in groupby(picked.each)]
        return [
            self.run(number, table, picked, digits, first=at == 0, last=at == len(alike) - 1, repeats=count)
            for at, (digits, count) in enumerate(alike)
        ]

    def run(
        self,
        number: int,
        table: tuple[int, ...],
        picked: RowPick,
        each: tuple[int, ...],
        *,
        first: bool,
        last: bool,
        repeats: int | None = None,
    ) -> Run:
        """Return so many repeats of a row that draw *each*; None for all, as the row says it."""
        row = self.draws.rows[number].forms[picked.form]
        written = self._table.rows[number][picked.form]
        cells = dict(self._table.cells(number, picked.form))
        for draws, digits in ((self.draws.table, table), (row.once, picked.once), (row.each, each)):
            cells |= {draw.column: draw.options[digit] for draw, digit in zip(draws, digits, strict=True)}
        if row.depth is not None:
            cells[_REPEATS] = row.depth.options[picked.depth]
        if self._stride is not None:
            cells.setdefault(_STRIDE, self._stride)
        if repeats is not None:
            cells[_REPEATS] = Scalar(str(repeats), *written[1:4])
        if not first:
            cells.pop(_INPUT, None)
            if _STRIDE in cells:
                cells[_STRIDE] = Scalar("1", *cells[_STRIDE][1:4])
        if not last:
            cells.pop(_ID, None)
        return Run(written, cells)

    def written(self, runs: Sequence[Run]) -> Map:
        """Return the layer made of some runs."""
        if self._layer.block.text == BLOCK:
            return self._sequence(runs)
        if not self._table.is_table and len(runs) == 1:
            entries = {name: (self._marker(name, cell), cell) for name, cell in runs[0].cells.items()}
            return self._with(self._arguments._replace(entries=entries))
        drawn = {draw.column for row in self._forms() for draw in (*row.once, *row.each)}
        drawn |= {_REPEATS for row in self._forms() if row.depth is not None}
        moved = {name for name in drawn | {_REPEATS, _STRIDE, _ID, _INPUT} if len(runs) > 1 or name in drawn}
        shared = {draw.column: draw for draw in self.draws.table}
        beside = {
            name: runs[0].cells[name] if name in shared and runs else node
            for name, node in self._table.options.items()
            if name not in moved
        }
        header = list(self._table.columns)
        header += [name for run in runs for name in run.cells if name not in header and name not in beside]
        header = list(dict.fromkeys(header))
        place = self._arguments[1:4]
        columns = Seq(tuple([self._column(name) for name in header]), *place)
        rows = tuple([Seq(tuple([self._cell(run, name) for name in header]), *run.row[1:4]) for run in runs])
        entries = {name: (self._marker(name, node), node) for name, node in beside.items()}
        for key, value in (("columns", columns), ("rows", Seq(rows, *place))):
            entries[key] = (Scalar(key, *place), value)
        return self._with(self._arguments._replace(entries=entries))

    def _forms(self) -> list[RowDraws]:
        return [form for row in self.draws.rows for form in row.forms]

    def _cell(self, run: Run, name: str) -> Node:
        """Return a row's own cell; one of the options stays there, unless the row differs from it."""
        return run.cells.get(name, ABSENT)

    def _marker(self, name: str, cell: Node) -> Scalar:
        return self._table.markers.get(name) or Scalar(name, *cell[1:4])

    def _column(self, name: str) -> Scalar:
        headers = self._table.headers
        for header in headers.items if isinstance(headers, Seq) else ():
            if isinstance(header, Scalar) and header.text == name:
                return header
        return Scalar(name, *self._arguments[1:4])

    def _with(self, arguments: Map) -> Map:
        return self._node.with_entry(self._layer.block.text, arguments)

    # A block that is drawn

    def _sequence(self, runs: Sequence[Run]) -> Map:
        """Return the layers of a table whose block is drawn as a sequence of them."""
        for run in runs[:1]:
            self._check_cells(run)
        place = self._arguments[1:4]
        layers = Seq(tuple(map(self._candidate, runs)), *place)
        inside = Map({"layers": (Scalar("layers", *place), layers)}, *place)
        entries = dict(self._node.entries)
        marker, _ = entries.pop(BLOCK)
        return self._node._replace(entries={"sequence": (marker._replace(text="sequence"), inside), **entries})

    def _candidate(self, run: Run) -> Map:
        name, own = self._named(run.cells[BLOCK])
        names = self._spellings(name.text)
        entries = {names.get(key, key): (Scalar(key, *node[1:4]), node) for key, node in own.items()}
        for key, node in run.cells.items():
            column = names.get(key)
            if key not in (BLOCK, _ID) and column is not None and column not in entries:
                entries[column] = (Scalar(column, *node[1:4]), node)
        layer: dict[str, tuple[Scalar, Node]] = {name.text: (name, Map(entries, *name[1:4]))}
        if _ID in run.cells:
            layer[_ID] = (Scalar(_ID, *name[1:4]), run.cells[_ID])
        return Map(layer, *name[1:4])

    def _named(self, option: Node) -> tuple[Scalar, dict[str, Node]]:
        """Return the block that an option names, and the options that it has of its own."""
        layer = written_layer(option)
        if layer is None or layer.id or layer.inputs or layer.when or layer.register:
            advice = "a block's name, or one with its options: `{inverted_residual: {k: 3}}`"
            raise problem(f"expected a block, not {describe(option)}", option.location, help=advice)
        names = self._spellings(layer.block.text)
        written = written_arguments(layer.arguments, next(iter(names), None))
        if written.columns or written.rows:
            raise problem("a table among the blocks to choose from", option.location, help="its rows stand beside it")
        return layer.block, {name: node for name, (_, node) in written.options.items()}

    def _check_cells(self, run: Run) -> None:
        """Raise SpecError for a column that none of the blocks has."""
        drawn = [draw for row in self._forms() for draw in self._of_blocks(row.once, row.each)]
        drawn += self._of_blocks(self.draws.table)
        options = [option for draw in drawn for option in draw.options] or [run.cells[BLOCK]]
        known: dict[str, str] = {}
        for option in options:
            known |= self._spellings(self._named(option)[0].text)
        for key, node in run.cells.items():
            if key not in (BLOCK, _ID) and key not in known:
                advice = suggest(key, known, "columns", dict.fromkeys(known.values()))
                raise problem(f"none of the blocks to choose from has a column `{key}`", node.location, help=advice)

    def _of_blocks(self, *draws: tuple[Draw, ...]) -> list[Draw]:
        return [draw for some in draws for draw in some if draw.column == BLOCK]


def unwritten(error: SpecError, layer: str, row: str = "") -> SpecError:
    """Return an error of a layer that was bound alone, or of one *row* of it, under the address that it has in its
    spec; the block that a row draws stands in the row's place."""
    places = {"layers[0].rows[0]": row, "layers[0].layers[0]": row, "layers[0]": layer} if row else {"layers[0]": layer}

    def addressed(where: str) -> str:
        bound = next((bound for bound in places if where.startswith(bound)), "")
        return f"{places[bound]}{where.removeprefix(bound)}" if bound else where

    return SpecError(found._replace(where=addressed(found.where)) for found in error.problems)

"""Layers as typed → layers as values: every cell read by its column's kind, all errors of a spec at once, before
anything is traced."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from archprof.errors import Location, Problems, SpecError, TooManyProblems, placed, problem, suggest
from archprof.graph.block import COMMON, Block, block_at, block_names, every_column, spellings
from archprof.graph.columns import LAYERS, PATHS, Cells, Column, is_none
from archprof.spec.header import TOP_LEVEL
from archprof.spec.layers import ABSENT, BESIDE
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe, is_blank, shorten
from archprof.spec.values import identifier, scalar, sequence
from archprof.units import plural

# Names that a module already has, which no child of it may take. Tested against torch.
_MODULE_NAMES = """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr float forward
    get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
    named_parameters parameters register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty train training type xpu zero_grad
"""
RESERVED = frozenset(_MODULE_NAMES.split())


class Row(NamedTuple):
    """One line of a table: its cells' values, where it stands, and how often it repeats."""

    values: dict[str, Any]
    address: str
    location: Location
    segment: str | None  # of the path; None where the layer has no table
    id: str | None
    repeats: int | None  # None where there is no `n`
    input: tuple[int, int, int] | None
    input_location: Location
    scale: bool
    narrow: bool
    deepen: bool


class Layer(NamedTuple):
    """One layer: its block, its rows (one where it is no table), its name and its inputs."""

    block: Block
    rows: tuple[Row, ...]
    segment: str
    id: str | None
    address: str
    location: Location
    inputs: tuple[Scalar, ...]


class Table(NamedTuple):
    """A layer's arguments as nodes: its options under their columns' names, its columns, and its rows (None where it is
    no table)."""

    options: dict[str, tuple[Scalar, Node]]
    columns: tuple[Column, ...] = ()
    rows: tuple[Node, ...] | None = None
    header: Location = Location("", 0, 0)


class Binder:
    """Reads the layers of one spec; collects problems, the ids seen and the defaults used."""

    def __init__(self, cells: Cells, file: str, pristine: bool) -> None:
        self.cells = cells
        self.file = file
        self.pristine = pristine
        self.problems = Problems()
        self.ids: dict[str, Location] = {}
        self._defaults: dict[str, dict[str, Any]] = {}  # by block
        self._used: set[str] = set()
        # What cells of a kind turned out to be, by their text: a table says the same again and again.
        self._known: dict[int, dict[str, Any]] = {}

    def layers(self, nodes: Seq, address: str) -> tuple[Layer, ...]:
        """Return the layers of a list; what is wrong goes to `problems`."""
        bound = []
        for index, node in enumerate(nodes.items):
            with self.problems:
                bound.append(self._layer(node, index, f"{address}[{index}]"))
        return tuple(bound)

    def check_defaults(self) -> None:
        """Note the defaults of the spec's own file that no block of the network could use; a variant may well leave
        some of its parent's behind."""
        for key, (marker, node) in self.cells.defaults.items():
            if key in self._used or not self.pristine or marker.file != self.file:
                continue
            if key in self._defaults and not isinstance(node, Map):
                self.problems.add(
                    f"expected the options of `{key}`, not {describe(node)}", node.location, where=f"defaults.{key}"
                )
            elif key in _PER_ROW:
                self.problems.add(f"`{key}` belongs to a row, and has no default", marker.location, where="defaults")
            elif key in block_names():
                self.problems.add(
                    f"no layer of this network is a `{key}`", marker.location, where="defaults", help="remove the entry"
                )
            elif takers := [block for block in self._defaults if key in spellings(block)]:
                advice = f"under its own name: `defaults: {{{takers[0]}: {{{key}: …}}}}`"
                self.problems.add(
                    f"`{takers[0]}` takes no `{key}` from `defaults`", marker.location, where="defaults", help=advice
                )
            else:
                known = {
                    name: column
                    for block in self._defaults
                    for name, column in spellings(block).items()
                    if column not in _PER_ROW
                }
                advice = suggest(key, known, "columns", dict.fromkeys(known.values()))
                self.problems.add(
                    f"no block of this network has a column {describe(marker)}",
                    marker.location,
                    where="defaults",
                    help=advice,
                )

    # Layers

    def _layer(self, node: Node, index: int, address: str) -> Layer:
        # The id first: where the block is unknown, nobody who names this layer is to blame.
        name = self._named(node.get("id"), address) if isinstance(node, Map) else None
        marker, args = self._block_and_arguments(node, address)
        block = block_at(marker, address)
        inputs = self._inputs(node.get("from"), address) if isinstance(node, Map) else ()
        if block.joins != (len(inputs) > 1):
            raise _wrong_inputs(block, marker, inputs, address)
        table = self._table(block, args, address)
        rows = self._rows(block, table, marker.location, address)
        return Layer(block, rows, name or str(index), name, address, marker.location, inputs)

    def _block_and_arguments(self, node: Node, address: str) -> tuple[Scalar, Node | None]:
        if isinstance(node, Scalar):
            return scalar(node, "a block's name"), None
        blocks = [entry for key, entry in node.entries.items() if key not in BESIDE] if isinstance(node, Map) else []
        if len(blocks) == 1:
            return blocks[0]
        if not isinstance(node, Map):
            raise problem(
                f"expected a layer, not {describe(node)}",
                node.location,
                where=address,
                help="a block's name, or `block: {…}`",
            )
        names = ", ".join(f"`{shorten(marker.text)}`" for marker, _ in blocks[:4]) + (", …" if len(blocks) > 4 else "")
        what = f"a layer of {len(blocks)} blocks: {names}" if blocks else "a layer without a block"
        raise problem(
            what,
            node.location,
            where=address,
            help="a layer names one block; beside it stand `id` and `from`, indented below it its options",
        )

    def _named(self, node: Node | None, address: str) -> str | None:
        """Return an id; None where there is none, or one that cannot be, which is noted."""
        if node is None:
            return None
        try:
            return self._id(node)
        except SpecError as error:
            with self.problems:
                raise placed(error, address) from None
        return None

    def _id(self, node: Node) -> str:
        name = identifier(node, "an id")
        if name.startswith("_"):
            raise problem(
                f"`{name}` cannot be an id: every torch module keeps such names to itself",
                node.location,
                help="start it with a letter",
            )
        if name in RESERVED or name in TOP_LEVEL:
            whose = (
                "every torch module has something of that name" if name in RESERVED else "it is a key of the top level"
            )
            raise problem(f"`{name}` cannot be an id: {whose}", node.location, help="choose another name")
        if name in self.ids:
            first = self.ids[name]
            note = (
                f"it stands in line {first.line} already"
                if first.file == node.file
                else f"it stands in {first} already"
            )
            raise problem(f"duplicate id `{name}`", node.location, note=note)
        self.ids[name] = node.location
        return name

    def _inputs(self, node: Node | None, address: str) -> tuple[Scalar, ...]:
        if node is None:
            return ()
        given = node.items if isinstance(node, Seq) else (node,)
        if not given:
            raise problem(
                "`from` names no layer", node.location, where=address, help="leave it out to take the layer above"
            )
        return tuple(scalar(source, "an id or address") for source in given)

    # Arguments

    def _table(self, block: Block, args: Node | None, address: str) -> Table:
        if args is None or is_blank(args):
            return Table({})
        if not isinstance(args, Map):
            return Table(self._short_form(block, args, address))
        options = self._options(block, args, address)
        columns, rows = args.get("columns"), args.get("rows")
        if columns is None and rows is None:
            return Table(options)
        if columns is None or rows is None or (isinstance(rows, Seq) and not rows.items):
            missing = "columns" if columns is None else "rows"
            raise problem(
                f"a table without `{missing}`",
                args.location,
                where=address,
                help="a table has `columns: [k, c, s]` and `rows`",
            )
        return Table(options, self._header(block, columns, address), sequence(rows, "a list of rows"), columns.location)

    def _short_form(self, block: Block, args: Scalar | Seq, address: str) -> dict[str, tuple[Scalar, Node]]:
        first = block.columns[0] if block.columns else None
        if first is None:
            raise problem(
                f"`{block.name}` takes no value", args.location, where=address, help=f"write `- {block.name}`"
            )
        if isinstance(args, Seq) and first.kind not in (LAYERS, PATHS):
            raise problem(
                f"expected the options of `{block.name}`, not a list",
                args.location,
                where=address,
                help=_columns_help(block),
            )
        return {first.name: (Scalar(first.name, *args[1:4]), args)}

    def _options(self, block: Block, args: Map, address: str) -> dict[str, tuple[Scalar, Node]]:
        options: dict[str, tuple[Scalar, Node]] = {}
        for key, (marker, value) in args.entries.items():
            if key in ("columns", "rows"):
                continue
            with self.problems:
                column = self._column(block, marker, "option", address)
                if column.name == "id":
                    advice = f"beside the block, not inside it: `- id: {describe(value).strip('`')}`, and below that `{block.name}: …`"
                    raise problem("an `id` among the options", marker.location, where=address, help=advice)
                if column.name in options:
                    other = options[column.name][0].text
                    raise problem(
                        f"`{marker.text}` and `{other}` are the same column",
                        marker.location,
                        where=address,
                        help="give one of the two",
                    )
                options[column.name] = (marker, value)
        return options

    def _header(self, block: Block, columns: Node, address: str) -> tuple[Column, ...]:
        problems = Problems()
        header: list[Column] = []
        typed: dict[str, str] = {}
        for marker in sequence(columns, "a list of columns"):
            with problems:
                name = scalar(marker, "a column's name")
                column = self._column(block, name, "column", f"{address}.columns")
                if column.name in typed:
                    other = typed[column.name]
                    message = (
                        f"duplicate column `{other}`"
                        if other == name.text
                        else f"`{name.text}` and `{other}` are the same column"
                    )
                    raise problem(message, name.location, where=f"{address}.columns")
                if column.kind in (LAYERS, PATHS):
                    raise problem(
                        f"`{name.text}` does not fit in a cell",
                        name.location,
                        where=f"{address}.columns",
                        help="give it beside `rows`",
                    )
                header.append(column)
                typed[column.name] = name.text
        problems.raise_any()
        return tuple(header)

    def _column(self, block: Block, marker: Scalar, what: str, address: str) -> Column:
        names = spellings(block.name)
        column = next((column for column in every_column(block) if column.name == names.get(marker.text)), None)
        if column is None:
            advice = suggest(marker.text, names, "columns", dict.fromkeys(names.values()))
            raise problem(
                f"unknown {what} {describe(marker)} of block `{block.name}`",
                marker.location,
                where=address,
                help=advice,
            )
        return column

    # Cells

    def _rows(self, block: Block, table: Table, location: Location, address: str) -> tuple[Row, ...]:
        named = {column.name: column for column in every_column(block)}
        values = dict(self._defaults_of(block))
        for name, (_, node) in table.options.items():
            values[name] = self._value(named[name], node, address)
        printed = table.options["input"][1] if "input" in table.options else None
        if table.rows is None:
            self._check_required(block, values, location, address)
            return (self._row(block, values, printed, location, address, None),)
        rows = []
        for number, node in enumerate(table.rows):
            here = f"{address}.rows[{number}]"
            with self.problems:
                own, input_cell = self._cells_of(node, table, values, here)
                missing_at = table.header if isinstance(node, Seq) and ABSENT not in node.items else node.location
                self._check_required(block, own, missing_at, address if missing_at is table.header else here)
                rows.append(self._row(block, own, input_cell or printed, node.location, here, str(number)))
        return tuple(rows)

    def _cells_of(
        self, row: Node, table: Table, base: Mapping[str, Any], address: str
    ) -> tuple[dict[str, Any], Node | None]:
        """Return a row's values over those of its layer, and the cell of its column `input`."""
        if not isinstance(row, Seq):
            raise problem(
                f"expected a row, not {describe(row)}", row.location, where=address, help="a list of cells in brackets"
            )
        cells = row.items
        if len(cells) != len(table.columns):
            shown = ", ".join(column.name for column in table.columns)
            message = f"a row of {plural(len(cells), 'cell')} under {plural(len(table.columns), 'column')}"
            raise problem(message, row.location, where=address, help=f"columns: {shown}")
        values = dict(base)
        printed: Node | None = None
        for column, cell in zip(table.columns, cells, strict=True):
            if cell is ABSENT:
                continue
            values[column.name] = self._value(column, cell, address)
            if column.name == "input":
                printed = cell
            elif column.name == "id":
                values["id"] = None if is_none(cell) else self._named(cell, address)
        return values, printed

    def _check_required(self, block: Block, values: Mapping[str, Any], location: Location, address: str) -> None:
        for column in block.columns:
            if column.required and column.name not in values:
                self.problems.add(
                    f"`{block.name}` needs `{column.name}`: {column.doc}",
                    location,
                    where=address,
                    help=column.kind.allowed,
                )

    def _row(
        self,
        block: Block,
        values: dict[str, Any],
        printed: Node | None,
        location: Location,
        address: str,
        segment: str | None,
    ) -> Row:
        name = values.pop("id", None)
        stated = values.pop("input", None)
        own = {column.name for column in block.columns}

        def common(name: str, default: Any) -> Any:
            return default if name in own else values.pop(name, default)

        return Row(
            repeats=common("n", None),
            input=stated if printed is not None and self.pristine and printed.file == self.file else None,
            input_location=printed.location if printed is not None else location,
            scale=common("scale", True),
            narrow=common("narrow", True),
            deepen=common("deepen", True),
            values=values,
            address=address,
            location=location,
            segment=name or segment,
            id=name,
        )

    def _defaults_of(self, block: Block) -> Mapping[str, Any]:
        """Return the values of the spec's defaults that a block can use: those of its columns, then those under its own
        name."""
        if block.name not in self._defaults:
            self._defaults[block.name] = self._read_defaults(block)
        return self._defaults[block.name]

    def _read_defaults(self, block: Block) -> dict[str, Any]:
        named = {column.name: column for column in every_column(block)}
        self._used.update(column.kind.template for column in named.values())
        found: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, (_, node) in self.cells.defaults.items():
            name = spellings(block.name).get(key)
            if key == block.name and isinstance(node, Map):
                self._used.add(key)
                for option, (_, cell) in self._options(block, node, f"defaults.{key}").items():
                    own[option] = self._value(named[option], cell, f"defaults.{key}")
            elif block.inherits and name is not None and name not in _PER_ROW:
                self._used.add(key)
                found.setdefault(name, self._value(named[name], node, "defaults"))
        return {**found, **own}

    def _value(self, column: Column, node: Node, address: str) -> Any:
        """Return a cell's value, or None, with a problem noted, where it cannot be read."""
        kind = column.kind
        if not isinstance(node, Scalar) or node.value is not None:
            return self._read(column, node, address)
        known = self._known.setdefault(id(kind), {})
        if node.text not in known:
            before = len(self.problems.found)
            value = self._read(column, node, address)
            if len(self.problems.found) > before:
                return None
            known[node.text] = value
        return known[node.text]

    def _read(self, column: Column, node: Node, address: str) -> Any:
        try:
            if column.kind is LAYERS:
                return self.layers(LAYERS.read(node, self.cells), f"{address}.{column.name}")
            if column.kind is PATHS:
                return tuple(
                    self.layers(path, f"{address}.{column.name}[{index}]")
                    for index, path in enumerate(PATHS.read(node, self.cells))
                )
            return column.kind.read(node, self.cells)
        except TooManyProblems:
            raise
        except SpecError as error:
            with self.problems:
                raise placed(error, f"{address}.{column.name}", column.kind.allowed) from None
        return None


_PER_ROW = frozenset(column.name for column in COMMON)


def _wrong_inputs(block: Block, marker: Scalar, inputs: tuple[Scalar, ...], address: str) -> SpecError:
    if block.joins:
        return problem(
            f"`{block.name}` joins several feature maps",
            marker.location,
            where=address,
            help="name them beside it: `from: [stem, c2]`",
        )
    advice = "join them with `add`, `multiply` or `concat`"
    return problem(f"`{block.name}` takes one input, not {len(inputs)}", inputs[1].location, where=address, help=advice)


def _columns_help(block: Block) -> str:
    return f"columns of `{block.name}`: {', '.join(column.name for column in every_column(block)) or 'none'}"

"""Layers as typed → layers as values: every cell read by its column's kind, all errors of a spec at once, before anything is traced."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from archprof.errors import Location, Problems, problem, suggest
from archprof.graph.block import Block, every_column, find_block, spellings, unknown_block
from archprof.graph.columns import LAYERS, PATHS, Cells, Column
from archprof.spec.layers import ABSENT, BESIDE
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe
from archprof.spec.values import identifier, scalar, sequence, wrong

# Names that a module already has, which no child of it may take. Tested against torch.
RESERVED = frozenset(
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr float "
    "forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers named_children "
    "named_modules named_parameters parameters register_backward_hook register_buffer register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook "
    "register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state "
    "set_submodule share_memory state_dict to to_empty train training type xpu zero_grad".split()
)


class Row(NamedTuple):
    """One line of a table: its cells' values, where it stands, and how often it repeats."""

    values: dict[str, Any]
    address: str
    location: Location
    segment: str | None  # of the path; None where the layer has no table
    id: str | None
    repeats: int | None  # None where there is no `n`
    input: tuple[int, int, int] | None
    scale: bool
    narrow: bool


class Layer(NamedTuple):
    """One layer: its block, its rows (one where it is no table), its name and its inputs."""

    block: Block
    rows: tuple[Row, ...]
    segment: str
    id: str | None
    address: str
    location: Location
    inputs: tuple[Scalar, ...]


class Binder:
    """Reads the layers of one spec; collects problems, the ids seen and the defaults used."""

    def __init__(self, cells: Cells, file: str, pristine: bool) -> None:
        self.cells = cells
        self.file = file
        self.pristine = pristine
        self.problems = Problems()
        self.ids: dict[str, Location] = {}
        self.used_defaults: set[str] = set()

    def layers(self, nodes: Seq, address: str) -> tuple[Layer, ...]:
        """Return the layers of a list; what is wrong goes to `problems`."""
        bound = []
        for index, node in enumerate(nodes.items):
            with self.problems:
                bound.append(self._layer(node, index, f"{address}[{index}]"))
        return tuple(bound)

    def check_defaults(self) -> None:
        """Note the defaults that no block of the spec could use."""
        for key, (marker, _) in self.cells.defaults.items():
            if key not in self.used_defaults and find_block(key) is None:
                self.problems.found.extend(
                    problem(f"no block of this network has a column {describe(marker)}", marker.location, where="defaults").problems
                )

    def _layer(self, node: Node, index: int, address: str) -> Layer:
        marker, args, name, inputs = self._parts(node)
        block = find_block(marker.text)
        if block is None:
            raise unknown_block(marker)
        if len(inputs) > 1 and not block.joins:
            raise problem(f"`{block.name}` takes one input, not {len(inputs)}", inputs[1].location, help="join them with `add`, `multiply` or `concat`")
        options, columns, rows = self._arguments(block, args, address)
        if rows is None:
            bound = [self._row(block, options, {}, marker.location, address, None)]
        else:
            bound = []
            for number, row in enumerate(rows):
                with self.problems:
                    here = f"{address}.rows[{number}]"
                    bound.append(self._row(block, options, self._cells_of(row, columns, here), row.location, here, str(number)))
        return Layer(block, tuple(bound), name or str(index), name, address, marker.location, inputs)

    def _parts(self, node: Node) -> tuple[Scalar, Node | None, str | None, tuple[Scalar, ...]]:
        """Return the block's name, its arguments, the layer's id and its inputs."""
        if isinstance(node, Scalar):
            return scalar(node, "a block's name"), None, None, ()
        if not isinstance(node, Map):
            raise wrong(node, "a layer", "a block's name, or `block: {…}`")
        blocks = [entry for key, entry in node.entries.items() if key not in BESIDE]
        if len(blocks) != 1:
            names = ", ".join(f"`{marker.text}`" for marker, _ in blocks) or "none"
            raise problem(f"a layer names one block, not {len(blocks)}: {names}", node.location, help="beside it only `id` and `from`; indent options")
        marker, args = blocks[0]
        name = node.get("id")
        sources = node.get("from")
        given = sources.items if isinstance(sources, Seq) else (sources,) if sources else ()
        inputs = tuple(scalar(source, "an id or address") for source in given)
        return marker, args, self._id(name) if name else None, inputs

    def _id(self, node: Node) -> str:
        name = identifier(node, "an id")
        if name in RESERVED:
            raise problem(f"`{name}` cannot be an id: every torch module has something of that name", node.location, help="choose another name")
        if name in self.ids:
            raise problem(f"duplicate id `{name}`", node.location, note=f"it stands in line {self.ids[name].line} already")
        self.ids[name] = node.location
        return name

    def _arguments(
        self, block: Block, args: Node | None, address: str
    ) -> tuple[dict[str, tuple[Scalar, Node]], list[Column], tuple[Node, ...] | None]:
        """Return the layer's options, and its table's columns and rows if it has one."""
        if args is None or (isinstance(args, Scalar) and args.text == "" and args.value is None):
            return {}, [], None
        if not isinstance(args, Map):
            if not block.columns:
                raise problem(f"`{block.name}` takes no value", args.location, help=f"write `- {block.name}`")
            first = block.columns[0]
            if isinstance(args, Seq) and first.kind not in (LAYERS, PATHS):
                raise wrong(args, f"options of `{block.name}`", _columns_help(block))
            return {first.name: (Scalar(first.name, *args[1:4]), args)}, [], None
        options: dict[str, tuple[Scalar, Node]] = {}
        for key, (marker, value) in args.entries.items():
            if key in ("columns", "rows"):
                continue
            with self.problems:
                column = self._column(block, marker, "option", address)
                if column.name in options:
                    raise problem(f"`{key}` is given twice", marker.location, note=f"as `{options[column.name][0].text}` too", where=address)
                options[column.name] = (marker, value)
        columns, rows = args.get("columns"), args.get("rows")
        if (columns is None) != (rows is None):
            missing = "rows" if rows is None else "columns"
            raise problem(f"a table without `{missing}`", args.location, where=address, help="a table has `columns: [k, c, s]` and `rows`")
        if columns is None or rows is None:
            return options, [], None
        return options, self._header(block, columns, address), sequence(rows, "a list of rows")

    def _header(self, block: Block, columns: Node, address: str) -> list[Column]:
        header: list[Column] = []
        for marker in sequence(columns, "a list of columns"):
            column = self._column(block, scalar(marker, "a column's name"), "column", address)
            if column in header:
                raise problem(f"duplicate column `{scalar(marker, '').text}`", marker.location, where=f"{address}.columns")
            header.append(column)
        return header

    def _column(self, block: Block, marker: Scalar, what: str, address: str) -> Column:
        names = spellings(block.name)
        column = next((column for column in every_column(block) if column.name == names.get(marker.text)), None)
        if column is None:
            raise problem(
                f"unknown {what} {describe(marker)} of block `{block.name}`", marker.location, where=address, help=suggest(marker.text, names, "columns")
            )
        return column

    def _cells_of(self, row: Node, columns: list[Column], address: str) -> dict[str, tuple[Scalar, Node]]:
        cells = sequence(row, "a row, which is a list of cells")
        if len(cells) != len(columns):
            shown = ", ".join(column.name for column in columns)
            raise problem(f"a row of {len(cells)} cells under {len(columns)} columns", row.location, where=address, help=f"columns: {shown}")
        return {column.name: (Scalar(column.name, *cell[1:4]), cell) for column, cell in zip(columns, cells, strict=True) if cell is not ABSENT}

    def _row(
        self,
        block: Block,
        options: Mapping[str, tuple[Scalar, Node]],
        cells: Mapping[str, tuple[Scalar, Node]],
        location: Location,
        address: str,
        segment: str | None,
    ) -> Row:
        problems = Problems()
        values: dict[str, Any] = {}
        given = {**self._defaults_for(block), **options, **cells}
        for column in every_column(block):
            entry = given.get(column.name)
            if entry is None:
                if column.required:
                    problems.found.extend(
                        problem(f"block `{block.name}` needs `{column.name}`: {column.doc}", location, where=address, help=_columns_help(block)).problems
                    )
                continue
            with problems:
                values[column.name] = self._value(column, entry[1], f"{address}.{column.name}")
        self.problems.found.extend(found._replace(where=found.where or address) for found in problems.found)
        name = self._id(values_id) if (values_id := given["id"][1] if "id" in given and "id" in cells else None) else None
        values.pop("id", None)
        printed = values.pop("input", None)
        checked = self.pristine and "input" in given and given["input"][1].file == self.file
        own_n = any(column.name == "n" for column in block.columns)
        return Row(
            repeats=None if own_n else values.pop("n", None),
            input=printed if checked else None,
            scale=values.pop("scale", True),
            narrow=values.pop("narrow", True),
            values=values,
            address=address,
            location=location,
            segment=name or segment,
            id=name,
        )

    def _defaults_for(self, block: Block) -> dict[str, tuple[Scalar, Node]]:
        """Return the spec's defaults that this block can use: those of its columns, then those under its own name."""
        found: dict[str, tuple[Scalar, Node]] = {}
        names = spellings(block.name)
        for key, entry in self.cells.defaults.items():
            if key == block.name and isinstance(entry[1], Map):
                self.used_defaults.add(key)
                for pair in entry[1].entries.values():
                    found[self._column(block, pair[0], "option", f"defaults.{key}").name] = pair
            elif block.inherits and key in names and names[key] not in ("n", "id", "input"):
                self.used_defaults.add(key)
                found.setdefault(names[key], entry)
        return found

    def _value(self, column: Column, node: Node, address: str) -> Any:
        if column.kind is LAYERS:
            return self.layers(LAYERS.read(node, self.cells), address)
        if column.kind is PATHS:
            return tuple(self.layers(path, f"{address}[{index}]") for index, path in enumerate(PATHS.read(node, self.cells)))
        return column.kind.read(node, self.cells)


def _columns_help(block: Block) -> str:
    return f"columns of `{block.name}`: {', '.join(column.name for column in every_column(block))}"

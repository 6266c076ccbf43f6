"""Layers as typed → layers as values: every cell read by its column's kind, all errors of a spec at once, before
anything is traced."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from keyword import iskeyword
from typing import Any

from archprof.errors import Location, Problems, SpecError, TooManyProblems, placed, problem, suggest
from archprof.ir.columns import FLAG, HOLDS_LAYERS, Column
from archprof.language.block import COMMON, JOIN_THEM, Block
from archprof.language.bound import BoundLayer, BoundRow
from archprof.language.cells import Cells, check_idle, is_none, read_cell
from archprof.language.expression import holds
from archprof.language.registry import find_operator
from archprof.language.scope import LayerOfBody, Scope, Shared, names_asked
from archprof.named_tuple import NamedTuple
from archprof.spec.header import TOP_LEVEL
from archprof.spec.layers import ABSENT, WrittenLayer, blocks_in, written_arguments, written_layer
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe, is_blank, shorten
from archprof.spec.own_blocks import OwnBlock
from archprof.spec.values import identifier, scalar, sequence
from archprof.units import plural

# Names that a module already has, which no child of it may take. Tested against torch.
_MODULE_NAMES = """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules
    mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
    state_dict to to_empty train training type xpu zero_grad
"""
RESERVED = frozenset(_MODULE_NAMES.split())
_PER_ROW = frozenset(column.name for column in COMMON)
_ONE = "give one of the two"
# What a row says besides its block's own cells, and where that goes.
_FIELDS = {"n": "repeats", "scale": "scale", "narrow": "narrow", "deepen": "deepen"}

_WHEN = Column("when", FLAG, "the condition under which a layer stands there")

Observer = Callable[[Column, Node], None]


class Arguments(NamedTuple):
    """A layer's arguments as nodes: its options under their columns' names, its columns, and its rows (None where it is
    no table)."""

    options: dict[str, tuple[Scalar, Node]]
    columns: tuple[Column, ...] = ()
    rows: tuple[Node, ...] | None = None
    header: Location = Location("", 0, 0)


class Written:
    """A layer of a body as it is written, its *node* kept with it, and its arguments once they are asked for."""

    __slots__ = ("arguments", "block", "inputs", "layer", "node")

    def __init__(self, node: Node, layer: WrittenLayer, block: Block, inputs: tuple[Scalar, ...]) -> None:
        self.node, self.layer, self.block, self.inputs = node, layer, block, inputs
        self.arguments: Arguments | None = None


class Binder:
    """Reads the layers of one spec; collects problems, the ids seen and the defaults used.

    *observe* is told of every cell that is read, with its column; the *scope* has the blocks that layers can name;
    *in_body* tells that the layers are those of one of its own.
    """

    def __init__(
        self,
        cells: Cells,
        file: str,
        pristine: bool,
        observe: Observer | None = None,
        scope: Scope | None = None,
        *,
        in_body: bool = False,
    ) -> None:
        self.cells = cells
        self._scope = scope or Scope()
        self._in_body = in_body
        self.file = file
        self.pristine = pristine
        self.problems = Problems()
        self.ids: dict[str, Location] = {}
        self._observe = observe
        self._used: set[str] = set()
        # What cells of a kind turned out to be, by their text: a table says the same again and again, and bodies what
        # names nothing.
        self._known: dict[int, dict[str, Any]] = {}
        self._plain, self._defaults, self._default_places = self._scope.plain

    def layers(self, nodes: Seq, address: str) -> tuple[BoundLayer, ...]:
        """Return the layers of a list; what is wrong goes to `problems`."""
        bound = []
        read = self._layer_of_body if self._in_body else self._layer
        for index, node in enumerate(nodes.items):
            with self.problems:
                bound.append(read(node, index, f"{address}[{index}]"))
        return tuple(bound)

    def check_defaults(self) -> None:
        """Note the defaults of the spec's own file that no block of the network could use; a variant may well leave
        some of its parent's behind."""
        for block in self._scope.used_inside(self._defaults):
            self._defaults_of(block)
        for key, (marker, node) in self.cells.defaults.items():
            if key not in self._used and self.pristine and marker.file == self.file and not self._names(key):
                with self.problems:
                    raise self._unused_default(key, marker, node)

    def _names(self, key: str) -> bool:
        """Tell whether a default is of a norm or an activation that a block of the network could name."""
        forms = {column.kind.form for block in self._defaults for column in self._scope.columns_of(block).values()}
        found = [find_operator(key, form) for form in ("norm", "act") if form in forms]
        return any(operator is not None and operator.name == key for operator in found)

    def _unused_default(self, key: str, marker: Scalar, node: Node) -> SpecError:
        place = marker.location
        if key in self._defaults and not isinstance(node, Map):
            message = f"expected the options of `{key}`, not {describe(node)}"
            return problem(message, node.location, where=f"defaults.{key}")
        if key in _PER_ROW:
            return problem(f"`{key}` belongs to a row, and has no default", place, where="defaults")
        if key in self._scope.names:
            message = f"no layer of this network is a `{key}`"
            return problem(message, place, where="defaults", help="remove the entry")
        if takers := [block for block in self._defaults if key in self._scope.spellings(block)]:
            advice = f"under its own name: `defaults: {{{takers[0]}: {{{key}: …}}}}`"
            return problem(f"`{takers[0]}` takes no `{key}` from `defaults`", place, where="defaults", help=advice)
        spelled = [pair for block in self._defaults for pair in self._scope.spellings(block).items()]
        known = {name: column for name, column in spelled if column not in _PER_ROW}
        advice = suggest(key, known, "columns", dict.fromkeys(known.values()))
        message = f"no block of this network has a column {describe(marker)}"
        return problem(message, place, where="defaults", help=advice)

    # Layers

    def _layer_of_body(self, node: Node, index: int, address: str) -> BoundLayer:
        """Return a layer that may have been bound at another row already; its ids are new in this body."""
        known, asked = self._scope.layers, self._scope.asked(node, address, self.cells)
        found = known.get(asked)
        if found is not None and self.ids.keys().isdisjoint(found.ids):
            self.ids.update(found.ids)
            return found.layer
        noted, named = len(self.problems.found), len(self.ids)
        layer = self._layer(node, index, address)
        if len(self.problems.found) == noted:
            known[asked] = LayerOfBody(layer, dict(islice(self.ids.items(), named, None)), self.cells)
        return layer

    def _layer(self, node: Node, index: int, address: str) -> BoundLayer:
        # The id first: where the block is unknown, nobody who names this layer is to blame.
        name = self._named(node.get("id"), address) if isinstance(node, Map) else None
        written = self._written(node, address)
        layer, block, inputs = written.layer, written.block, written.inputs
        place = layer.block.location
        if layer.when is not None and not self._holds(layer.when, address):
            return BoundLayer(block, (), name or str(index), name, address, place, inputs)
        rows = self._rows(block, self._arguments_of(written, address), place, address)
        registers = self._registers(layer.register, address)
        return BoundLayer(block, rows, name or str(index), name, address, place, inputs, registers)

    def _written(self, node: Node, address: str) -> Written:
        """Return what a layer says, whatever its cells refer to: of one in a body the same for all rows."""
        known: dict[int, Written] = self._scope.written
        if (found := known.get(id(node))) is not None:
            return found
        layer = written_layer(node)
        if layer is None or not layer.block.text:
            raise _no_layer(node, address)
        block = self._scope.block_at(layer.block, address)
        inputs = self._inputs(layer, address)
        if not block.rest and block.joins != (len(inputs) > 1):
            raise _wrong_inputs(block, layer.block, inputs, address)
        found = Written(node, layer, block, inputs)
        if self._in_body:
            known[id(node)] = found
        return found

    def _arguments_of(self, written: Written, address: str) -> Arguments:
        if written.arguments is not None:
            return written.arguments
        noted = len(self.problems.found)
        arguments = self._arguments(written.block, written.layer.arguments, address)
        if len(self.problems.found) == noted:
            written.arguments = arguments
        return arguments

    def _holds(self, node: Node, address: str) -> bool:
        """Tell whether a layer stands there at all. Raises SpecError for what is no condition."""
        if self._observe is not None:
            self._observe(_WHEN, node)
        try:
            return holds(scalar(node, "a condition"), self.cells.names)
        except SpecError as error:
            raise placed(error, f"{address}.when") from None

    def _registers(self, node: Node | None, address: str) -> tuple[str, ...]:
        """Return the paths of what is registered in front of a layer. Raises SpecError for what is no list of them."""
        if node is None:
            return ()
        try:
            paths = sequence(node, "a list of paths")
            return tuple([scalar(path, "the path of an operator").text for path in paths])
        except SpecError as error:
            advice = "as in `register: [scale, depthwise.conv]`, counted from the list of this layer"
            raise placed(error, f"{address}.register", advice) from None

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
            message = f"`{name}` cannot be an id: every torch module keeps such names to itself"
            raise problem(message, node.location, help="start it with a letter")
        if name in RESERVED or name in TOP_LEVEL:
            torch = "every torch module has something of that name"
            whose = torch if name in RESERVED else "it is a key of the top level"
            raise problem(f"`{name}` cannot be an id: {whose}", node.location, help="choose another name")
        if iskeyword(name):
            message = f"`{name}` cannot be an id: it is a word of Python, which no attribute of a module can be"
            raise problem(message, node.location, help="choose another name")
        if name in self.ids:
            first = self.ids[name]
            place = f"line {first.line}" if first.file == node.file else str(first)
            raise problem(f"duplicate id `{name}`", node.location, note=f"it stands in {place} already")
        self.ids[name] = node.location
        return name

    def _inputs(self, layer: WrittenLayer, address: str) -> tuple[Scalar, ...]:
        node = layer.inputs
        if node is None:
            return ()
        given = node.items if isinstance(node, Seq) else (node,)
        if not given:
            advice = "leave it out to take the layer above"
            raise problem("`from` names no layer", node.location, where=address, help=advice)
        return tuple(scalar(source, "an id or address") for source in given)

    # Arguments

    def _arguments(self, block: Block, node: Node | None, address: str) -> Arguments:
        if node is None or is_blank(node):
            return Arguments({})
        first = block.columns[0] if block.columns else None
        if not isinstance(node, Map):
            _check_short_form(block, first, node, address, self._scope.columns_of(block.name))
        written = written_arguments(node, first.name if first else None)
        if not isinstance(node, Map):
            return Arguments(dict(written.options))
        options = self._options(block, written.options, address)
        columns, rows = written.columns, written.rows
        if columns is None and rows is None:
            return Arguments(options)
        if columns is None or rows is None or (isinstance(rows, Seq) and not rows.items):
            missing = "columns" if columns is None else "rows"
            advice = "a table has `columns: [k, c, s]` and `rows`"
            raise problem(f"a table without `{missing}`", node.location, where=address, help=advice)
        header, listed = self._header(block, columns, address), sequence(rows, "a list of rows")
        if self.pristine:
            self._check_overridden(options, columns, header, listed, address)
        return Arguments(options, header, listed, columns.location)

    def _check_overridden(
        self,
        options: Mapping[str, tuple[Scalar, Node]],
        columns: Node,
        header: tuple[Column, ...],
        rows: tuple[Node, ...],
        address: str,
    ) -> None:
        """Note the options that each row has a cell for, where one file says both: of a variant the rows are edited."""
        for at, column in enumerate(header):
            marker, _ = options.get(column.name, (None, None))
            if marker is None or marker.file != columns.file:
                continue
            if all(isinstance(row, Seq) and row.items[at : at + 1] != (ABSENT,) for row in rows):
                message = f"each row has a `{column.name}` of its own"
                advice = "remove the option, or the column"
                self.problems.add(message, marker.location, where=f"{address}.{column.name}", help=advice)

    def _options(
        self, block: Block, entries: Mapping[str, tuple[Scalar, Node]], address: str
    ) -> dict[str, tuple[Scalar, Node]]:
        options: dict[str, tuple[Scalar, Node]] = {}
        for marker, value in entries.values():
            with self.problems:
                column = self._column(block, marker, "option", address)
                if column.name == "id":
                    beside = f"- id: {describe(value).strip('`')}"
                    advice = f"beside the block, not inside it: `{beside}`, and below that `{block.name}: …`"
                    raise problem("an `id` among the options", marker.location, where=address, help=advice)
                if column.name in options:
                    message = _same_column(marker.text, options[column.name][0].text)
                    raise problem(message, marker.location, where=address, help=_ONE)
                options[column.name] = (marker, value)
        return options

    def _header(self, block: Block, columns: Node, address: str) -> tuple[Column, ...]:
        problems = Problems()
        header: list[Column] = []
        typed: dict[str, str] = {}
        where = f"{address}.columns"
        for marker in sequence(columns, "a list of columns"):
            with problems:
                name = scalar(marker, "a column's name")
                column = self._column(block, name, "column", where)
                if column.name in typed:
                    raise problem(_twice(name.text, typed[column.name]), name.location, where=where)
                if column.kind.form in HOLDS_LAYERS:
                    message = f"`{name.text}` does not fit in a cell"
                    raise problem(message, name.location, where=where, help="give it beside `rows`")
                header.append(column)
                typed[column.name] = name.text
        problems.raise_any()
        return tuple(header)

    def _column(self, block: Block, marker: Scalar, what: str, address: str) -> Column:
        names = self._scope.spellings(block.name)
        column = self._scope.columns_of(block.name).get(names.get(marker.text, ""))
        if column is None:
            name, colon, value = marker.text.partition(":")
            advice = suggest(marker.text, names, "columns", dict.fromkeys(names.values()))
            if colon and name in names:
                advice = f"a space belongs behind the colon: `{name}: {shorten(value)}`"
            message = f"unknown {what} {describe(marker)} of block `{block.name}`"
            raise problem(message, marker.location, where=address, help=advice)
        return column

    # Rows

    def _rows(self, block: Block, arguments: Arguments, location: Location, address: str) -> tuple[BoundRow, ...]:
        named = self._scope.columns_of(block.name)
        values = dict(self._defaults_of(block))
        cells = {name: node for name, (_, node) in arguments.options.items()}
        for name, node in cells.items():
            values[name] = self._value(named[name], node, address)
        exclude = any(column.needs or column.instead for column in block.columns)  # of few blocks
        if arguments.rows is None:
            self._check_required(block, values, location, address)
            if exclude:
                check_idle(named, cells, values, address, self.problems)
            return (self._row(block, values, cells, location, address, None),)
        rows = []
        for number, node in enumerate(arguments.rows):
            here = f"{address}.rows[{number}]"
            with self.problems:
                own, typed = self._cells_of(node, arguments, values, here)
                whole = isinstance(node, Seq) and ABSENT not in node.items
                missing = (arguments.header, address) if whole else (node.location, here)
                self._check_required(block, own, *missing)
                given = {**cells, **typed}
                if exclude:  # what stands beside all rows is told once, at the first
                    check_idle(named, typed if number else given, own, here, self.problems)
                rows.append(self._row(block, own, given, node.location, here, str(number)))
        return tuple(rows)

    def _cells_of(
        self, row: Node, arguments: Arguments, base: Mapping[str, Any], address: str
    ) -> tuple[dict[str, Any], dict[str, Node]]:
        """Return a row's values over those of its layer, and its cells as typed."""
        columns = arguments.columns
        if not isinstance(row, Seq):
            message = f"expected a row, not {describe(row)}"
            raise problem(message, row.location, where=address, help="a list of cells in brackets")
        if len(row.items) != len(columns):
            message = f"a row of {plural(len(row.items), 'cell')} under {plural(len(columns), 'column')}"
            advice = f"columns: {', '.join(column.name for column in columns)}"
            raise problem(message, row.location, where=address, help=advice)
        values = dict(base)
        typed: dict[str, Node] = {}
        for column, cell in zip(columns, row.items, strict=True):
            if cell is ABSENT:
                continue
            typed[column.name] = cell
            values[column.name] = self._value(column, cell, address)
            if column.name == "id":
                values["id"] = None if is_none(cell) else self._named(cell, address)
        return values, typed

    def _check_required(self, block: Block, values: Mapping[str, Any], location: Location, address: str) -> None:
        for column in self._scope.required_columns(block.name):
            if column.name not in values:
                message = f"`{block.name}` needs `{column.name}`{': ' if column.doc else ''}{column.doc}"
                self.problems.add(message, location, where=address, help=column.kind.allowed)

    def _row(
        self,
        block: Block,
        values: dict[str, Any],
        cells: Mapping[str, Node],
        location: Location,
        address: str,
        segment: str | None,
    ) -> BoundRow:
        name = values.pop("id", None)
        stated = values.pop("input", None)
        fields = {
            _FIELDS[common]: values.pop(common) for common in _FIELDS if common in values and not block.has(common)
        }
        if block.repeats is not None:
            fields.setdefault("repeats", block.repeats(values))
        printed = cells.get("input")
        place = location if printed is None else printed.location
        given = stated if printed is not None and self.pristine and printed.file == self.file else None
        defaults = self._default_places[block.name]
        return BoundRow(
            values, address, location, name or segment, name, given, place, **fields, cells=cells, defaults=defaults
        )

    # Cells

    def _defaults_of(self, block: Block) -> Mapping[str, Any]:
        """Return the values of the spec's defaults that a block can use: those of its columns, then those under its own
        name."""
        if block.name not in self._defaults:
            self._defaults[block.name] = self._read_defaults(block)
        return self._defaults[block.name]

    def _read_defaults(self, block: Block) -> dict[str, Any]:
        named = self._scope.columns_of(block.name)
        self._used.update(column.kind.template for column in named.values())
        found: dict[str, Any] = {}
        own: dict[str, Any] = {}
        places: dict[str, tuple[Location, str]] = {}
        typed: dict[str, str] = {}
        for key, (marker, node) in self.cells.defaults.items():
            name = self._scope.spellings(block.name).get(key)
            if key == block.name and isinstance(node, Map):
                self._used.add(key)
                where = f"defaults.{key}"
                entries = {name: entry for name, entry in node.entries.items() if name not in ("columns", "rows")}
                for option, (_, cell) in self._options(block, entries, where).items():
                    own[option] = self._value(named[option], cell, where)
                    places[option] = cell.location, f"{where}.{option}"
            elif block.inherits and name is not None and name not in _PER_ROW:
                self._used.add(key)
                if name in found:
                    self.problems.add(_same_column(key, typed[name]), marker.location, where="defaults", help=_ONE)
                typed[name] = key
                found[name] = self._value(named[name], node, "defaults")
                places.setdefault(name, (node.location, f"defaults.{key}"))
        self._default_places[block.name] = places
        return {**found, **own}

    def _value(self, column: Column, node: Node, address: str) -> Any:
        """Return a cell's value, or None, with a problem noted, where it cannot be read."""
        if self._observe is not None:
            self._observe(column, node)
        if not isinstance(node, Scalar) or node.value is not None:
            return self._read(column, node, address)
        known = (self._known if "$" in node.text else self._plain).setdefault(id(column.kind), {})
        if node.text not in known:
            before = len(self.problems.found)
            value = self._read(column, node, address)
            if len(self.problems.found) > before:
                return None
            known[node.text] = value
        return known[node.text]

    def _read(self, column: Column, node: Node, address: str) -> Any:
        where = f"{address}.{column.name}"
        try:
            value = read_cell(column.kind, node, self.cells)
            if column.kind.form == "layers":
                return self.layers(value, where)
            if column.kind.form == "paths":
                return tuple(self.layers(path, f"{where}[{index}]") for index, path in enumerate(value))
            return value
        except TooManyProblems:
            raise
        except SpecError as error:
            with self.problems:
                raise placed(error, where, column.kind.allowed) from None
        return None


def scope_of(blocks: Mapping[str, OwnBlock], cells: Cells, shared: Shared | None = None) -> Scope:
    """Return the blocks that the layers of a spec can name, its own among them: those of another spec, with what is
    bound of them already, where all that they are made from is the same; or of one at other knobs, as far as they are
    *shared*."""
    if shared is not None:
        return Scope(blocks, cells, _read_body, shared=shared)
    named = names_asked(blocks, cells)
    told = [cells.classes, *map(cells.names.get, named)]
    if not blocks or not all(isinstance(value, _PLAIN) for value in told):
        return Scope(blocks, cells, _read_body)
    return _shared_scope(_Definitions(blocks, cells, named)).next()


# What knobs and classes are where no candidates stand in their place.
_PLAIN = int | float | str | None


class _Definitions:
    """The blocks of a spec, and what their bodies may ask for, told by what they are made from."""

    def __init__(self, blocks: Mapping[str, OwnBlock], cells: Cells, named: Iterable[str]) -> None:
        self.blocks, self.cells = blocks, cells
        # Nodes by their places in memory, which are theirs as long as these are here.
        made_of = [(name, id(block)) for name, block in blocks.items()]
        defaults = [(name, id(node)) for name, (_, node) in cells.defaults.items()]
        asked = [(name, type(cells.names.get(name)), cells.names.get(name)) for name in sorted(named)]
        self._key = (*made_of, *defaults, *asked, *cells.names, cells.classes)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Definitions) and self._key == other._key


@lru_cache(maxsize=8)
def _shared_scope(found: _Definitions) -> "_SharedScope":
    return _SharedScope(found)


class _SharedScope:
    """A scope that several specs have, until so many had it that a new one is due: what it keeps only grows."""

    _MOST = 100

    def __init__(self, found: _Definitions) -> None:
        self._found = found
        self._scope = Scope(found.blocks, found.cells, _read_body)
        self._taken = 0

    def next(self) -> Scope:
        """Return the scope of another spec."""
        self._taken += 1
        if self._taken % self._MOST == 0:
            self._scope = Scope(self._found.blocks, self._found.cells, _read_body)
        return self._scope.of_spec()


def _read_body(layers: Seq, address: str, cells: Cells, scope: Scope) -> tuple[BoundLayer, ...]:
    binder = Binder(cells, "", False, scope=scope, in_body=True)
    found = binder.layers(layers, address)
    binder.problems.raise_any()
    return found


def _no_layer(node: Node, address: str) -> SpecError:
    if isinstance(node, Scalar):
        return problem("expected a block's name, not nothing", node.location)
    if not isinstance(node, Map):
        advice = "a block's name, or `block: {…}`"
        return problem(f"expected a layer, not {describe(node)}", node.location, where=address, help=advice)
    blocks = blocks_in(node)
    names = ", ".join(f"`{shorten(marker.text)}`" for marker, _ in blocks[:4]) + (", …" if len(blocks) > 4 else "")
    what = f"a layer of {len(blocks)} blocks: {names}" if blocks else "a layer without a block"
    advice = (
        "a layer names one block; beside it stand `id`, `from`, `when` and `register`, indented below it its options"
    )
    return problem(what, node.location, where=address, help=advice)


def _check_short_form(
    block: Block, first: Column | None, value: Scalar | Seq, address: str, columns: Iterable[str]
) -> None:
    if first is None:
        message = f"`{block.name}` takes no value"
        raise problem(message, value.location, where=address, help=f"write `- {block.name}`")
    if isinstance(value, Seq) and first.kind.form not in HOLDS_LAYERS:
        takes_lists = first.kind.form in ("padding", "sizes")
        advice = f"columns of `{block.name}`: {', '.join(columns)}"
        advice = f"write `- {block.name}: {{{first.name}: […]}}`" if takes_lists else advice
        message = f"expected the options of `{block.name}`, not a list"
        raise problem(message, value.location, where=address, help=advice)


def _twice(name: str, other: str) -> str:
    return f"duplicate column `{other}`" if other == name else _same_column(name, other)


def _same_column(name: str, other: str) -> str:
    return f"`{name}` and `{other}` are the same column"


def _wrong_inputs(block: Block, marker: Scalar, inputs: tuple[Scalar, ...], address: str) -> SpecError:
    if block.joins:
        advice = "name them beside it: `from: [stem, c2]`"
        return problem(f"`{block.name}` joins several feature maps", marker.location, where=address, help=advice)
    message = f"`{block.name}` takes one input, not {len(inputs)}"
    return problem(message, inputs[1].location, where=address, help=JOIN_THEM)

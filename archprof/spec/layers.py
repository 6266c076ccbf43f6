"""How layers are written: in short form or in full, and where the one with an id stands."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from archprof.named_tuple import NamedTuple
from archprof.spec.address import Step
from archprof.spec.nodes import Map, Node, Scalar, Seq, is_blank


class ColumnNames(dict[str, str]):
    """What a block's columns may be called: every accepted spelling → the column's name; the first is the block's first
    column. Those of *lists* hold a list of layers, those of *paths* several; those of *named* hold one name, perhaps
    with options, and those *inside* columns of their own."""

    __slots__ = ("inside", "lists", "named", "paths")

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        *,
        lists: Iterable[str] = (),
        paths: Iterable[str] = (),
        named: Iterable[str] = (),
        inside: "Mapping[str, ColumnNames] | None" = None,
    ) -> None:
        super().__init__(names or {})
        self.lists, self.paths, self.named = frozenset(lists), frozenset(paths), frozenset(named)
        self.inside = inside or {}


class Spellings(Protocol):
    """What the columns of blocks may be called, by a block's name."""

    def __call__(self, name: str) -> ColumnNames: ...

    def within(self, root: Map) -> "Spellings":
        """Return those of the blocks that a spec defines too."""
        ...


# What a layer whose block is drawn is called, and the cell that holds the block.
BLOCK = "block"
# What may stand beside a layer's block.
BESIDE = ("id", "from", "when", "register")


class _Absent(Scalar):
    """There is one alone, told by what it is; sent to another process, it is the one there."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return "ABSENT"


# The cell of a row that a later column passed by: the block's own default holds.
ABSENT = _Absent("", value="absent")


class WrittenLayer(NamedTuple):
    """A layer as it is written: its block's name, the arguments behind that, and what stands beside it."""

    block: Scalar
    arguments: Node | None
    id: Node | None = None
    inputs: Node | None = None
    when: Node | None = None
    register: Node | None = None


class WrittenArguments(NamedTuple):
    """A layer's arguments as they are written: options as typed, and the columns and rows of its table, if it is
    one."""

    options: Mapping[str, tuple[Scalar, Node]]
    columns: Node | None = None
    rows: Node | None = None


def written_layer(node: Node) -> WrittenLayer | None:
    """Return a layer's parts: a block's name alone, or a mapping of one block and what stands beside it; None for
    anything else."""
    if isinstance(node, Scalar):
        return WrittenLayer(node, None)
    blocks = blocks_in(node)
    if len(blocks) != 1 or not isinstance(node, Map):
        return None
    return WrittenLayer(*blocks[0], node.get("id"), node.get("from"), node.get("when"), node.get("register"))


def blocks_in(node: Node) -> list[tuple[Scalar, Node]]:
    """Return the entries of a mapping that name blocks."""
    return [entry for key, entry in node.entries.items() if key not in BESIDE] if isinstance(node, Map) else []


def block_of(node: Node) -> str | None:
    """Return the name of a layer's block, or None where it does not name one."""
    layer = written_layer(node)
    return layer.block.text if layer else None


def written_arguments(arguments: Node | None, first: str | None) -> WrittenArguments:
    """Return the options and the table behind a block's name; a lone value is that of the block's *first* column."""
    if arguments is None or is_blank(arguments):
        return WrittenArguments({})
    if not isinstance(arguments, Map):
        return WrittenArguments({first: (Scalar(first, *arguments[1:4]), arguments)} if first else {})
    options = {key: entry for key, entry in arguments.entries.items() if key not in ("columns", "rows")}
    return WrittenArguments(options, arguments.get("columns"), arguments.get("rows"))


def column_names(columns: Node | None) -> list[str]:
    """Return the columns of a table as they are written."""
    if not isinstance(columns, Seq):
        return []
    return [column.text for column in columns.items if isinstance(column, Scalar)]


# The full form


def full_form(root: Map, spellings: Spellings) -> Map:
    """Return the spec with every layer written out as `{block: {column: cell}}`, under the columns' own names.

    What is not a layer stays as it is; its errors are found when it is read.
    """
    layers = root.get("layers")
    return root.with_entry("layers", _full_layers(layers, spellings)) if layers is not None else root


def _full_layers(layers: Node, spellings: Spellings) -> Node:
    if not isinstance(layers, Seq):
        return layers
    return layers._replace(items=tuple(_full_layer(layer, spellings) for layer in layers.items))


def _full_layer(node: Node, spellings: Spellings) -> Node:
    layer = written_layer(node)
    if layer is None:
        return node
    block, place = layer.block, node[1:4]
    if not isinstance(node, Map):
        return Map({block.text: (block, Map({}, *place))}, *place)
    names = spellings(block.text)
    arguments = layer.arguments
    if arguments is not None and not isinstance(arguments, Map):
        if not names and not is_blank(arguments):
            return node
        arguments = Map(dict(written_arguments(arguments, next(iter(names), None)).options), *arguments[1:4])
    assert arguments is not None
    return node.with_entry(block.text, _full_arguments(arguments, names, spellings))


def _full_arguments(arguments: Map, names: ColumnNames, spellings: Spellings) -> Node:
    entries: dict[str, tuple[Scalar, Node]] = {}
    for key, (marker, value) in arguments.entries.items():
        name = names.get(key, key)
        # A column given under two spellings stays so, and is refused when the layer is read.
        entries[key if name in entries else name] = (marker, _full_value(name, value, names, spellings))
    return arguments._replace(entries=entries)


def _full_value(name: str, value: Node, names: ColumnNames, spellings: Spellings) -> Node:
    if name in names.lists:
        return _full_layers(value, spellings)
    if name in names.paths and isinstance(value, Seq):
        return value._replace(items=tuple(_full_layers(path, spellings) for path in value.items))
    if name == "columns" and isinstance(value, Seq):
        return value._replace(items=tuple(_full_column(column, names) for column in value.items))
    return value


def _full_column(column: Node, names: Mapping[str, str]) -> Node:
    return column._replace(text=names.get(column.text, column.text)) if isinstance(column, Scalar) else column


# Ids


def find_ids(root: Map, spellings: Spellings) -> dict[str, tuple[Step, ...]]:
    """Return the address of the layer or row of each id, of a spec in full form: its steps without the blocks'
    names."""
    found: dict[str, tuple[Step, ...]] = {}
    for steps, layer in layers_below(root.get("layers"), ("layers",), spellings):
        if isinstance(layer.id, Scalar):
            found.setdefault(layer.id.text, steps)
        if isinstance(layer.arguments, Map):
            _find_row_ids(layer.arguments, steps, found)
    return found


def layers_below(
    layers: Node | None, steps: tuple[Step, ...], spellings: Spellings
) -> Iterator[tuple[tuple[Step, ...], WrittenLayer]]:
    """Yield each layer of a list in full form, and those inside it, with the steps of its address."""
    for index, node in enumerate(layers.items if isinstance(layers, Seq) else ()):
        layer = written_layer(node) if isinstance(node, Map) else None
        if layer is not None:
            yield (*steps, index), layer
            for inner, where in lists_inside(layer, (*steps, index), spellings):
                yield from layers_below(inner, where, spellings)


def lists_inside(
    layer: WrittenLayer, steps: tuple[Step, ...], spellings: Spellings
) -> Iterator[tuple[Node | None, tuple[Step, ...]]]:
    """Yield the lists of layers that a layer holds, with the steps of their addresses."""
    arguments, names = layer.arguments, spellings(layer.block.text)
    if not isinstance(arguments, Map):
        return
    for name, (_, value) in arguments.entries.items():
        if name in names.lists:
            yield value, (*steps, name)
        elif name in names.paths and isinstance(value, Seq):
            yield from ((path, (*steps, name, index)) for index, path in enumerate(value.items))


def _find_row_ids(arguments: Map, steps: tuple[Step, ...], found: dict[str, tuple[Step, ...]]) -> None:
    names, rows = column_names(arguments.get("columns")), arguments.get("rows")
    if "id" not in names or not isinstance(rows, Seq):
        return
    at = names.index("id")
    for index, row in enumerate(rows.items):
        if isinstance(row, Seq) and len(row.items) == len(names) and isinstance(cell := row.items[at], Scalar):
            found.setdefault(cell.text, (*steps, "rows", index))

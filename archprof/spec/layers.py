"""How layers are written: in short form or in full, and where the one with an id stands."""

from collections.abc import Callable, Mapping

from archprof.spec.address import Step
from archprof.spec.nodes import Map, Node, Scalar, Seq, is_blank

# What a block's columns may be called: every accepted spelling → the column's name; the first is the block's first
# column.
Spellings = Callable[[str], Mapping[str, str]]

# What may stand beside a layer's block.
BESIDE = ("id", "from")
# The options that hold a list of layers; `paths` holds several.
LAYER_LISTS = ("layers", "body", "shortcut")


class _Absent(Scalar):
    """There is one alone, told by what it is; sent to another process, it is the one there."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return "ABSENT"


# The cell of a row that a later column passed by: the block's own default holds.
ABSENT = _Absent("", value="absent")


def block_of(layer: Node) -> str | None:
    """Return the name of a layer's block, or None where it does not name one."""
    if isinstance(layer, Scalar):
        return layer.text
    blocks = [key for key in layer.entries if key not in BESIDE] if isinstance(layer, Map) else []
    return blocks[0] if len(blocks) == 1 else None


def column_names(columns: Node | None) -> list[str]:
    """Return the columns of a table as they are written."""
    return [column.text for column in columns.items if isinstance(column, Scalar)] if isinstance(columns, Seq) else []


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


def _full_layer(layer: Node, spellings: Spellings) -> Node:
    if isinstance(layer, Scalar):
        place = layer[1:4]
        return Map({layer.text: (layer, Map({}, *place))}, *place)
    block = block_of(layer)
    if block is None or not isinstance(layer, Map):
        return layer
    return layer.with_entry(block, _full_args(layer.entries[block][1], spellings(block), spellings))


def _full_args(args: Node, names: Mapping[str, str], spellings: Spellings) -> Node:
    if isinstance(args, Scalar) and is_blank(args):
        return Map({}, *args[1:4])
    if not isinstance(args, Map):
        first = next(iter(names.values()), None)
        if first is None:
            return args
        args = Map({first: (Scalar(first, *args[1:4]), args)}, *args[1:4])
    entries: dict[str, tuple[Scalar, Node]] = {}
    for key, (marker, value) in args.entries.items():
        name = names.get(key, key)
        # A column given under two spellings stays so, and is refused when the layer is read.
        entries[key if name in entries else name] = (marker, _full_value(key, value, names, spellings))
    return args._replace(entries=entries)


def _full_value(key: str, value: Node, names: Mapping[str, str], spellings: Spellings) -> Node:
    if key in LAYER_LISTS:
        return _full_layers(value, spellings)
    if key == "paths" and isinstance(value, Seq):
        return value._replace(items=tuple(_full_layers(path, spellings) for path in value.items))
    if key == "columns" and isinstance(value, Seq):
        return value._replace(items=tuple(_full_column(column, names) for column in value.items))
    return value


def _full_column(column: Node, names: Mapping[str, str]) -> Node:
    return column._replace(text=names.get(column.text, column.text)) if isinstance(column, Scalar) else column


def find_ids(root: Map) -> dict[str, tuple[Step, ...]]:
    """Return the address of the layer or row of each id, of a spec in full form: its steps without the blocks'
    names."""
    found: dict[str, tuple[Step, ...]] = {}
    _visit_layers(root.get("layers"), ("layers",), found)
    return found


def _visit_layers(layers: Node | None, steps: tuple[Step, ...], found: dict[str, tuple[Step, ...]]) -> None:
    for index, layer in enumerate(layers.items if isinstance(layers, Seq) else ()):
        block = block_of(layer)
        if block is None or not isinstance(layer, Map):
            continue
        here = (*steps, index)
        name = layer.get("id")
        if isinstance(name, Scalar):
            found.setdefault(name.text, here)
        args = layer.get(block)
        if isinstance(args, Map):
            _visit_args(args, here, found)


def _visit_args(args: Map, steps: tuple[Step, ...], found: dict[str, tuple[Step, ...]]) -> None:
    for key in LAYER_LISTS:
        _visit_layers(args.get(key), (*steps, key), found)
    paths = args.get("paths")
    for index, path in enumerate(paths.items if isinstance(paths, Seq) else ()):
        _visit_layers(path, (*steps, "paths", index), found)
    names, rows = column_names(args.get("columns")), args.get("rows")
    if "id" not in names or not isinstance(rows, Seq):
        return
    for index, row in enumerate(rows.items):
        if (
            isinstance(row, Seq)
            and len(row.items) == len(names)
            and isinstance(cell := row.items[names.index("id")], Scalar)
        ):
            found.setdefault(cell.text, (*steps, "rows", index))

"""The walk from an address to the node that it names, and the tree with another node there."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from archprof.errors import SpecError, problem, suggest
from archprof.spec.address import NameStep, Step, format_address, parse_address
from archprof.spec.layers import (
    ABSENT,
    BESIDE,
    BLOCK,
    ColumnNames,
    Spellings,
    WrittenLayer,
    block_of,
    column_names,
    find_ids,
    full_form,
    layers_below,
    lists_inside,
    written_layer,
)
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe, is_blank, shorten
from archprof.spec.values import IDENTIFIER
from archprof.units import plural

# Keys of the top level that an address may name although the spec has none of them.
_MAY_BE_ADDED = ("classes", "defaults", "width", "depth", "init", "freeze", "follows", "source", "note")


# So many places are offered where an address means none.
_FEW = 3
_NO_NAMES = ColumnNames()


class Walk:
    """The walk along one address through a spec in full form.

    `steps` lead to the place in the tree itself, as `put` wants them: through the blocks' names, and to a cell by its
    number. Raises SpecError, which names the step that leads nowhere.
    """

    def __init__(self, root: Map, address: Scalar, spellings: Spellings, ids: Mapping[str, tuple[Step, ...]]) -> None:
        self.address = address
        self.steps: list[Step] = []
        self.is_item = False  # a layer or a row, which can be removed
        self._said: list[Step] = []  # the steps as an address has them
        self._spellings = spellings
        self._ids = ids
        self._root = root
        self._node: Node | None = root
        self._named = False  # the value holds one name
        self._columns: list[str] = []
        self._names = _NO_NAMES
        self._layer: WrittenLayer | None = None  # the one that is being walked through, and where it stands
        self._layer_at: tuple[Step, ...] = ()
        self._move: Callable[[Step], None] = self._from_top
        head, *rest = parse_address(address.text, address.location)
        for step in (*ids.get(str(head), (head,)), *rest) if head not in root.entries else (head, *rest):
            self._move(step)

    def _enter(self, step: Step, node: Node | None, said: tuple[Step, ...] | None = None) -> None:
        self.steps.append(step)
        self._said += (step,) if said is None else said
        self._node = node
        self._move = self._from_value
        self._named = self.is_item = False

    def _enter_column(self, column: str, step: Step, node: Node | None, said: tuple[Step, ...] | None = None) -> None:
        """Go into the value of a column, which is named in the addresses of what is inside it."""
        self._enter(step, node, said)
        self._named = column in self._names.named
        self._names = self._names.inside.get(column, _NO_NAMES)

    def _from_top(self, step: Step) -> None:
        assert isinstance(self._node, Map)
        if step not in self._node.entries and step not in _MAY_BE_ADDED:
            known = dict.fromkeys((*self._node.entries, *self._ids))
            raise self._failed(f"there is no `{step}`", suggest(str(step), known, "there is"))
        self._enter(step, self._node.get(str(step)))
        if step == "layers":
            self._move = self._from_layers
        elif step == "defaults":
            self._move = self._from_defaults

    def _from_defaults(self, step: Step) -> None:
        """Go into the default of a column, as the first layer that has the column takes it, or into those of a
        block."""
        own = self._spellings(str(step))
        if not own:
            blocks = (layer.block.text for _, layer in layers_below(self._root.get("layers"), (), self._spellings))
            self._names = next((names for names in map(self._spellings, blocks) if step in names), _NO_NAMES)
        self._from_value(step)
        if own:
            self._names = own

    def _from_layers(self, step: Step) -> None:
        layer = self._item(step)
        self._enter(step, layer)
        self._move = self._from_layer
        self.is_item = True

    def _from_paths(self, step: Step) -> None:
        path = self._item(step)
        self._enter(step, path)
        self._move = self._from_layers

    def _from_rows(self, step: Step) -> None:
        row = self._item(step)
        self._enter(step, row)
        self._move = self._from_row
        self.is_item = True

    def _from_layer(self, step: Step) -> None:
        layer, block = self._node, block_of(self._node) if self._node is not None else None
        if not isinstance(layer, Map) or block is None:
            raise self._failed(f"{self._so_far()} is no layer")
        if step in BESIDE:
            self._enter(step, layer.get(str(step)))
        elif step == "block":
            self._enter(step, None)
            self._move = self._from_name
        else:
            self._names = (
                _names_to_draw(layer.get(block), self._spellings) if block == BLOCK else self._spellings(block)
            )
            self._layer, self._layer_at = written_layer(layer), tuple(self._said)
            self._enter(block, layer.get(block), said=())
            self._from_options(step)

    def _from_options(self, step: Step) -> None:
        options, name = self._node, self._names.get(str(step), step)
        if (
            not isinstance(options, Map)
            or isinstance(step, int)
            or (name not in options.entries and name not in self._names.values())
        ):
            raise self._no_column(step)
        self._columns = column_names(options.get("columns"))
        if _is_in_each_row(options, name):
            message = f"each row of `{format_address(self._layer_at)}` has a `{name}` of its own"
            raise self._failed(message, f"did you mean `{format_address((*self._layer_at, 'rows', 0, name))}`?")
        lists: dict[Step, Callable[[Step], None]] = {
            **dict.fromkeys(self._names.lists, self._from_layers),
            **dict.fromkeys(self._names.paths, self._from_paths),
        }
        # Rows without columns are no table: whoever reads them says so.
        if isinstance(options.get("columns"), Seq):
            lists["rows"] = self._from_rows
        if name in lists:
            self._enter(name, options.get(str(name)))
            self._move = lists[name]
        else:
            self._enter_column(str(name), name, options.get(str(name)))

    def _from_row(self, step: Step) -> None:
        name = self._names.get(str(step), step)
        if isinstance(self._node, Map) and "choice" in self._node.entries:
            if step != "choice":
                forms = format_address((*self._said, "choice", 0, step))
                raise self._failed(f"{self._so_far()} is drawn from several rows", f"did you mean `{forms}`?")
            self._enter(step, self._node.get("choice"))
            self._move = self._from_rows
            return
        if not isinstance(self._node, Seq) or len(self._node.items) != len(self._columns):
            raise self._failed(f"{self._so_far()} is not a row of {plural(len(self._columns), 'cell')}")
        if name in self._columns:
            index = self._columns.index(str(name))
            cell = self._node.items[index]
            self._enter_column(str(name), index, None if cell is ABSENT else cell, said=(name,))
        elif name in self._names.values():
            if self._said[-2] == "choice":
                columns = ", ".join(f"`{column}`" for column in self._columns)
                raise self._failed(f"{self._so_far()} is one of several rows, and has no `{step}`", f"one of {columns}")
            self._enter_column(str(name), name, None)
        else:
            raise self._no_column(step)

    def _from_value(self, step: Step) -> None:
        """Go into an option's own value; what is not there can be added, and options to a name (`norm: batch_norm`), or
        to another in its place: whoever reads the value knows whether they may."""
        if isinstance(self._node, Seq):
            self._enter(step, self._item(step))
        elif not isinstance(self._node, Scalar) or is_blank(self._node) or self._is_name(self._node):
            if isinstance(step, int):
                raise self._failed(f"{self._so_far()} is a mapping, and has no [{step}]")
            entries = self._node.entries if isinstance(self._node, Map) else {}
            column = self._names.get(step, step)
            # It stands there under another of its names, perhaps.
            there = next((key for key in entries if self._names.get(key, key) == column), step)
            inner = entries[there][1] if there in entries else None
            self._enter_column(column, NameStep(there) if self._named else there, inner, (step,))
        else:
            raise self._failed(f"{self._so_far()} is {describe(self._node)}, a single value")

    def _is_name(self, node: Scalar) -> bool:
        """Tell whether a value is a name, or none, or a knob's where only a name can stand."""
        typed = node.text.removeprefix("$") if self._named else node.text
        return typed == "-" or IDENTIFIER.match(typed) is not None

    def _from_name(self, step: Step) -> None:
        raise self._failed(f"{self._so_far()} is a block's name")

    def _item(self, step: Step) -> Node:
        if not isinstance(self._node, Seq):
            raise self._failed(f"{self._so_far()} is no list")
        if not isinstance(step, int):
            raise self._failed(
                f"{self._so_far()} is a list, and has no `{step}`", "name an item by its number, counted from 0: `[0]`"
            )
        if step >= len(self._node.items):
            count = len(self._node.items)
            raise self._failed(f"{self._so_far()} has {plural(count, 'item')}, counted from 0")
        return self._node.items[step]

    def _so_far(self) -> str:
        return f"`{format_address(tuple(self._said))}`"

    def _no_column(self, step: Step) -> SpecError:
        if inner := " or ".join(f"`{address}`" for address in islice(self._inside(step), _FEW)):
            block = self._layer.block.text if self._layer else ""
            message = f"`{format_address(self._layer_at)}` is a `{block}`, and has no `{step}`"
            return self._failed(message, f"did you mean {inner}?")
        columns, tables = dict.fromkeys(self._names.values()), ("columns", "rows")
        message = f"there is no `{step}`"
        if step in tables and self._layer and tuple(self._said) == self._layer_at:
            message = f"{self._so_far()} is a `{self._layer.block.text}`, and has no `{step}`"
        known = [name for name in (*tables, *self._names) if name != step]
        return self._failed(message, suggest(str(step), known, "columns", columns))

    def _inside(self, column: Step) -> Iterator[str]:
        """Yield where a column stands in the layers inside the layer that is being walked through."""
        spellings, outer = self._spellings, self._layer
        for layers, where in lists_inside(outer, self._layer_at, spellings) if outer else ():
            for steps, layer in layers_below(layers, where, spellings):
                if name := spellings(layer.block.text).get(str(column)):
                    row = ("rows", 0) if _is_in_each_row(layer.arguments, name) else ()
                    yield format_address((*steps, *row, column))

    def _failed(self, message: str, help: str = "") -> SpecError:
        return problem(f"`{shorten(self.address.text)}` names nothing: {message}", self.address.location, help=help)


def _names_to_draw(arguments: Node | None, spellings: Spellings) -> ColumnNames:
    """Return what the columns of a layer may be called whose block is drawn: those of all to choose from, and the block
    itself."""
    names: dict[str, str] = {}
    waiting: list[Node] = [arguments] if arguments is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Map):
            listed = node.get("choice")
            for option in listed.items if isinstance(listed, Seq) else ():
                names.update(spellings(block_of(option) or ""))
            waiting += [value for _, value in node.pairs()]
        elif isinstance(node, Seq):
            waiting += node.items
    return ColumnNames({**names, BLOCK: BLOCK})


def is_place(root: Map, name: str, spellings: Spellings) -> bool:
    """Tell whether a single word is an address: a key of the top level, or an id."""
    if name in root.entries or name in _MAY_BE_ADDED:
        return True
    spellings = spellings.within(root)
    return name in find_ids(full_form(root, spellings), spellings)


def _is_in_each_row(arguments: Node | None, column: Step) -> bool:
    """Tell whether a table leaves nothing to what stands beside it in a column."""
    if not isinstance(arguments, Map) or column not in (columns := column_names(arguments.get("columns"))):
        return False
    at, rows = columns.index(str(column)), arguments.get("rows")
    cells = [row.items[at : at + 1] for row in rows.items if isinstance(row, Seq)] if isinstance(rows, Seq) else []
    return bool(cells) and (ABSENT,) not in cells


def put(node: Node | None, steps: tuple[Step, ...], value: Node) -> Node:
    """Return the tree with *value* at the steps of a Walk."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(node, Seq) and isinstance(step, int):
        return node._replace(items=(*node.items[:step], put(node.items[step], rest, value), *node.items[step + 1 :]))
    here = node if isinstance(node, Map) else Map({}, *value[1:4])
    if isinstance(step, NameStep):
        here = here._replace(entries={key: entry for key, entry in here.entries.items() if key == step})
    if step == "block" and not rest and isinstance(value, Scalar):
        return _rename_block(here, value)
    child = here.get(str(step))
    if isinstance(child, Map) and _is_new_cell(child, rest):
        return here.with_entry(str(step), _add_cell(child, int(rest[1]), str(rest[2]), value))
    return here.with_entry(str(step), put(child, rest, value))


def _is_new_cell(args: Map, steps: tuple[Step, ...]) -> bool:
    """Tell whether steps lead to a column that a row of a table has not: a row has no other words."""
    if len(steps) != 3 or steps[0] != "rows" or not isinstance(steps[2], str):
        return False
    columns, rows = args.get("columns"), args.get("rows")
    return isinstance(columns, Seq) and isinstance(rows, Seq) and isinstance(rows.items[int(steps[1])], Seq)


def _rename_block(layer: Map, name: Scalar) -> Map:
    old = block_of(layer)
    entries = {
        (name.text if key == old else key): (name if key == old else marker, args)
        for key, (marker, args) in layer.entries.items()
    }
    return layer._replace(entries=entries)


def _add_cell(args: Map, row: int, column: str, value: Node) -> Map:
    """Return the table with a new *column*, which has a value in one *row* and is absent in the others."""
    columns, rows = args.get("columns"), args.get("rows")
    assert isinstance(columns, Seq)
    assert isinstance(rows, Seq)
    if column not in column_names(columns):
        columns = columns._replace(items=(*columns.items, Scalar(column, *value[1:4])))
        rows = widen(rows, 1)
    changed = put(rows, (row, column_names(columns).index(column)), value)
    return args.with_entry("columns", columns).with_entry("rows", changed)


def widen(rows: Seq, count: int) -> Seq:
    """Return rows with *count* absent cells more."""
    return rows._replace(items=tuple([_wide(row, (ABSENT,) * count) for row in rows.items]))


def _wide(row: Node, absent: tuple[Node, ...]) -> Node:
    """Return a row, or each of those that it is drawn from, with some cells more."""
    if isinstance(row, Map) and isinstance(forms := row.get("choice"), Seq):
        return row.with_entry("choice", widen(forms, len(absent)))
    return row._replace(items=row.items + absent) if isinstance(row, Seq) else row

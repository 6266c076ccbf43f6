"""The grammar that names a place in a spec, and the walk from an address to the node that it names."""

import re
from collections.abc import Callable, Mapping

from archprof.errors import Location, SpecError, problem, suggest
from archprof.spec.nodes import Map, Node, Scalar, Seq, shorten

# What a block's columns may be called: every accepted spelling → the column's name; the first is the block's first column.
Spellings = Callable[[str], Mapping[str, str]]

Step = str | int
BESIDE = ("id", "from")
LAYER_LISTS = ("layers", "body", "shortcut")
_SEGMENT = re.compile(r"\.?([A-Za-z_0-9][A-Za-z0-9_-]*)|\[([0-9]{1,6})\]")


def parse_address(text: str, location: Location | None = None) -> tuple[Step, ...]:
    """Return the steps of an address: `layers[1].rows[2].k` gives ("layers", 1, "rows", 2, "k").

    Raises SpecError when the text does not follow the grammar of docs/reference/spec.md.
    """
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _SEGMENT.match(text, position)
        # A key needs a dot before it, but for the first, which must have none.
        if not match or (match[1] and (text[position] == ".") != bool(steps)) or (match[2] and not steps):
            break
        steps.append(match[1] if match[1] else int(match[2]))
        position = match.end()
    if not steps or position < len(text):
        raise problem(f"`{shorten(text)}` is not an address", location, help="write it as `layers[1].rows[2].k`, or start with an id")
    return tuple(steps)


def format_address(steps: tuple[Step, ...]) -> str:
    """Return the text of an address."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def block_of(layer: Map) -> str:
    """Return the name of the block of a layer in full form."""
    return next(key for key in layer.entries if key not in BESIDE)


def full_form(root: Map, spellings: Spellings) -> Map:
    """Return the spec with every layer written out as `{block: {column: cell}}`, under the columns' own names.

    What is not a layer stays as it is; its errors are found when it is read.
    """
    layers = root.get("layers")
    return root.with_entry("layers", _full_layers(layers, spellings)) if isinstance(layers, Seq) else root


def _full_layers(layers: Node, spellings: Spellings) -> Node:
    if not isinstance(layers, Seq):
        return layers
    return layers._replace(items=tuple(_full_layer(layer, spellings) for layer in layers.items))


def _full_layer(layer: Node, spellings: Spellings) -> Node:
    if isinstance(layer, Scalar):
        place = layer[1:4]
        return Map({layer.text: (layer, Map({}, *place))}, *place)
    blocks = [key for key in layer.entries if key not in BESIDE] if isinstance(layer, Map) else []
    if not isinstance(layer, Map) or len(blocks) != 1:
        return layer
    args = _full_args(layer.entries[blocks[0]][1], spellings(blocks[0]), spellings)
    return layer.with_entry(blocks[0], args)


def _full_args(args: Node, names: Mapping[str, str], spellings: Spellings) -> Node:
    if not isinstance(args, Map):
        if isinstance(args, Scalar) and args.text == "" and args.value is None:
            return Map({}, *args[1:4])
        first = next(iter(names.values()), "")
        args = Map({first: (Scalar(first, *args[1:4]), args)}, *args[1:4])
    entries = {}
    for key, (marker, value) in args.entries.items():
        if key in LAYER_LISTS:
            value = _full_layers(value, spellings)
        elif key == "paths" and isinstance(value, Seq):
            value = value._replace(items=tuple(_full_layers(path, spellings) for path in value.items))
        elif key == "columns" and isinstance(value, Seq):
            value = value._replace(
                items=tuple(
                    column._replace(text=names.get(column.text, column.text)) if isinstance(column, Scalar) else column
                    for column in value.items
                )
            )
        entries[names.get(key, key)] = (marker, value)
    return args._replace(entries=entries)


def find_ids(root: Map) -> dict[str, tuple[Step, ...]]:
    """Return where the layer or row of each id stands, as raw steps into the full form."""
    found: dict[str, tuple[Step, ...]] = {}

    def visit(layers: Node | None, steps: tuple[Step, ...]) -> None:
        for index, layer in enumerate(layers.items if isinstance(layers, Seq) else ()):
            if not isinstance(layer, Map):
                continue
            here = (*steps, index)
            name = layer.get("id")
            if isinstance(name, Scalar):
                found.setdefault(name.text, here)
            blocks = [key for key in layer.entries if key not in BESIDE]
            if len(blocks) == 1:
                visit_args(layer.get(blocks[0]), (*here, blocks[0]))

    def visit_args(args: Node | None, steps: tuple[Step, ...]) -> None:
        if not isinstance(args, Map):
            return
        for key in LAYER_LISTS:
            visit(args.get(key), (*steps, key))
        paths = args.get("paths")
        for index, path in enumerate(paths.items if isinstance(paths, Seq) else ()):
            visit(path, (*steps, "paths", index))
        columns, rows = args.get("columns"), args.get("rows")
        names = [column.text for column in columns.items if isinstance(column, Scalar)] if isinstance(columns, Seq) else []
        if "id" in names and isinstance(rows, Seq):
            for index, row in enumerate(rows.items):
                if isinstance(row, Seq) and len(row.items) == len(names) and isinstance(cell := row.items[names.index("id")], Scalar):
                    found.setdefault(cell.text, (*steps, "rows", index))

    visit(root.get("layers"), ("layers",))
    return found


class Walk:
    """The walk along one address through a spec in full form: raw steps for `put`, and errors that name the step that failed."""

    def __init__(self, root: Map, text: str, spellings: Spellings, location: Location | None) -> None:
        self.text = text
        self.location = location
        self.spellings = spellings
        self.steps: list[Step] = []
        self.node: Node | None = root
        self.columns: Seq | None = None  # those of the table that the walk is in
        self.block = ""
        for index, step in enumerate(parse_address(text, location)):
            self._first(root, step) if index == 0 else self._next(step)

    def _first(self, root: Map, step: Step) -> None:
        ids = find_ids(root)
        if step in root.entries or step not in ids:
            self._key(str(step), ids)
            return
        for raw in ids[str(step)]:
            self._next(raw, raw=True)

    def _next(self, step: Step, raw: bool = False) -> None:
        node = self.node
        if isinstance(node, Seq) and self.columns is not None and isinstance(step, str):
            self._cell(node, step)
        elif isinstance(node, Seq):
            if not isinstance(step, int):
                raise self._failed(f"a list has no entry `{step}`", "name an item by its number, counted from 0: `[0]`")
            if step >= len(node.items):
                raise self._failed(f"there are {len(node.items)} items, counted from 0; no [{step}]")
            self._enter(step, node.items[step])
        elif isinstance(node, Map):
            if isinstance(step, int):
                raise self._failed(f"a mapping has no item [{step}]")
            if self._is_layer() and not raw and step not in BESIDE:
                if step == "block":
                    self._enter("block", None)
                    return
                self.block = block_of(node)
                self._enter(self.block, node.get(self.block))
            elif self._is_layer():
                self.block = block_of(node)
            self._key(step, ())
        else:
            raise self._failed(f"`{self._so_far()}` is a single value")

    def _key(self, step: str, also: object) -> None:
        if not isinstance(self.node, Map):
            raise self._failed(f"`{self._so_far()}` has no entries")
        names = self.spellings(self.block) if self._is_args() else {}
        name = names.get(step, step)
        if name == "rows":
            columns = self.node.get("columns")
            self.columns = columns if isinstance(columns, Seq) else None
        if name not in self.node.entries and not self._may_add(name, names):
            known = [*self.node.entries, *names] + (list(also) if isinstance(also, dict) else [])
            raise self._failed(f"there is no `{step}`", suggest(step, dict.fromkeys(known), "there is"))
        self._enter(name, self.node.get(name))

    def _may_add(self, name: str, names: Mapping[str, str]) -> bool:
        if self._is_args():
            return name in names.values()
        return self.steps[:1] in (["defaults"], ["width"], ["init"], ["depth"]) or (not self.steps and name in ("freeze", "classes"))

    def _cell(self, row: Seq, step: str) -> None:
        assert self.columns is not None
        names = self.spellings(self.block)
        name = names.get(step, step)
        present = [column.text for column in self.columns.items if isinstance(column, Scalar)]
        if name in present and present.index(name) < len(row.items):
            index = present.index(name)
            self._enter(index, row.items[index])
        elif name in names.values():
            self._enter(name, None)
        else:
            raise self._failed(f"there is no column `{step}`", suggest(step, dict.fromkeys([*present, *names]), "columns"))

    def _enter(self, step: Step, node: Node | None) -> None:
        self.steps.append(step)
        self.node = node
        if step in (*LAYER_LISTS, "paths"):
            self.columns = None

    def _is_layer(self) -> bool:
        steps = self.steps
        inside_list = len(steps) >= 2 and isinstance(steps[-1], int) and steps[-2] in LAYER_LISTS
        inside_path = len(steps) >= 3 and isinstance(steps[-1], int) and isinstance(steps[-2], int) and steps[-3] == "paths"
        return (inside_list or inside_path) and isinstance(self.node, Map) and bool(set(self.node.entries) - set(BESIDE))

    def _is_args(self) -> bool:
        return len(self.steps) >= 2 and self.steps[-1] == self.block

    def _so_far(self) -> str:
        return format_address(tuple(self.steps))

    def _failed(self, message: str, help: str = "") -> SpecError:
        return problem(f"`{shorten(self.text)}` names nothing: {message}", self.location, help=help)


def put(node: Node, steps: tuple[Step, ...], value: Node) -> Node:
    """Return the tree with *value* at the raw *steps* of a Walk."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(node, Map):
        if step == "block" and not rest and isinstance(value, Scalar):
            return _rename_block(node, value)
        child = node.get(str(step))
        if rest[:1] == ("rows",) and isinstance(child, Map) and len(rest) == 3 and isinstance(rest[2], str):
            return node.with_entry(str(step), _add_cell(child, int(rest[1]), rest[2], value))
        return node.with_entry(str(step), put(child, rest, value) if child is not None else value)
    assert isinstance(node, Seq) and isinstance(step, int)
    items = list(node.items)
    items[step] = put(items[step], rest, value)
    return node._replace(items=tuple(items))


def _rename_block(layer: Map, name: Scalar) -> Map:
    old = block_of(layer)
    return layer._replace(entries={(name.text if key == old else key): entry for key, entry in layer.entries.items()})


def _add_cell(args: Map, row: int, column: str, value: Node) -> Map:
    """Return the table with a new *column*, which has a value in one *row* and is absent in the others."""
    columns, rows = args.get("columns"), args.get("rows")
    assert isinstance(columns, Seq) and isinstance(rows, Seq)
    present = [name.text for name in columns.items if isinstance(name, Scalar)]
    if column not in present:
        columns = columns._replace(items=(*columns.items, Scalar(column, *value[1:4])))
        rows = rows._replace(
            items=tuple(line._replace(items=(*line.items, ABSENT)) if isinstance(line, Seq) else line for line in rows.items)
        )
        present.append(column)
    changed = put(rows, (row, present.index(column)), value)
    return args.with_entry("columns", columns).with_entry("rows", changed)


# The cell of a row that a later column passed by: the block's own default holds.
ABSENT = Scalar("", value="absent")

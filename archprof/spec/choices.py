"""The choices that a spec leaves open, which make it a space of networks: where they stand, how many networks there
are, and which of them a rank is."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import TypeGuard

from archprof.errors import Location, Problems, SpecError, problem
from archprof.limits import MAX_OPTIONS, MAX_REPEATS
from archprof.named_tuple import NamedTuple
from archprof.spec.axis import parse_axis
from archprof.spec.layers import ABSENT, BLOCK, block_of, column_names, written_layer
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe, is_blank, shorten
from archprof.spec.values import integer, mapping, sequence, word
from archprof.units import plural

CHOICE = "choice"
_KEYS = (CHOICE, "per", "default")
# Who draws: each repeat of a row by itself, all repeats together, or all rows of a layer's table.
PER = ("repeat", "row", "table")
_DEPTH = "n"


class Draw(NamedTuple):
    """One choice: its place as `--set` takes it, what it is drawn from, and which of these is the default."""

    place: str
    options: tuple[Node, ...]
    default: int
    location: Location

    @property
    def column(self) -> str:
        """The column whose cell is drawn."""
        return self.place.rpartition(".")[2]


class RowDraws(NamedTuple):
    """The draws of a row: those made *once*, that of how often it repeats, and those made by *each* repeat.

    *repeats* are by the options of *depth*; one number where that is none. Repeats behind the first are *alike*, unless
    the row's block asks which it is.
    """

    address: str
    once: tuple[Draw, ...]
    depth: Draw | None
    repeats: tuple[int, ...]
    each: tuple[Draw, ...]
    alike: bool = True

    @property
    def networks(self) -> int:
        """How many ways there are to draw the row: Π once · Σ over depths of (Π each)ⁿ."""
        each = ways(self.each)
        return ways(self.once) * sum(each**repeats for repeats in self.repeats)  # type: ignore[no-any-return]


class RowForms(NamedTuple):
    """The draws of a row that is itself drawn from several *forms*, by their numbers, each with draws of its own; one
    that is not has one form."""

    draw: Draw | None
    forms: tuple[RowDraws, ...]

    @property
    def networks(self) -> int:
        """How many ways there are to draw the row."""
        return sum(form.networks for form in self.forms)

    def draws(self) -> "Iterator[Draw]":
        """Yield every draw, in the order of ranks."""
        if self.draw is not None:
            yield self.draw
        for form in self.forms:
            yield from (*form.once, *((form.depth,) if form.depth else ()), *form.each)


class LayerDraws(NamedTuple):
    """The draws of a layer: those that its table shares, and those of its rows, of which there is one at least."""

    table: tuple[Draw, ...]
    rows: tuple[RowForms, ...]

    @property
    def networks(self) -> int:
        """How many ways there are to draw the layer."""
        return ways(self.table) * prod(row.networks for row in self.rows)


class Choices(NamedTuple):
    """All choices of a spec: of its knobs, by their names, and of its layers, by their numbers."""

    knobs: tuple[Draw, ...] = ()
    layers: Mapping[int, LayerDraws] = {}

    @property
    def networks(self) -> int:
        """How many networks there are, choice by choice."""
        return ways(self.knobs) * prod(layer.networks for layer in self.layers.values())

    def draws(self) -> "Iterator[Draw]":
        """Yield every draw, in the order of ranks."""
        yield from self.knobs
        for layer in self.layers.values():
            yield from layer.table
            for row in layer.rows:
                yield from row.draws()

    def __bool__(self) -> bool:
        return bool(self.knobs or self.layers)


class RowPick(NamedTuple):
    """What was drawn for a row: its form and options by their numbers, those of each repeat together."""

    once: tuple[int, ...]
    depth: int
    each: tuple[tuple[int, ...], ...]
    form: int = 0


class LayerPick(NamedTuple):
    """What was drawn for a layer."""

    table: tuple[int, ...]
    rows: tuple[RowPick, ...]


class Pick(NamedTuple):
    """What was drawn for a network."""

    knobs: tuple[int, ...]
    layers: Mapping[int, LayerPick]


def ways(draws: tuple[Draw, ...]) -> int:
    """Return how many ways there are to make some draws."""
    return prod(len(draw.options) for draw in draws)


# Finding


def has_choices(node: Node | None) -> bool:
    """Tell whether a choice stands somewhere in *node*."""
    if isinstance(node, Map):
        return CHOICE in node.entries or any(has_choices(value) for _, value in node.entries.values())
    return isinstance(node, Seq) and any(map(has_choices, node.items))


def choices_of(root: Map, given: Mapping[str, object] | None = None) -> Choices:
    """Return the choices of a spec in full form; knobs that are *given* are none.

    Raises SpecError with every choice that is none, or stands where none can.
    """
    problems = Problems()
    knobs: list[Draw] = []
    declared = root.get("knobs")
    for name, (_, node) in declared.entries.items() if isinstance(declared, Map) else ():
        if name not in (given or {}) and isinstance(node, Map) and CHOICE in node.entries:
            with problems:
                knobs.append(knob_draw(name, node))
    layers: dict[int, LayerDraws] = {}
    listed = root.get("layers")
    for index, node in enumerate(listed.items if isinstance(listed, Seq) else ()):
        # One whose block is drawn is written out even where every row has one.
        if has_choices(node) or block_of(node) == BLOCK:
            with problems:
                layers[index] = _Layer(root, node, f"layers[{index}]").draws()
    for key, node in root.pairs():
        if key not in ("knobs", "layers", "space") and has_choices(node):
            with problems:
                raise _misplaced(node, key)
    if "depth" in root.entries and layers:
        location = root.entries["depth"][0].location
        problems.add("a space has no depth multiplier", location, help="its `n` are choices: remove `depth`")
    problems.raise_any()
    return Choices(tuple(knobs), layers)


def _misplaced(node: Node, where: str) -> SpecError:
    found = _first(node)
    advice = "a choice stands in a row, or beside its block; what several share is a knob with a `choice`"
    return problem(f"a choice inside `{where}`", found.location, help=advice)


def _first(node: Node) -> Node:
    """Return the first choice in *node*, which has one."""
    if isinstance(node, Map) and CHOICE in node.entries:
        return node
    inside = node.items if isinstance(node, Seq) else [x for _, x in node.pairs()] if isinstance(node, Map) else []
    return next(_first(one) for one in inside if has_choices(one))


def knob_draw(name: str, node: Map) -> Draw:
    """Return the choice that a knob is. Raises SpecError for one that is none."""
    fields = Map({key: entry for key, entry in node.entries.items() if key in (CHOICE, "default")}, *node[1:4])
    return _draw(name, fields, f"`{name}`")[0]


def _draw(place: str, node: Map, what: str) -> tuple[Draw, str]:
    """Return the choice of a cell, and who draws it."""
    advice = "as in `{choice: [3, 5, 7], per: row}`"
    fields = mapping(node, f"the choice of {what}", _KEYS, advice)
    listed = fields.get(CHOICE)
    assert listed is not None
    if isinstance(listed, Scalar) and ":" in listed.text:
        options = _range(listed)
    else:
        options = sequence(listed, "a list to choose from", advice)
        _check_once(options)
    if len(options) < 2:
        raise problem(f"a choice of {len(options)}", listed.location, help="a choice has two options at least")
    shown = [plain(option) for option in options]
    default, per = fields.get("default"), fields.get("per")
    chosen = len(options) - 1
    if default is not None:
        if plain(default) not in shown:
            allowed = ", ".join(_quoted(option) for option in options)
            raise problem(f"the default {_quoted(default)} is no option", default.location, help=f"one of {allowed}")
        chosen = shown.index(plain(default))
    return Draw(place, options, chosen, node.location), word(per, PER, "word for who draws") if per else PER[0]


def _check_once(options: tuple[Node, ...]) -> None:
    shown = [plain(option) for option in options]
    for number, option in enumerate(options):
        if shown[number] in shown[:number]:
            raise problem(f"{_quoted(option)} is drawn twice", option.location, help="name each option once")


def _range(node: Scalar) -> tuple[Node, ...]:
    """Return the options of a range, written as an axis of a sweep: `8:64:8`. Raises SpecError for one that is none."""
    try:
        values = parse_axis((CHOICE, node.text)).values
    except SpecError as error:
        found = error.problems[0]
        raise problem(found.message, node.location, help=found.help) from None
    if len(values) > MAX_OPTIONS:
        message = f"a choice of {len(values):,}, more than {MAX_OPTIONS:,}, the limit of a range"
        raise problem(message, node.location, help="take a larger step")
    return tuple([node._replace(text=value) for value in values])


def plain(node: Node) -> object:
    """Return what a node says, without its place."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return tuple(map(plain, node.items))
    return tuple((key, plain(value)) for key, value in node.pairs())


def option_text(option: Node) -> str:
    """Return an option as messages and tables of scores name it: a cell as it is typed, a block by its name and
    options."""
    if isinstance(option, Scalar):
        return option.text
    return _flow(option)


def _quoted(option: Node) -> str:
    return f"`{shorten(option_text(option))}`"


def _flow(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return "[" + ", ".join(map(_flow, node.items)) + "]"
    return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in node.pairs()) + "}"


class _Layer:
    """A layer in full form whose choices are looked for."""

    def __init__(self, root: Map, node: Node, address: str) -> None:
        layer = written_layer(node)
        if layer is None or not isinstance(layer.arguments, Map):
            raise _misplaced(node, address)
        self._address = address
        self._table = WrittenTable.of(layer.block.text, layer.arguments)
        headers, rows = layer.arguments.get("columns"), layer.arguments.get("rows")
        if CHOICE in self._table.options or has_choices(headers) or _is_choice(rows):
            raise _misplaced(layer.arguments, address)
        self._block = layer.block
        blocks = map(block_of, options_of(layer.arguments)) if layer.block.text == BLOCK else [layer.block.text]
        self._asks = any(_asks_for_repeat(root, block) for block in blocks if block)
        for beside in (layer.id, layer.inputs, layer.when, layer.register):
            if has_choices(beside):
                assert beside is not None
                raise _misplaced(beside, address)

    def draws(self) -> LayerDraws:
        """Return what is drawn. Raises SpecError with all that is wrong."""
        problems = Problems()
        table: list[Draw] = []
        shared: set[str] = set()
        for name, node in self._table.options.items():
            if _is_choice(node) and name not in self._table.columns:
                with problems:
                    draw, per = _draw(f"{self._address}.{name}", node, f"`{name}`")
                    if per == "table":
                        table.append(draw)
                        shared.add(name)
        rows: list[RowForms] = []
        for number in range(len(self._table.rows)):
            with problems:
                rows.append(self._row(number, shared))
        problems.raise_any()
        return LayerDraws(tuple(table), tuple(rows))

    def _row(self, number: int, shared: set[str]) -> RowForms:
        address = f"{self._address}.rows[{number}]" if self._table.is_table else self._address
        forms = self._table.rows[number]
        draw = _row_draw(address, self._table.choices[number], forms) if number in self._table.choices else None
        if draw is None:
            return RowForms(None, (self._form(address, number, 0, shared),))
        named = [self._form(f"{address}.{CHOICE}[{form}]", number, form, shared) for form in range(len(forms))]
        return RowForms(draw, tuple(named))

    def _form(self, address: str, number: int, form: int, shared: set[str]) -> RowDraws:
        cells = self._table.cells(number, form)
        once: list[Draw] = []
        each: list[Draw] = []
        depth: Draw | None = None
        for name, node in cells.items():
            if name in shared:
                continue
            if not _is_choice(node):
                if has_choices(node):
                    raise _misplaced(node, f"{address}.{name}")
                continue
            draw, per = _draw(f"{address}.{name}", node, f"`{name}`")
            if per == "table":
                advice = f"say it once, beside `rows`: `{name}: {{choice: […], per: table}}`"
                raise problem("a draw of the whole table in one of its rows", node.location, help=advice)
            if name == _DEPTH:
                depth = draw
            else:
                (each if per == "repeat" else once).append(draw)
        repeats = self._repeats(cells.get(_DEPTH), depth, bool(each))
        if each and max(repeats) > 1 and self._asks:
            advice = "write `per: row`: all repeats share the draw"
            message = f"the repeats of `{self._block.text}` are not alike: its body asks for `$repeat`"
            raise problem(message, each[0].location, help=advice)
        if max(repeats) == 1:  # one repeat draws for the row
            return RowDraws(address, (*once, *each), depth, repeats, (), not self._asks)
        return RowDraws(address, tuple(once), depth, repeats, tuple(each), not self._asks)

    def _repeats(self, cell: Node | None, depth: Draw | None, asked: bool) -> tuple[int, ...]:
        """Return how often a row repeats, for each option of its depth."""
        if depth is None and (cell is None or is_blank(cell)):
            return (1,)
        cells = depth.options if depth else (cell,)
        if not asked and depth is None:
            return (1,)  # nobody draws by repeat: how many there are does not matter
        if depth is None and _is_choice(cell):
            message = "one number of repeats for the whole table, of which rows draw by repeat"
            raise problem(message, cell.location, help="leave out its `per`, or let these rows draw `per: row`")
        return tuple(integer(one, 1, MAX_REPEATS, "a number of repeats") for one in cells if one is not None)


def _row_draw(place: str, node: Map, forms: tuple[Seq, ...]) -> Draw:
    """Return the choice of a whole row, whose options are numbers."""
    advice = "as in `{choice: [[3, 16, 1], [5, 24, 2]]}`"
    fields = mapping(node, "the choice of a row", (CHOICE, "default"), advice)
    if len(forms) < 2:
        raise problem(f"a choice of {len(forms)}", node.location, help="a choice has two options at least")
    for number, form in enumerate(forms):
        if plain(form) in map(plain, forms[:number]):
            raise problem("a row is drawn twice", form.location, help="name each option once")
    default, last = fields.get("default"), len(forms) - 1
    chosen = integer(default, 0, last, "the number of a row") if default is not None else last
    options = tuple([Scalar(str(number), *form[1:4]) for number, form in enumerate(forms)])
    return Draw(place, options, chosen, node.location)


def _is_choice(node: Node | None) -> TypeGuard[Map]:
    return isinstance(node, Map) and CHOICE in node.entries


def options_of(arguments: Map) -> Iterator[Node]:
    """Yield the blocks to choose from of a layer whose block is drawn, be it beside its rows or in them."""
    listed = arguments.get(CHOICE)
    yield from listed.items if isinstance(listed, Seq) else ()
    waiting = [arguments.get(BLOCK), arguments.get("rows")]
    while waiting:
        node = waiting.pop()
        if _is_choice(node):
            yield from options_of(node)
        elif isinstance(node, Seq):
            waiting += node.items


def _asks_for_repeat(root: Map, block: str) -> bool:
    from archprof.spec.own_blocks import REPEAT, names_in

    blocks = root.get("blocks")
    own = blocks.get(block) if isinstance(blocks, Map) else None
    return own is not None and REPEAT in names_in(own)


class WrittenTable(NamedTuple):
    """The arguments of a layer as a table: options beside it, its columns, and its rows, each in all its forms: one,
    unless it is a *choice*. Arguments without a table have one row, which is empty."""

    options: Mapping[str, Node]
    markers: Mapping[str, Scalar]
    columns: tuple[str, ...]
    headers: Node | None
    rows: tuple[tuple[Seq, ...], ...]
    choices: Mapping[int, Map]
    is_table: bool

    @staticmethod
    def of(block: str, arguments: Map) -> "WrittenTable":
        """Return the table behind a block's name; that of a block which is itself drawn has the draw among its
        options."""
        entries = {key: entry for key, entry in arguments.entries.items() if key not in ("columns", "rows")}
        if block == BLOCK and CHOICE in entries:
            choice = Map({key: entries.pop(key) for key in _KEYS if key in entries}, *arguments[1:4])
            entries = {BLOCK: (Scalar(BLOCK, *arguments[1:4]), choice), **entries}
        options = {key: value for key, (_, value) in entries.items()}
        markers = {key: marker for key, (marker, _) in entries.items()}
        headers, rows = arguments.get("columns"), arguments.get("rows")
        columns = tuple(column_names(headers))
        if twice := next((name for place, name in enumerate(columns) if name in columns[:place]), ""):
            assert headers is not None
            raise problem(f"duplicate column `{twice}`", headers.location)
        if not isinstance(rows, Seq) or not columns:
            return WrittenTable(options, markers, (), None, ((Seq((), *arguments[1:4]),),), {}, False)
        choices = {number: row for number, row in enumerate(rows.items) if _is_choice(row)}
        listed = tuple([_forms(row) for row in rows.items])
        if not rows.items:
            raise problem("a table without rows", rows.location)
        for row, forms in zip(rows.items, listed, strict=True):
            _check_width(row, forms, len(columns))
        return WrittenTable(options, markers, columns, headers, listed, choices, True)

    def cells(self, number: int, form: int = 0) -> dict[str, Node]:
        """Return the cells of a row in one of its forms, its own first, then those of the options that it has none
        of."""
        items = self.rows[number][form].items
        own = {name: cell for name, cell in zip(self.columns, items, strict=True) if cell is not ABSENT}
        return {**own, **{name: node for name, node in self.options.items() if name not in own}}


def _forms(row: Node) -> tuple[Seq, ...]:
    """Return the forms of a row; none where it is no row."""
    options = row.get(CHOICE) if _is_choice(row) else Seq((row,))
    items = options.items if isinstance(options, Seq) else ()
    forms = tuple([item for item in items if isinstance(item, Seq)])
    return forms if len(forms) == len(items) else ()


def _check_width(row: Node, forms: tuple[Seq, ...], width: int) -> None:
    """Raise SpecError for a row, or one of its forms, that has not a cell for each column."""
    if not forms:
        if _is_choice(row):
            raise problem("a choice of no rows", row.location, help="as in `{choice: [[3, 16, 1], [5, 24, 2]]}`")
        advice = f"each row has {plural(width, 'cell')}, as many as there are columns"
        raise problem(f"expected a row, not {describe(row)}", row.location, help=advice)
    for form in forms:
        if len(form.items) != width:
            message = f"a row of {plural(len(form.items), 'cell')} in a table of {plural(width, 'column')}"
            raise problem(message, form.location)

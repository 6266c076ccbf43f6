"""A block that a spec defines in YAML, as any other: its columns, and how its layers are applied to a row's cells."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from archprof.errors import Problems, SpecError, placed, problem
from archprof.ir import columns as kinds
from archprof.ir.columns import Column, Kind
from archprof.ir.dims import Dim
from archprof.language.block import Block
from archprof.language.bound import BoundRow, Layers
from archprof.language.cells import Cells, read_cell
from archprof.language.fragment import Feature
from archprof.limits import MAX_CHANNELS, MAX_REPEATS
from archprof.spec.nodes import Node
from archprof.spec.own_blocks import INPUT_CHANNELS, ONLY_INPUT, REPEAT, OwnBlock, OwnColumn, asked_columns, names_in

if TYPE_CHECKING:
    from archprof.language.scope import Scope
    from archprof.language.trace import Tracer

# Blocks inside blocks, one in the other.
_MAX_DEPTH = 16


def own_block(definition: OwnBlock, scope: "Scope | None" = None, cells: Cells | None = None) -> Block:
    """Return a block that a spec defines; without a *scope* and *cells* it has columns, and cannot be applied."""

    given = {column.name: _named_kind(column) for column in definition.columns}
    known = cells._replace(columns=given) if cells is not None else None

    def apply(net: "Tracer", *inputs: Feature, **values: Any) -> Feature:
        assert scope is not None
        assert known is not None
        return _apply(net, definition, scope, known, inputs, values)

    def repeats(values: Mapping[str, Any]) -> Dim:
        assert known is not None
        assert definition.repeats is not None
        return _repeats(definition, definition.repeats, known, values)

    columns = tuple(map(_column, definition.columns))
    printed = "c" if any(column.name == "c" and _is_channels(column.kind) for column in columns) else ""
    joins, rest, counts = bool(definition.inputs), definition.rest, REPEAT in definition.asked
    single = len(definition.inputs) - rest
    return Block(
        definition.name,
        apply,
        columns,
        definition.doc,
        joins,
        channels=printed,
        own=True,
        rest=rest,
        counts=counts,
        repeats=repeats if definition.repeats is not None else None,
        takes=(single, None if rest else single) if joins else None,
    )


def _is_channels(kind: Kind) -> bool:
    return kind.form in ("channels", "expanded")


def _column(column: OwnColumn) -> Column:
    return Column(column.name, _kind(column), column.doc, column.synonyms, required=column.default is None)


def _kind(column: OwnColumn) -> Kind:
    kind = _named_kind(column)
    default = column.default
    is_none = default is not None and getattr(default, "text", "") == "-"
    return kinds.optional(kind) if is_none and kind.form not in ("norm", "act", "flag", "options") else kind


def _named_kind(column: OwnColumn) -> Kind:
    low, high = max(column.low, 0), min(column.high, MAX_CHANNELS)
    if column.type == "choice":
        return kinds.one_of(*column.choices)
    if column.type == "int":
        return kinds.count(int(low), int(high))
    if column.type == "float":
        return kinds.ratio(low, high)
    if column.type == "stochastic_depth":
        from archprof.language.blocks.stochastic_depth import STOCHASTIC_DEPTH

        return STOCHASTIC_DEPTH.kind
    return _KINDS[column.type]


_KINDS: Mapping[str, Kind] = {
    "bool": kinds.FLAG,
    "size": kinds.SIDES,
    "sizes": kinds.SIZES,
    "channels": kinds.CHANNELS,
    "expanded": kinds.EXPANDED,
    "groups": kinds.GROUPS,
    "padding": kinds.PADDING,
    "norm": kinds.NORM,
    "act": kinds.ACT,
    "text": kinds.TEXT,
}


def _apply(
    net: "Tracer",
    block: OwnBlock,
    scope: "Scope",
    cells: Cells,
    inputs: tuple[Feature, ...],
    values: Mapping[str, Any],
) -> Feature:
    if scope.depth >= _MAX_DEPTH:
        message = f"block `{block.name}` stands inside itself, or {_MAX_DEPTH} blocks deep"
        raise problem(message, block.location, help="a block is made of others, not of itself")
    try:
        around = {INPUT_CHANNELS: inputs[0].channels, REPEAT: values.get(REPEAT, 0)}
        columns = asked_columns(block, block.asked)
        layers = _unnamed(scope.body(block, _inside(columns, cells, around, values, f"blocks.{block.name}")))
        with net.closed(_named(block, inputs)):
            x = net.layers(layers, inputs[0])
            outputs = {name: net.place(name, block.location) for name in block.outputs}
        for name, output in outputs.items():
            net.publish(name, output)
        return x
    except SpecError as error:
        raise _used(error, block, net.traced_row) from None


def _named(block: OwnBlock, inputs: tuple[Feature, ...]) -> dict[str, tuple[Feature, ...]]:
    """Return what each name of an input means: one, or those that are left."""
    names = block.inputs or (ONLY_INPUT,)
    single = len(names) - block.rest
    found: dict[str, tuple[Feature, ...]] = {name: (x,) for name, x in zip(names[:single], inputs, strict=False)}
    return {**found, names[-1]: inputs[single:]} if block.rest else found


def _used(error: SpecError, block: OwnBlock, row: BoundRow | None) -> SpecError:
    """Return the error with where the block is used that it rose in."""
    if row is None:
        return error
    note = f"`{block.name}` is used at {row.location}, in {row.address}"
    return SpecError(found._replace(note=found.note or note) for found in error.problems)


def check_names(own: Mapping[str, OwnBlock], known: Callable[[str], object], problems: Problems) -> None:
    """Note the blocks of a spec that are named like one that there is already."""
    for name, block in own.items():
        if known(name) is not None:
            advice = "choose another name"
            problems.add(f"there is a block `{name}` already", block.location, where="blocks", help=advice)


def check_defaults(own: Mapping[str, OwnBlock], cells: Cells, problems: Problems) -> None:
    """Note the defaults of columns that no row could have as a cell, whether a row uses them or not; what they are at a
    knob or another column is known there."""
    alone = cells._replace(columns={})
    for block in own.values():
        for column in block.columns:
            default = column.default
            if default is None or names_in(default):
                continue
            kind = _kind(column)
            try:
                read_cell(kind, default, alone)
            except SpecError as error:
                with problems:
                    where = f"blocks.{block.name}.columns.{column.name}.default"
                    raise placed(error, where, kind.allowed) from None


_REPEATS = kinds.count(0, MAX_REPEATS, "a number of repeats")


def _repeats(block: OwnBlock, node: Node, cells: Cells, values: Mapping[str, Any]) -> Dim:
    """Return how often a row of a block repeats. Raises SpecError for what is no such number."""
    where = f"blocks.{block.name}"
    try:
        return read_cell(_REPEATS, node, _inside(asked_columns(block, names_in(node)), cells, {}, values, where))
    except SpecError as error:
        raise placed(error, f"{where}.repeats", _REPEATS.allowed) from None


def _inside(
    columns: Iterable[OwnColumn], cells: Cells, around: Mapping[str, object], values: Mapping[str, Any], where: str
) -> Cells:
    """Return what cells in the body of a block may refer to: its columns at a row, and what is *around* that; *cells*
    are those of the spec, with the kinds of all its columns."""
    own = cells.columns or {}
    knobs = {name: value for name, value in cells.names.items() if name not in own}
    names = {**knobs, **around}
    known: dict[str, Kind] = {}  # a default may name the columns in front of it
    inside = cells._replace(names=names, columns=known)
    for column in columns:
        if column.name in values:
            value = values[column.name]
            # The stride of a repeat is a size, whatever the column is.
            first = column.type == "int" and isinstance(value, tuple)
            names[column.name] = value[0] if first else value
        else:
            assert column.default is not None  # a row without it has been refused
            try:
                names[column.name] = read_cell(_kind(column), column.default, inside)
            except SpecError as error:
                raise placed(error, f"{where}.columns.{column.name}.default") from None
        known[column.name] = own[column.name]
    return inside


def _unnamed(layers: Layers) -> Layers:
    """Return the layers of a body; a single one is the block itself, and has no name of its own in paths."""
    return layers if len(layers) > 1 or layers[0].id else (layers[0]._replace(segment=""),)

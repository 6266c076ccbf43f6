"""Axes that change cells of single rows, and nothing else: what they leave of a network is the rows' alternatives.

A network of fourteen rows with three kernels each is one of five million, but forty-two rows; costs add up along them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from archprof.errors import SpecError
from archprof.language.bound import BoundLayer, BoundRow, Layers
from archprof.language.expand import bind
from archprof.named_tuple import NamedTuple
from archprof.spec.variant import Setting
from archprof.sweep.plan import STRUCTURE, Plan

# What becomes another value in a row, by its name: a cell's, or, behind a dot, a field's of the row; `ABSENT` is that
# of a cell that is no longer there.
Changes = tuple[tuple[str, Any], ...]
ABSENT = object()


class Alternative(NamedTuple):
    """What one value of an axis changes: rows by their address, with the values that become others; or why it cannot
    be."""

    rows: Mapping[str, Changes]
    error: str = ""


class LocalAxis(NamedTuple):
    """An axis of the plan, by its place there, whose every value changes the values of some rows alone."""

    axis: int
    alternatives: tuple[Alternative, ...]
    addresses: frozenset[str]


# With fewer combinations, each by itself is fast enough.
_MANY = 16


def local_axes(plan: Plan, layers: Layers, fixed: tuple[Setting, ...]) -> tuple[LocalAxis, ...]:
    """Return the axes of a plan that change rows alone, against *layers*, which are those at the first value of each;
    none where they have few combinations.

    *fixed* are the settings at which the others stand.
    """
    places = [place for place, role in enumerate(plan.roles) if role == STRUCTURE and _is_cell(plan, place)]
    if _product(len(plan.axes[place].values) for place in places) < _MANY:
        return ()
    found = [axis for place in places if (axis := _local_axis(plan, place, layers, fixed)) is not None]
    # Two axes that change one cell cannot both be told from the other's first value.
    taken: dict[tuple[str, str], int] = {}
    for axis in found:
        for place in _changed_cells(axis):
            if taken.setdefault(place, axis.axis) != axis.axis:
                return ()
    return tuple(found)


def _is_cell(plan: Plan, place: int) -> bool:
    return any(sign in plan.axes[place].name for sign in ".[")


def _product(numbers: Iterator[int]) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product


def _local_axis(plan: Plan, place: int, layers: Layers, fixed: tuple[Setting, ...]) -> LocalAxis | None:
    """Return an axis with its alternatives; None where a value changes more than rows."""
    name, values = plan.axes[place]
    known = dict(_rows(layers))
    alternatives = []
    for value in values:
        try:
            changed = dict(_rows(bind(plan.spec((*fixed, (name, value)))).layers))
        except SpecError as error:
            alternatives.append(Alternative({}, reason_of(error)))
            continue
        if changed.keys() != known.keys() or any(_frame(changed[at]) != _frame(known[at]) for at in known):
            return None
        differences = {at: tuple(_differences(known[at][1], row)) for at, (_, row) in changed.items()}
        alternatives.append(Alternative({at: found for at, found in differences.items() if found}))
    return LocalAxis(place, tuple(alternatives), frozenset(at for one in alternatives for at in one.rows))


def _rows(layers: Layers) -> Iterator[tuple[str, tuple[BoundLayer, BoundRow]]]:
    """Yield every row, those of layers inside others too, by its address."""
    for layer in layers:
        for row in layer.rows:
            yield row.address, (layer, row)
            for value in row.values.values():
                for inner in inner_layers(value):
                    yield from _rows(inner)


def inner_layers(value: Any) -> tuple[Layers, ...]:
    """Return the lists of layers that a value is: one, several (the paths of branches), or none."""
    if not isinstance(value, tuple) or not value:
        return ()
    if isinstance(value[0], BoundLayer):
        return (value,)
    return tuple(item for item in value if isinstance(item, tuple) and item and isinstance(item[0], BoundLayer))


def rows_inside(row: BoundRow) -> frozenset[str]:
    """Return the addresses of a row and of those of layers inside it."""
    found = {row.address}
    for value in row.values.values():
        for inner in inner_layers(value):
            found.update(address for address, _ in _rows(inner))
    return frozenset(found)


def _frame(found: tuple[BoundLayer, BoundRow]) -> tuple[Any, ...]:
    """Return what a row is besides its cells: its layer's block, names and inputs."""
    layer, row = found
    inputs = tuple(source.text for source in layer.inputs)
    return (layer.block.name, layer.segment, layer.id, inputs, row.segment, row.id)


def _changed_cells(axis: LocalAxis) -> Iterator[tuple[str, str]]:
    for alternative in axis.alternatives:
        for at, changes in alternative.rows.items():
            yield from ((at, name) for name, _ in changes)


def _differences(known: BoundRow, other: BoundRow) -> Iterator[tuple[str, Any]]:
    """Yield the values, and the fields beside them, by which a row differs; not the layers inside it."""
    for name in dict.fromkeys((*known.values, *other.values)):
        mine, its = known.values.get(name, ABSENT), other.values.get(name, ABSENT)
        if not inner_layers(its) and mine != its:
            yield name, its
    for name in ("repeats", "scale", "narrow", "deepen"):
        if getattr(known, name) != getattr(other, name):
            yield f".{name}", getattr(other, name)


def substituted(layers: Layers, changes: Mapping[str, Changes]) -> Layers:
    """Return layers with rows changed, each by what its alternatives say."""
    return tuple(layer._replace(rows=tuple(substituted_row(row, changes) for row in layer.rows)) for layer in layers)


def substituted_row(row: BoundRow, changes: Mapping[str, Changes]) -> BoundRow:
    """Return a row, and the layers inside it, changed by what its alternatives say."""
    values = dict(row.values)
    fields: dict[str, Any] = {}
    for name, value in changes.get(row.address, ()):
        if name.startswith("."):
            fields[name[1:]] = value
        elif value is ABSENT:
            values.pop(name, None)
        else:
            values[name] = value
    for name, value in values.items():
        inner = inner_layers(value)
        if inner and isinstance(value[0], BoundLayer):
            values[name] = substituted(value, changes)
        elif inner:
            values[name] = tuple(substituted(path, changes) for path in value)
    return row._replace(values=values, **fields)


def reason_of(error: SpecError) -> str:
    """Return the first problem in a line."""
    first = error.problems[0]
    return f"{first.where}: {first.message}" if first.where else first.message

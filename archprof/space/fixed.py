"""Draws of a space that are left out: each is one that it has, at one of its options."""

from collections.abc import Sequence

from archprof.errors import suggest, usage_error
from archprof.language.spellings import spellings
from archprof.space.report import Request
from archprof.spec.choices import CHOICE, Draw, option_text
from archprof.spec.layers import written_layer
from archprof.spec.load import resolve
from archprof.spec.nodes import Map, Node, Seq
from archprof.spec.text import spec_yaml
from archprof.spec.types import OpenSpace
from archprof.spec.values import FALSE, TRUE
from archprof.spec.variant import Setting

# So many options are named.
_NAMED = 20


def check_fixed(request: Request, fixed: Sequence[Setting], written: str) -> tuple[Setting, ...]:
    """Return draws that are left out as settings: that of a row, which is named by its number, as the row is written.

    Raises UsageError for one, which is *written* so (`--fix`), that leaves no draw out or is none of its options.
    """
    settings = list(request.settings)
    for place, value in fixed:
        space, named = _space(request, settings), f"`{written} {place}={value}`"
        before = _draws(space)
        at = place.rpartition("[")[0]
        if place not in before and at in before:
            advice = f"all that it has are one: `{written} {at}={value}`"
            raise usage_error(f"{named} of one repeat", help=advice)
        if place in before:
            _check_drawn(before[place], value, named)
        row = _row(space, place, value) if space else None
        settings.append((place, value if row is None else row))
        left_out = before.keys() - _draws(_space(request, settings)).keys()
        if not left_out:
            raise usage_error(f"{named} leaves no draw out", help=suggest(place, before, "draws"))
        if place not in before:  # of a column by another name, or of a table
            for name in sorted(left_out):
                _check_drawn(before[name], value, named)
    return tuple(settings[len(request.settings) :])


def _check_drawn(draw: Draw, value: str, named: str) -> None:
    known = [option_text(option) for option in draw.options]
    is_flag = all(option in (*TRUE, *FALSE) for option in known)
    alike = [flags for flags in (TRUE, FALSE) if is_flag and value in flags and any(one in flags for one in known)]
    if value not in known and not alike:
        more = f" … {known[-1]}" if len(known) > _NAMED else ""
        raise usage_error(f"{named} is never drawn", help=f"one of {', '.join(known[:_NAMED])}{more}")


def _row(space: OpenSpace, place: str, number: str) -> str | None:
    """Return the row of a number as it is written, where a place is that of rows to choose from."""
    for index, layer in space.choices.layers.items():
        for at, row in enumerate(layer.rows):
            if row.draw is not None and row.draw.place == place:
                layers = space.root.get("layers")
                assert isinstance(layers, Seq)
                return _written(_choice_of(layers.items[index], at).items[int(number)])
    return None


def _choice_of(node: Node, number: int) -> Seq:
    """Return the rows that a row of a layer is chosen from."""
    layer = written_layer(node)
    arguments = layer.arguments if layer else None
    assert isinstance(arguments, Map)
    rows = arguments.get("rows")
    assert isinstance(rows, Seq)
    choice = rows.items[number]
    assert isinstance(choice, Map)
    options = choice.get(CHOICE)
    assert isinstance(options, Seq)
    return options


def _written(row: Node) -> str:
    assert isinstance(row, Seq)
    cells = [spec_yaml({"cell": cell}).removeprefix("cell: ").strip() for cell in row.items]
    return f"[{', '.join(cells)}]"


def _space(request: Request, settings: Sequence[Setting]) -> OpenSpace | None:
    tree, behind = request._replace(settings=()).read()
    return resolve(tree, (*behind, *settings), spellings).open


def _draws(space: OpenSpace | None) -> dict[str, Draw]:
    return {} if space is None else {draw.place: draw for draw in space.choices.draws()}

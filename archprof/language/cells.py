"""From a cell's text to its value: one reader for each form of `Kind`, which says what is wrong and what is allowed."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from archprof.errors import Problems, SpecError, did_you_mean, placed, problem, suggest
from archprof.ir.columns import CAUSAL, SAME, Column, EachSide, Kind
from archprof.language.expression import evaluate, is_expression
from archprof.language.named_operator import NamedOperator
from archprof.language.not_yet import is_not_yet
from archprof.language.registry import find_operator, operators_of
from archprof.limits import MAX_CHANNELS
from archprof.named_tuple import NamedTuple
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe
from archprof.spec.types import Spec
from archprof.spec.values import FALSE, TRUE, dims, flag, integer, number, scalar, sequence, wrong


class Cells(NamedTuple):
    """What cells may refer to: the values of *names*, which are the knobs, the number of classes, and the spec's
    defaults. In the body of a spec's own block names are its *columns* too, of some kinds, and no channels there are
    scaled: those of its row are already."""

    names: Mapping[str, object]
    classes: int | None = None
    defaults: Mapping[str, tuple[Scalar, Node]] = {}
    columns: Mapping[str, Kind] | None = None


def cells_of(spec: Spec) -> Cells:
    """Return what the cells of a spec may refer to."""
    return Cells(knobs_of(spec.settings), spec.classes, spec.defaults)


def knobs_of(settings: Mapping[str, object]) -> dict[str, object]:
    """Return what expressions compute with: of the settings all but the resolution, a size, and what is not set."""
    return {name: value for name, value in settings.items() if value is not None and type(value) is not tuple}


class PrintedChannels(NamedTuple):
    """A channel count as the table prints it, which the width multiplier scales; *expanded* for the inside of an
    inverted residual."""

    channels: Any
    expanded: bool = False


class RelativeChannels(NamedTuple):
    """A channel count as a multiple of the input's: `6x`."""

    factor: float


class DropRate(NamedTuple):
    """How likely training drops the body of a residual block: in even steps from 0 in the network's first block to *p*
    behind its last one, or in it where *p* is *reached* there; *p* in every block where it is *constant*."""

    p: float
    reached: bool = False
    constant: bool = False

    def at(self, block: int, blocks: int) -> float:
        """Return the probability of a block, counted from 0, of so many."""
        return self.p if self.constant else self.p * block / max(blocks - self.reached, 1)


def read_cell(kind: Kind, node: Node, cells: Cells) -> Any:
    """Return the value of a cell of some kind; raises SpecError, at the cell, for what it does not allow."""
    if cells.columns and isinstance(node, Scalar) and node.text[:1] == "$" and node.text[1:] in cells.columns:
        return _handed_on(kind, node, cells)
    return _READERS[kind.form](kind, node, cells)


# Kinds of which a column of a block is handed on as it is; of others it is a number or a word that is read anew.
_HANDED_ON = ("norm", "act", "size", "sides", "sizes", "padding", "groups", "options")


def _handed_on(kind: Kind, node: Scalar, cells: Cells) -> Any:
    """Return the value of a cell that is a column of the block around it."""
    assert cells.columns is not None
    name = node.text[1:]
    value, given = cells.names[name], _plain(cells.columns[name])
    wanted = _plain(kind)
    if value is None and (wanted is not kind or wanted.form in ("norm", "act", "options")):
        return None
    if value is not None and wanted.form in _HANDED_ON and _fits(value, given.form, wanted.form):
        return value
    if value is None or (isinstance(value, tuple) and wanted.form != "sizes"):
        message = f"`{name}` is {'none' if value is None else 'a size'} here, not {kind.allowed}"
        raise problem(message, node.location)
    return _READERS[kind.form](kind, node, cells)


def _fits(value: Any, given: str, wanted: str) -> bool:
    """Tell whether a value of one form is one of another: a size of two sides is one of any number."""
    return given == wanted or ({given, wanted} == {"size", "sides"} and len(value) == 2)


def _plain(kind: Kind) -> Kind:
    return kind.of if kind.form == "optional" and kind.of is not None else kind


def is_none(node: Node) -> bool:
    """Tell whether a cell is `-`."""
    return isinstance(node, Scalar) and node.text == "-"


def _means_none(node: Node) -> bool:
    """Tell whether a cell that may be none is; raises SpecError for none in other words."""
    if isinstance(node, Scalar) and node.text.lower() in _NONE:
        raise wrong(node, "`-`", "write `-` for none")
    return is_none(node)


_NONE = ("none", "null", "nil", "~", "no", "false", "off")


def typed_word(value: object) -> str:
    """Return a knob's value as it would be typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_options(options: Map, columns: tuple[Column, ...], cells: Cells, what: str, where: str = "") -> dict[str, Any]:
    """Return the values of a mapping of cells; raises SpecError with every problem in it."""
    problems = Problems()
    values: dict[str, Any] = {}
    named = {spelling: column for column in columns for spelling in (column.name, *column.synonyms)}
    for key, (marker, node) in options.entries.items():
        column = named.get(key)
        if column is None:
            advice = suggest(key, named, "options", [column.name for column in columns])
            problems.add(f"unknown option {describe(marker)} of {what}", marker.location, where=where, help=advice)
        elif column.name in values:
            advice = f"under one of its names: {', '.join((column.name, *column.synonyms))}"
            problems.add(f"`{key}` is given twice", marker.location, where=where, help=advice)
        else:
            values[column.name] = None
            try:
                values[column.name] = read_cell(column.kind, node, cells)
            except SpecError as error:
                with problems:
                    raise placed(error, where, column.kind.allowed) from None
    for column in columns:
        if column.required and column.name not in values:
            problems.add(f"{what} needs `{column.name}`: {column.doc}", options.location, where=where)
    given = {named[key].name: node for key, (_, node) in options.entries.items() if key in named}
    check_idle({column.name: column for column in columns}, given, values, where, problems)
    problems.raise_any()
    return values


def check_idle(
    columns: Mapping[str, Column],
    given: Mapping[str, Node],
    values: Mapping[str, Any],
    where: str,
    problems: Problems,
) -> None:
    """Note the cells that are *given* and mean nothing beside the *values* of the others."""
    inside = f"{where}." if where else ""
    for name, node in given.items():
        column = columns[name]
        if values.get(name) is None:
            continue
        if column.needs and values.get(column.needs) is None:
            message = f"`{name}` means nothing without `{column.needs}`"
            place = f"{inside}{name}" if inside else ""
            problems.add(message, node.location, where=place, help="remove it, or give both")
        for other in column.instead:
            if other in given and values.get(other) is not None:
                message = f"`{other}` means nothing beside `{name}`"
                place = f"{inside}{other}" if inside else ""
                problems.add(message, given[other].location, where=place, help="give one of the two")


# Numbers


def _bounded(kind: Kind, node: Node, cells: Cells, what: str, *, whole: bool, help: str = "") -> Any:
    typed = scalar(node, what)
    if typed.value is not None:
        return typed.value
    if is_expression(typed.text):
        return evaluate(typed, cells.names, kind.low, kind.high, whole=whole)
    if whole:
        return integer(typed, int(kind.low), int(kind.high), what, help)
    return number(typed, kind.low, kind.high, what)


def _integer(kind: Kind, node: Node, cells: Cells) -> Any:
    return _bounded(kind, node, cells, kind.what, whole=True)


def _number(kind: Kind, node: Node, cells: Cells) -> Any:
    return _bounded(kind, node, cells, kind.what, whole=False)


_MULTIPLE = r"([0-9]{1,12}(?:\.[0-9]{1,12})?)[x×]"


def _channels(kind: Kind, node: Node, cells: Cells) -> Any:
    typed = scalar(node, "a channel count")
    if typed.text == "classes":
        if cells.classes is None:
            advice = "say `classes: 1000` at the top"
            raise problem("`classes` without a number of classes", typed.location, help=advice)
        return cells.classes
    if typed.text.endswith(("x", "×")) and (match := re.fullmatch(_MULTIPLE, typed.text)):
        factor = float(match[1]) if "." in match[1] else int(match[1])
        if not 0 < factor <= MAX_CHANNELS:
            advice = f"a multiple is above 0x and at most {MAX_CHANNELS}x"
            raise problem(f"{describe(typed)} is out of range", typed.location, help=advice)
        return RelativeChannels(factor)
    channels = _bounded(kind, typed, cells, "a channel count", whole=True, help=kind.allowed)
    if cells.columns is not None:
        return channels
    return PrintedChannels(channels, kind.form == "expanded")


def _groups(kind: Kind, node: Node, cells: Cells) -> Any:
    if isinstance(node, Scalar) and node.text == "depthwise":
        return "depthwise"
    return _bounded(kind, node, cells, "a number of groups", whole=True, help=kind.allowed)


# Sizes


def _size(kind: Kind, node: Node, cells: Cells) -> tuple[int, ...]:
    typed = scalar(node, "a size")
    if not typed.text.isdigit() and re.fullmatch("[0-9]+[x×][0-9]+", typed.text):
        return EachSide(dims(typed, "HxW", "1x7", int(kind.high)))
    named = cells.names.get(typed.text[1:]) if cells.columns and typed.text[:1] == "$" else None
    if isinstance(named, tuple):
        return named[0], named[1]
    side = _bounded(kind, typed, cells, "a size", whole=True, help=kind.allowed)
    return side, side


def _sides(kind: Kind, node: Node, cells: Cells) -> tuple[int, ...]:
    typed = scalar(node, "a size")
    if re.fullmatch("[0-9]+([x×][0-9]+){2}", typed.text):
        return EachSide(dims(typed, "TxHxW", "3x1x1", int(kind.high)))
    named = cells.names.get(typed.text[1:]) if cells.columns and typed.text[:1] == "$" else None
    return named if isinstance(named, tuple) and len(named) > 2 else _size(kind, node, cells)


def _sizes(kind: Kind, node: Node, cells: Cells) -> tuple[tuple[int, ...], ...]:
    items = node.items if isinstance(node, Seq) else (node,)
    if not items:
        raise wrong(node, "at least one kernel size")
    assert kind.of is not None
    return tuple(_size(kind.of, item, cells) for item in items)


def _padding(kind: Kind, node: Node, cells: Cells) -> tuple[int, ...]:
    high = int(kind.high)
    if isinstance(node, Seq):
        if len(node.items) not in (2, 3, 4):
            message = f"expected two or four paddings, not {len(node.items)}"
            advice = "`[height, width]`, or `[top, bottom, left, right]`"
            raise problem(message, node.location, help=advice)
        return EachSide(_bounded(kind, item, cells, "a padding", whole=True, help=kind.allowed) for item in node.items)
    typed = scalar(node, "a padding")
    if typed.text in kind.words:
        return _PADDINGS[typed.text]
    if re.fullmatch(r"[0-9]+([x×][0-9]+){1,2}", typed.text, re.ASCII):
        sides = re.split("[x×]", typed.text)
        return EachSide(integer(typed._replace(text=side), 0, high, "a padding") for side in sides)
    side = _bounded(kind, typed, cells, "a padding", whole=True, help=kind.allowed)
    return side, side


_PADDINGS = {"same": SAME, "causal": CAUSAL}


def _printed_input(kind: Kind, node: Node, cells: Cells) -> tuple[int, int, int]:
    typed = scalar(node, "HxWxC")
    if "^" in typed.text or "²" in typed.text or " " in typed.text:
        square = re.sub(r"([0-9]+)(\^2|²)", r"\1x\1", typed.text.replace(" ", ""))
        typed = typed._replace(text=square)
    height, width, channels = dims(typed, "HxWxC", "112x112x16", int(kind.high))
    return height, width, channels


# Words


def _flag(kind: Kind, node: Node, cells: Cells) -> bool:
    typed = scalar(node, "a flag")
    if not typed.text.startswith("$"):
        return flag(typed)
    value = evaluate(typed, cells.names)
    if not isinstance(value, bool):
        advice = "name a knob of `type: bool`"
        raise problem(f"{describe(typed)} is {value}, not a flag", typed.location, help=advice)
    return value


def _text(kind: Kind, node: Node, cells: Cells) -> str:
    return scalar(node, "text").text


def _word(kind: Kind, node: Node, cells: Cells) -> str:
    typed = scalar(node, "a word")
    value = typed_word(evaluate(typed, cells.names)) if typed.text.startswith("$") else typed.text
    if value not in kind.words:
        allowed = " or ".join(f"`{word}`" for word in kind.words)
        raise wrong(typed, allowed, did_you_mean(value[:100], kind.words))
    return value


# Norms and activations


def _named_operator(kind: Kind, node: Node, cells: Cells) -> NamedOperator | None:
    if _means_none(node):
        return None
    name, options = _name_and_options(kind, node, cells)
    if is_none(name):  # a knob's, or a column's
        return None
    try:
        operator = find_operator(name.text, kind.form)
    except SpecError as error:
        raise placed(error, "", location=name.location) from None
    if operator is None:
        names = operators_of(kind.form)
        if is_not_yet(name.text, kind.form):
            advice = f"{kind.what}s: {', '.join(names)}"
            raise problem(f"there is no {kind.what} {describe(name)} yet", name.location, help=advice)
        advice = suggest(name.text, names, f"{kind.what}s")
        raise problem(f"unknown {kind.what} {describe(name)}", name.location, help=advice)
    where, said = "", f"`{name.text}`"
    _, template = cells.defaults.get(operator.name, (None, None))
    if options is None and isinstance(template, Map):  # a word alone stands for what the spec says of it
        options, where, said = template, f"defaults.{operator.name}", f"`{operator.name}`"
    given = options or Map({}, *name.location)
    return NamedOperator(operator, read_options(given, operator.columns, cells, said, where))


def _name_and_options(kind: Kind, node: Node, cells: Cells) -> tuple[Scalar, Map | None]:
    """Return the name of a norm or activation as typed, and its options as nodes."""
    if isinstance(node, Map):
        if len(node.entries) != 1:
            advice = "as in `{batch_norm: {eps: 0.001}}`"
            raise problem(f"one name is wanted here, not {len(node.entries)}", node.location, help=advice)
        ((marker, options),) = node.entries.values()
        if not isinstance(options, Map):
            raise wrong(options, f"the options of {describe(marker)}", _as_options(kind, marker, options))
        return marker, options
    typed = scalar(node, "a name")
    if typed.text.startswith("$"):
        typed = typed._replace(text=typed_word(evaluate(typed, cells.names)))
    return typed, None


def _as_options(kind: Kind, name: Scalar, value: Node) -> str:
    """Return how a value beside the name of a norm or an activation is written: as its first option."""
    with suppress(SpecError):
        operator = find_operator(name.text, kind.form)
        if operator is not None and operator.columns and isinstance(value, Scalar):
            return f"as in `{{{name.text}: {{{operator.columns[0].name}: {value.text[:100]}}}}}`"
    return "as in `{batch_norm: {eps: 0.001}}`"


# Kinds made of other kinds


def _optional(kind: Kind, node: Node, cells: Cells) -> Any:
    assert kind.of is not None
    return None if _means_none(node) else read_cell(kind.of, node, cells)


def _options(kind: Kind, node: Node, cells: Cells) -> Any:
    """Read `-` (none), a mapping of options, or a lone value; with a template also `✓` (as in `defaults`) and `no`, or
    a name that is a flag."""
    assert kind.of is not None
    assert kind.make is not None
    if kind.template and isinstance(node, Scalar) and node.text[:1] == "$":
        flag = cells.names.get(node.text[1:])
        node = node._replace(text=("yes" if flag else "no")) if isinstance(flag, bool) else node
    if (kind.template and isinstance(node, Scalar) and node.text in FALSE) or _means_none(node):
        return None
    values: dict[str, Any] = {}
    template = cells.defaults.get(kind.template)
    if template and isinstance(template[1], Map):
        name = kind.template
        values = read_options(template[1], kind.columns, cells, f"`{name}`", f"defaults.{name}")
    if isinstance(node, Map):
        values |= read_options(node, kind.columns, cells, kind.what)
    elif not (kind.template and isinstance(node, Scalar) and node.text in TRUE):
        values[kind.short] = read_cell(kind.of, node, cells)
    return kind.make(**values)


def _layers(kind: Kind, node: Node, cells: Cells) -> Seq:
    """Return a list of layers, read later."""
    if not isinstance(node, Seq):
        raise wrong(node, "a list of layers")
    if not node.items:
        raise problem("a list without layers", node.location, help="name a layer, or leave the list out")
    return node


def _paths(kind: Kind, node: Node, cells: Cells) -> tuple[Seq, ...]:
    """Return lists of layers, read later; an empty one hands its input on."""
    paths = sequence(node, "a list of lists of layers")
    return tuple(path if isinstance(path, Seq) and not path.items else _layers(kind, path, cells) for path in paths)


_READERS: Mapping[str, Callable[[Kind, Node, Cells], Any]] = {
    "integer": _integer,
    "number": _number,
    "channels": _channels,
    "expanded": _channels,
    "groups": _groups,
    "size": _size,
    "sides": _sides,
    "sizes": _sizes,
    "padding": _padding,
    "input": _printed_input,
    "flag": _flag,
    "text": _text,
    "word": _word,
    "norm": _named_operator,
    "act": _named_operator,
    "optional": _optional,
    "options": _options,
    "layers": _layers,
    "paths": _paths,
}

"""What may stand in a cell: the kinds of column, how each reads its text, and what it allows, for messages and the JSON
Schema."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from archprof.errors import Problems, SpecError, did_you_mean, placed, problem, suggest
from archprof.graph.expression import evaluate, is_expression
from archprof.spec.limits import MAX_CHANNELS, MAX_KERNEL, MAX_REPEATS
from archprof.spec.nodes import Map, Node, Scalar, Seq, describe
from archprof.spec.values import FALSE, TRUE, dims, flag, integer, number, scalar, sequence, wrong


class Cells(NamedTuple):
    """What cells may refer to: the values of the knobs, the number of classes, and the spec's defaults."""

    knobs: Mapping[str, object]
    classes: int | None = None
    defaults: Mapping[str, tuple[Scalar, Node]] = {}


class Kind(NamedTuple):
    """A kind of cell: what it allows (for people), how it is read, its JSON Schema, and the block whose `defaults` it
    starts from, if any."""

    allowed: str
    read: Callable[[Node, Cells], Any]
    schema: Mapping[str, Any]
    template: str = ""


class Column(NamedTuple):
    """A column of a block: its name, what may stand in it, what it means, and how papers spell it."""

    name: str
    kind: Kind
    doc: str
    synonyms: tuple[str, ...] = ()
    required: bool = False


class Printed(NamedTuple):
    """A channel count as the table prints it, which the width multiplier scales; *expanded* for the inside of an
    inverted residual."""

    channels: Any
    expanded: bool = False


class Relative(NamedTuple):
    """A channel count as a multiple of the input's: `6x`."""

    factor: float


class DropRate(NamedTuple):
    """How likely training drops the body of a residual block: in even steps from 0 in the network's first block to *p*
    behind its last one, or in it where *p* is *reached* there."""

    p: float
    reached: bool = False
    block: int = 0

    def of(self, blocks: int) -> float:
        """Return the probability of this block, of so many."""
        return self.p * self.block / max(blocks - self.reached, 1)


def none_or(read: Callable[[Node, Cells], Any]) -> Callable[[Node, Cells], Any]:
    """Return a reader that also takes `-`."""
    return lambda node, cells: None if is_none(node) else read(node, cells)


def is_none(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text == "-"


def _number(node: Node, cells: Cells, low: float, high: float, what: str, whole: bool, help: str = "") -> Any:
    typed = scalar(node, what)
    if typed.value is not None:
        return typed.value
    if is_expression(typed.text):
        return evaluate(typed, cells.knobs, low, high, whole=whole)
    return integer(typed, int(low), int(high), what, help) if whole else number(typed, low, high, what)


_MULTIPLE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)[x×]", re.ASCII)


def _channels(node: Node, cells: Cells) -> Any:
    typed = scalar(node, "a channel count")
    if typed.text == "classes":
        if cells.classes is None:
            raise problem(
                "`classes` without a number of classes", typed.location, help="say `classes: 1000` at the top"
            )
        return cells.classes
    if match := _MULTIPLE.fullmatch(typed.text):
        factor = float(match[1]) if "." in match[1] else int(match[1])
        if not 0 < factor <= MAX_CHANNELS:
            raise problem(
                f"{describe(typed)} is out of range",
                typed.location,
                help=f"a multiple is above 0x and at most {MAX_CHANNELS}x",
            )
        return Relative(factor)
    return Printed(_number(typed, cells, 1, MAX_CHANNELS, "a channel count", whole=True, help=CHANNELS.allowed))


def _expanded(node: Node, cells: Cells) -> Any:
    value = _channels(node, cells)
    return value._replace(expanded=True) if isinstance(value, Printed) else value


def _pair(low: int) -> Callable[[Node, Cells], tuple[int, int]]:
    def read(node: Node, cells: Cells) -> tuple[int, int]:
        typed = scalar(node, "a size")
        if re.fullmatch("[0-9]+[x×][0-9]+", typed.text, re.ASCII):
            height, width = dims(typed, "HxW", "1x7", MAX_KERNEL)
            return height, width
        side = _number(typed, cells, low, MAX_KERNEL, "a size", whole=True, help=SIZE.allowed)
        return side, side

    return read


def _padding(node: Node, cells: Cells) -> tuple[int, ...]:
    if isinstance(node, Seq):
        if len(node.items) != 4:
            raise wrong(node, "four paddings", "`[top, bottom, left, right]`")
        return tuple(integer(item, 0, MAX_KERNEL, "a padding") for item in node.items)
    typed = scalar(node, "a padding")
    if match := re.fullmatch(r"([0-9]+)[x×]([0-9]+)", typed.text, re.ASCII):
        height, width = (integer(typed._replace(text=side), 0, MAX_KERNEL, "a padding") for side in match.groups())
        return height, width
    side = _number(typed, cells, 0, MAX_KERNEL, "a padding", whole=True, help=PADDING.allowed)
    return side, side


def _groups(node: Node, cells: Cells) -> Any:
    if isinstance(node, Scalar) and node.text == "depthwise":
        return "depthwise"
    return _number(node, cells, 1, MAX_CHANNELS, "a number of groups", whole=True, help=GROUPS.allowed)


def _sizes(node: Node, cells: Cells) -> tuple[tuple[int, int], ...]:
    items = node.items if isinstance(node, Seq) else (node,)
    if not items:
        raise wrong(node, "at least one kernel size")
    return tuple(SIZE.read(item, cells) for item in items)


def _flag(node: Node, cells: Cells) -> bool:
    typed = scalar(node, "a flag")
    if not typed.text.startswith("$"):
        return flag(typed)
    value = evaluate(typed, cells.knobs)
    if not isinstance(value, bool):
        raise problem(f"{describe(typed)} is {value}, not a flag", typed.location, help="name a knob of `type: bool`")
    return value


def _text(node: Node, cells: Cells) -> str:
    return scalar(node, "text").text


def _printed_input(node: Node, cells: Cells) -> tuple[int, int, int]:
    typed = scalar(node, "HxWxC")
    square = re.sub(r"([0-9]+)(\^2|²)", r"\1x\1", typed.text.replace(" ", ""))
    height, width, channels = dims(typed._replace(text=square), "HxWxC", "112x112x16", MAX_CHANNELS)
    return height, width, channels


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
            problems.add(
                f"`{key}` is given twice",
                marker.location,
                where=where,
                help=f"under one of its names: {', '.join((column.name, *column.synonyms))}",
            )
        else:
            values[column.name] = None
            try:
                values[column.name] = column.kind.read(node, cells)
            except SpecError as error:
                with problems:
                    raise placed(error, where, column.kind.allowed) from None
    for column in columns:
        if column.required and column.name not in values:
            problems.add(f"{what} needs `{column.name}`: {column.doc}", options.location, where=where)
    problems.raise_any()
    return values


def typed_word(value: object) -> str:
    """Return a knob's value as it would be typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(pattern: str) -> Mapping[str, Any]:
    """Return the schema of a cell that is written as text: in a form of its own, or as an expression."""
    return {"type": "string", "pattern": f"{pattern}|[$*/+()]"}


_KNOB: Mapping[str, Any] = {"type": "string", "pattern": "^\\$"}
_NUMBER_TEXT = _written(r"^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$")


def one_of(*words: str) -> Kind:
    """Return the kind of a cell that takes one of some words."""

    def read(node: Node, cells: Cells) -> str:
        typed = scalar(node, "a word")
        value = typed_word(evaluate(typed, cells.knobs)) if typed.text.startswith("$") else typed.text
        if value not in words:
            raise wrong(typed, " or ".join(f"`{word}`" for word in words), did_you_mean(value[:100], words))
        return value

    return Kind(" · ".join(f"`{word}`" for word in words), read, {"anyOf": [{"enum": list(words)}, _KNOB]})


def ratio(low: float = 0, high: float = 1000) -> Kind:
    """Return the kind of a cell that takes a number."""
    return Kind(
        f"a number from {low:g} to {high:g}",
        lambda node, cells: _number(node, cells, low, high, "a number", whole=False),
        {"anyOf": [{"type": "number", "minimum": low, "maximum": high}, _NUMBER_TEXT]},
    )


def count(low: int = 1, high: int = MAX_CHANNELS, what: str = "an integer") -> Kind:
    """Return the kind of a cell that takes an integer."""
    return Kind(
        f"{what} from {low:,} to {high:,}",
        lambda node, cells: _number(node, cells, low, high, what, whole=True),
        {"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, _INTEGER_TEXT]},
    )


def optional(kind: Kind) -> Kind:
    """Return the kind that also takes `-`."""
    return Kind(f"{kind.allowed}, or `-`", none_or(kind.read), {"anyOf": [kind.schema, {"const": "-"}]})


def _layers(node: Node, cells: Cells) -> Seq:
    """Return a list of layers, read later."""
    if not isinstance(node, Seq):
        raise wrong(node, "a list of layers")
    if not node.items:
        raise problem("a list without layers", node.location, help="name a layer, or leave the list out")
    return node


def _paths(node: Node, cells: Cells) -> tuple[Seq, ...]:
    """Return lists of layers, read later; an empty one hands its input on."""
    paths = sequence(node, "a list of lists of layers")
    return tuple(path if isinstance(path, Seq) and not path.items else _layers(path, cells) for path in paths)


_TEXT: Mapping[str, Any] = {"type": "string"}
_INTEGER_TEXT = _written(r"^\+?[0-9]+$")
_SIZE_TEXT = _written("^[0-9]+([x×][0-9]+)?$")
_SIZE_SCHEMA: Mapping[str, Any] = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_KERNEL}, _SIZE_TEXT]}

CHANNELS = Kind(
    "a channel count: `32`, `6x` (times the input's), `classes`, an expression",
    _channels,
    {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_CHANNELS}, _written("^(classes|[0-9]+|[0-9.]+[x×])$")]},
)
EXPANDED = CHANNELS._replace(read=_expanded)
SIZE = Kind("a size: `3`, or `1x7` (height × width)", _pair(1), _SIZE_SCHEMA)
SIZES = Kind(
    "a size, or a list of sizes: `[3, 5, 7]`",
    _sizes,
    {"anyOf": [_SIZE_SCHEMA, {"type": "array", "items": _SIZE_SCHEMA, "minItems": 1}]},
)
PADDING = Kind(
    "a padding: `1`, `0x3`, or `[top, bottom, left, right]`",
    _padding,
    {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MAX_KERNEL},
            _SIZE_TEXT,
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": MAX_KERNEL},
                "minItems": 4,
                "maxItems": 4,
            },
        ]
    },
)
GROUPS = Kind(
    "a number of groups, or `depthwise`",
    _groups,
    {"anyOf": [{"type": "integer", "minimum": 1}, _written("^(depthwise|[0-9]+)$")]},
)
REPEATS = count(1, MAX_REPEATS)
FLAG = Kind("`true` or `false`", _flag, {"anyOf": [{"type": "boolean"}, {"enum": [*TRUE, *FALSE]}, _KNOB]})
TEXT = Kind("text", _text, _TEXT)
INPUT = Kind(
    "`HxWxC`, as in `112x112x16` or `112^2x16`",
    _printed_input,
    {"type": "string", "pattern": r"^[0-9]+ *(\^2|²|[x×] *[0-9]+) *[x×] *[0-9]+$"},
)
LAYERS = Kind("a list of layers", _layers, {"$ref": "#/$defs/layers"})
PATHS = Kind("a list of lists of layers", _paths, {"type": "array", "items": {"$ref": "#/$defs/layers"}})


def _drop_rate(node: Node, cells: Cells) -> DropRate:
    if isinstance(node, Map):
        return DropRate(**read_options(node, _DROP_RATE, cells, "`stochastic_depth`"))
    return DropRate(_PROBABILITY.read(node, cells))


_PROBABILITY = ratio(0, 1)
_DROP_RATE = (
    Column("p", _PROBABILITY, "the probability behind the last block of the network", required=True),
    Column("reached", FLAG, "whether the last block itself has it"),
)
STOCHASTIC_DEPTH = Column(
    "stochastic_depth",
    Kind(
        "a probability, `{p: 0.1, reached: true}`, or `-`",
        none_or(_drop_rate),
        {"anyOf": [_PROBABILITY.schema, {"const": "-"}, {"type": "object"}]},
    ),
    "how likely training drops the body of a residual block (Huang et al. 2016): the probability behind the network's last block, where it is "
    "`reached` in that block; from 0 in the first block it grows in even steps, whatever the table",
    ("drop_path", "drop_connect"),
)

"""Blocks that a spec defines itself, under `blocks`: what their columns may hold, as typed, and their layers."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from archprof.errors import Location, Problems, problem
from archprof.named_tuple import NamedTuple
from archprof.spec.kept import kept
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.values import identifier, mapping, number, scalar, sequence, text, word, wrong

# What a column may be declared as; `choices` stands for a word of a list.
TYPES = (
    "int", "float", "bool", "size", "sizes", "channels", "expanded", "groups", "padding", "norm", "act", "text",
    "stochastic_depth",
)  # fmt: skip
_NUMBERS = ("int", "float")  # which have a least and a largest one
COLUMN_KEYS = ("type", "default", "min", "max", "choices", "doc", "synonyms")
BLOCK_KEYS = ("doc", "columns", "inputs", "outputs", "repeats", "layers")
# What the body of a block calls the channels of its input, and what every block has anyway.
INPUT_CHANNELS = "in"
# As expressions name what they compute with.
_NAME = r"\$([A-Za-z_][A-Za-z0-9_]*)"
# Which of a row's repeats it is, counted from 0.
REPEAT = "repeat"
# What the body calls an input that is the only one, as a network's.
ONLY_INPUT = "input"
# Behind the last name of an input: that of all that are left, none or more.
_REST = "..."
_TAKEN = (INPUT_CHANNELS, REPEAT, "n", "id", "input", "deepen", "narrow", "scale", "columns", "rows")


class OwnColumn(NamedTuple):
    """A column of such a block: its type, and its default as typed, None where a row has to say it."""

    name: str
    type: str
    default: Node | None
    low: float
    high: float
    choices: tuple[str, ...] = ()
    doc: str = ""
    synonyms: tuple[str, ...] = ()


class OwnBlock(NamedTuple):
    """A block of a spec: its columns in their order, the names of its inputs where there are several, the last one that
    of all that are left where it has a *rest*, the ids of layers that are places of their own outside, its
    layers, the names that these ask for, and how often its rows *repeat* where they do not say so."""

    name: str
    doc: str
    columns: tuple[OwnColumn, ...]
    inputs: tuple[str, ...]
    rest: bool
    outputs: tuple[str, ...]
    layers: Seq
    asked: frozenset[str]
    location: Location
    repeats: Node | None = None


@kept(64)
def read_blocks(node: Node) -> dict[str, OwnBlock]:
    """Return the blocks that a spec defines, by name. Raises SpecError with everything that is wrong but in their
    layers."""
    problems = Problems()
    found: dict[str, OwnBlock] = {}
    for name, (marker, block) in mapping(node, "`blocks`").entries.items():
        with problems:
            identifier(marker, "a block's name")
            found[name] = _block(name, marker, block)
    problems.raise_any()
    return found


def _block(name: str, marker: Scalar, node: Node) -> OwnBlock:
    fields = mapping(node, f"block `{name}`", BLOCK_KEYS)
    layers, inputs = fields.get("layers"), fields.get("inputs")
    if layers is None:
        raise problem(f"block `{name}` needs `layers`", node.location, help="they say what it is made of")
    listed = sequence(layers, "a list of layers")
    if not listed:
        raise problem(f"block `{name}` is without layers", layers.location)
    assert isinstance(layers, Seq)
    names, rest = _inputs(inputs) if inputs else ((), False)
    doc, columns = fields.get("doc"), fields.get("columns")
    own = _columns(columns) if columns else ()
    outputs = _texts(fields.get("outputs"), "a list of ids")
    said, asked = text(doc) if doc else "", names_in(layers)
    block = OwnBlock(name, said, own, names, rest, outputs, layers, asked, marker.location, fields.get("repeats"))
    _check_read(block, columns)
    if inputs:
        _check_inputs_read(block, sequence(inputs, "a list of names"))
    return block


def _check_read(block: OwnBlock, columns: Node | None) -> None:
    """Raise SpecError for each column that nothing in a block asks for: its cells would mean nothing."""
    asked = block.asked | (names_in(block.repeats) if block.repeats is not None else frozenset())
    read = {column.name for column in asked_columns(block, asked)}
    problems = Problems()
    for column in block.columns:
        if column.name not in read:
            assert isinstance(columns, Map)
            place = columns.entries[column.name][0].location
            advice = f"write `${column.name}` into a cell of its layers, or remove the column"
            problems.add(f"nothing in block `{block.name}` asks for its column `{column.name}`", place, help=advice)
    problems.raise_any()


def _check_inputs_read(block: OwnBlock, nodes: Iterable[Node]) -> None:
    """Raise SpecError for each input that no layer of a block reads; its first layer takes the first one unless it
    names others."""
    first = block.layers.items[0]
    read = set(_sources(block.layers))
    if not isinstance(first, Map) or "from" not in first.entries:
        read.add(block.inputs[0])
    problems = Problems()
    for name, node in zip(block.inputs, nodes, strict=True):
        if name not in read:
            advice = f"`from: {name}` beside a layer does; or leave the input out"
            problems.add(f"no layer of block `{block.name}` reads its input `{name}`", node.location, help=advice)
    problems.raise_any()


def _sources(node: Node) -> Iterator[str]:
    """Yield what layers somewhere in *node* take instead of the layer above."""
    if isinstance(node, Seq):
        for item in node.items:
            yield from _sources(item)
    elif isinstance(node, Map):
        for key, value in node.pairs():
            if key == "from":
                listed = value.items if isinstance(value, Seq) else (value,)
                yield from (source.text for source in listed if isinstance(source, Scalar))
            else:
                yield from _sources(value)


def names_in(node: Node) -> frozenset[str]:
    """Return the names that cells somewhere in *node* have."""
    if isinstance(node, Scalar):
        return frozenset(re.findall(_NAME, node.text) if "$" in node.text else ())
    inside = node.items if isinstance(node, Seq) else [value for _, value in node.entries.values()]
    return frozenset().union(*map(names_in, inside))


def asked_columns(block: OwnBlock, names: Iterable[str]) -> tuple[OwnColumn, ...]:
    """Return the columns of a block that are among some names, and those that their defaults ask for."""
    asked = set(names)
    found = []
    for column in reversed(block.columns):
        if column.name in asked:
            found.append(column)
            asked |= names_in(column.default) if column.default is not None else set()
    return tuple(reversed(found))


def _inputs(node: Node) -> tuple[tuple[str, ...], bool]:
    """Return the names of inputs, and whether the last one is that of all that are left."""
    names = [scalar(item, "an input's name") for item in sequence(node, "a list of names")]
    if len(names) < 2:
        advice = "a block without `inputs` has one, which its first layer takes"
        raise problem(f"`inputs` of {len(names)}", node.location, help=advice)
    last = names[-1]
    named = [*names[:-1], last._replace(text=last.text.removesuffix(_REST))]
    return tuple([identifier(name, "an input's name") for name in named]), last.text.endswith(_REST)


def _texts(node: Node | None, what: str) -> tuple[str, ...]:
    return tuple([text(item) for item in sequence(node, what)]) if node else ()


def _columns(node: Node) -> tuple[OwnColumn, ...]:
    problems = Problems()
    found: dict[str, OwnColumn] = {}
    for name, (marker, column) in mapping(node, "`columns`").entries.items():
        with problems:
            if not name.isidentifier() or not name.isascii():
                raise wrong(marker, "a column's name", "letters, digits and `_`, starting with a letter")
            if name in _TAKEN:
                advice = "choose another name"
                raise problem(f"`{name}` means something in every block", marker.location, help=advice)
            found[name] = _column(name, column)
    problems.raise_any()
    _check_synonyms(found, node)
    return tuple(found.values())


def _column(name: str, node: Node) -> OwnColumn:
    fields = mapping(node, f"column `{name}`", COLUMN_KEYS)
    kind, choices, synonyms = fields.get("type"), fields.get("choices"), fields.get("synonyms")
    if (kind is None) == (choices is None):
        advice = f"`type: {TYPES[0]}`, `{'`, `'.join(TYPES[1:])}`; or `choices: [a, b]`"
        raise problem(f"column `{name}` needs one of `type` and `choices`", node.location, help=advice)
    typed, doc = word(kind, TYPES, "type") if kind else "choice", fields.get("doc")
    return OwnColumn(
        name,
        typed,
        fields.get("default"),
        *_range(name, typed, fields),
        tuple(scalar(choice, "a word").text for choice in sequence(choices, "a list of words")) if choices else (),
        text(doc) if doc else "",
        tuple(identifier(item, "a name") for item in sequence(synonyms, "a list of names")) if synonyms else (),
    )


def _range(name: str, typed: str, fields: Map) -> tuple[float, float]:
    """Return the least and the largest number of a column. Raises SpecError where it takes none, or none is left."""
    for key in ("min", "max"):
        if key in fields.entries and typed not in _NUMBERS:
            kind = "`choices`" if typed == "choice" else f"`type: {typed}`"
            message = f"`{key}` of column `{name}`, which has {kind}"
            raise problem(message, fields.entries[key][0].location, help="it is a bound of `int` and `float`")
    low, high = fields.get("min"), fields.get("max")
    least = number(low, -1e9, 1e9) if low else -math.inf
    most = number(high, -1e9, 1e9) if high else math.inf
    if low and least > most:
        message = f"the `min` of column `{name}` is larger than its `max`"
        raise problem(message, low.location, help="no number is left between them")
    return least, most


def _check_synonyms(columns: Mapping[str, OwnColumn], node: Node) -> None:
    taken = dict.fromkeys(columns)
    for column in columns.values():
        for name in column.synonyms:
            if name in taken or name in _TAKEN:
                raise problem(f"`{name}` names two columns", node.location, help="choose another synonym")
            taken[name] = None


def imported(theirs: Map, own: Node | None, location: Location) -> Map:
    """Return blocks of another file, imported at a place, with those of this one. Raises SpecError, there, for
    different ones of one name."""
    if not isinstance(own, Map):
        return theirs
    for name, (marker, block) in theirs.entries.items():
        if name in own.entries and own.entries[name][1] != block:
            other = own.entries[name][0].location
            note = f"they stand in {other} and {marker.location}"
            raise problem(f"there are two blocks `{name}`", location, note=note)
    return own._replace(entries={**theirs.entries, **own.entries})

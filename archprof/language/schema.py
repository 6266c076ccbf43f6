"""The spec language as a JSON Schema (draft 2020-12), for editors: generated from the columns of the blocks that are
here, installed ones too.

YAML loaders type scalars before a schema sees them (`-`, `1x7`, `1e-3`, `no`), so a cell allows what any of them makes
of it.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Any

from archprof.costs.metrics import NAMES
from archprof.errors import SpecError
from archprof.ir.columns import HOLDS_LAYERS, Column, Kind, count
from archprof.ir.init_rules import BIASES, PLAIN, WITH_DEVIATION
from archprof.ir.operators import find_operator, operator_names
from archprof.ir.operators.base import Operator
from archprof.ir.origin import Source
from archprof.language.block import Block
from archprof.language.init import MAX_DEVIATION
from archprof.language.registry import block_names, columns_of, find_block, installed_names, installed_operator
from archprof.language.spellings import spellings
from archprof.limits import MAX_CHANNELS, MAX_REPEATS
from archprof.spec.budget import budget_schema
from archprof.spec.choices import PER
from archprof.spec.header import NETWORKS, PUBLISHED, PUBLISHED_WORDS
from archprof.spec.layers import BESIDE, BLOCK
from archprof.spec.own_blocks import TYPES
from archprof.spec.values import FALSE, TRUE

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
# What some loaders take for a number or a date is text here: `name: 2020`, `table: 1`.
WORDS: Schema = {"type": ["string", "number"]}
ID: Schema = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"}
PLACE: Schema = {"type": "string", "description": "an id, or an address such as `layers[1].rows[2]`"}
CELL: Schema = {"type": ["string", "number", "boolean", "array", "object"]}
DASH: Schema = {"const": "-"}
KNOB: Schema = {"type": "string", "pattern": "^\\$"}
SIZE = "^[0-9]+([x×][0-9]+){1,3}$|^[0-9]+([x×][0-9]+){0,3}:(float32|int64|bool)$"
_INPUT: Schema = {"type": "string", "pattern": SIZE}
ADDRESS = "^[A-Za-z_0-9][A-Za-z0-9_-]*(\\.[A-Za-z_0-9][A-Za-z0-9_-]*|\\[[0-9]{1,6}\\])*$"


def spec_schema() -> Schema:
    """Return the JSON Schema of a spec."""
    blocks = _blocks()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "archprof spec, language version 1",
        "type": "object",
        "properties": _top_level(blocks),
        "required": ["archprof"],
        "anyOf": [{"required": ["extends"]}, {"required": ["input", "layers"]}],
        "dependentRequired": {edit: ["extends"] for edit in ("set", "insert", "remove")},
        "additionalProperties": False,
        # Where no file defines blocks, there are no others.
        "if": {"not": {"anyOf": [{"required": [key]} for key in ("blocks", "import", "extends")]}},
        "then": {"properties": {"layers": {"$ref": "#/$defs/known_layers"}}},
        "$defs": {
            "known_layers": _known_layers(blocks),
            "layers": {"type": "array", "items": {"$ref": "#/$defs/layer"}},
            "layer": _layer(blocks),
            "choice": _choice(),
            "row": _row(),
            "norm": _named_operator("norm"),
            "act": _named_operator("act"),
            **{f"block.{block.name}": _arguments(block) for block in blocks},
            **{f"options.{block.name}": _mapping(_options(block)) for block in blocks},
        },
    }


def _blocks() -> tuple[Block, ...]:
    """Return the blocks of archprof, then those that installed packages offer and that can be used."""
    found: dict[str, Block] = {}
    for name in (*block_names(), *installed_names()):
        try:
            block = find_block(name)
        except SpecError:
            continue
        if block is not None:
            found.setdefault(name, block)
    return tuple(found.values())


def _top_level(blocks: Iterable[Block]) -> Schema:
    return {
        "archprof": _said("the version of the language", {"enum": [1, "1"]}),
        "name": _said(
            "the name in the catalog; the file's stem unless given",
            {**WORDS, "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$"},
        ),
        "title": _said("as tables print it; the name unless given", WORDS),
        "aliases": _said("other names in the catalog", {"type": "array", "items": WORDS}),
        "source": _said("where the table is printed", _mapping(dict.fromkeys(Source._fields, WORDS))),
        "follows": _said(
            "the implementation whose order of parameters, details and outputs the module reproduces", WORDS
        ),
        "extends": _said("the parent: a name, path or variant, as in `mobilenet_v2@width=0.75`", TEXT),
        "input": _said(
            "what the network takes: `CxHxW`, `CxL`, `CxTxHxW`, `L:int64`; several by name",
            {"anyOf": [_INPUT, {"type": "object", "minProperties": 1, "additionalProperties": _INPUT}]},
        ),
        "classes": _said("what `classes` means in a channel cell", _integer(1, MAX_CHANNELS)),
        "defaults": _said(
            "cells for every block that has the column, or for one block under its name", _defaults(blocks)
        ),
        "width": _said("how a width multiplier changes a printed channel count", _width()),
        "depth": _said("how a depth multiplier changes `n`", _mapping({"round": {"enum": ["ceil"]}})),
        "knobs": _said("settings of this network", {"type": "object", "additionalProperties": _knob()}),
        "init": _said("the first weights", _first_weights()),
        "import": _said("files whose blocks are wanted", {"type": "array", "items": TEXT, "minItems": 1}),
        "blocks": _said("blocks of one's own", {"type": "object", "additionalProperties": _own_block()}),
        "layers": _said("the network, from input to output", {"$ref": "#/$defs/layers", "minItems": 1}),
        "outputs": _said("the feature maps to return; the last layer's unless given", _outputs()),
        "stages": _said("the parts that `freeze` counts", {"type": "array", "items": ID}),
        "freeze": _said("the first *n* stages have no trainable parameters", {"anyOf": [_integer(0, None), KNOB]}),
        "set": _said(
            "places of the parent, and what to put there",
            {"type": "object", "propertyNames": {"pattern": ADDRESS}, "additionalProperties": CELL},
        ),
        "insert": _said("layers or rows beside those of the parent", {"type": "array", "items": _insertion()}),
        "remove": _said("layers or rows of the parent to leave out", {"type": "array", "items": PLACE}),
        "expect": _said("exact integers, tested", {"type": "array", "items": _expected()}),
        "published": _said("numbers as a source prints them", {"type": "array", "items": _published()}),
        "budget": _said("what the network may cost", _budget()),
        "space": _said("what belongs to a space of networks beside its choices", _space()),
        "note": _said("what a reader of the numbers should know", WORDS),
    }


def _budget() -> Schema:
    budget = budget_schema({})
    return {"anyOf": [budget, {"type": "array", "items": budget}]}


def _said(description: str, schema: Mapping[str, Any]) -> Schema:
    return {"description": description, **schema}


def _mapping(properties: Mapping[str, Any], **more: Any) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **more}


def _integer(low: int, high: int | None) -> Schema:
    return {"type": "integer", "minimum": low} | ({} if high is None else {"maximum": high})


def _width() -> Schema:
    return _mapping({"divisor": {"anyOf": [_integer(1, 1024), DASH]}, "expand": {"enum": ["scale", "ratio"]}})


def _knob() -> Schema:
    value: Schema = {"type": ["string", "number", "boolean"]}
    fields = {
        "type": {"enum": ["int", "float", "bool"]},
        "default": value,
        "min": {"type": "number"},
        "max": {"type": "number"},
        "doc": WORDS,
    }
    fields["choices"] = {"type": "array", "items": value}
    drawn = {"type": fields["type"], "choice": _options_to_choose({"type": "array", "items": value, "minItems": 2})}
    drawn |= {"default": value, "doc": WORDS}
    allowed = _mapping(fields, required=["default"], oneOf=[{"required": ["type"]}, {"required": ["choices"]}])
    return {"anyOf": [allowed, _mapping(drawn, required=["choice"])]}


def _space() -> Schema:
    size: Schema = {"type": ["string", "integer"]}
    sizes = {"anyOf": [size, {"type": "array", "items": size, "minItems": 1}]}
    return _mapping({"resolution": sizes, "version": _integer(1, None)})


def _own_block() -> Schema:
    value: Schema = {"type": ["string", "number", "boolean", "object"]}
    column = {
        "type": {"enum": list(TYPES)},
        "choices": {"type": "array", "items": value},
        "default": value,
        "min": {"type": "number"},
        "max": {"type": "number"},
        "doc": WORDS,
        "synonyms": {"type": "array", "items": ID},
    }
    columns = _mapping(column, oneOf=[{"required": ["type"]}, {"required": ["choices"]}])
    fields = {
        "doc": WORDS,
        "columns": {"type": "object", "additionalProperties": columns},
        "inputs": {"type": "array", "items": TEXT, "minItems": 2},
        "outputs": {"type": "array", "items": ID},
        "repeats": _cell(count(0, MAX_REPEATS)),
        "layers": {"$ref": "#/$defs/layers", "minItems": 1},
    }
    return _mapping(fields, required=["layers"])


def _first_weights() -> Schema:
    rule, bias = _initialisation(), {"enum": list(BIASES)}
    layers = {"type": "object", "additionalProperties": rule}
    return _mapping({"conv": rule, "linear": rule, "conv_bias": bias, "linear_bias": bias, "layers": layers})


def _initialisation() -> Schema:
    deviation = {"type": "number", "minimum": 0, "maximum": MAX_DEVIATION}
    return {
        "anyOf": [
            {"enum": list(PLAIN)},
            _mapping(dict.fromkeys(WITH_DEVIATION, deviation), minProperties=1, maxProperties=1),
        ]
    }


def _outputs() -> Schema:
    return {
        "anyOf": [
            {"type": "array", "items": ID, "minItems": 1},
            {"type": "object", "additionalProperties": PLACE, "minProperties": 1},
        ]
    }


def _insertion() -> Schema:
    fields = {
        "before": PLACE,
        "after": PLACE,
        "layers": {"$ref": "#/$defs/layers"},
        "rows": {"type": "array", "items": {"type": "array", "items": CELL}},
    }
    one_of = [
        {"oneOf": [{"required": ["before"]}, {"required": ["after"]}]},
        {"oneOf": [{"required": ["layers"]}, {"required": ["rows"]}]},
    ]
    return _mapping(fields, allOf=one_of)


def _expected() -> Schema:
    counts = (*NAMES, NETWORKS)
    return _mapping(
        {"at": TEXT, **dict.fromkeys(counts, _integer(0, None))}, anyOf=[{"required": [name]} for name in counts]
    )


def _published() -> Schema:
    numbers = (*PUBLISHED, "top1", "top5")
    fields = {"at": TEXT, **dict.fromkeys(numbers, WORDS), **dict.fromkeys(PUBLISHED_WORDS, WORDS)}
    return _mapping(fields, anyOf=[{"required": [number]} for number in numbers])


def _defaults(blocks: Iterable[Block]) -> Schema:
    columns: dict[str, Any] = {}
    for block in blocks:
        if block.inherits:
            columns |= {name: schema for name, schema in _options(block).items() if name not in columns}
    own = {block.name: {"$ref": f"#/$defs/options.{block.name}"} for block in blocks}
    return _mapping(
        {
            name: {"anyOf": [columns[name], own[name]]} if name in columns and name in own else schema
            for name, schema in (own | columns).items()
        }
    )


def _layer(blocks: Iterable[Block]) -> Schema:
    """Return the schema of a layer: a block's name, or one block with its arguments, beside it at most an id, inputs,
    a condition and what is registered in front of it. Another name may be that of a block of one's own."""
    beside = {
        "id": ID,
        "from": {"anyOf": [PLACE, {"type": "array", "items": PLACE, "minItems": 1}]},
        "when": {"type": ["boolean", "string"]},
        "register": {"type": "array", "items": TEXT, "minItems": 1},
    }
    known = {block.name: {"$ref": f"#/$defs/block.{block.name}"} for block in blocks}
    fields = {**known, BLOCK: _drawn_block(), **beside}
    layer = {"type": "object", "properties": fields, "additionalProperties": {"anyOf": [CELL, {"type": "null"}]}}
    return {"anyOf": [ID, {**layer, "allOf": [_one_block(there) for there in _subsets(BESIDE)]}]}


def _subsets(names: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (there for size in range(len(names) + 1) for there in combinations(names, size))


def _one_block(there: tuple[str, ...]) -> Schema:
    """Return the schema by which a layer with just these words beside it has one block."""
    others = [{"required": [name]} for name in BESIDE if name not in there]
    asked: Schema = {"required": list(there)} | ({"not": {"anyOf": others}} if others else {})
    return {"if": asked, "then": {"minProperties": 1 + len(there), "maxProperties": 1 + len(there)}}


def _known_layers(blocks: Iterable[Block]) -> Schema:
    """Return the schema by which layers, and those inside them, name blocks that there are."""
    names = [block.name for block in blocks]
    layers: Schema = {"$ref": "#/$defs/known_layers"}
    inside: dict[str, Schema] = {}
    for block in blocks:
        held = {
            column.name: layers if column.kind.form == "layers" else {"items": layers}
            for column in block.columns
            if column.kind.form in HOLDS_LAYERS
        }
        if held:
            options: Schema = {"type": "object", "properties": held}
            inside[block.name] = {"anyOf": [options, held.get(block.columns[0].name, options)]}
    known = {"type": "object", "propertyNames": {"enum": [*names, BLOCK, *BESIDE]}, "properties": inside}
    return {"type": "array", "items": {"anyOf": [{"enum": names}, known]}}


def _arguments(block: Block) -> Schema:
    """Return the schema of what stands behind a block's name: nothing, the value of its first column, options, or a
    table."""
    columns = [
        name for name, column in spellings(block.name).items() if _column(block, column).kind.form not in HOLDS_LAYERS
    ]
    table = {
        "columns": {"type": "array", "items": {"enum": columns}, "minItems": 1, "uniqueItems": True},
        "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}, "minItems": 1},
    }
    options = _mapping({**_options(block), **table}, dependentRequired={"columns": ["rows"], "rows": ["columns"]})
    forms: list[Schema] = [{"type": "null"}, options]
    if block.columns:
        forms.append(_cell(block.columns[0].kind))
    return {"description": block.doc, "anyOf": forms}


def _column(block: Block, name: str) -> Column:
    return columns_of(block.name)[name]


def _options(block: Block) -> Schema:
    """Return the schema of every spelling of a block's columns, but for `id`, which stands beside a block or in a
    row."""
    columns = {name: column for name, column in columns_of(block.name).items() if name != "id"}
    cells = {name: _said(column.doc, _open_cell(column.kind)) for name, column in columns.items()}
    return {spelling: cells[name] for spelling, name in spellings(block.name).items() if name in cells}


def _cell(kind: Kind) -> Schema:
    """Return the schema of a cell, by the form of its kind."""
    return _CELLS[kind.form](kind)


def _open_cell(kind: Kind) -> Schema:
    """Return the schema of a cell that may be left open to choose, which those that hold layers cannot."""
    cell = _cell(kind)
    return cell if kind.form in HOLDS_LAYERS else {"anyOf": [cell, {"$ref": "#/$defs/choice"}]}


def _choice() -> Schema:
    options = _options_to_choose({"type": "array", "items": CELL, "minItems": 2})
    return _mapping({"choice": options, "per": {"enum": list(PER)}, "default": CELL}, required=["choice"])


def _options_to_choose(listed: Schema) -> Schema:
    return {"anyOf": [listed, {"type": "string", "pattern": ":"}]}


def _row() -> Schema:
    """Return the schema of a row, or of the choice of one."""
    row: Schema = {"type": "array", "items": CELL}
    options = {"type": "array", "items": row, "minItems": 2}
    drawn = _mapping({"choice": options, "default": {"type": "integer", "minimum": 0}}, required=["choice"])
    return {"anyOf": [row, drawn]}


def _drawn_block() -> Schema:
    """Return the schema of a layer whose block is drawn: options and a table for all the blocks to choose from."""
    table = {
        "columns": {"type": "array", "items": ID, "minItems": 1},
        "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}, "minItems": 1},
    }
    option: Schema = {"anyOf": [ID, {"type": "object", "minProperties": 1, "maxProperties": 1}]}
    fields = {"choice": {"type": "array", "items": option, "minItems": 2}, "per": {"enum": list(PER)}, **table}
    return {"type": "object", "properties": {**fields, "default": option}, "additionalProperties": CELL}


def _text_of(pattern: str) -> Schema:
    """Return the schema of a cell that is written as text: in a form of its own, or as an expression."""
    return {"type": "string", "pattern": f"{pattern}|[$*/+()]"}


def _whole(kind: Kind, text: Schema) -> Schema:
    return {"anyOf": [{"type": "integer", "minimum": int(kind.low), "maximum": int(kind.high)}, text]}


def _number(kind: Kind) -> Schema:
    text = _text_of(r"^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$")
    return {"anyOf": [{"type": "number", "minimum": kind.low, "maximum": kind.high}, text]}


def _sizes(kind: Kind) -> Schema:
    size = _whole(kind, _SIZE_TEXT)
    return {"anyOf": [size, {"type": "array", "items": size, "minItems": 1}]}


def _padding(kind: Kind) -> Schema:
    side = {"type": "integer", "minimum": int(kind.low), "maximum": int(kind.high)}
    sides = [{"type": "array", "items": side, "minItems": number, "maxItems": number} for number in (2, 3, 4)]
    words = "".join(f"{word}|" for word in kind.words)
    return {"anyOf": [side, _text_of(f"^({words}[0-9]+([x×][0-9]+){{0,2}})$"), *sides]}


def _optional(kind: Kind) -> Schema:
    assert kind.of is not None
    return {"anyOf": [_cell(kind.of), DASH]}


def _options_cell(kind: Kind) -> Schema:
    """Return the schema of a mapping of options, or of what stands for one."""
    assert kind.of is not None
    lone = _cell(kind.of)
    if not kind.template:
        return {"anyOf": [lone, DASH, {"type": "object"}]}
    return {"anyOf": [{"$ref": f"#/$defs/options.{kind.template}"}, {"anyOf": [_FLAG, lone]}]}


_SIZE_TEXT = _text_of("^[0-9]+([x×][0-9]+)?$")
_FLAG: Schema = {"anyOf": [{"type": "boolean"}, {"enum": [*TRUE, *FALSE]}, KNOB]}
_PRINTED_INPUT = r"^[0-9]+ *(\^2|²|[x×] *[0-9]+) *[x×] *[0-9]+$"
_CELLS: Mapping[str, Callable[[Kind], Schema]] = {
    "integer": lambda kind: _whole(kind, _text_of(r"^\+?[0-9]+$")),
    "number": _number,
    "channels": lambda kind: _whole(kind, _text_of("^(classes|[0-9]+|[0-9.]+[x×])$")),
    "expanded": lambda kind: _whole(kind, _text_of("^(classes|[0-9]+|[0-9.]+[x×])$")),
    "groups": lambda kind: {"anyOf": [_integer(int(kind.low), None), _text_of("^(depthwise|[0-9]+)$")]},
    "size": lambda kind: _whole(kind, _SIZE_TEXT),
    "sides": lambda kind: _whole(kind, _text_of("^[0-9]+([x×][0-9]+){0,2}$")),
    "sizes": _sizes,
    "padding": _padding,
    "input": lambda kind: {"type": "string", "pattern": _PRINTED_INPUT},
    "flag": lambda kind: _FLAG,
    "text": lambda kind: TEXT,
    "word": lambda kind: {"anyOf": [{"enum": list(kind.words)}, KNOB]},
    "norm": lambda kind: {"$ref": "#/$defs/norm"},
    "act": lambda kind: {"$ref": "#/$defs/act"},
    "optional": _optional,
    "options": _options_cell,
    "layers": lambda kind: {"$ref": "#/$defs/layers"},
    "paths": lambda kind: {"type": "array", "items": {"$ref": "#/$defs/layers"}},
}


def _named_operator(category: str) -> Schema:
    """Return the schema of a norm or activation: a name, a name with options, a knob, or none."""
    operators = {name: operator for name, operator in _operators().items() if operator.category == category}
    options = {name: _mapping(_operator_options(operator)) for name, operator in operators.items()}
    return {"anyOf": [{"enum": [*operators, "-"]}, KNOB, _mapping(options, minProperties=1, maxProperties=1)]}


def _operators() -> Mapping[str, type[Operator]]:
    found = {name: operator for name in operator_names() if (operator := find_operator(name))}
    for name in installed_names():
        try:
            operator = installed_operator(name)
        except SpecError:
            continue
        if operator is not None:
            found.setdefault(name, operator)
    return found


def _operator_options(operator: type[Operator]) -> Schema:
    return {
        name: _said(column.doc, _cell(column.kind))
        for column in operator.columns
        for name in (column.name, *column.synonyms)
    }

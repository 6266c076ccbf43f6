"""A network of a space as a plain spec: its table with every choice drawn, which needs the space no more."""

import re
from pathlib import Path

from archprof.errors import usage_error
from archprof.language.spellings import spellings
from archprof.space.report import Request, SpaceReport
from archprof.spec.chosen import chosen
from archprof.spec.layers import ABSENT
from archprof.spec.load import load
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.text import spec_yaml
from archprof.spec.types import Spec
from archprof.spec.variant import settings_text

_LEFT_OUT = ("name", "aliases", "space", "expect", "published", "budget", "note", "extends", "import")
_ORDER = ("title", "source", "follows", "input", "classes", "defaults", "width", "knobs", "init", "blocks", "layers")


def spec_text(request: Request, found: SpaceReport, path: str) -> str:
    """Return the first network that was found as a spec, with what it costs in its `expect`.

    Raises UsageError for one at a width multiplier, which is no part of a table.
    """
    network = found.found[0]
    settings = (*request.settings, *network.settings.items())
    spec = load(request.model, settings, spellings=spellings, text=request.text)
    space = load(
        request.model, (*settings, ("network", str(network.network))), spellings=spellings, text=request.text
    ).open
    assert space is not None
    if spec.settings["width"] != 1:
        raise usage_error("a network at another width is no table of its own", help="leave `--width` out")
    root, drawn = chosen(space.root, space.choices, space.picked, spellings.within(space.root))
    entries = dict(root.pairs())
    entries["input"] = _input(spec, entries["input"])
    if spec.classes is not None:
        entries["classes"] = Scalar(str(spec.classes))
    if spec.knobs:
        entries["knobs"] = _knobs(spec, drawn)
    written: dict[str, Node] = {"archprof": Scalar("1"), "name": Scalar(_name(path))}
    written["title"] = Scalar(_title(spec, network.network))
    keys = [key for key in (*_ORDER, *(key for key in entries if key not in _ORDER)) if key in entries]
    for key in keys:
        if key not in (*_LEFT_OUT, "archprof", "title"):
            written[key] = _whole(entries[key])
    counts = {name: Scalar(str(network.totals[name])) for name in ("params", "macs")}
    expected = Map({name: (Scalar(name), count) for name, count in counts.items()})
    written["expect"] = Seq((expected,))
    return spec_yaml(written)


def _title(spec: Spec, rank: int) -> str:
    """Return the space's title, with what was asked of it, on which the rank hangs."""
    asked = settings_text(spec.asked)
    return f"{spec.title}, {f'{asked}, ' if asked else ''}network {rank}"


def _name(path: str) -> str:
    return re.sub("[^A-Za-z0-9_.-]", "_", Path(path).stem).lstrip("_.-") or "network"


def _input(spec: Spec, node: Node) -> Node:
    if isinstance(node, Map) or spec.settings["resolution"] is None:
        return node
    return Scalar("x".join(map(str, spec.input)))


def _knobs(spec: Spec, drawn: dict[str, Scalar]) -> Map:
    """Return the knobs, those that were drawn with what was drawn as their default."""
    asked = dict(spec.asked)
    entries: dict[str, tuple[Scalar, Node]] = {}
    for name, knob in spec.knobs.items():
        value = drawn.get(name) or (Scalar(asked[name]) if name in asked else knob.default)
        fields: dict[str, Node] = {"type": Scalar(knob.type)}
        if knob.choices:
            fields = {"choices": Seq(tuple(map(Scalar, knob.choices)))}
        fields["default"] = value
        entries[name] = (Scalar(name), Map({key: (Scalar(key), field) for key, field in fields.items()}))
    return Map(entries)


def _whole(node: Node) -> Node:
    """Return a node without the cells that only some rows have: an id that a row has not is none, a stated input is
    left out."""
    if isinstance(node, Scalar):
        return node
    if isinstance(node, Seq):
        return node._replace(items=tuple(map(_whole, node.items)))
    entries = {key: (marker, _whole(value)) for key, (marker, value) in node.entries.items()}
    columns, rows = node.get("columns"), node.get("rows")
    if isinstance(columns, Seq) and isinstance(rows, Seq):
        entries["columns"], entries["rows"] = _table(node, columns, rows)
    return node._replace(entries=entries)


def _table(node: Map, columns: Seq, rows: Seq) -> tuple[tuple[Scalar, Node], tuple[Scalar, Node]]:
    names = [column.text if isinstance(column, Scalar) else "" for column in columns.items]
    partial = {at for row in rows.items if isinstance(row, Seq) for at, cell in enumerate(row.items) if cell is ABSENT}
    kept = [at for at, name in enumerate(names) if not (name == "input" and at in partial)]
    lines = tuple(
        [
            row._replace(items=tuple([_cell(names[at], row.items[at]) for at in kept]))
            for row in rows.items
            if isinstance(row, Seq)
        ]
    )
    header = columns._replace(items=tuple([columns.items[at] for at in kept]))
    return (node.entries["columns"][0], header), (node.entries["rows"][0], rows._replace(items=lines))


def _cell(name: str, cell: Node) -> Node:
    return Scalar("-") if name == "id" and cell is ABSENT else cell

"""A lock's file → the graph that was captured: data, read without torch, of which nothing is believed."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields
from functools import cache, partial
from typing import Any, TypeVar, cast

from archprof.captures.fields import counts, extents, tensor, tensors
from archprof.captures.lock_memory import read_memory
from archprof.captures.lock_text import FORMS, SCHEMA, Captured, Lock
from archprof.errors import UsageError
from archprof.inputs import read_named
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.graph import INPUT, Edge, Graph, ModuleClass, Provenance, Storages, read_of
from archprof.ir.operators import find_class
from archprof.ir.operators.base import KINDS, Operator
from archprof.ir.operators.recorded import Recorded
from archprof.ir.origin import Unlisted
from archprof.ir.values import Value
from archprof.json_fields import (
    MOST_SIZE,
    Reader,
    Refused,
    count,
    field,
    flag,
    integer,
    integers,
    items,
    mapping,
    names,
    number,
    one_of,
    shown,
    text,
    texts,
)
from archprof.json_text import FileKind, JsonText
from archprof.limits import MAX_OPERATORS
from archprof.spec import catalog, git

MAX_BYTES = 1 << 26
_KIND = FileKind("lock", MAX_BYTES, "take the file from git again, or write it anew with `archprof lock`")
_TRAINING = "training."
_FORMS = one_of(*FORMS)

_Read = TypeVar("_Read")


def read_lock(path: str) -> Lock:
    """Return the lock in a file; `git:REV:path` is one at a revision.

    Raises UsageError, with the place, for a file that is none, and SpecError where git has no such file.
    """
    return _Reader(path, _bytes(path)).read()


def _bytes(path: str) -> bytes:
    if catalog.is_git(path):
        return git.read_blob(path, most=MAX_BYTES)
    return read_named(path, MAX_BYTES + 1, f"`archprof lock net.py:Net -o {path}` makes one")


class _Reader:
    """A lock while it is read: each node finds what it reads among those before it."""

    def __init__(self, file: str, data: bytes) -> None:
        self._file = file
        self._text = JsonText(file, data, _KIND)
        self._indices: dict[str, int] = {}
        self._builder = GraphBuilder({})
        self._evaluation: dict[str, Any] = {}  # the calls that those of training may be

    def read(self) -> Lock:
        document = self._document()
        captured = self._part("captured", lambda: _captured(field(document, "captured", mapping)))
        graph = self._graph(document, captured)
        if "training" not in document:
            return Lock(graph, captured)
        self._evaluation = {name: document["nodes"][index] for name, index in self._indices.items()}
        training = self._graph(
            self._part("training", lambda: field(document, "training", mapping)), captured, _TRAINING
        )
        return Lock(graph, captured, training._replace(training=True, modules=graph.modules))

    def _graph(self, record: dict[str, Any], captured: Captured, where: str = "") -> Graph:
        self._indices = {}
        self._builder = GraphBuilder(self._part(f"{where}inputs", lambda: field(record, "inputs", _inputs)))
        for place, node in enumerate(self._part(f"{where}nodes", lambda: field(record, "nodes", _nodes))):
            self._part(f"{where}nodes[{place}]", partial(self._node, node), node)
        outputs = self._part(f"{where}outputs", lambda: field(record, "outputs", self._outputs))
        single = self._part(f"{where}single_batch", lambda: field(record, "single_batch", flag, False))
        recorded = self._part(f"{where}storages", lambda: field(record, "storages", flag, True))
        origin = Unlisted(captured.model, file=self._file, note=captured.library)
        modules = self._part(f"{where}modules", lambda: field(record, "modules", _modules, {}))
        graph = self._builder.build(captured.model, outputs, origin, len(outputs) > 1, modules)
        how: Storages = "recorded" if recorded else "assumed"
        return graph._replace(single_batch=single, storages=how, captured=captured.how)

    def _document(self) -> dict[str, Any]:
        document = self._text.parse()
        schema = document.get("schema") if isinstance(document, dict) else None
        if not isinstance(document, dict) or schema is None:
            raise self._text.wrong(f"this is no lock: there is schema {SCHEMA}")
        if type(schema) is not int or schema != SCHEMA:
            message = f"lock schema {shown(schema)} is not known here: there is schema {SCHEMA}"
            raise self._text.wrong(message, '"schema"')
        return document

    def _part(self, where: str, read: Callable[[], _Read], record: Any = None) -> _Read:
        """Return what a part of the file says. Raises UsageError, with its place, for what it may not say."""
        try:
            return read()
        except Refused as error:
            raise self._wrong(where, record, str(error)) from None

    def _wrong(self, where: str, record: Any, message: str) -> UsageError:
        behind = '"training"' if where.startswith(_TRAINING) else ""
        path = record.get("path") if isinstance(record, dict) else None
        if not isinstance(path, str):
            near = f'"{where.removeprefix(_TRAINING).partition("[")[0]}"'
            return self._text.wrong(message, near, where, behind)
        near = f'"path": {json.dumps(path, ensure_ascii=False)}'
        return self._text.wrong(message, near, f"{where}, {shown(path)}", behind)

    def _node(self, found: Any) -> None:
        if isinstance(found, str) and found not in self._evaluation:
            raise Refused(f"no call of evaluation is {shown(found)}")
        record = mapping(self._evaluation.get(found) if isinstance(found, str) else found)
        edges: tuple[Edge, ...] = field(record, "inputs", self._edges)
        outputs: tuple[Value, ...] = field(record, "outputs", tensors)
        if not outputs:
            raise Refused("`outputs` is empty, and a call returns something")
        op = _operator(record)
        memory = read_memory(record, len(edges), len(outputs))
        if not isinstance(op, Recorded):
            _check_fits(op, [self._builder.value(edge) for edge in read_of(edges, memory)], outputs)
        place = Provenance(None, block=field(record, "block", text), block_type=field(record, "block_type", text))
        tied = field(record, "parameters", names, None)
        frozen = frozenset(field(record, "frozen", texts, ()))
        folds = field(record, "folds_norm", flag, False)
        placement = Placement(field(record, "trainable", flag, True), {}, place, tied, frozen, memory, folds)
        form = field(record, "form", _FORMS, "module")
        call = self._builder.append(field(record, "path", text), op, edges, outputs, op.kind, form, placement)
        if call != field(record, "call", count, 1):
            raise Refused(f"`call`: this is call {call} of the path")
        self._remember()

    def _remember(self) -> None:
        node = self._builder.nodes[-1]
        if node.stage > MOST_SIZE:
            raise Refused("strides that leave nothing of any map")
        if node.id in self._indices:
            raise Refused(f"another call is {shown(node.id)} too")
        self._indices[node.id] = len(self._indices)

    def _edges(self, found: Any) -> tuple[Edge, ...]:
        return tuple(map(self._edge, items(found)))

    def _edge(self, found: Any) -> Edge:
        name, output = items(found, (2,))
        if name is None:
            index, made = INPUT, len(self._builder.inputs)
        elif isinstance(name, str) and name in self._indices:
            index = self._indices[name]
            made = len(self._builder.nodes[index].outputs)
        else:
            raise Refused(f"no call before is {shown(name)}")
        return Edge(index, integer(output, 0, made - 1))

    def _outputs(self, found: Any) -> dict[str, Edge]:
        return {text(name): self._edge(edge) for name, edge in mapping(found).items()}


def _captured(found: Mapping[str, Any]) -> Captured:
    known = [name for name in Captured._fields if name != "how"]
    how = field(found, "how", one_of("meta", "fake", "real"), "")
    return Captured(**{name: field(found, name, texts if name == "inputs" else text) for name in known}, how=how)


def _inputs(found: Any) -> dict[str, Value]:
    inputs = {text(name): tensor(value) for name, value in mapping(found).items()}
    if not inputs:
        raise Refused("a network has an input")
    return inputs


def _modules(found: Any) -> dict[str, ModuleClass]:
    classes = names(found)
    holders = {path.rpartition(".")[0] for path in classes if path}
    return {path: _class(cls, path in holders) for path, cls in classes.items()}


def _class(found: str, holds: bool) -> ModuleClass:
    made, _, places = found.partition(" ×")
    name, _, base = made.removesuffix(")").partition("(nn.")
    many = int(places) if places.isdecimal() else 1
    return ModuleClass(name, name.removeprefix("nn.") if name.startswith("nn.") else base, holds, many)


def _nodes(found: Any) -> list[Any]:
    nodes = items(found)
    if len(nodes) > MAX_OPERATORS:
        raise Refused(f"more than {MAX_OPERATORS:,} calls")
    return nodes


def _operator(record: Mapping[str, Any]) -> Operator:
    """Return the operator of a node: one of our table, by its class there, or what was recorded."""
    if "recorded" in record:
        recorded: Recorded = field(record, "recorded", _recorded)
        return recorded
    name = field(record, "op", text)
    cls = find_class(name)
    if cls is None:
        raise Refused(f"`op`: there is no operator {shown(name)} here; it may be of a newer archprof")
    given, known = field(record, "attributes", mapping), _attributes(name)
    if unknown := given.keys() - known.keys():
        raise Refused(f"`attributes`: `{name}` has no {shown(min(unknown))}; it may be of a newer archprof")
    # What an operator has since come to be able to do, it does not do in older locks.
    later = {one.name for one in fields(cast("Any", cls)) if one.default is not MISSING} - given.keys()
    return cls(**{key: field(given, key, read) for key, read in known.items() if key not in later})


def _recorded(found: Any) -> Recorded:
    record = mapping(found)
    macs = field(record, "macs", lambda value: None if value is None else count(value))
    held, kept = (field(record, key, counts, ()) for key in ("parameters", "buffers"))
    kind = field(record, "kind", one_of(*KINDS))
    divides = field(record, "divides", lambda value: None if value is None else integer(value, 1, MOST_SIZE), 1)
    bounded = field(record, "bounded", flag, False)
    counted = field(record, "counted", flag, macs is not None) and macs is not None
    puts_out = field(record, "activations", count, None)
    target = field(record, "target", text)
    return Recorded(target, macs or 0, held, kept, kind, counted, divides, bounded, puts_out)


def _check_fits(op: Operator, values: list[Value], outputs: tuple[Value, ...]) -> None:
    name = type(op).__name__
    try:
        made = op.outputs(*values)
    except (ValueError, LookupError, ArithmeticError, TypeError) as error:  # in whatever way it finds out
        raise Refused(f"`{name}` does not fit what it reads: {error}") from None
    if [value.shape for value in made] != [value.shape for value in outputs]:
        raise Refused(f"`outputs`: `{name}` returns {' and '.join(shown(list(value.shape)) for value in made)}")


# Attributes that may be 0.
_FROM_ZERO = (
    *("padding", "output_padding", "before", "behind", "axes", "axis", "start", "shape", "sizes", "positions"),
    "projection",
)


@cache
def _attributes(name: str) -> Mapping[str, Reader]:
    """Return what reads each attribute of an operator, by the type that its class states."""
    cls: Any = find_class(name)
    return {one.name: _reader(str(one.type), 0 if one.name in _FROM_ZERO else 1) for one in fields(cls)}


def _reader(kind: str, low: int) -> Reader:
    if kind == "tuple[int, ...]":
        return lambda value: extents(value, low)
    if kind in _LENGTHS:
        return lambda value: integers(value, _LENGTHS[kind], low)
    readers: Mapping[str, Reader] = {"float": number, "bool": flag, "str": _FORMS, "Word": text}
    return readers.get(kind) or (lambda value: integer(value, low, MOST_SIZE))


# How many sizes an attribute of a type has.
_LENGTHS: Mapping[str, Collection[int]] = {
    "One": (1,),
    "Pair": (2,),
    "Three": (3,),
    "Sizes": (1, 2, 3),
    "Padding": (2, 4),
    "Sides": (4,),
}

"""What an ONNX file says, as records: a model, its graphs and functions, their nodes, attributes and tensors.

Field numbers are those of onnx.proto3. What nobody asks for is skipped, the elements of tensors first of all.
"""

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

from archprof.captures.onnx.elements import TYPES, UNKNOWN, Data, ElementType, from_bytes, is_float
from archprof.captures.onnx.order import in_order
from archprof.captures.onnx.wire import (
    FIXED32,
    SPAN,
    Allowance,
    Damaged,
    Field,
    Span,
    fields,
    float_at,
    let_go,
    numbers,
    packed,
)
from archprof.captures.onnx.wire import signed as signed_64
from archprof.limits import MAX_OPERATORS
from archprof.named_tuple import NamedTuple

# Of larger tensors nobody asks for the elements: what computes shapes is small.
MAX_ELEMENTS = 1024
_MAX_FLOATS = 64  # scales and bounds; what there is more of are weights
MAX_RANK = 64
_MAX_FIELDS = 20_000_000
_MAX_GRAPHS_DEEP = 16
_MAX_TEXT = 1 << 16
_MOST_ELEMENTS = 1 << 53
_MAPPED = 8 << 20  # of a file at a time

Dim = int | str | None  # as stated: so many, so many by name, or free


class Stored(NamedTuple):
    """A tensor in a file: its type, its shape, its elements where they are few, and what it takes there; whether
    another file has them. *key* tells it from all others."""

    name: str
    dtype: ElementType
    shape: tuple[int, ...]
    data: Data | None = None
    size: int = 0
    external: bool = False
    key: int = 0
    zeros: int = 0  # so many elements of a sparse tensor are left out
    places: int = 0  # bytes that say where the others stand

    @property
    def elements(self) -> int:
        return prod(self.shape)


class Stated(NamedTuple):
    """What a file states of an input, an output or a value: its name, its type, its shape where that is stated, and
    whether it is a sequence or may be missing."""

    name: str
    dtype: ElementType = UNKNOWN
    shape: tuple[Dim, ...] | None = None
    wrapped: str = ""


class ReferredAttribute(NamedTuple):
    """An attribute of a node in a function that is the caller's attribute of some name."""

    name: str


class NodeRecord(NamedTuple):
    """A node as the file has it."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    overload: str
    metadata: Mapping[str, str]


class GraphRecord(NamedTuple):
    """A graph as the file has it; *stated* says what it states of values between nodes, once it is asked."""

    name: str
    nodes: tuple[NodeRecord, ...]
    stored: tuple[Stored, ...]
    inputs: tuple[Stated, ...]
    outputs: tuple[Stated, ...]
    stated: Callable[[], Mapping[str, Stated]]


class FunctionRecord(NamedTuple):
    """A function of the file: nodes by which another node is to be replaced."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[NodeRecord, ...]
    defaults: Mapping[str, Any]
    opsets: Mapping[str, int]


class ModelRecord(NamedTuple):
    """A file: its graph, which version of which operators it means, its functions by domain, name and overload."""

    graph: GraphRecord
    opsets: Mapping[str, int]
    functions: Mapping[tuple[str, str, str], FunctionRecord]
    producer: str
    ir_version: int


def read_model(data: Any) -> ModelRecord:
    """Return what a file's bytes say. Raises Damaged where they are no model."""
    return _Reader().model(Span(data, 0, len(data)))


class _Reader:
    """A file while it is read, with what is left of the limits."""

    def __init__(self) -> None:
        self._budget = Allowance(_MAX_FIELDS)
        self._nodes = MAX_OPERATORS
        self._depth = 0
        self._keys = 0
        self._gone = 0  # before it, nothing is mapped any more

    def model(self, span: Span) -> ModelRecord:
        graph: GraphRecord | None = None
        functions: dict[tuple[str, str, str], FunctionRecord] = {}
        opsets: dict[str, int] = {}
        producer, version, ir_version = "", "", 0
        for field in self._fields(span):
            match field.number:
                case 1:
                    ir_version = _integer(field)
                case 2:
                    producer = self._text(span, field)
                case 3:
                    version = self._text(span, field)
                case 7:
                    graph = self.graph(_inside(span, field))
                case 8:
                    opsets.update([self._opset(_inside(span, field))])
                case 25:
                    functions.update([self._function(_inside(span, field))])
        if graph is None:
            raise Damaged("no graph stands in it")
        if not opsets:
            raise Damaged("it says of no operators which version it means")
        return ModelRecord(graph, opsets, functions, f"{producer} {version}".strip(), ir_version)

    def graph(self, span: Span) -> GraphRecord:
        self._depth += 1
        if self._depth > _MAX_GRAPHS_DEEP:
            raise Damaged(f"graphs more than {_MAX_GRAPHS_DEEP} deep in each other")
        name = ""
        nodes, stored, inputs, outputs, between = [], [], [], [], []
        for field in self._fields(span):
            match field.number:
                case 1:
                    nodes.append(self._node(_inside(span, field)))
                case 2:
                    name = self._text(span, field)
                case 5:
                    stored.append(self._tensor(_inside(span, field)))
                case 11:
                    inputs.append(self._value(_inside(span, field)))
                case 12:
                    outputs.append(self._value(_inside(span, field)))
                case 13:
                    between.append(_inside(span, field))
                case 15:
                    stored.append(self._sparse(_inside(span, field)))
            if field.end - self._gone > _MAPPED:
                let_go(span.data)
                self._gone = field.end
        self._depth -= 1
        return GraphRecord(
            name, tuple(in_order(nodes)), tuple(stored), tuple(inputs), tuple(outputs), lambda: self._between(between)
        )

    def _between(self, spans: Iterable[Span]) -> dict[str, Stated]:
        return {value.name: value for value in map(self._value, spans)}

    def _node(self, span: Span) -> NodeRecord:
        self._nodes -= 1
        if self._nodes < 0:
            raise Damaged(f"more than {MAX_OPERATORS:,} nodes")
        texts = {3: "", 4: "", 7: "", 8: ""}
        inputs, outputs = [], []
        attributes: dict[str, Any] = {}
        metadata: dict[str, str] = {}
        for field in self._fields(span):
            match field.number:
                case 1:
                    inputs.append(self._text(span, field))
                case 2:
                    outputs.append(self._text(span, field))
                case 3 | 4 | 7 | 8:
                    texts[field.number] = self._text(span, field)
                case 5:
                    attributes.update([self._attribute(_inside(span, field))])
                case 9:
                    metadata.update(self._property(_inside(span, field)))
        domain = "" if texts[7] == "ai.onnx" else texts[7]
        named = (texts[4], domain, texts[3], tuple(inputs), tuple(outputs))
        return NodeRecord(*named, attributes, texts[8], metadata)

    def _attribute(self, span: Span) -> tuple[str, Any]:
        name, referred = "", ""
        value: Any = None
        listed: list[Any] = []
        for field in self._fields(span):
            match field.number:
                case 1:
                    name = self._text(span, field)
                case 2:
                    value = float_at(span.data, _of(field, FIXED32))
                case 3:
                    value = signed_64(_integer(field))
                case 4:
                    value = self._text(span, field)
                case 5:
                    value = self._tensor(_inside(span, field))
                case 6:
                    value = self.graph(_inside(span, field))
                case 7:
                    listed.extend(self._floats(span, field))
                case 8:
                    listed.extend(self._integers(span, field))
                case 9:
                    listed.append(self._text(span, field))
                case 10:
                    listed.append(self._tensor(_inside(span, field)))
                case 11:
                    listed.append(self.graph(_inside(span, field)))
                case 14:
                    value = self._type("", _inside(span, field))
                case 20:
                    # Empty lists are told from nothing by their type alone.
                    value = () if value is None and 6 <= _integer(field) <= 10 else value
                case 21:
                    referred = self._text(span, field)
                case 22:
                    value = self._sparse(_inside(span, field))
        if referred:
            return name, ReferredAttribute(referred)
        return name, tuple(listed) if listed else value

    def _tensor(self, span: Span) -> Stored:
        name, dtype = "", UNKNOWN
        shape: list[int] = []
        raw: Span | None = None
        typed: list[float] = []
        size, external = 0, False
        for field in self._fields(span):
            match field.number:
                case 1:
                    shape.extend(self._integers(span, field))
                case 2:
                    dtype = TYPES.get(_integer(field), UNKNOWN)
                case 8:
                    name = self._text(span, field)
                case 9:
                    raw = _inside(span, field)
                case 4 | 5 | 7 | 10 | 11:
                    size += field.end - field.value if field.wire == SPAN else 4
                    typed.extend(self._typed(span, field))
                case 13:
                    external = True
                case 14:
                    external = external or _integer(field) == 1
        self._keys += 1
        _check_shape(name, shape)
        found = Stored(name, dtype, tuple(shape), None, size if raw is None else len(raw), external, self._keys)
        if external:
            return found._replace(size=_bytes_of(found))
        return found._replace(data=_elements(found, raw, typed))

    def _typed(self, span: Span, field: Field) -> Iterable[float]:
        """Return the elements of a field that has them by type, if they are few."""
        if field.wire == SPAN and field.end - field.value > 10 * MAX_ELEMENTS:
            return ()
        if field.number == 4:
            return self._floats(span, field)
        if field.number == 10:
            return numbers(_inside(span, field).bytes(), "d") if field.wire == SPAN else ()
        return self._integers(span, field)

    def _sparse(self, span: Span) -> Stored:
        """Return a tensor that is mostly zeros, of which the file has the others alone."""
        values = places = Stored("", UNKNOWN, ())
        shape: list[int] = []
        for field in self._fields(span):
            match field.number:
                case 1:
                    values = self._tensor(_inside(span, field))
                case 2:
                    places = self._tensor(_inside(span, field))
                case 3:
                    shape.extend(self._integers(span, field))
        _check_shape(values.name, shape)
        zeros = max(0, prod(shape) - values.elements)
        return values._replace(shape=tuple(shape), data=None, zeros=zeros, places=places.size)

    def _value(self, span: Span) -> Stated:
        found = Stated("")
        name = ""
        for field in self._fields(span):
            match field.number:
                case 1:
                    name = self._text(span, field)
                case 2:
                    found = self._type(name, _inside(span, field))
        return found._replace(name=name)

    def _type(self, name: str, span: Span, deep: int = 0) -> Stated:
        """Return a type: of a tensor, or of a sequence of, or of an optional one."""
        for field in self._fields(span):
            if field.number in (1, 8):
                return self._tensor_type(name, _inside(span, field))
            if field.number in (4, 9) and deep < _MAX_GRAPHS_DEEP:
                wrapped = "sequence" if field.number == 4 else "optional"
                inner = _inside(span, field)
                for one in self._fields(inner):
                    if one.number == 1:
                        found = self._type(name, _inside(inner, one), deep + 1)
                        return found._replace(wrapped=found.wrapped or wrapped)
                return Stated(name, wrapped=wrapped)
            if field.number == 5:
                return Stated(name, wrapped="map")
        return Stated(name)

    def _tensor_type(self, name: str, span: Span) -> Stated:
        dtype = UNKNOWN
        shape: tuple[Dim, ...] | None = None
        for field in self._fields(span):
            match field.number:
                case 1:
                    dtype = TYPES.get(_integer(field), UNKNOWN)
                case 2:
                    inner = _inside(span, field)
                    shape = tuple([self._dim(_inside(inner, dim)) for dim in self._fields(inner) if dim.number == 1])
        return Stated(name, dtype, shape)

    def _dim(self, span: Span) -> Dim:
        found: Dim = None
        for field in self._fields(span):
            match field.number:
                case 1:
                    size = signed_64(_integer(field))
                    # Some exporters write a free axis as -1 or 0.
                    found = size if size > 0 else None
                case 2:
                    found = self._text(span, field) or None
        return found

    def _function(self, span: Span) -> tuple[tuple[str, str, str], FunctionRecord]:
        texts = {1: "", 10: "", 13: ""}
        inputs, outputs, nodes = [], [], []
        defaults: dict[str, Any] = {}
        opsets: dict[str, int] = {}
        for field in self._fields(span):
            match field.number:
                case 1 | 10 | 13:
                    texts[field.number] = self._text(span, field)
                case 4:
                    inputs.append(self._text(span, field))
                case 5:
                    outputs.append(self._text(span, field))
                case 7:
                    nodes.append(self._node(_inside(span, field)))
                case 9:
                    opsets.update([self._opset(_inside(span, field))])
                case 11:
                    defaults.update([self._attribute(_inside(span, field))])
        called = (texts[10], texts[1], texts[13])
        return called, FunctionRecord(tuple(inputs), tuple(outputs), tuple(in_order(nodes)), defaults, opsets)

    def _opset(self, span: Span) -> tuple[str, int]:
        domain, version = "", 0
        for field in self._fields(span):
            match field.number:
                case 1:
                    domain = self._text(span, field)
                case 2:
                    version = signed_64(_integer(field))
        return "" if domain == "ai.onnx" else domain, version

    def _property(self, span: Span) -> dict[str, str]:
        """Return a property that says where a node stood in the module it was exported from; others are long, and
        unread."""
        start = span.data[span.start : span.start + _LONGEST_KEY]
        if not any(name in start for name in _KEYS):
            return {}
        key, value = "", ""
        for field in self._fields(span):
            if field.number == 1:
                key = self._text(span, field)
            elif field.number == 2 and key in PROPERTIES:
                value = self._text(span, field)
        return {key: value} if value else {}

    def _fields(self, span: Span) -> Iterable[Field]:
        return fields(span, self._budget)

    def _integers(self, span: Span, field: Field) -> Iterable[int]:
        if field.wire == SPAN:
            return packed(_inside(span, field), self._budget)
        return (signed_64(_integer(field)),)

    def _floats(self, span: Span, field: Field) -> Iterable[float]:
        if field.wire == SPAN:
            return numbers(_inside(span, field).bytes(), "f")
        return (float_at(span.data, _of(field, FIXED32)),)

    @staticmethod
    def _text(span: Span, field: Field) -> str:
        start, end = _of(field, SPAN), field.end
        if end - start > _MAX_TEXT:
            return f"(a text of {end - start:,} bytes)"
        return span.data[start:end].decode("utf-8", "replace")


# Of exporters that say where a node stood, the path of each module around it and its class; and what made it of others.
SCOPES, CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
REWRITTEN = "pkg.onnxscript.rewriter.rule_name"
PROPERTIES = (SCOPES, CLASSES, REWRITTEN)
_KEYS = tuple([name.encode() for name in PROPERTIES])
_LONGEST_KEY = 8 + max(map(len, PROPERTIES))


def _inside(span: Span, field: Field) -> Span:
    return Span(span.data, _of(field, SPAN), field.end)


def _integer(field: Field) -> int:
    return _of(field, 0)


def _of(field: Field, wire: int) -> int:
    """Return a field's value. Raises Damaged where it is written as another sort of field."""
    if field.wire != wire:
        raise Damaged(f"field {field.number} is written as none of its sort")
    return field.value


def _check_shape(name: str, shape: list[int]) -> None:
    if len(shape) > MAX_RANK or any(size < 0 for size in shape) or prod(shape) > _MOST_ELEMENTS:
        raise Damaged(f"`{name[:100]}` has a shape that no tensor has")


def _bytes_of(stored: Stored) -> int:
    return (stored.elements * stored.dtype.bits + 7) // 8


def _elements(stored: Stored, raw: Span | None, typed: list[float]) -> Data | None:
    """Return a small tensor's elements. Raises Damaged where there are fewer, or more."""
    if raw is not None and stored.dtype.bits and len(raw) != _bytes_of(stored):
        raise Damaged(f"`{stored.name[:100]}` has {len(raw):,} bytes where its shape has {_bytes_of(stored):,}")
    if stored.elements > (_MAX_FLOATS if is_float(stored.dtype.name) else MAX_ELEMENTS):
        return None
    if raw is not None:
        return from_bytes(stored.dtype, raw.bytes())
    if stored.dtype.form in ("", "e"):  # halves stand there by their bits
        return None
    found = tuple([value % 2 == 1 for value in typed] if stored.dtype.form == "?" else typed)
    return found if len(found) == stored.elements else None

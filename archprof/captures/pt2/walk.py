"""An exported program's calls, from the first to the last, at one size of every axis."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from archprof.captures.calls import Dispatched, HeldTensor, SeenTensor
from archprof.captures.macs import macs_of
from archprof.captures.pt2.modules import Modules, Stand
from archprof.captures.pt2.program import Program, Record, name_of, union
from archprof.captures.pt2.schemas import completed
from archprof.captures.pt2.sizes import Sizes, dtype, dtype_of
from archprof.ir.graph import INPUT, Edge
from archprof.json_fields import MOST_COUNT, Refused, field, items, mapping, shown, text
from archprof.limits import MAX_OPERATORS
from archprof.named_tuple import NamedTuple

_MOST_DEPTH = 16
_HIGHER = "torch.ops.higher_order."
# Operators of one function, which they run once.
_ONCE = ("wrap_with_set_grad_enabled", "wrap_with_autocast", "invoke_subgraph")
# Operators that return another view of what they read.
_VIEWS = frozenset(
    (
        *("view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "expand", "expand_as", "view_as"),
        *("transpose", "t", "permute", "movedim", "swapaxes", "select", "slice", "narrow", "split", "chunk"),
        *("split_with_sizes", "tensor_split", "unbind", "diagonal", "unfold", "alias", "detach", "as_strided"),
        *("contiguous", "to", "real", "imag", "view_as_real", "view_as_complex"),
    )
)


# The tensors that have names in a graph.
Names = dict[str, SeenTensor]


class Scope(NamedTuple):
    """A graph of a program, which may stand in another one: its record, and the tensors that have names in it."""

    record: Record
    metas: Record
    known: Names
    depth: int = 0


class Following:
    """What is found on the way: *calls*, where each stands, and the records of what it returns."""

    def __init__(self, program: Program, sizes: Sizes) -> None:
        self.calls: list[Dispatched] = []
        self.stands: list[Stand] = []
        self.returned: list[list[Record]] = []
        self.modules = Modules()
        self.notes: list[str] = []
        self._program = program
        self._sizes = sizes
        self._storages = 0
        self._writers: dict[int, Edge] = {}

    def run(self) -> Names:
        """Follow the program and return its tensors by name. Raises UsageError, with the place, for what may not stand
        there."""
        graph = self._graph(self._program.graph, {}, 0)
        for name, held in self._program.held.tensors.items():
            self._learn(graph, name, held)
        for place, name in enumerate(self._program.inputs):
            self._learn(graph, name, Edge(INPUT, place))
        self._follow(graph, Stand())
        return graph.known

    def _graph(self, record: Record, known: Names, depth: int) -> Scope:
        if depth > _MOST_DEPTH:
            raise Refused(f"functions of more than {_MOST_DEPTH} levels")
        return Scope(record, field(record, "tensor_values", mapping), known, depth)

    def _follow(self, graph: Scope, outer: Stand) -> None:
        for place, found in enumerate(field(graph.record, "nodes", items)):
            name = found.get("name") if isinstance(found, dict) else None
            try:
                self._node(graph, mapping(found), outer)
            except Refused as error:
                where = f"nodes[{place}]" + (f", {shown(name)}" if isinstance(name, str) else "")
                raise self._program.wrong(error, name if isinstance(name, str) else "", where) from None

    def _learn(self, graph: Scope, name: str, source: Edge | HeldTensor, storage: int | None = None) -> SeenTensor:
        """Remember what a name in a graph is. Raises Refused for one that is another tensor already."""
        if name in graph.known:
            raise Refused(f"two tensors are called {shown(name)}")
        meta = field(graph.metas, name, mapping)
        if storage is None:
            self._storages += 1
            storage = self._storages
        shape = self._sizes.shape(meta)
        seen = SeenTensor(shape, dtype(meta), source, (), self._sizes.strides(meta, shape), storage)
        graph.known[name] = seen
        return seen

    def _seen(self, graph: Scope, name: str) -> SeenTensor:
        if name not in graph.known:
            raise Refused(f"no tensor before is called {shown(name)}")
        seen = graph.known[name]
        writer = self._writers.get(seen.storage)
        if writer is None or (isinstance(seen.source, Edge) and writer.node <= seen.source.node):
            return seen
        return seen._replace(after=(writer,))

    def _node(self, graph: Scope, node: Record, outer: Stand) -> None:
        target = field(node, "target", text)
        inputs = [mapping(one) for one in field(node, "inputs", items)]
        outputs = list(_names(field(node, "outputs", items)))
        stand = self.modules.stand(field(node, "metadata", mapping, {}).get("nn_module_stack"), outer)
        if target.startswith(_HIGHER):
            self._higher(graph, target.removeprefix(_HIGHER), inputs, outputs, stand)
        elif target.startswith("torch.ops.") or outputs:  # others work on sizes
            self._call(graph, target.removeprefix("torch.ops."), inputs, outputs, stand)

    def _call(self, graph: Scope, target: str, inputs: Sequence[Record], outputs: list[str], stand: Stand) -> None:
        if target.count(".") < 2:
            raise Refused(f"no operator is called {shown(target)}")
        namespace, operator, overload = target.split(".", 2)
        given = {name_of(one): self._argument(graph, one.get("arg")) for one in inputs}
        arguments = completed(f"{operator.rstrip('_')}.{overload}" if namespace == "aten" else "", given)
        index = len(self.calls)
        if index == MAX_OPERATORS:
            raise Refused(f"more than {MAX_OPERATORS:,} calls")
        storage = self._written(graph, operator, inputs)
        seen = tuple([self._learn(graph, name, Edge(index, k), storage) for k, name in enumerate(outputs)])
        macs = _macs(f"{namespace}::{operator}", arguments, seen)
        if macs == 0 and not seen:  # what asserts
            return
        writes: tuple[str, ...] = ()
        if operator.endswith("_") and storage is not None:
            self._writers[storage] = Edge(index)
            writes = (name_of(inputs[0]),)
        self.calls.append(Dispatched(target, "", "", 1, arguments, seen, macs or 0, macs is not None, writes))
        self.stands.append(stand)
        self.returned.append([graph.metas[name] for name in outputs])

    def _written(self, graph: Scope, operator: str, inputs: Sequence[Record]) -> int | None:
        """Return the storage that what a call returns lies in, too: that of its first tensor, if it is a view of it or
        was written into it."""
        if operator not in _VIEWS and not operator.endswith("_"):
            return None
        first = next(_names([one.get("arg") for one in inputs]), None)
        return graph.known[first].storage if first in graph.known else None

    def _argument(self, graph: Scope, found: Any) -> Any:
        """Return an argument as a call has it: tensors as they are seen, sizes as numbers; of what no rule asks for,
        nothing."""
        form, value = union(found)
        if form in _TENSORS:
            return _TENSORS[form](value, lambda one: self._seen(graph, name_of(one)))
        if form in ("as_sym_int", "as_sym_ints"):
            sizes = items(value) if form == "as_sym_ints" else [value]
            numbers = [self._size(graph, one) for one in sizes]
            return numbers if form == "as_sym_ints" else numbers[0]
        if form in _NUMBERS:  # worked out of sizes
            return _NUMBERS[form]
        if form == "as_scalar_type":
            return dtype_of(value)
        return _plain(value) if form in _PLAIN else None

    def _size(self, graph: Scope, found: Any) -> int:
        form, value = union(found)
        if form == "as_int":
            return int(_plain_number(value))
        return self._sizes.number(field(field(graph.record, "sym_int_values", mapping), text(value), mapping))

    def _higher(self, graph: Scope, name: str, inputs: Sequence[Record], outputs: list[str], stand: Stand) -> None:
        """Follow an operator of functions into the one that it runs."""
        given = [field(one, "arg", union) for one in inputs]
        functions = [value for form, value in given if form == "as_graph"]
        if name in ("auto_functionalized", "auto_functionalized_v2") and given and given[0][0] == "as_operator":
            self._call(graph, text(given[0][1]).removeprefix("torch.ops."), inputs[1:], outputs, stand)
        elif not functions:
            self._call(graph, f"higher_order.{name}.default", _numbered(inputs), outputs, stand)
        elif name == "cond" and len(functions) == 2:
            self._branch(graph, functions, _operands(given), outputs, stand)
        elif name in _ONCE and len(functions) == 1:
            self._bind(graph, outputs, self._function(graph, functions[0], _operands(given), stand))
        else:
            raise Refused(f"`{name}` runs functions, and the file does not tell how often or which")

    def _function(self, graph: Scope, found: Any, operands: list[str | None], stand: Stand) -> list[SeenTensor]:
        """Follow a function, and return what it returns."""
        record = field(mapping(found), "graph", mapping)
        inner = self._graph(record, {}, graph.depth + 1)
        inputs = field(record, "inputs", items)
        if len(inputs) != len(operands):
            raise Refused(f"a function of {len(inputs)} inputs is given {len(operands)}")
        for one, operand in zip(inputs, operands, strict=True):
            for name in _names([one]):
                if operand is None or operand not in graph.known:
                    raise Refused(f"a function is not given its {shown(name)}")
                inner.known[name] = graph.known[operand]
        self._follow(inner, stand)
        returned = list(_names(field(record, "outputs", items)))
        if missing := [name for name in returned if name not in inner.known]:
            raise Refused(f"no tensor is called {shown(missing[0])}")
        return [inner.known[name] for name in returned]

    def _bind(self, graph: Scope, names: list[str], found: list[SeenTensor]) -> None:
        if len(names) != len(found):
            raise Refused(f"{len(found)} tensors are returned, and {len(names)} have names")
        for name, known in zip(names, found, strict=True):
            if name in graph.known:
                raise Refused(f"two tensors are called {shown(name)}")
            graph.known[name] = known

    def _branch(
        self, graph: Scope, functions: list[Any], operands: list[str | None], outputs: list[str], stand: Stand
    ) -> None:
        """Follow both functions of which one runs, and keep the costlier one, at most as much as which is counted."""
        start, writers = len(self.calls), dict(self._writers)
        ways = []
        for function in functions:
            self._writers = dict(writers)
            returned = self._function(graph, function, operands, stand)
            way = _Way(self.calls[start:], self.stands[start:], self.returned[start:], returned, self._writers)
            ways.append(way)
            del self.calls[start:], self.stands[start:], self.returned[start:]
        costs = [sum([call.macs for call in way.calls]) for way in ways]
        chosen = ways[costs[1] > costs[0]]
        # Where the other one costs less, what runs costs so much at most.
        self.calls += [call._replace(bounded=len(set(costs)) > 1 and call.macs > 0) for call in chosen.calls]
        self.stands += chosen.stands
        self.returned += chosen.metas
        self._writers = chosen.writers
        self._bind(graph, outputs, chosen.returned)
        named = [f"`{field(mapping(one), 'name', text)}`" for one in functions]
        said = " and ".join(f"{name}, {cost:,} MACs" for name, cost in zip(named, costs, strict=True))
        self.notes.append(f"`cond` runs one of two branches, {said}: the costlier one is counted")


class _Way(NamedTuple):
    """What a branch adds to a walk."""

    calls: list[Dispatched]
    stands: list[Stand]
    metas: list[list[Record]]
    returned: list[SeenTensor]
    writers: dict[int, Edge]


def _macs(operator: str, arguments: Mapping[str, Any], outputs: Sequence[SeenTensor]) -> int | None:
    try:
        macs = macs_of(operator, arguments, outputs[0].shape if outputs else ())
    except (LookupError, TypeError, ValueError, ArithmeticError):  # in whatever way it finds out
        raise Refused(f"`{operator}` does not fit what it reads") from None
    if macs is not None and macs > MOST_COUNT:
        raise Refused(f"`{operator}` multiplies too often to be counted")
    return macs


def _names(found: Sequence[Any]) -> Iterator[str]:
    """Yield the names of the tensors among arguments, in their order."""
    for one in found:
        form, value = union(one)
        if form in _TENSORS:
            yield from _flat(_TENSORS[form](value, name_of))


def _flat(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):
        for one in found:
            yield from _flat(one)


def _operands(given: Sequence[tuple[str, Any]]) -> list[str | None]:
    """Return the names of what an operator of functions hands to them, None for what is no tensor."""
    last = max(place for place, (form, _) in enumerate(given) if form == "as_graph")
    operands: list[str | None] = []
    for form, value in given[last + 1 :]:
        if form in _TENSORS:
            operands += list(_names([{form: value}]))
        elif form == "as_sym_ints":
            operands += [None] * len(items(value))
        elif form in ("as_sym_int", "as_int"):
            operands.append(None)
    return operands


def _numbered(inputs: Sequence[Record]) -> list[Record]:
    """Return arguments of an operator that has no names for them."""
    return [{**one, "name": str(place)} for place, one in enumerate(inputs)]


Reader = Callable[[Any], Any]


def _optional(found: Any, read: Reader) -> Any:
    form, value = union(found)
    return read(value) if form == "as_tensor" else None


_TENSORS: Mapping[str, Callable[[Any, Reader], Any]] = {
    "as_tensor": lambda value, read: read(value),
    "as_tensors": lambda value, read: [read(one) for one in items(value)],
    "as_optional_tensor": _optional,
    "as_optional_tensors": lambda value, read: [_optional(one, read) for one in items(value)],
    "as_nested_tensors": lambda value, read: [[read(one) for one in items(row)] for row in items(value)],
}
_NUMBERS = {"as_sym_float": 0.0, "as_sym_bool": False, "as_complex": 0.0}
_PLAIN = frozenset(
    (
        *("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string", "as_strings"),
        *("as_int_lists", "as_float_lists"),
    )
)


def _plain(value: Any, lists: int = 2) -> Any:
    """Return a number, a text, or a list of them."""
    if isinstance(value, list) and lists:
        return [_plain(one, lists - 1) for one in value]
    if isinstance(value, str | bool):
        return value
    return _plain_number(value)


def _plain_number(value: Any) -> int | float:
    if type(value) not in (int, float) or abs(value) >= 1 << 64:
        raise Refused(f"expected a number, not {shown(value)}")
    return value  # type: ignore[no-any-return]

"""The forward pass of a graph as Python source, which people, TorchScript and torch.fx read as it stands."""

import re
from collections.abc import Callable, Container, Iterable
from itertools import count
from keyword import iskeyword
from typing import Any

from archprof.ir.graph import INPUT, Edge, Graph, Node
from archprof.ir.liveness import dying
from archprof.named_tuple import NamedTuple

# Names that a forward pass has for something else; an `input` is the one without a name.
_TAKEN = re.compile(r"self|torch|functional|Tensor|block|input|call[0-9]+|getattr")


class Forward(NamedTuple):
    """The source of a `forward`, and what it calls by name beside `torch` and `functional`."""

    source: str
    calls: tuple[tuple[str, Callable[..., Any]], ...] = ()


def forward_of(graph: Graph, modules: Container[str]) -> Forward:
    """Return the forward pass in which operators whose path is among *modules* are modules, and others are functions.

    Every statement runs one operator. A value has a name until it is read for the last time; then the name goes to
    another value, or is deleted, so that its memory is free.
    """
    writer = _Writer(_parameters(graph.inputs))
    for index, (node, dead) in enumerate(zip(graph.nodes, dying(graph), strict=True)):
        writer.statement(index, node, dead, node.path in modules)
    returned = {name: writer.names[edge] for name, edge in graph.outputs.items()}
    body = "".join(f"    {line}\n" for line in writer.lines)
    if graph.named_outputs:
        entries = ", ".join(f"{name!r}: {value}" for name, value in returned.items())
        returns, result = "dict[str, Tensor]", f"{{{entries}}}"
    else:
        returns, result = "Tensor", returned["output"]
    source = f"def forward({writer.parameters}) -> {returns}:\n{body}    return {result}\n"
    return Forward(source, tuple(writer.calls))


class _Writer:
    """A forward pass while it is written: its lines, and the names of the values that are needed further down."""

    def __init__(self, inputs: Iterable[str]) -> None:
        self.lines: list[str] = []
        self.calls: list[tuple[str, Callable[..., Any]]] = []
        self._container: list[str] = []
        self.names: dict[Edge, str] = {}
        self._used: set[str] = set()  # by values, now or before
        self._free: list[int] = []  # numbers of names that no value has any more
        for k, name in enumerate(inputs):
            self._used.add(name)
            self.names[Edge(INPUT, k)] = name
        self.parameters = ", ".join(["self", *(f"{name}: Tensor" for name in self.names.values())])

    def statement(self, index: int, node: Node, dead: Iterable[Edge], is_module: bool) -> None:
        """Write the call of a node, and let go of the values that are *dead* behind it."""
        inputs = [self.names[edge] for edge in node.inputs]
        expression = self._call(node.path, inputs) if is_module else self._function(node, inputs)
        freed = {self.names.pop(edge) for edge in dead}
        self._free.extend(number for name in freed if (number := _number(name)) is not None)
        targets = [self._name(Edge(index, k)) for k in range(len(node.outputs))]
        self.lines.append(f"{', '.join(targets)} = {expression}")
        if left := sorted(freed.difference(targets), key=lambda name: (_number(name) or 0, name)):
            self.lines.append(f"del {', '.join(left)}")

    def _call(self, path: str, inputs: Iterable[str]) -> str:
        """Return the call of a module. Attributes of modules are slow to find: those on the way are looked up once for
        all calls in a row."""
        *container, name = path.split(".")
        if container and container != self._container:
            self.lines.append(f"block = {_attribute('self', container)}")
            self._container = container
        return f"{_attribute('block' if container else 'self', [name])}({', '.join(inputs)})"

    def _function(self, node: Node, inputs: Iterable[str]) -> str:
        if expression := node.op.expression(*inputs):
            return expression
        name = f"call{len(self.calls)}"
        self.calls.append((name, node.op.call))
        return f"{name}({', '.join(inputs)})"

    def _name(self, edge: Edge) -> str:
        """Give a value the first name that is free."""
        if not self._free:
            self._free.append(next(number for number in count() if _numbered(number) not in self._used))
        number = min(self._free)
        self._free.remove(number)
        self.names[edge] = _numbered(number)
        self._used.add(_numbered(number))
        return self.names[edge]


def _parameters(inputs: Iterable[str]) -> list[str]:
    """Return what a forward pass calls its inputs: one without a name of its own `x`, like one whose name Python or the
    source needs for something else."""
    names = [*inputs]
    if all(name.isidentifier() and not iskeyword(name) and not _TAKEN.fullmatch(name) for name in names):
        return names
    return [_numbered(number) for number in range(len(names))]


def _numbered(number: int) -> str:
    return f"x{number}" if number else "x"


def _number(name: str) -> int | None:
    """Return the number of a name that values have in turn; None for one that an input has."""
    return int(name[1:] or 0) if re.fullmatch("x([1-9][0-9]*)?", name) else None


def _attribute(base: str, segments: Iterable[str]) -> str:
    for segment in segments:
        is_name = segment.isidentifier() and not iskeyword(segment)
        base = f"{base}.{segment}" if is_name else f"getattr({base}, {segment!r})"
    return base

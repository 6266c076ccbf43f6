"""The forward pass of a graph as Python source, which people, TorchScript and torch.fx read as it stands."""

from collections.abc import Callable, Container, Iterable
from keyword import iskeyword
from typing import Any, NamedTuple

from archprof.ir.graph import INPUT, Edge, Graph, Node
from archprof.ir.liveness import dying


class Forward(NamedTuple):
    """The source of a `forward`, and what it calls by name beside `torch` and `functional`."""

    source: str
    calls: tuple[tuple[str, Callable[..., Any]], ...] = ()


def forward_of(graph: Graph, modules: Container[str]) -> Forward:
    """Return the forward pass in which operators whose path is among *modules* are modules, and others are functions.

    Every statement runs one operator. A value has a name until it is read for the last time; then the name goes to
    another value, or is deleted, so that its memory is free.
    """
    writer = _Writer()
    for index, (node, dead) in enumerate(zip(graph.nodes, dying(graph), strict=True)):
        writer.statement(index, node, dead, node.path in modules)
    returned = {name: writer.names[edge] for name, edge in graph.outputs.items()}
    body = "".join(f"    {line}\n" for line in writer.lines)
    if graph.named_outputs:
        entries = ", ".join(f"{name!r}: {value}" for name, value in returned.items())
        source = f"def forward(self, x: Tensor) -> dict[str, Tensor]:\n{body}    return {{{entries}}}\n"
    else:
        source = f"def forward(self, x: Tensor) -> Tensor:\n{body}    return {returned['output']}\n"
    return Forward(source, tuple(writer.calls))


class _Writer:
    """A forward pass while it is written: its lines, and the names of the values that are needed further down."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[Edge, str] = {Edge(INPUT): "x"}
        self.calls: list[tuple[str, Callable[..., Any]]] = []
        self._free: list[int] = []  # numbers of names that no value has
        self._named = 1
        self._container: list[str] = []

    def statement(self, index: int, node: Node, dead: Iterable[Edge], is_module: bool) -> None:
        """Write the call of a node, and let go of the values that are *dead* behind it."""
        inputs = [self.names[edge] for edge in node.inputs]
        expression = self._call(node.path, inputs) if is_module else self._function(node, inputs)
        freed = {self.names.pop(edge) for edge in dead}
        self._free.extend(map(_number, freed))
        targets = [self._name(Edge(index, k)) for k in range(len(node.outputs))]
        self.lines.append(f"{', '.join(targets)} = {expression}")
        if left := sorted(freed.difference(targets), key=_number):
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
            self._free.append(self._named)
            self._named += 1
        number = min(self._free)
        self._free.remove(number)
        self.names[edge] = f"x{number}" if number else "x"
        return self.names[edge]


def _number(name: str) -> int:
    return int(name[1:] or 0)


def _attribute(base: str, segments: Iterable[str]) -> str:
    for segment in segments:
        is_name = segment.isidentifier() and not iskeyword(segment)
        base = f"{base}.{segment}" if is_name else f"getattr({base}, {segment!r})"
    return base

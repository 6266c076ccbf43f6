"""A graph as a torch module."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from archprof.ir.graph import INPUT, Edge, Graph, Node
from archprof.ir.liveness import dying


class Instruction(NamedTuple):
    """One operator of a forward pass: the module at a path, or a function; the values it reads, those that nobody reads
    after it, and those that it gives."""

    path: tuple[str, ...]
    function: Callable[..., Any] | None
    inputs: tuple[Edge, ...]
    dead: tuple[Edge, ...]
    outputs: tuple[Edge, ...]


class Network(nn.Module):
    """The module of a graph: (batch, C, H, W) → the output, or a dict of outputs by name where the spec names them.

    A node's path is its key in `dict(network.named_modules())`; containers on the way are plain modules, and the root
    calls every leaf itself. A module that is put in the place of a leaf is called from then on. `parameters()`,
    `buffers()` and `state_dict()` have the order in which the graph registers its nodes, which is that of the
    implementation that the spec follows.
    """

    def __init__(self, graph: Graph, modules: Mapping[str, nn.Module]) -> None:
        """*modules* are those of the graph's paths, in their order of registration; an operator without one is called
        as a function."""
        super().__init__()
        self._program = _program(graph, modules)
        self._outputs = dict(graph.outputs)
        self._named_outputs = graph.named_outputs
        self._order = _order(modules)
        for path, module in modules.items():
            self._attach(path, module)

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        values: dict[Edge, Tensor] = {Edge(INPUT): x}
        for step in self._program:
            arguments = [values[source] for source in step.inputs]
            for source in step.dead:
                del values[source]
            operator = step.function or self._find(step.path)
            result = operator(*arguments)
            results = result if len(step.outputs) > 1 else (result,)
            values.update(zip(step.outputs, results, strict=True))
        outputs = {name: values[edge] for name, edge in self._outputs.items()}
        return outputs if self._named_outputs else outputs["output"]

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield modules as torch does, those of the graph in their order of registration, also where blocks return to a
        container that they left."""
        start = len(prefix) + 1 if prefix else 0
        found = super().named_modules(memo, prefix, remove_duplicate)
        yield from sorted(found, key=lambda named: self._position(named[0][start:]))

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the state as torch does, in the order of registration."""
        state = super().state_dict(*args, **kwargs)
        prefix = kwargs.get("prefix", "")
        own = [key for key in state if key.startswith(prefix)]
        for key in sorted(own, key=lambda key: self._position(key.removeprefix(prefix))):
            state[key] = state.pop(key)
        return state

    def _attach(self, path: str, module: nn.Module) -> None:
        *containers, name = path.split(".")
        parent: nn.Module = self
        for segment in containers:
            if segment not in parent._modules:
                parent.add_module(segment, nn.Module())
            parent = parent.get_submodule(segment)
        parent.add_module(name, module)

    def _find(self, path: tuple[str, ...]) -> nn.Module:
        # Found anew on every call, so that a replaced module is called; `get_submodule` does the same at several times
        # the cost.
        module: Any = self
        for segment in path:
            module = module._modules[segment]
        return module  # type: ignore[no-any-return]

    def _position(self, name: str) -> int:
        """Return the place of a module, parameter or buffer: that of the path it lies under; first for the root, last
        for what the graph has not."""
        if not name:
            return -1
        while name and name not in self._order:
            name = name.rpartition(".")[0]
        return self._order.get(name, len(self._order))


def _program(graph: Graph, modules: Mapping[str, nn.Module]) -> tuple[Instruction, ...]:
    steps = enumerate(zip(graph.nodes, dying(graph), strict=True))
    return tuple(_instruction(index, node, dead, node.path in modules) for index, (node, dead) in steps)


def _instruction(index: int, node: Node, dead: tuple[Edge, ...], is_module: bool) -> Instruction:
    outputs = tuple(Edge(index, k) for k in range(len(node.outputs)))
    function = None if is_module else node.op.call
    return Instruction(tuple(node.path.split(".")), function, node.inputs, dead, outputs)


def _order(modules: Mapping[str, nn.Module]) -> dict[str, int]:
    """Return the place of each path, and of each container that of the first path in it."""
    order: dict[str, int] = {}
    for place, path in enumerate(modules):
        name = path
        while name:
            order.setdefault(name, place)
            name = name.rpartition(".")[0]
    return order

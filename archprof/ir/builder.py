"""A graph while it grows, one call of an operator after the other."""

from collections.abc import Mapping

from archprof.ir.graph import INPUT, Edge, Graph, Memory, ModuleClass, Node, Provenance, read_of
from archprof.ir.init_rules import InitRule
from archprof.ir.operators.base import Operator
from archprof.ir.origin import Origin, Unlisted
from archprof.ir.strides import Stride, plain
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

# What operators that say nothing of their stride have: most, and nobody needs to ask them.
_KEEPS_SIZE = Operator.stride_factor
_made = tuple.__new__


class Placement(NamedTuple):
    """What a node has from where it stands, whatever its operator; *parameters*, *frozen*, *memory* and *folds_norm* as
    in `Node`."""

    trainable: bool = True
    inits: Mapping[str, InitRule] = {}  # by what operators are `drawn_as`
    provenance: Provenance | None = None
    parameters: Mapping[str, str] | None = None
    frozen: frozenset[str] = frozenset()
    memory: Memory | None = None
    folds_norm: bool = False


class GraphBuilder:
    """The inputs and nodes of a graph so far; `add` appends a call, `build` returns the graph."""

    def __init__(self, inputs: Mapping[str, Value]) -> None:
        self.inputs = dict(inputs)
        self.nodes: list[Node] = []
        self._values = list(self.inputs.values())
        self._calls: dict[str, int] = {}  # so far, of each path
        self._reserved: dict[str, int] = {}
        self._registered = 0

    @property
    def input(self) -> Edge:
        """The first input of the network."""
        return Edge(INPUT)

    def value(self, edge: Edge) -> Value:
        """Return what runs along an edge."""
        return self._values[edge.output] if edge.node == INPUT else self.nodes[edge.node].outputs[edge.output]

    def add(
        self, path: str, op: Operator, *inputs: Edge, kind: str = "", form: str = "", placement: Placement | None = None
    ) -> Edge:
        """Append a call of *op* and return its first output; raises ShapeError where it does not fit its inputs."""
        outputs = op.outputs(*[self.value(edge) for edge in inputs])
        self.append(path, op, inputs, outputs, kind or op.kind, form or op.form, placement or Placement())
        return Edge(len(self.nodes) - 1)

    def append(
        self,
        path: str,
        op: Operator,
        inputs: tuple[Edge, ...],
        outputs: tuple[Value, ...],
        kind: str,
        form: str,
        placement: Placement,
    ) -> int:
        """Append a call whose outputs are known, and return which call of its path it is, counted from 1."""
        call = self._calls[path] = self._calls.get(path, 0) + 1
        trainable, inits, provenance, parameters, frozen, memory, folds_norm = placement
        init = inits.get(op.drawn_as) if op.drawn_as else None
        order = self._reserved.pop(path, None) if self._reserved else None
        if order is None:
            order = self._registered
            self._registered += 1
        # Most operators take one map and keep its size: what `_stage` says of them is said here.
        if len(inputs) == 1 and type(op).stride_factor is _KEEPS_SIZE:
            source = inputs[0][0]
            stage = 1 if source == INPUT else self.nodes[source].stage
        else:
            stage = self._stage(op, inputs, kind, read_of(inputs, memory))
        # As `Node(…)`, without the function that names arguments: there is one for each operator.
        node = _made(Node, (
            path, op, inputs, outputs, kind, form, stage, call,
            trainable, order, init, parameters, provenance, frozen, memory, folds_norm,
        ))  # fmt: skip
        self.nodes.append(node)
        return call

    def reserve(self, path: str) -> None:
        """Register a module before it is called: its parameters are listed in the place of the first such call."""
        self._reserved.setdefault(path, self._registered)
        self._registered += 1

    def _stage(self, op: Operator, inputs: tuple[Edge, ...], kind: str, read: tuple[Edge, ...]) -> Stride:
        """Return by how much the output is smaller than the network's input, of what the operator has *read*; 0 once
        its map is gone."""
        stage: Stride = 0
        # A map that is brought to the size of others is at their stage.
        for node, _ in inputs[::-1] if op.sized_by_others else inputs:
            if stage := 1 if node == INPUT else self.nodes[node].stage:
                break
        # A gate looks at the whole map and stands on it again.
        if not stage or kind == "se" or type(op).stride_factor is _KEEPS_SIZE:
            return stage
        factor = op.stride_factor(*[self.value(edge) for edge in read])
        return 0 if factor is None else plain(stage * factor)

    def build(
        self,
        name: str,
        outputs: Mapping[str, Edge],
        origin: Origin | None = None,
        named: bool = False,
        modules: Mapping[str, ModuleClass] = {},
    ) -> Graph:
        """Return the graph."""
        return Graph(name, self.inputs, tuple(self.nodes), outputs, origin or Unlisted(name), named, modules)

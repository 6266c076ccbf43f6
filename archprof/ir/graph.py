"""A network as a graph: calls of operators in the order of execution, and the values that run between them."""

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

from archprof.errors import Location
from archprof.ir.init_rules import InitRule
from archprof.ir.operators.base import Operator
from archprof.ir.origin import Origin
from archprof.ir.strides import Stride
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

INPUT = -1
# Among what a call reads: a parameter, a buffer or a constant, which no edge leads to.
HELD: Final = "held"


class Edge(NamedTuple):
    """One of the outputs of a node, by its place among the graph's; of `INPUT`, one of the inputs of the graph."""

    node: int
    output: int = 0


@cache
def first_output(node: int) -> Edge:
    """Return the edge of a node's first output: one object, however often it is asked for."""
    return Edge(node)


class Provenance(NamedTuple):
    """Where a node stands in the table or the module that it comes from: the row's place and address, if there are
    rows, its block, its repeat."""

    location: Location | None
    address: str = ""
    block: str = ""  # the path of the block
    block_type: str = ""
    repeat: int = 0


# In which storage something lies: by the place among a node's inputs, behind which its outputs are counted on.
Place = int | Literal["held"]


class Memory(NamedTuple):
    """Where a call that was recorded puts what it returns, and what it writes over.

    *aliases* are the places in whose storages the outputs lie, None for an output with a storage of its own;
    *aliases_of_many* are those for more than one image, where they are others, as of a copy that a single image does
    without. *writes* are the places that are written over. *dtypes* are the types of parameters and buffers, by name,
    that are not float32. *slots* are which of the tensors that the operator takes the inputs are, where those are not
    simply the first: behind constants and parameters; inputs without one are only waited for. *outlives* tell during
    how many further calls the storages of the outputs are there, of those that are longer than anybody reads them: code
    has them in its variables; 0 for any other. A *detached* call ran where code switches gradients off, and no gradient
    goes back through it. One within a *checkpoint*, which code sets and of which the number is told, from 1, runs again
    in the backward pass: in one of its own where that is *reentrant*.
    """

    aliases: tuple[Place | None, ...] = ()
    aliases_of_many: tuple[Place | None, ...] | None = None
    writes: tuple[Place, ...] = ()
    dtypes: Mapping[str, str] = {}
    slots: tuple[int, ...] | None = None
    outlives: tuple[int, ...] = ()
    detached: bool = False
    checkpoint: int = 0
    reentrant: bool = False


def read_of(inputs: tuple[Edge, ...], memory: Memory | None) -> tuple[Edge, ...]:
    """Return which inputs of a call its operator takes: those in front of others that it only waits for."""
    return inputs if memory is None or memory.slots is None else inputs[: len(memory.slots)]


class Node(NamedTuple):
    """One call of an operator.

    *path* is that of the module that it calls, or, of an operator that is a function, a name below the module that
    calls it. A module that is called again has the same path, another *call*, counted from 1, and the parameters of
    the first. *parameters* names the tensor behind each of the operator's parameters where that is not `path.name`:
    a tensor that several nodes name counts once, at the first. *frozen* are those of its parameters that do not learn
    where others of a *trainable* node do. *memory* is None where every output has a storage of its own, or nothing was
    recorded. *folds_norm* says that a norm behind it has become part of its parameters.
    """

    path: str
    op: Operator
    inputs: tuple[Edge, ...]
    outputs: tuple[Value, ...]
    kind: str
    form: str = "module"  # how the module runs it: counters price a function apart
    stage: Stride = 0  # of its output; 0 in the head
    call: int = 1
    trainable: bool = True
    order: int = 0  # of registration: parameters are listed by it
    init: InitRule | None = None
    parameters: Mapping[str, str] | None = None
    provenance: Provenance | None = None
    frozen: frozenset[str] = frozenset()
    memory: Memory | None = None
    folds_norm: bool = False

    @property
    def id(self) -> str:
        """What tells the call from all others: `path`, from the second call of a module on `path#2`."""
        return self.path if self.call == 1 else f"{self.path}#{self.call}"

    @property
    def read(self) -> tuple[Edge, ...]:
        """The inputs that its operator takes, without those that a recorded call only waits for."""
        return read_of(self.inputs, self.memory)

    @property
    def output(self) -> Value:
        """The first output, which most operators have alone."""
        return self.outputs[0]

    @property
    def block(self) -> str:
        """The path of the block that it belongs to; without a table, of the module around it."""
        if self.provenance is not None:
            return self.provenance.block
        return self.path.rpartition(".")[0] or self.path

    @property
    def block_type(self) -> str:
        """The block's name in the table; without one, the operator's."""
        return self.provenance.block_type if self.provenance is not None else self.op.name

    def tensor(self, name: str) -> str:
        """Return what tells the tensor behind one of its parameters or buffers from all others."""
        return (self.parameters or {}).get(name, f"{self.path}.{name}")

    @property
    def location(self) -> Location | None:
        """The row's place in the table, if there is one."""
        return self.provenance.location if self.provenance is not None else None

    @property
    def address(self) -> str:
        """The row's address in the table; empty without one."""
        return self.provenance.address if self.provenance is not None else ""


class ModuleClass(NamedTuple):
    """The class of a module: its name (`nn.Linear` where it is torch's own, else with its package), the class of
    torch's that it is or is made from (empty: none), whether it holds other modules, and in how many places it is."""

    name: str
    base: str = ""
    holds: bool = False
    places: int = 1

    @property
    def own(self) -> str:
        """Its name among torch's own classes; empty where it is none."""
        return self.base if self.name == f"nn.{self.base}" else ""

    @property
    def short(self) -> str:
        """Its name without the package."""
        return self.name.rpartition(".")[2]


# How it is known where outputs lie: as in modules that are `built` of a table, as it was `recorded`, or by what is
# `assumed` of whatever runs it.
Storages = Literal["built", "recorded", "assumed"]


class Graph(NamedTuple):
    """A network: its inputs and outputs by name, its nodes in the order of execution, and, of what was a torch module,
    the classes of its modules by path.

    *training* tells that it is how a module runs in training mode; *single_batch*, that shapes were recorded at one
    image alone, so that nobody knows those of another batch size. *storages* tells how it is known in which storages
    the outputs of calls lie.
    """

    name: str
    inputs: Mapping[str, Value]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, Edge]
    origin: Origin
    named_outputs: bool = False  # whether they are returned by name, or one as it is
    modules: Mapping[str, ModuleClass] = {}
    training: bool = False
    single_batch: bool = False
    storages: Storages = "built"
    captured: str = ""  # of a module how: on "meta" or "fake" tensors, which have no elements, or in a "real" run

    def value(self, edge: Edge) -> Value:
        """Return what runs along an edge."""
        if edge.node == INPUT:
            return list(self.inputs.values())[edge.output]
        return self.nodes[edge.node].outputs[edge.output]

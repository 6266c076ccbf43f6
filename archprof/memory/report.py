"""What a network holds in memory while it runs, at a setup: what is there all along, and what comes and goes."""

from typing import NamedTuple

from archprof.errors import usage_error
from archprof.ir.dims import Dim
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup
from archprof.ir.terms import total
from archprof.memory.backward import Backward
from archprof.memory.forward import Forward
from archprof.memory.timeline import STEP, TEMPORARY, Builder, Timeline
from archprof.memory.training import train_macs

# Tensors as large as all learning parameters: those that an optimiser keeps, and those that it makes for a step.
_STATE = {"": 0, "sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
_MADE = {"": 0, "sgd": 0, "momentum": 0, "adam": 1, "adamw": 1}
_TARGET = 8  # bytes of a class's number
_TRAINING = "capture it in training mode: `--train`, in Python `train=True`, or a lock of `--modes eval,train`"


class Resident(NamedTuple):
    """Bytes that are there all along: parameters, buffers, the optimiser's state, gradients of passes before (of
    accumulation), inputs and targets."""

    weights: Dim
    buffers: Dim
    optimizer: Dim
    gradients: Dim
    inputs: Dim

    @property
    def total(self) -> Dim:
        """The sum."""
        return self.weights + self.buffers + self.optimizer + self.gradients + self.inputs


class MemoryReport(NamedTuple):
    """The memory of a network at a setup.

    Of operators that have no rule, the *unknown*, the timeline has the least that they can take, and *upper* is the one
    with the most; where there are none both are the same.
    """

    graph: Graph
    setup: Setup
    resident: Resident
    timeline: Timeline
    upper: Timeline
    unknown: tuple[str, ...] = ()

    @property
    def peak(self) -> Dim:
        """The most bytes that come and go at once, above what is there all along."""
        return self.timeline.peak()

    @property
    def upper_peak(self) -> Dim:
        """What the peak is at most, where operators have no rule."""
        return self.upper.peak()

    @property
    def total(self) -> Dim:
        """The most bytes of tensors that are there at once."""
        return self.resident.total + self.peak

    @property
    def train_macs(self) -> Dim:
        """The multiply-accumulates of training on one image, forward and backward."""
        return train_macs(self.graph)

    def phase(self, phase: str) -> Dim:
        """Return the most bytes in a part of the pass."""
        return self.timeline.peak((phase,))


def analyze_memory(graph: Graph, setup: Setup) -> MemoryReport:
    """Return the memory of a network at a setup.

    Raises ValueError where its shapes are known for one image alone and the batch has more, and UsageError where it
    should train and is known as it runs in evaluation.
    """
    _check(graph, setup)
    learning, held, kept = _parameters(graph, setup)
    timeline, unknown = _follow(graph, setup, learning)
    upper = _follow(graph, setup, learning, most=True)[0] if unknown else timeline
    again = learning if setup.accumulate > 1 and setup.train else 0
    inputs = sum(value.elements_at(setup.batch) * setup.width(value.dtype) for value in graph.inputs.values())
    targets = _TARGET * setup.batch if setup.train else 0
    resident = Resident(held, kept, learning * _STATE[setup.train], again, inputs + targets)
    return MemoryReport(graph, setup, resident, timeline, upper, unknown)


def _check(graph: Graph, setup: Setup) -> None:
    name = graph.origin.name
    if setup.train and not (graph.training or graph.origin.is_table):
        raise usage_error(f"`{name}` is known as it runs in evaluation, and nothing of how it trains", help=_TRAINING)
    if graph.single_batch and setup.batch > 1:
        raise ValueError(f"`{name}` is known for one image alone")


def _follow(graph: Graph, setup: Setup, learning: Dim, *, most: bool = False) -> tuple[Timeline, tuple[str, ...]]:
    """Return what comes and goes, with *learning* bytes of parameters, and the operators without a rule."""
    builder = Builder()
    forward = Forward(graph, setup, builder, most=most)
    forward.run()
    if setup.train:
        backward = Backward(graph, setup, builder, forward)
        backward.run()
        builder.release("", backward.returned)
        made = builder.made(learning * _MADE[setup.train], TEMPORARY, setup.train)
        builder.drop((made,))
        builder.step(STEP, setup.train, (made,))
    return builder.timeline(), tuple(forward.unknown)


def _parameters(graph: Graph, setup: Setup) -> tuple[Dim, Dim, Dim]:
    """Return the bytes of the parameters that learn, of all parameters, and of buffers; each tensor once."""
    learning: Dim = 0
    held: Dim = 0
    kept: Dim = 0
    seen = set[str]()
    for node in graph.nodes:
        dtypes = node.memory.dtypes if node.memory else {}
        for name, terms in node.op.parameters().items():
            tensor = (node.parameters or {}).get(name, f"{node.path}.{name}")
            if tensor in seen:
                continue
            seen.add(tensor)
            size = total(terms) * setup.width(dtypes.get(name, "float32"))
            held = held + size
            learning = learning + (size if node.trainable and name not in node.frozen else 0)
        for name, terms in node.op.buffers().items():
            if f"{node.path}.{name}" not in seen:
                seen.add(f"{node.path}.{name}")
                kept = kept + total(terms) * setup.width(dtypes.get(name, "float32"))
    return learning, held, kept

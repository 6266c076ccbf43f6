"""What a network holds in memory while it runs, at a setup: what is there all along, and what comes and goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from archprof.allocation.backward import Backward
from archprof.allocation.forward import Forward
from archprof.allocation.timeline import STEP, TEMPORARY, Builder, Timeline, in_blocks
from archprof.allocation.training import check_trains, train_macs
from archprof.ir.dims import Dim, maximum
from archprof.ir.footprint import Span
from archprof.ir.graph import Graph
from archprof.ir.learning import learned
from archprof.ir.setup import Setup
from archprof.ir.terms import total
from archprof.named_tuple import NamedTuple

# Tensors as large as all learning parameters that an optimiser keeps.
STATE = {"": 0, "sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
_ADAM = ("adam", "adamw")
_COUNTER = 4  # bytes of the number of steps, which Adam keeps for each tensor, in the memory of the CPU
_TARGET = 8  # bytes of a class's number


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

    Of operators that have no rule, the *unknown*, by name with how often they run, the timeline has the least that they
    can take, and *upper* is the one with the most; where there are none both are the same. *learning* are the bytes of
    each parameter that learns.
    """

    graph: Graph
    setup: Setup
    resident: Resident
    timeline: Timeline
    upper: Timeline
    unknown: Mapping[str, int] = {}
    learning: tuple[Dim, ...] = ()

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

    @property
    def span(self) -> Span:
        """Between how many bytes everything lies where the workspace of kernels is counted too, and what operators
        without a rule may take."""
        low, high = self.timeline.span()
        if self.unknown:
            high = self.upper.span().high
        return Span(self.resident.total + low, self.resident.total + high)

    def phase(self, phase: str) -> Dim:
        """Return the most bytes in a part of the pass."""
        return self.timeline.peak((phase,))


def analyze_memory(
    graph: Graph, setup: Setup, runs: Graph | None = None, follows: type[Forward] = Forward, block: int = 1
) -> MemoryReport:
    """Return the memory of a network at a setup; what *runs* of it is what `deployed` says, unless given. Who *follows*
    the forward pass says what is asked for. Every tensor takes whole blocks of so many bytes.

    Raises SingleImageError where its shapes are known for one image alone and the batch has more, and UsageError
    where it should train and is known as it runs in evaluation.
    """
    if setup.train:
        check_trains(graph)
    sizes, held, kept = _parameters(graph, setup, block)
    run = runs or _runs(graph, setup)
    timeline, unknown = _follow(run, setup, sizes, follows)
    upper = _follow(run, setup, sizes, follows, most=True)[0] if unknown else timeline
    if block > 1:
        timeline, upper = timeline.rounded(block), upper.rounded(block)
    learning = sum(sizes)
    again = learning if setup.accumulate > 1 and setup.train else 0
    inputs = sum(in_blocks(setup.bytes(value), block) for value in graph.inputs.values())
    targets = in_blocks(_TARGET * setup.batch, block) if setup.train else 0
    counters = _COUNTER * len(sizes) if setup.train in _ADAM and setup.kernels == "cpu" else 0
    resident = Resident(held, kept, learning * STATE[setup.train] + counters, again, inputs + targets)
    return MemoryReport(graph, setup, resident, timeline, upper, unknown, tuple(sizes))


def _follow(
    graph: Graph, setup: Setup, sizes: Sequence[Dim], follows: type[Forward], *, most: bool = False
) -> tuple[Timeline, Mapping[str, int]]:
    """Return what comes and goes, of parameters of these *sizes*, and the operators without a rule, by name with how
    often they run."""
    builder = Builder()
    forward = follows(graph, setup, builder, most=most)
    forward.run()
    if setup.train:
        backward = Backward(graph, setup, builder, forward)
        backward.run()
        builder.release("", backward.returned)
        made = builder.made(_made_for_a_step(sizes, setup), TEMPORARY, setup.train)
        builder.drop((made,))
        builder.step(STEP, setup.train, (made,))
    return builder.timeline(), Counter(forward.unknown.values()) if forward.unknown else {}


def _runs(graph: Graph, setup: Setup) -> Graph:
    """Return what runs of a graph at a setup."""
    if setup.dtype != "int8":
        return graph
    from archprof.allocation.deployed import deployed

    return deployed(graph, setup).graph


def _made_for_a_step(sizes: Sequence[Dim], setup: Setup) -> Dim:
    """Return the bytes that an optimiser makes to update parameters of these sizes: Adam's denominators, on a GPU of
    all of them at once, on a CPU one by one, each in two parts beside the one before."""
    if setup.train not in _ADAM:
        return 0
    if setup.kernels == "cuda":
        return sum(sizes)
    most: Dim = 0
    for before, size in pairwise([0, *sizes]):
        most = maximum(most, before + 2 * size)
    return most


def _parameters(graph: Graph, setup: Setup, block: int) -> tuple[list[Dim], Dim, Dim]:
    """Return the bytes of each parameter that learns, in the order of registration, of all parameters, and of buffers;
    each tensor once."""
    learning: list[Dim] = []
    held: Dim = 0
    kept: Dim = 0
    seen = set[str]()
    for node in sorted(graph.nodes, key=lambda node: node.order):
        dtypes, learns = node.memory.dtypes if node.memory else {}, learned(node)
        for name, terms in node.op.parameters().items():
            if node.tensor(name) in seen:
                continue
            seen.add(node.tensor(name))
            size = in_blocks(total(terms) * setup.width(dtypes.get(name, "float32")), block)
            held = held + size
            if name in learns:
                learning.append(size)
        for name, terms in node.op.buffers().items():
            if f"{node.path}.{name}" not in seen:
                seen.add(f"{node.path}.{name}")
                kept = kept + in_blocks(total(terms) * setup.width(dtypes.get(name, "float32")), block)
    return learning, held, kept

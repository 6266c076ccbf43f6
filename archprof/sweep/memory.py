"""Peak memory along the rows of a network, for arrays of candidates: what a row needs, beside what lives across it.

Inside a row what is alive is the same for all candidates, since they run the same calls; so its peak is a maximum over
calls of sums of sizes. Across rows lives what later rows read.
"""

from collections.abc import Iterator, Mapping, Sequence

from archprof.allocation.deployed import folded, is_foldable
from archprof.allocation.forward import Tensors
from archprof.allocation.timeline import FORWARD, Builder
from archprof.ir.dims import Dim, Extremes, maximum
from archprof.ir.footprint import Run
from archprof.ir.graph import INPUT, Edge, Graph, Node
from archprof.ir.inplace import is_overwritable
from archprof.ir.liveness import readers
from archprof.ir.operators.join import Add
from archprof.ir.origin import Unlisted
from archprof.ir.setup import Setup
from archprof.ir.values import Value
from archprof.language.fragment import Application, Call, Fragment, Reservation
from archprof.named_tuple import NamedTuple
from archprof.sweep.latency import RowTimes, Timer

# What folds into a call in int8: nothing (0), activations, norms too.
_ACTS, _NORMS = 1, 2


class Unfollowed(Exception):
    """A row that hands on what it takes, or that folds into the row before, which cannot be told row by row."""


class Readers(NamedTuple):
    """Of each feature that rows hand on, the numbers of the rows that read it, in their order; who returns it counts
    as a row behind all."""

    of: Mapping[Edge, Sequence[int]]

    def later(self, feature: Edge, row: int) -> bool:
        """Tell whether a feature is read behind a row."""
        numbers = self.of.get(feature, ())
        return bool(numbers) and numbers[-1] > row


class Source(NamedTuple):
    """What goes into a row: which feature it is, the number and the bytes of the storage in which it lies (None: it is
    the network's input), whether nobody but this row reads it, whether one may write over it and what would fold into
    it (arrays where candidates differ), and whether it is needed behind the row."""

    feature: Edge
    storage: int | None
    bytes: Dim
    sole: bool
    overwritable: Dim
    absorbs: Dim
    later: bool


class Left(NamedTuple):
    """Where a feature that a row leaves lies: beside another one that goes into the row, or in a storage that the row
    has *made*, by its place; in the network's input where neither is so. How often it is read, whether one may write
    over it, and what would fold into it in int8 (`_ACTS`, `_NORMS`): arrays where candidates differ."""

    beside: Edge | None
    made: int | None
    readers: int
    overwritable: Dim
    absorbs: Dim


class RowMemory(NamedTuple):
    """The memory of a row: the most bytes of what goes in and what it makes, the bytes of each storage that it leaves,
    and its features that are read behind it. No number of any candidate exceeds *bound*. Its *times* are those of a
    device, where one is asked about."""

    peak: Dim
    made: tuple[Dim, ...]
    left: Mapping[Edge, Left]
    bound: int
    times: RowTimes | None = None

    @property
    def lies(self) -> dict[Edge, tuple[Edge | None, int | None, int]]:
        """Where its features lie, and how often each is read."""
        return {feature: left[:3] for feature, left in self.left.items()}


class Kept(NamedTuple):
    """A feature that is read behind its row: where it is made inside, and by how many rows it is read."""

    edge: Edge
    readers: int


def row_memory(
    fragment: Fragment,
    sources: Sequence[Source],
    kept: Mapping[Edge, Kept],
    setup: Setup,
    extremes: Extremes,
    timer: Timer | None = None,
) -> RowMemory:
    """Return the memory of a row that takes *sources*, of whose features some are *kept*.

    Raises Unfollowed for a row that hands on what it takes or folds into the row before, and Disagreement where
    candidates part ways.
    """
    part = _Part(fragment, sources, kept)
    if setup.dtype == "int8":
        part.fold()
    builder = Builder()
    lies = part.inputs_in(builder)
    forward = Tensors(part.graph, setup, builder, lies, part.lent())
    forward.run()
    timeline = builder.timeline()
    left, made = part.left(forward.lies)
    sizes = tuple([timeline.storages[one].bytes for one in made])
    bound = sum([extremes.largest(source.bytes) for source in sources]) + _bound(part.graph, setup, extremes)
    times = timer.row(part.graph, forward.passed) if timer else None
    return RowMemory(timeline.peak((FORWARD,)), sizes, left, bound, times)


class _Part:
    """A row as a graph of its own."""

    def __init__(self, fragment: Fragment, sources: Sequence[Source], kept: Mapping[Edge, Kept]) -> None:
        # A feature that goes in twice is one.
        first: dict[Edge, Edge] = {}
        self._inputs = [first.setdefault(source.feature, Edge(INPUT, k)) for k, source in enumerate(sources)]
        self._sources = dict(zip(self._inputs, sources, strict=True))
        nodes: list[Node] = []
        parts = _flattened(fragment, "", self._inputs, nodes)
        self._edges = {
            feature: self._inputs[one.edge.output] if one.edge.node == INPUT else parts[one.edge.node][one.edge.output]
            for feature, one in kept.items()
        }
        if any(edge.node == INPUT for edge in self._edges.values()):
            raise Unfollowed
        self._kept = kept
        needed = [edge for edge, source in self._sources.items() if source.later]
        outputs = dict(enumerate([*dict.fromkeys(self._edges.values()), *needed]))
        inputs = {str(k): x.value for k, x in enumerate(fragment.inputs)}
        named = {str(k): edge for k, edge in outputs.items()}
        self.graph = Graph("", inputs, tuple(nodes), named, Unlisted(""))
        self._calls: Sequence[tuple[int, ...]] = [(index,) for index in range(len(nodes))]
        self._whole = self.graph
        self._beside: dict[int, Edge] = {}  # of storages that were there before, a feature that lies in each

    def fold(self) -> None:
        """Leave out what folds into the calls before it."""
        counted = readers(self.graph)
        for node in self.graph.nodes:
            source = self._sources.get(node.inputs[0]) if node.inputs and counted[node.inputs[0]] == 1 else None
            needs = _NORMS if node.op.category == "norm" else _ACTS
            if source is not None and source.sole and is_foldable(node.op) and source.absorbs >= needs:
                raise Unfollowed
        found = folded(self.graph)
        names = {edge: name for name, edge in self.graph.outputs.items()}
        self._edges = {feature: found.graph.outputs[names[edge]] for feature, edge in self._edges.items()}
        self.graph, self._calls = found

    def _absorbs(self, index: int) -> int:
        """Return what would fold into a call, with which some may have been folded already."""
        first, *others = [self._whole.nodes[one].op for one in self._calls[index]]
        if any(op.category == "act" for op in others):
            return 0
        return _NORMS if first.weighted else _ACTS if isinstance(first, Add) else 0

    def inputs_in(self, builder: Builder) -> dict[Edge, int | None]:
        """Return in which storages the inputs lie, which are there before the first call."""
        lies: dict[Edge, int | None] = {}
        known: dict[int, int] = {}
        for edge, source in self._sources.items():
            if source.storage is None:
                lies[edge] = None
            elif source.storage in known:
                lies[edge] = known[source.storage]
                builder.hold(known[source.storage])
            else:
                lies[edge] = known[source.storage] = builder.made(source.bytes, "", "")
                self._beside[known[source.storage]] = source.feature
        builder.step(FORWARD, "", tuple(known.values()))
        return lies

    def lent(self) -> frozenset[Edge]:
        """Return the inputs that an activation may write over. Whether it may is asked only where one would."""
        counted = readers(self.graph)
        asked = {node.inputs[0] for node in self.graph.nodes if node.op.inplace}
        return frozenset(
            edge
            for edge, source in self._sources.items()
            if edge in asked and source.sole and counted[edge] == 1 and source.overwritable
        )

    def left(self, lies: Mapping[Edge, int | None]) -> tuple[dict[Edge, Left], list[int]]:
        """Return the features that outlive the row, and the storages that it has made for them."""
        counted = readers(self.graph)
        made: list[int] = []
        found = {}
        for feature, edge in self._edges.items():
            storage = lies[edge]
            beside = None if storage is None else self._beside.get(storage)
            own = storage is not None and beside is None
            if storage is not None and own and storage not in made:
                made.append(storage)
            others = sum([one.readers for name, one in self._kept.items() if self._edges[name] == edge])
            overwritable = int(is_overwritable(self.graph.nodes[edge.node]))
            place = made.index(storage) if storage is not None and own else None
            found[feature] = Left(beside, place, counted[edge] - 1 + others, overwritable, self._absorbs(edge.node))
        return found, made


def _flattened(fragment: Fragment, prefix: str, inputs: Sequence[Edge], nodes: list[Node]) -> list[tuple[Edge, ...]]:
    """Append a fragment's calls to nodes and return the outputs of each of its parts."""
    parts: list[tuple[Edge, ...]] = []

    def outer(edges: Sequence[Edge]) -> tuple[Edge, ...]:
        return tuple([inputs[k] if node == INPUT else parts[node][k] for node, k in edges])

    for part in fragment.parts:
        if isinstance(part, Call):
            parts.append(tuple([Edge(len(nodes), k) for k in range(len(part.outputs))]))
            nodes.append(Node(prefix + part.name, part.op, outer(part.inputs), part.outputs, part.kind))
        elif isinstance(part, Application):
            inner = _flattened(part.fragment, prefix + part.prefix, outer(part.inputs), nodes)
            taken = outer(part.inputs)
            edges = [x.edge for x in (part.fragment.result, *part.fragment.exports)]
            parts.append(tuple([taken[k] if node == INPUT else inner[node][k] for node, k in edges]))
        else:
            assert isinstance(part, Reservation)
            parts.append(())
    return parts


def _bound(graph: Graph, setup: Setup, extremes: Extremes) -> int:
    """Return what no candidate's calls make in all, in plain integers, which do not overflow."""

    def largest(value: Value) -> Value:
        return value._replace(shape=tuple([extremes.largest(dim) for dim in value.shape]))

    bound = 0
    for node in graph.nodes:
        inputs = tuple([largest(graph.value(edge)) for edge in node.inputs])
        run = Run(inputs, tuple(map(largest, node.outputs)), setup)
        op = node.op.at_most(extremes.largest, extremes.smallest)
        bound += sum(map(run.bytes, run.outputs)) + op.footprint(run).scratch
    return bound


class _Lies(NamedTuple):
    """Where a feature lies between two rows: in which storage (None: the network's input); how often it is read,
    whether one may write over it, and what would fold into it."""

    storage: int | None
    readers: int
    overwritable: Dim
    absorbs: Dim


class Across:
    """What lives across rows while a batch goes through them, and the peak so far."""

    def __init__(self, readers: Readers, setup: Setup) -> None:
        self.readers, self.setup = readers, setup
        self.peak: Dim = 0
        self._lies: dict[Edge, _Lies] = {}
        self._storages: dict[int, Dim] = {}
        self._numbered = 0

    def sources(self, features: Sequence[Edge], row: int) -> Iterator[Source]:
        """Yield what goes into a row."""
        for feature in features:
            lies = self._lies.get(feature, _Lies(None, 0, 0, 0))
            size = 0 if lies.storage is None else self._storages[lies.storage]
            able, later = (lies.overwritable, lies.absorbs), self.readers.later(feature, row)
            yield Source(feature, lies.storage, size, lies.readers == 1, *able, later)

    def with_own(self, found: RowMemory, row: int) -> RowMemory:
        """Return a row's memory, with what is left beside an input that nothing else needs as a storage of its own:
        where it has become another one for some candidates, it is the same for all."""
        made = [*found.made]
        places: dict[int, int] = {}
        left = {}
        for feature, one in found.left.items():
            storage = None if one.beside is None else self._lies[one.beside].storage
            if storage is None or self._is_needed(storage, row):
                left[feature] = one
                continue
            if storage not in places:
                places[storage] = len(made)
                made.append(self._storages[storage])
            left[feature] = one._replace(beside=None, made=places[storage])
        return found._replace(made=tuple(made), left=left)

    def _is_needed(self, storage: int, row: int) -> bool:
        """Tell whether a storage holds something that is read behind a row."""
        lying = [feature for feature, lies in self._lies.items() if lies.storage == storage]
        return any(self.readers.later(feature, row) for feature in lying)

    def add(self, row: int, taken: Sequence[Edge], found: RowMemory) -> None:
        """Take a row into account that reads some features, and go on with what is read behind it."""
        read = {self._lies[feature].storage for feature in taken if feature in self._lies}
        beside = sum([size for storage, size in self._storages.items() if storage not in read])
        self.peak = maximum(self.peak, beside + found.peak)
        first = self._numbered
        self._numbered += len(found.made)
        self._storages.update(enumerate(found.made, first))
        for feature, (other, made, *others) in found.left.items():
            before = None if other is None else self._lies[other].storage
            self._lies[feature] = _Lies(before if made is None else first + made, *others)
        self._lies = {feature: lies for feature, lies in self._lies.items() if self.readers.later(feature, row)}
        there = {lies.storage for lies in self._lies.values()}
        self._storages = {storage: size for storage, size in self._storages.items() if storage in there}

"""The forward pass in memory: what each call makes, what it keeps for the backward pass, when it is let go."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping

from archprof.allocation.checkpoint import Segment, segments
from archprof.allocation.timeline import ACTIVATION, BACKWARD, CAST, FORWARD, SAVED, Builder
from archprof.ir.dims import Dim
from archprof.ir.footprint import NO_WORKSPACE, Footprint, Run, Workspace
from archprof.ir.graph import HELD, INPUT, Edge, Graph, Memory, Node, Place
from archprof.ir.inplace import inplace_paths
from archprof.ir.learning import learning
from archprof.ir.setup import HALVES, WIDTHS, Setup
from archprof.ir.terms import total
from archprof.ir.values import SingleImageError, Value
from archprof.named_tuple import NamedTuple

# What returns its input's storage where nobody recorded it, of a file: all else is taken for new.
_HANDED_ON = frozenset(("reshape", "flatten", "identity", "dropout"))


class Passed(NamedTuple):
    """A call that has run forward: how it ran, and the storages that are held for its backward pass."""

    node: Node
    run: Run
    kept: list[int]
    cast: tuple[str, ...]  # the types that its inputs had before autocast
    halved: bool  # whether autocast has its parameters in half precision
    workspace: Workspace
    unknown: Dim = 0  # bytes that it may take while it runs, if those are asked for

    @property
    def recorded(self) -> bool:
        """Whether there is a backward pass of it."""
        return self.run.learns or any(self.run.wanted)


class Forward:
    """A forward pass while it is followed, call by call: with the least that operators without a rule can take, or the
    *most*.

    The inputs of a network are there before, and stay; those of a part of a network *lie* in storages, which go with
    who reads them last, and activations write over those that are *lent*. Raises SingleImageError where shapes are
    known for one image alone and the batch has more.
    """

    def __init__(
        self,
        graph: Graph,
        setup: Setup,
        builder: Builder,
        lies: Mapping[Edge, int | None] | None = None,
        lent: Container[Edge] = (),
        *,
        most: bool = False,
    ) -> None:
        if graph.single_batch and setup.batch > 1:
            raise SingleImageError(f"`{graph.origin.name}` is known for one image alone")
        self._graph, self._setup, self._builder, self._most = graph, setup, builder, most
        self.unknown = dict[str, str]()  # of calls of whose memory nobody knows all, by id, the operator
        self._in_place = inplace_paths(graph, lent) if graph.storages == "built" else frozenset[str]()
        self._left = Counter(edge for node in graph.nodes for edge in dict.fromkeys(node.inputs))
        self._left.update(graph.outputs.values())
        self._values = {Edge(INPUT, k): value for k, value in enumerate(graph.inputs.values())}
        self._learning = learning(graph, bool(setup.train))
        self._longer: dict[int, list[int]] = {}  # behind which calls storages are let go that code still holds
        self._last = len(graph.nodes) - 1  # the call behind which the code that runs returns
        self._weights: list[int] = []  # in half precision, until autocast ends
        self.lies: dict[Edge, int | None] = {**dict.fromkeys(self._values), **(lies or {})}
        self.passed: list[Passed] = []
        self.segments = segments(graph, bool(setup.checkpoint)) if setup.train else []

    def run(self) -> None:
        """Follow all calls."""
        again = {index for segment in self.segments for index in range(segment.first, segment.last + 1)}
        starts = {segment.first: segment for segment in self.segments}
        for index in range(len(self._graph.nodes)):
            if index in starts:
                for lies in self.storages(starts[index].inputs):
                    self._builder.hold(lies)
            self.passed.append(self._call(index, FORWARD, index not in again))
        self._builder.drop(self._weights)

    def again(self, segment: Segment) -> None:
        """Follow the calls of a segment once more, in the backward pass; what goes in stays, and what comes out of a
        reentrant one."""
        within = range(segment.first, (segment.last if segment.reentrant else self._last_needed(segment)) + 1)
        self._left = Counter(edge for index in within for edge in dict.fromkeys(self._graph.nodes[index].inputs))
        self._left.update((*segment.inputs, *(segment.outputs if segment.reentrant else ())))
        self._weights, self._last = [], segment.last
        for index in within:
            self.passed[index] = self._call(index, BACKWARD, True)
        self._builder.drop(self._weights)

    def _last_needed(self, segment: Segment) -> int:
        """Return the last call of a segment of which the backward pass needs anything."""
        for index in range(segment.last, segment.first, -1):
            passed = self.passed[index]
            found, _ = self._footprint(passed.node, passed.run)
            if passed.recorded and (found.inputs or found.outputs or found.own is not None):
                return index
        return segment.first

    def storages(self, edges: Iterable[Edge]) -> list[int]:
        """Return where some values lie, but for those that are there all along."""
        return [lies for edge in edges if (lies := self.lies[edge]) is not None]

    def _call(self, index: int, phase: str, keep: bool) -> Passed:
        node = self._graph.nodes[index]
        run, cast = self._run_of(index, node)
        recorded = self._learning[index].recorded
        keep = keep and recorded
        footprint, unknown = self._footprint(node, run)
        outputs = [Edge(index, k) for k in range(len(node.outputs))]
        made, casts = [], self._casts(node, run, cast)
        made += [storage for storage in casts if storage is not None]
        made += (weights := self._cast_weights(node))
        made += self._placed(node, footprint, outputs, run)
        kept = self._kept(node, footprint, outputs, casts, made) if keep else []
        if weights and keep:
            self._builder.hold(weights[0])
            kept.append(weights[0])
        self._builder.drop(storage for storage in casts if storage is not None)
        self._hold_on(index, node, outputs)
        self._let_go(node, outputs)
        self._builder.drop(self._longer.pop(index, ()))
        workspace = self.workspace(node, run)
        beside = footprint.buffer if self._setup.dtype == "int8" else footprint.beside(keep)
        self._builder.step(phase, node.id, made, beside, workspace.forward, footprint.pieces)
        return Passed(node, run, kept, cast, is_halved(node, self._setup), workspace, unknown)

    def workspace(self, node: Node, run: Run) -> Workspace:
        """Return what a GPU's kernels take beside the tensors of a call: nothing in int8, which runs on none."""
        return NO_WORKSPACE if self._setup.dtype == "int8" else node.op.workspace(run)

    def _footprint(self, node: Node, run: Run) -> tuple[Footprint, Dim]:
        """Return what a call keeps, and what else it takes while it runs that nobody knows; that and what nobody knows
        of the former is the least or, if asked, the most: all that goes in and comes out, and as much again meanwhile,
        beside what is known."""
        found = node.op.footprint(run)
        if found.known:
            return found, 0
        self.unknown[node.id] = node.op.name
        if not self._most:
            return found, 0
        around = sum(map(run.bytes, (*run.inputs, *run.outputs)))
        kept = tuple(range(len(run.inputs))), tuple(range(len(run.outputs)))
        scratch = found.scratch + around + (0 if found.most is None else found.most)
        return Footprint(found.shares, scratch, *kept, found.most, buffer=around), around

    # Types under autocast

    def _run_of(self, index: int, node: Node) -> tuple[Run, tuple[str, ...]]:
        memory = node.memory or Memory()
        given = [self._values[edge] for edge in node.read]
        inputs, output = autocast(node, given, self._setup.amp)
        outputs = tuple([value._replace(dtype=output) if value.dtype == "float32" and output else value
                         for value in node.outputs])  # fmt: skip
        self._values.update((Edge(index, k), value) for k, value in enumerate(outputs))
        learns = bool(self._learning[index].learned)
        aliased = memory.aliases[:1] == (0,)
        how = (self._setup, self._writes_over(node), self._wanted(index, node, len(given)))
        run = Run(tuple(inputs), outputs, *how, learns, memory.slots, aliased)
        return run, tuple([value.dtype for value in given])

    def _wanted(self, index: int, node: Node, reads: int) -> tuple[bool, ...]:
        """Return which of the values that a call reads hang on something that learns, perhaps by what was written over
        them since: that it waits for."""
        wanted = self._learning[index].wanted
        written = {self.lies[edge] for edge, one in zip(node.inputs[reads:], wanted[reads:], strict=True) if one}
        read = zip(node.inputs[:reads], wanted[:reads], strict=True)
        return tuple([one or (self.lies[edge] is not None and self.lies[edge] in written) for edge, one in read])

    def _writes_over(self, node: Node) -> bool:
        if self._graph.storages == "recorded":
            return node.memory is not None and 0 in node.memory.writes
        return node.path in self._in_place

    def _casts(self, node: Node, run: Run, before: tuple[str, ...]) -> list[int | None]:
        """Return the storage of each input that autocast copies in another type."""
        return [
            None if value.dtype == dtype else self._builder.made(run.bytes(value), CAST, node.id)
            for value, dtype in zip(run.inputs, before, strict=True)
        ]

    def _cast_weights(self, node: Node) -> list[int]:
        """Return the copies of a call's parameters in half precision, the weight's first, which stay until autocast
        ends."""
        if not is_halved(node, self._setup) or node.call > 1:
            return []
        width = WIDTHS[self._setup.amp]
        copies = [self._builder.made(total(terms) * width, CAST, node.id) for terms in node.op.parameters().values()]
        self._weights += copies
        return copies

    # Storages

    def _placed(self, node: Node, footprint: Footprint, outputs: list[Edge], run: Run) -> list[int]:
        """Give each output its storage, and return those that are new."""
        made = []
        for place, edge, value in zip(self._places(node, footprint, len(outputs)), outputs, run.outputs, strict=True):
            if place is None:
                self.lies[edge] = self._builder.made(run.bytes(value), ACTIVATION, node.id)
                made.append(self.lies[edge])
            elif place == HELD:
                self.lies[edge] = None
            else:
                lies = self.lies[node.inputs[place] if place < len(node.inputs) else outputs[place - len(node.inputs)]]
                self.lies[edge] = lies
                if lies is not None:
                    self._builder.hold(lies)
        return [one for one in made if one is not None]

    def _places(self, node: Node, footprint: Footprint, outputs: int) -> tuple[Place | None, ...]:
        if self._graph.storages != "recorded":
            alone = self._graph.storages == "assumed" and node.op.name not in _HANDED_ON
            return (None if alone else footprint.shares, *[None] * (outputs - 1))
        memory = node.memory or Memory()
        aliases = memory.aliases
        if self._setup.batch > 1 and memory.aliases_of_many is not None:
            aliases = memory.aliases_of_many
        return aliases or (None,) * outputs

    def _kept(
        self, node: Node, footprint: Footprint, outputs: list[Edge], casts: list[int | None], made: list[int]
    ) -> list[int]:
        kept = []
        for place in footprint.inputs:
            cast = casts[place]
            lies = cast if cast is not None else self.lies[node.inputs[place]]
            if lies is not None:
                kept.append(lies)
        kept += [lies for place in footprint.outputs if (lies := self.lies[outputs[place]]) is not None]
        for storage in kept:
            self._builder.hold(storage)
        sizes = [size for size in (footprint.own, footprint.divisor) if size is not None]
        own = [self._builder.made(size, SAVED, node.id, footprint.pieces) for size in sizes]
        made += own
        return kept + own

    def _hold_on(self, index: int, node: Node, outputs: list[Edge]) -> None:
        """Hold what code still has in its variables when nobody reads it any more."""
        for edge, calls in zip(outputs, node.memory.outlives if node.memory else (), strict=False):
            if calls and (lies := self.lies[edge]) is not None:
                self._builder.hold(lies)
                self._longer.setdefault(min(index + calls, self._last), []).append(lies)

    def _let_go(self, node: Node, outputs: list[Edge]) -> None:
        """Let go of what is read for the last time, and of what is returned and never read."""
        for edge in dict.fromkeys(node.inputs):
            self._left[edge] -= 1
        for edge in (*dict.fromkeys(node.inputs), *outputs):
            if not self._left[edge] and (lies := self.lies[edge]) is not None:
                self._builder.drop((lies,))


class Tensors(Forward):
    """A forward pass of which tensors alone are asked for."""

    def workspace(self, node: Node, run: Run) -> Workspace:
        """Return no workspace."""
        return NO_WORKSPACE


def is_halved(node: Node, setup: Setup) -> bool:
    """Tell whether autocast computes a call in half precision, with copies of its parameters."""
    return bool(setup.amp) and node.op.autocast == "half"


def autocast(node: Node, given: list[Value], amp: str) -> tuple[list[Value], str]:
    """Return a call's inputs and the type of its float outputs as autocast has them; no type where it is not on."""
    if not amp:
        return given, ""
    if node.memory and 0 in node.memory.writes:  # what is written in place stays of its type
        return given, given[0].dtype
    half = HALVES[amp]
    rule = node.op.autocast
    floats = [value.dtype for value in given if value.dtype in ("float32", half)]
    if rule == "wide":
        return given, "float32"
    if rule in ("half", "full"):
        wanted = half if rule == "half" else "float32"
        cast = [value._replace(dtype=wanted) if value.dtype in ("float32", half) else value for value in given]
        return cast, wanted
    return given, "float32" if rule == "promote" or "float32" in floats or not floats else half

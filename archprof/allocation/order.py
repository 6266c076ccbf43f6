"""The order of execution in which a network's inference needs least memory, where it can be proven."""

from heapq import heappop, heappush

from archprof.allocation.forward import Forward
from archprof.allocation.timeline import Builder
from archprof.ir.dims import Dim
from archprof.ir.graph import HELD, INPUT, Edge, Graph, Node
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple

# So many states are looked at before a graph counts as too large to prove anything of.
MAX_STATES = 50_000


class Order(NamedTuple):
    """The places of a graph's nodes in an order in which they can run; *proven* tells that no other has a smaller
    peak."""

    nodes: tuple[int, ...]
    proven: bool


def best_order(graph: Graph, setup: Setup, states: int = MAX_STATES) -> Order:
    """Return the order of execution with the least peak in inference of a graph as it runs: its own where none is
    better, or where more than so many *states* were to be looked at, which proves nothing.

    What is in memory depends on which calls have run, not on their order. So a state is such a set, and the search is
    for the path between sets, from the empty one to the whole, whose largest step is least.

    Raises ValueError for a setup of training, whose backward pass goes by the order of the forward pass.
    """
    if setup.train:
        raise ValueError("the order of least peak is that of inference")
    return _Search(_calls(graph, setup)).run(states)


def reordered(graph: Graph, order: Order) -> Graph:
    """Return a graph whose nodes stand in another order."""
    place = {old: new for new, old in enumerate(order.nodes)}
    place[INPUT] = INPUT
    nodes = [graph.nodes[old] for old in order.nodes]
    moved = tuple([node._replace(inputs=tuple([_moved(edge, place) for edge in node.inputs])) for node in nodes])
    outputs = {name: _moved(edge, place) for name, edge in graph.outputs.items()}
    return graph._replace(nodes=moved, outputs=outputs)


def _moved(edge: Edge, place: dict[int, int]) -> Edge:
    return Edge(place[edge.node], edge.output)


class _Call(NamedTuple):
    """A call as the search sees it: the bytes that it makes, those of what lives only while it runs, those that it
    cannot run without, the set of calls that come before it, and the storages that it may free."""

    made: Dim
    scratch: Dim
    needs: Dim
    before: int
    frees: tuple[tuple[int, Dim], ...]  # of each, the set of all calls that use it, and its bytes


def _calls(graph: Graph, setup: Setup) -> list[_Call]:
    builder = Builder()
    forward = Forward(graph, setup, builder)
    forward.run()
    timeline = builder.timeline()
    storages, lies = timeline.storages, forward.lies
    uses = _uses(graph, lies)
    before = [sum({1 << edge.node for edge in node.inputs if edge.node != INPUT}) for node in graph.nodes]
    if graph.storages == "recorded":
        _keep_writes(graph, lies, uses, before)
    kept = {None, *[lies[edge] for edge in graph.outputs.values()]}
    calls = []
    for index, (node, step) in enumerate(zip(graph.nodes, timeline.steps, strict=True)):
        own = [one for one in step.made if one not in uses]  # a copy in another type, in which no value lies
        used = dict.fromkeys([*[lies[edge] for edge in _edges(index, node)], *step.made])
        frees = [
            (uses[one], storages[one].bytes) for one in used if one is not None and one in uses and one not in kept
        ]
        frees += [(1 << index, storages[one].bytes) for one in own if one in step.freed]
        made = sum([storages[one].bytes for one in step.made])
        needs = step.scratch + sum([storages[one].bytes for one in used if one is not None])
        calls.append(_Call(made, step.scratch, needs, before[index], tuple(frees)))
    return calls


def _edges(index: int, node: Node) -> list[Edge]:
    """Return what a call reads and what it puts out."""
    return [*node.inputs, *[Edge(index, k) for k in range(len(node.outputs))]]


def _uses(graph: Graph, lies: dict[Edge, int | None]) -> dict[int | None, int]:
    """Return, of each storage, the set of calls that make or read what lies in it."""
    uses: dict[int | None, int] = {}
    for index, node in enumerate(graph.nodes):
        for edge in _edges(index, node):
            uses[lies[edge]] = uses.get(lies[edge], 0) | 1 << index
    return uses


def _keep_writes(graph: Graph, lies: dict[Edge, int | None], uses: dict[int | None, int], before: list[int]) -> None:
    """Make who writes over a storage come behind all that used it before, and in front of all that do so later."""
    for index, node in enumerate(graph.nodes):
        for place in node.memory.writes if node.memory else ():
            if place == HELD or place >= len(node.inputs):
                continue
            users = uses[lies[node.inputs[place]]]
            before[index] |= users & ((1 << index) - 1)
            for later in _members(users >> (index + 1)):
                before[index + 1 + later] |= 1 << index


def _members(calls: int) -> list[int]:
    """Return the places of a set's members."""
    found = []
    while calls:
        last = calls & -calls
        found.append(last.bit_length() - 1)
        calls ^= last
    return found


class _State(NamedTuple):
    """A set of calls that have run: the largest step to it, the bytes that are there, the calls that can be next, and
    the call by which it was reached, with the state before."""

    peak: Dim
    calls: int
    there: Dim
    ready: int
    last: int
    behind: "_State | None"


class _Search:
    """The search while it goes on: the state with the least peak first, each set of calls once."""

    def __init__(self, calls: list[_Call]) -> None:
        self._calls = calls
        self._after: list[list[int]] = [[] for _ in calls]
        for index, call in enumerate(calls):
            for one in _members(call.before):
                self._after[one].append(index)

    def run(self, states: int) -> Order:
        """Return the best order."""
        first = sum(1 << index for index, call in enumerate(self._calls) if not call.before)
        start = _State(max([call.needs for call in self._calls], default=0), 0, 0, first, -1, None)
        limit = self._own_peak(start)
        known = {0: start.peak}  # of each state, the least peak by which it can be reached so far
        waiting = [(start.peak, 0, start)]
        while waiting and len(known) <= states:
            state = heappop(waiting)[2]
            if state.peak >= limit:
                break
            if not state.ready:
                return Order(self._path(state), True)
            for following in self._following(state) if state.peak <= known[state.calls] else ():
                if following.peak < known.get(following.calls, limit):
                    known[following.calls] = following.peak
                    # Of equal peaks the state that was found last: it is furthest.
                    heappush(waiting, (following.peak, -len(known), following))
        return Order(tuple(range(len(self._calls))), len(known) <= states)

    def _own_peak(self, start: _State) -> Dim:
        state = start
        for index in range(len(self._calls)):
            state = self._run(state, index)
        return state.peak

    def _following(self, state: _State) -> list[_State]:
        """Return the states one call further. A call that raises no peak and leaves no more behind than was there is
        best run at once: whatever comes before it could as well come after it, with no more in memory."""
        found = []
        for index in _members(state.ready):
            following = self._run(state, index)
            if following.peak == state.peak and following.there <= state.there:
                return [following]
            found.append(following)
        return found

    def _run(self, state: _State, index: int) -> _State:
        call = self._calls[index]
        calls = state.calls | 1 << index
        there = state.there + call.made
        peak = max(state.peak, there + call.scratch)
        for users, size in call.frees:
            if not users & ~calls:
                there -= size
        ready = state.ready & ~(1 << index)
        for other in self._after[index]:
            if not self._calls[other].before & ~calls:
                ready |= 1 << other
        return _State(peak, calls, there, ready, index, state)

    def _path(self, state: _State) -> tuple[int, ...]:
        found = []
        while state.behind is not None:
            found.append(state.last)
            state = state.behind
        return tuple(reversed(found))

"""Operators that run graphs: Loop, Scan and SequenceMap here, If in `branches`. What is known of a number of trips
decides what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from archprof.captures.onnx.branches import longest, run_branch
from archprof.captures.onnx.call import Call
from archprof.captures.onnx.graph import activations_of
from archprof.captures.onnx.model import GraphRecord, NodeRecord
from archprof.captures.onnx.ran import NodeError, Place, Ran, Scope
from archprof.captures.onnx.rules.shapes import items_of
from archprof.captures.onnx.tensor import Dim, Misfit, Tensor, Unknown, axis_of, made, times
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.captures.onnx.interpret import Interpreter

# So many nodes are listed, trip by trip; of more, all trips are one row.
_MOST_LISTED = 10_000


def _loop(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a loop's graph as often as is known, as often as it can run where data may end it, or once."""
    carried = [call.input(index) for index in range(2, len(call.inputs))]
    goes_on = _single(call.optional(1), True)
    most = _single(call.optional(0), None) if call.has(0) else None
    if goes_on is not None and not goes_on:
        most = 0
    loop = _Looped(_Body(run, call.graph("body"), node, scope, place), carried, goes_on)
    trips = None if most is None else max(0, int(most))
    if trips is not None and _are_few(trips, loop.body.graph):
        return loop.trip_by_trip(trips)
    return loop.as_one_row(trips)


class _Looped(NamedTuple):
    """A loop: what it runs, what goes from trip to trip, and whether there is a first one, None where data says so."""

    body: _Body
    carried: list[Tensor]
    goes_on: float | bool | None

    def trip_by_trip(self, most: int) -> Sequence[Tensor]:
        """Run all trips that there can be; those behind a condition that is not known are upper bounds."""
        run, split, goes_on = self.body.run, len(self.carried), self.goes_on
        state, listed, ends = self.carried, [], []
        for index in range(most):
            if goes_on is not None and not goes_on:
                break
            if goes_on is None:
                ends.append(state)
            start, told = len(run.rows), len(run.said)
            try:
                condition, *found = self._trip(index, state)
            except (NodeError, Misfit):
                if not ends:
                    raise
                del run.rows[start:], run.said[told:]
                break  # of what does not fit, data has ended the loop before
            if ends:
                _bound(run, start)
            goes_on, state = _single(condition, None), found[:split]
            listed.append(found[split:])
        if not ends:
            return _collected(self.body, [*state, *self._columns(listed)])
        _say_early(run, self.body.node, len(listed))
        largest = [longest(ones) or ones[0]._replace(shape=None, data=None) for ones in zip(state, *ends, strict=True)]
        returned = [*largest, *self._columns(listed)]
        shapes = {tuple([one.shape for one in end]) for end in (state, *ends)}
        return _collected(self.body, returned, bounded=len(shapes) > 1 or len(returned) > split)

    def as_one_row(self, most: int | None) -> Sequence[Tensor]:
        """Run one trip for all, on what is as it is in each of them."""
        run, split = self.body.run, len(self.carried)
        state = _unsure(self.carried)
        while True:
            start, told = len(run.rows), len(run.said)
            condition, *found = self._trip(None, state)
            kept = list(map(_of_any_trip, found[:split], state))
            if [one.shape for one in kept] == [one.shape for one in state]:
                break
            state = kept
            del run.rows[start:], run.said[told:]
        early = most is not None and not (self.goes_on and _single(condition, None))
        if early:
            _bound(run, start)
            _say_early(run, self.body.node, most or 0)
        found = _noted(self.body, most, start, found)
        parts = [_stacked([part], most) for part in found[split:]]
        state = list(map(_of_any_trip, found[:split], kept))
        return _collected(self.body, [*state, *parts], bounded=early and bool(parts))

    def _trip(self, index: int | None, state: list[Tensor]) -> list[Tensor]:
        """Return the condition behind a trip, and what it returns; within one it held."""
        return self.body.step(made("int64", (), [index]), made("bool", (), [True]), *state)

    def _columns(self, listed: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Return what all trips return beside, one behind the other."""
        many = len(self.body.node.outputs) - len(self.carried)
        columns = zip(*(listed or [[Tensor("unknown", None)] * many]), strict=True)
        return [_stacked(parts, len(listed)) for parts in columns]


def _are_few(trips: int, body: GraphRecord) -> bool:
    """Tell whether all trips of a graph are run one by one; a graph without nodes takes its time too."""
    return trips * max(1, len(body.nodes)) <= _MOST_LISTED


def _unsure(state: Sequence[Tensor]) -> list[Tensor]:
    return [one._replace(data=None) for one in state]


def _of_any_trip(after: Tensor, before: Tensor) -> Tensor:
    """Return what is known of a tensor that is as it was before a trip, or as it is behind it."""
    if after.shape is None or before.shape is None or len(after.shape) != len(before.shape):
        return after._replace(shape=None, data=None)
    sizes = zip(after.shape, before.shape, strict=True)
    return after._replace(shape=tuple([a if a == b else None for a, b in sizes]), data=None)


def _single(tensor: Tensor | None, default: float | bool | None) -> float | bool | None:
    """Return the one element of a tensor, if it is known; *default* where there is no tensor."""
    if tensor is None:
        return default
    return tensor.data[0] if tensor.data else None


def _noted(body: _Body, trips: int | None, start: int, found: list[Tensor]) -> list[Tensor]:
    """Note what ran from a row on as one row of all trips; of a number of trips that is not known, of one."""
    run, node = body.run, body.node
    rows = run.rows[start:]
    del run.rows[start:]
    times = 1 if trips is None else trips
    macs, puts_out = times * sum(row.macs for row in rows), times * activations_of(rows)
    counted = all(row.counted for row in rows) and (trips is not None or not macs)
    op = node.op
    if trips is None:
        op = f"{op} (a trip)"
        run.said.append(
            f"`{node.name or node.op}` runs as often as its inputs say: {macs:,} MACs a trip are counted once"
        )
    names = tuple(map(str, range(len(found))))
    read = tuple(_read_outside(rows, start))
    alike = Ran(node._replace(op=op, outputs=names), read, tuple(found), macs, counted, None, body.place.inside)
    run.append(alike._replace(bounded=any(row.bounded for row in rows), puts_out=puts_out))
    return [one._replace(edge=run.rows[-1].outputs[k].edge) for k, one in enumerate(found)]


def _bound(run: Interpreter, start: int) -> None:
    """Say of the rows from a row on that they may not run."""
    run.rows[start:] = [row._replace(bounded=row.bounded or row.macs > 0) for row in run.rows[start:]]


def _say_early(run: Interpreter, node: NodeRecord, trips: int) -> None:
    counted = "1 trip is counted" if trips == 1 else f"{trips:,} trips are counted"
    run.said.append(f"`{node.name or node.op}` may end early, as data says: {counted}")


def _read_outside(rows: Sequence[Ran], start: int) -> Iterator[Tensor]:
    """Yield what rows from *start* on read of what was there before."""
    for row in rows:
        yield from (one for one in row.inputs if one is not None and (one.edge is None or one.edge.node < start))


def _collected(body: _Body, outputs: list[Tensor], *, bounded: bool = False) -> Sequence[Tensor]:
    """Note what all trips return together: a row that reads the last of them; *bounded* says that it may be less."""
    row = Ran(body.node, tuple(outputs), tuple(outputs), 0, True, None, body.place.inside)
    return body.run.append(row._replace(bounded=bounded))


def _stacked(parts: Sequence[Tensor], trips: float | bool | None) -> Tensor:
    """Return what all trips return, one behind the other along a first axis."""
    first = parts[0]
    many: Dim = None if trips is None else int(trips)
    return first._replace(shape=None if first.shape is None else (many, *first.shape), data=None, source=None)


def _scan(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a graph once for each step along an axis of some inputs."""
    if call.version < 9:
        return _scan_of_images(run, call, node, scope, place)
    state, taken = _split(call, [one for one in call.inputs if one is not None])
    axes = call.integers("scan_input_axes") or (0,) * len(taken)
    steps: Dim = None
    slices = []
    for one, axis in zip(taken, axes, strict=True):
        shape = one.known_shape
        at = axis_of(axis, len(shape))
        steps = shape[at] if steps is None else steps
        slices.append(Tensor(one.dtype, (*shape[:at], *shape[at + 1 :]), edge=one.edge))
    body = _Body(run, call.graph("body"), node, scope, place)
    state, parts = _stepped(body, steps, [steps or 0], state, slices)
    columns = [_stacked([part], steps) for part in parts]
    ends = call.integers("scan_output_axes") or (0,) * len(columns)
    stacked = [_along(one, axis) for one, axis in zip(columns, ends, strict=True)]
    return _collected(body, [*state, *stacked])


def _scan_of_images(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a graph as opset 8 has it: for each image along the first axis of all inputs, and for each step along the
    second axis of some, as many as a first input says of each image."""
    before, taken = _split(call, [one for one in call.inputs[1:] if one is not None])
    images, steps = taken[0].known_shape[:2]
    if images is None:
        raise Unknown
    slices = [Tensor(one.dtype, one.known_shape[2:], edge=one.edge) for one in taken]
    state = [Tensor(one.dtype, one.known_shape[1:], edge=one.edge) for one in before]
    told = call.optional(0)
    total = times(steps, images)
    lengths: Iterable[int] = repeat(steps or 0, images)
    unsure = told is not None and (told.data is None or None in told.data)
    if told is not None and told.data is not None and not unsure:
        lengths = [int(length or 0) for length in told.data]
        total = sum(lengths)
        if steps is not None and max(lengths, default=0) > steps:
            raise Misfit(f"{max(lengths)} steps of {steps}")
    start, body = len(run.rows), _Body(run, call.graph("body"), node, scope, place)
    state, parts = _stepped(body, total, lengths, state, slices)
    if unsure:
        _bound(run, start)
        run.said.append(f"`{node.name or node.op}` runs as long as its inputs say: {steps} steps are counted")
    parts = [_stacked([part], steps) for part in parts]
    return _collected(body, [_stacked([one], images) for one in (*state, *parts)])


def _split(call: Call, given: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return what a scan carries from step to step, and what it takes step by step."""
    count = call.integer("num_scan_inputs")
    split = len(given) - count
    if count < 1 or split < 0:
        raise Misfit(f"{count} of {len(given)} inputs are to be taken step by step")
    return list(given[:split]), list(given[split:])


class _Body(NamedTuple):
    """A graph that runs step by step, and the node that holds it."""

    run: Interpreter
    graph: GraphRecord
    node: NodeRecord
    scope: Scope
    place: Place

    def step(self, *given: Tensor) -> list[Tensor]:
        """Run the graph."""
        return self.run.inside(self.graph, self.scope, self.place, self.node, *given)


def _stepped(
    body: _Body, steps: Dim, lengths: Iterable[int], state: list[Tensor], taken: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Run a graph as often as sequences are long, *steps* in all, each from a first state; of very many steps, or as
    many as nobody knows, one stands for all. Returns the state behind, and what a step returns beside."""
    split = len(state)
    if not steps or not _are_few(steps, body.graph):
        start = len(body.run.rows)
        found = _noted(body, steps, start, body.step(*_unsure(state), *taken))
        return found[:split], found[split:]
    after, beside = state, state[:0]
    for length in lengths:
        after = state
        for _ in range(length):
            found = body.step(*after, *taken)
            after, beside = found[:split], found[split:]
    return after, beside


def _along(tensor: Tensor, axis: int) -> Tensor:
    """Return a tensor whose first axis stands at another place."""
    if tensor.shape is None or axis == 0:
        return tensor
    first, *rest = tensor.shape
    rest.insert(axis_of(axis, len(tensor.shape)), first)
    return tensor._replace(shape=tuple(rest))


def _map(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a graph for each item of a sequence."""
    items = items_of(call.input())
    others = [one for one in call.inputs[1:] if one is not None]
    results: list[list[Tensor]] = []
    for k, item in enumerate(items):
        given = [one.items[k] if one.items is not None else one for one in others]
        results.append(run.inside(call.graph("body"), scope, place, node, item, *given))
    columns = zip(*results, strict=True) if results else [()] * len(node.outputs)
    return [Tensor(column[0].dtype if column else "unknown", None, items=tuple(column)) for column in columns]


RUNS: dict[str, Callable[[Interpreter, Call, NodeRecord, Scope, Place], Sequence[Tensor]]] = {
    "If": run_branch,
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _map,
}

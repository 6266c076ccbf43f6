"""Operators that run graphs: Loop, Scan and SequenceMap here, If in `branches`. What is known of a number of trips
decides what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from archprof.captures.onnx.branches import run_branch
from archprof.captures.onnx.call import Call
from archprof.captures.onnx.graph import activations_of
from archprof.captures.onnx.model import GraphRecord, NodeRecord
from archprof.captures.onnx.ran import Place, Ran, Scope
from archprof.captures.onnx.rules.shapes import items_of
from archprof.captures.onnx.tensor import Dim, Misfit, Tensor, Unknown, axis_of, made, times
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.captures.onnx.interpret import Interpreter

# So many nodes are listed, trip by trip; of more, all trips are one row.
_MOST_LISTED = 10_000


def _loop(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a loop's graph as often as is known, or once."""
    body = call.graph("body")
    carried = [call.input(index) for index in range(2, len(call.inputs))]
    goes_on = _single(call.optional(1), True)
    most = _single(call.optional(0), None) if call.has(0) else None

    def trip(index: int | None, state: list[Tensor]) -> list[Tensor]:
        numbered = made("int64", (), [index])
        return run.inside(body, scope, place, node, numbered, made("bool", (), [goes_on]), *state)

    if goes_on is not None and not goes_on:
        most = 0
    if most is not None and goes_on is not None and _are_few(max(0, int(most)), body):
        state, listed, known = carried, [], True
        start, told = len(run.rows), len(run.said)
        for index in range(max(0, int(most))):
            condition, *found = trip(index, state)
            state = found[: len(carried)]
            listed.append(found[len(carried) :])
            went = _single(condition, None)
            known = went is not None
            if not went:
                break
        if known:
            stacked = listed or [[Tensor("unknown", None)] * (len(node.outputs) - len(carried))]
            columns = [_stacked(parts, len(listed)) for parts in zip(*stacked, strict=True)]
            return _collected(run, node, place, [*state, *columns])
        del run.rows[start:], run.said[told:]
    fixed = most if goes_on else None
    _, *found = _once(run, node, int(fixed) if fixed is not None else None, place, lambda: trip(None, _unsure(carried)))
    state, parts = found[: len(carried)], found[len(carried) :]
    found = [*map(_of_any_trip, state, carried), *(_stacked([part], fixed) for part in parts)]
    return _collected(run, node, place, found)


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


def _once(
    run: Interpreter, node: NodeRecord, trips: int | None, place: Place, trip: Callable[[], list[Tensor]]
) -> list[Tensor]:
    """Run a graph once, and note it as one row of all trips; of a number of trips that is not known, of one."""
    start = len(run.rows)
    found = trip()
    rows = run.rows[start:]
    del run.rows[start:]
    times = 1 if trips is None else trips
    macs, puts_out = times * sum(row.macs for row in rows), times * activations_of(rows)
    counted = all(row.counted for row in rows) and (trips is not None or not macs)
    name, op = node.name or node.op, node.op
    if trips is None:
        op = f"{op} (a trip)"
        run.said.append(f"`{name}` runs as often as its inputs say: {macs:,} MACs a trip are counted once")
    names = tuple(map(str, range(len(found))))
    read = tuple(_read_outside(rows, start))
    alike = Ran(node._replace(op=op, outputs=names), read, tuple(found), macs, counted, None, place.inside)
    run.append(alike._replace(bounded=any(row.bounded for row in rows), puts_out=puts_out))
    return [one._replace(edge=run.rows[-1].outputs[k].edge) for k, one in enumerate(found)]


def _read_outside(rows: Sequence[Ran], start: int) -> Iterator[Tensor]:
    """Yield what rows from *start* on read of what was there before."""
    for row in rows:
        yield from (one for one in row.inputs if one is not None and (one.edge is None or one.edge.node < start))


def _collected(run: Interpreter, node: NodeRecord, place: Place, outputs: list[Tensor]) -> Sequence[Tensor]:
    """Note what all trips return together: a row that reads the last of them."""
    return run.append(Ran(node, tuple(outputs), tuple(outputs), 0, True, None, place.inside))


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
    return _collected(run, node, place, [*state, *stacked])


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
    start = len(run.rows)
    state, parts = _stepped(_Body(run, call.graph("body"), node, scope, place), total, lengths, state, slices)
    if unsure:
        run.rows[start:] = [row._replace(bounded=row.bounded or row.macs > 0) for row in run.rows[start:]]
        run.said.append(f"`{node.name or node.op}` runs as long as its inputs say: {steps} steps are counted")
    parts = [_stacked([part], steps) for part in parts]
    return _collected(run, node, place, [_stacked([one], images) for one in (*state, *parts)])


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
    run, split = body.run, len(state)
    if not steps or not _are_few(steps, body.graph):
        found = _once(run, body.node, steps, body.place, lambda: body.step(*_unsure(state), *taken))
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

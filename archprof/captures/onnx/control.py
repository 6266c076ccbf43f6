"""Operators that run graphs: If, Loop and Scan. What is known of a condition or a number of trips decides what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.model import GraphRecord, NodeRecord
from archprof.captures.onnx.ran import NodeError, Place, Ran, Scope
from archprof.captures.onnx.tensor import Dim, Misfit, Tensor, Unknown, axis_of, made

if TYPE_CHECKING:
    from archprof.captures.onnx.interpret import Interpreter

# So many nodes are listed, trip by trip; of more, all trips are one row.
_MOST_LISTED = 10_000


def _if(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run the branch that a known condition takes, or the one that multiplies more."""
    branches = {name: call.graph(f"{name}_branch") for name in ("then", "else")}
    condition = call.input().data
    if condition is not None and condition[0] is not None:
        return _inside(run, branches["then" if condition[0] else "else"], scope, place, node)
    seen, misfits = {}, []
    for name, graph in branches.items():
        start, told = len(run.rows), len(run.said)
        try:
            outputs = _inside(run, graph, scope, place, node)
            seen[name] = _Branch(outputs, run.rows[start:], run.said[told:])
        except (NodeError, Misfit) as error:  # made for inputs of other sizes
            misfits.append(error)
        del run.rows[start:], run.said[told:]
    if len(misfits) == len(branches):
        raise misfits[0]
    costlier = max(seen, key=lambda name: seen[name].macs)
    chosen = seen[costlier]
    less = any(branch.macs < chosen.macs for branch in seen.values())
    run.rows.extend(row._replace(bounded=row.bounded or (less and row.macs > 0)) for row in chosen.rows)
    run.said.extend(chosen.said)
    if misfits or len({branch.macs for branch in seen.values()}) > 1:
        costs = ", ".join(f"`{name}` {seen[name].cost if name in seen else 'does not fit'}" for name in branches)
        run.said.append(f"the condition of `{node.name or node.op}` is not known: counted as `{costlier}` ({costs})")
    return [one._replace(data=None) for one in chosen.outputs]


class _Branch(NamedTuple):
    """What a branch returns, what ran in it, and what is to be told of that."""

    outputs: list[Tensor]
    rows: list[Ran]
    said: list[str]

    @property
    def macs(self) -> int:
        """The multiply-accumulates of all rows."""
        return sum(row.macs for row in self.rows)

    @property
    def cost(self) -> str:
        """The multiply-accumulates in words."""
        return f"{self.macs:,} MACs"


def _either(first: Tensor, second: Tensor) -> Tensor:
    """Return what is known of a tensor that is one of two."""
    data = first.data if first.data == second.data else None
    if first.shape is None or second.shape is None or len(first.shape) != len(second.shape):
        return first._replace(shape=first.shape if first.shape == second.shape else None, data=None)
    sizes = zip(first.shape, second.shape, strict=True)
    return first._replace(shape=tuple([a if a == b else None for a, b in sizes]), data=data)


def _inside(
    run: Interpreter, graph: GraphRecord, scope: Scope, place: Place, node: NodeRecord, *given: Tensor
) -> list[Tensor]:
    """Run a graph in the scope of the node that holds it."""
    inner = Scope(scope)
    inner.values.update({stated.name: one for stated, one in zip(graph.inputs, given, strict=False)})
    return run.graph(graph, inner, place._replace(inside=(*place.inside, node.name or node.op)))


def _loop(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a loop's graph as often as is known, or once."""
    body = call.graph("body")
    carried = [call.input(index) for index in range(2, len(call.inputs))]
    goes_on = _single(call.optional(1), True)
    most = _single(call.optional(0), None) if call.has(0) else None

    def trip(index: int | None, state: list[Tensor]) -> list[Tensor]:
        numbered = made("int64", (), [index])
        return _inside(run, body, scope, place, node, numbered, made("bool", (), [goes_on]), *state)

    if goes_on is not None and not goes_on:
        most = 0
    if most is not None and goes_on is not None and max(0, int(most)) * len(body.nodes) <= _MOST_LISTED:
        state, listed, known = carried, [], True
        start = len(run.rows)
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
        del run.rows[start:]
    fixed = most if goes_on else None
    _, *found = _once(run, node, int(fixed) if fixed is not None else None, place, lambda: trip(None, _unsure(carried)))
    state, parts = found[: len(carried)], found[len(carried) :]
    found = [*map(_of_any_trip, state, carried), *(_stacked([part], fixed) for part in parts)]
    return _collected(run, node, place, found)


def _unsure(state: Sequence[Tensor]) -> list[Tensor]:
    return [one._replace(data=None) for one in state]


def _of_any_trip(after: Tensor, before: Tensor) -> Tensor:
    return _either(after, before)._replace(data=None)


def _single(tensor: Tensor | None, default: float | bool | None) -> float | bool | None:
    """Return the one element of a tensor, if it is known; *default* where there is no tensor."""
    if tensor is None:
        return default
    return tensor.data[0] if tensor.data else None


def _once(
    run: Interpreter, node: NodeRecord, trips: int | None, place: Place, trip: Callable[[], list[Tensor]]
) -> list[Tensor]:
    """Run a graph once, and note it as one row of all trips; of a number of trips that is not known, of one."""
    from archprof.captures.onnx.ran import Ran

    start = len(run.rows)
    found = trip()
    rows = run.rows[start:]
    del run.rows[start:]
    macs = sum(row.macs for row in rows) * (1 if trips is None else trips)
    counted = all(row.counted for row in rows) and (trips is not None or not macs)
    name, op = node.name or node.op, node.op
    if trips is None:
        op = f"{op} (a trip)"
        run.said.append(f"`{name}` runs as often as its inputs say: {macs:,} MACs a trip are counted once")
    names = tuple(map(str, range(len(found))))
    read = tuple(_read_outside(rows, start))
    run.append(Ran(node._replace(op=op, outputs=names), read, tuple(found), macs, counted, None, place.inside, 0))
    return [one._replace(edge=run.rows[-1].outputs[k].edge) for k, one in enumerate(found)]


def _read_outside(rows: Sequence[Ran], start: int) -> Iterator[Tensor]:
    """Yield what rows from *start* on read of what was there before."""
    for row in rows:
        yield from (one for one in row.inputs if one is not None and (one.edge is None or one.edge.node < start))


def _collected(run: Interpreter, node: NodeRecord, place: Place, outputs: list[Tensor]) -> Sequence[Tensor]:
    """Note what all trips return together: a row that reads the last of them."""
    from archprof.captures.onnx.ran import Ran

    return run.append(Ran(node, tuple(outputs), tuple(outputs), 0, True, None, place.inside, 0))


def _stacked(parts: Sequence[Tensor], trips: float | bool | None) -> Tensor:
    """Return what all trips return, one behind the other along a first axis."""
    first = parts[0]
    many: Dim = None if trips is None else int(trips)
    return first._replace(shape=None if first.shape is None else (many, *first.shape), data=None, source=None)


def _scan(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a graph once for each step along an axis of some inputs."""
    if call.version < 9:
        raise Unknown  # it had the batch among its axes
    body, count = call.graph("body"), call.integer("num_scan_inputs")
    given = [one for one in call.inputs if one is not None]
    split = len(given) - count
    if count < 1 or split < 0:
        raise Misfit(f"{count} of {len(given)} inputs are to be taken step by step")
    state, taken = given[:split], given[split:]
    axes = call.integers("scan_input_axes") or (0,) * count
    steps: Dim = None
    slices = []
    for one, axis in zip(taken, axes, strict=True):
        shape = one.known_shape
        at = axis_of(axis, len(shape))
        steps = shape[at] if steps is None else steps
        slices.append(Tensor(one.dtype, (*shape[:at], *shape[at + 1 :]), edge=one.edge))
    listed: list[list[Tensor]] = []
    if steps is not None and steps * len(body.nodes) <= _MOST_LISTED:
        for _ in range(steps):
            found = _inside(run, body, scope, place, node, *state, *slices)
            state = found[:split]
            listed.append(found[split:])
    else:
        found = _once(run, node, steps, place, lambda: _inside(run, body, scope, place, node, *_unsure(state), *slices))
        state, listed = found[:split], [found[split:]]
    columns = [_stacked(parts, steps) for parts in zip(*listed, strict=True)]
    ends = call.integers("scan_output_axes") or (0,) * len(columns)
    stacked = [_along(one, axis) for one, axis in zip(columns, ends, strict=True)]
    return _collected(run, node, place, [*state, *stacked])


def _along(tensor: Tensor, axis: int) -> Tensor:
    """Return a tensor whose first axis stands at another place."""
    if tensor.shape is None or axis == 0:
        return tensor
    first, *rest = tensor.shape
    rest.insert(axis_of(axis, len(tensor.shape)), first)
    return tensor._replace(shape=tuple(rest))


def _map(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run a graph for each item of a sequence."""
    items = call.input().items
    if items is None:
        raise Unknown
    others = [one for one in call.inputs[1:] if one is not None]
    results: list[list[Tensor]] = []
    for k, item in enumerate(items):
        given = [one.items[k] if one.items is not None else one for one in others]
        results.append(_inside(run, call.graph("body"), scope, place, node, item, *given))
    columns = zip(*results, strict=True) if results else [()] * len(node.outputs)
    return [Tensor(column[0].dtype if column else "unknown", None, items=tuple(column)) for column in columns]


RUNS: dict[str, Callable[[Interpreter, Call, NodeRecord, Scope, Place], Sequence[Tensor]]] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _map,
}

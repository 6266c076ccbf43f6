"""Operators that run graphs: If, Loop and Scan. What is known of a condition or a number of trips decides what runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.graph import activations_of
from archprof.captures.onnx.model import GraphRecord, NodeRecord
from archprof.captures.onnx.ran import NodeError, Place, Ran, Scope
from archprof.captures.onnx.tensor import Dim, Misfit, Tensor, Unknown, axis_of, made

if TYPE_CHECKING:
    from archprof.captures.onnx.interpret import Interpreter

# So many nodes are listed, trip by trip; of more, all trips are one row.
_MOST_LISTED = 10_000


def _if(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run the branch that a known condition takes, or all, of which the costlier counts, metric by metric."""
    branches = {name: call.graph(f"{name}_branch") for name in ("then", "else")}
    condition = call.input().data
    if condition is not None and condition[0] is not None:
        return _inside(run, branches["then" if condition[0] else "else"], scope, place, node)
    seen, misfits = {}, []
    for name, graph in branches.items():
        start, told = len(run.rows), len(run.said)
        try:
            outputs = _inside(run, graph, scope, place, node)
            rows = run.rows[start:]
            macs, activations = sum(row.macs for row in rows), activations_of(rows)
            seen[name] = _Branch(outputs, rows, run.said[told:], macs, activations)
        except (NodeError, Misfit) as error:  # made for inputs of other sizes
            misfits.append(error)
        del run.rows[start:], run.said[told:]
    if len(misfits) == len(branches):
        raise misfits[0]
    return _costlier(run, node, place, branches, seen)


class _Branch(NamedTuple):
    """What a branch returns, what ran in it, and what is to be told of that; its multiply-accumulates, and what its
    layers put out."""

    outputs: list[Tensor]
    rows: list[Ran]
    said: list[str]
    macs: int
    activations: int


def _costlier(
    run: Interpreter, node: NodeRecord, place: Place, names: Collection[str], seen: Mapping[str, _Branch]
) -> list[Tensor]:
    """Note the branch that multiplies more, by how much another one puts out more, and the largest of what they return:
    upper bounds all, unless the branches are equal."""
    # Of branches that multiply as much, the rows of the one that puts out less are exact.
    costlier = max(seen, key=lambda name: (seen[name].macs, -seen[name].activations))
    fuller = max(seen, key=lambda name: (seen[name].activations, name == costlier))
    chosen, more = seen[costlier], seen[fuller].activations - seen[costlier].activations
    less = any(branch.macs < chosen.macs for branch in seen.values())
    run.rows.extend(row._replace(bounded=row.bounded or (less and row.macs > 0)) for row in chosen.rows)
    run.said.extend(chosen.said)
    called = node.name or node.op
    if len(seen) < len(names) or len({(one.macs, one.activations) for one in seen.values()}) > 1:
        counts = f"counted as `{costlier}` ({_listed(names, seen, 'macs', 'MACs')})"
        if more:
            counts += f", activations as `{fuller}` ({_listed(names, seen, 'activations')})"
        run.said.append(f"the condition of `{called}` is not known: {counts}")
    if more:
        nothing = (Tensor("unknown", None),)
        beside = Ran(node._replace(op=f"{node.op} ({fuller})"), (), nothing, 0, True, None, place.inside)
        run.append(beside._replace(bounded=True, puts_out=more))
    return _largest(run, node, place, costlier, seen)


def _listed(names: Collection[str], seen: Mapping[str, _Branch], metric: str, unit: str = "") -> str:
    """Return what each branch costs, by name."""
    costs = {name: f"{getattr(one, metric):,} {unit}".strip() for name, one in seen.items()}
    return ", ".join(f"`{name}` {costs.get(name, 'does not fit')}" for name in names)


def _largest(
    run: Interpreter, node: NodeRecord, place: Place, costlier: str, seen: Mapping[str, _Branch]
) -> list[Tensor]:
    """Return what the costlier branch returns, each axis as long as in any branch. Of other numbers of axes nothing is
    the largest: then that is told."""
    chosen, *others = [seen[costlier].outputs, *(one.outputs for one in seen.values())]
    if all([one.shape for one in other] == [one.shape for one in chosen] for other in others):
        return [one._replace(data=None) for one in chosen]
    found = [_longest(ones) for ones in zip(chosen, *others, strict=True)]
    if None in found:
        message = f"the branches of `{node.name or node.op}` return other numbers of axes"
        run.said.append(f"{message}: what reads them is counted behind `{costlier}`")
    outputs = [one if largest is None else largest for one, largest in zip(chosen, found, strict=True)]
    return list(run.append(Ran(node, tuple(chosen), tuple(outputs), 0, True, None, place.inside, bounded=True)))


def _longest(ones: Sequence[Tensor]) -> Tensor | None:
    """Return a tensor that is as long along each axis as any of these; None for those of other numbers of axes."""
    shapes = [one.shape for one in ones]
    if len({None if shape is None else len(shape) for shape in shapes}) > 1:
        return None
    if None in shapes:
        return ones[0]._replace(data=None)
    sizes = zip(*(one.known_shape for one in ones), strict=True)
    shape = tuple([None if None in axis else max(axis) for axis in sizes])
    return ones[0]._replace(shape=shape, data=None, source=None)


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

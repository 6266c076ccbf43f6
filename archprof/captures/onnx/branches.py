"""If: the branch that a known condition takes; of one that is not known, the costlier one, metric by metric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from archprof.captures.onnx.call import Call
from archprof.captures.onnx.graph import activations_of
from archprof.captures.onnx.model import NodeRecord
from archprof.captures.onnx.ran import NodeError, Place, Ran, Scope
from archprof.captures.onnx.tensor import Misfit, Tensor
from archprof.named_tuple import NamedTuple

if TYPE_CHECKING:
    from archprof.captures.onnx.interpret import Interpreter


def run_branch(run: Interpreter, call: Call, node: NodeRecord, scope: Scope, place: Place) -> Sequence[Tensor]:
    """Run the branch that a known condition takes, or all, of which the costlier counts, metric by metric."""
    branches = {name: call.graph(f"{name}_branch") for name in ("then", "else")}
    condition = call.input().data
    if condition is not None and condition[0] is not None:
        return run.inside(branches["then" if condition[0] else "else"], scope, place, node)
    seen, misfits = {}, []
    for name, graph in branches.items():
        start, told = len(run.rows), len(run.said)
        try:
            outputs = run.inside(graph, scope, place, node)
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
    """Note the branch that multiplies more, what another one has beyond it, and the largest of what they return: upper
    bounds all, unless the branches are equal."""
    # Of branches that multiply as much, the rows of the one that puts out less are exact.
    costlier = max(seen, key=lambda name: (seen[name].macs, -seen[name].activations))
    chosen = seen[costlier]
    less = any(branch.macs < chosen.macs for branch in seen.values())
    run.rows.extend(row._replace(bounded=row.bounded or (less and row.macs > 0)) for row in chosen.rows)
    run.said.extend(chosen.said)
    called = node.name or node.op
    if len(seen) < len(names) or len({(one.macs, one.activations) for one in seen.values()}) > 1:
        counts = f"counted as `{costlier}` ({_listed(names, seen, 'macs', 'MACs')})"
        for name, branch in seen.items():
            if branch.activations > chosen.activations:
                counts += f", activations as `{name}` ({_listed(names, seen, 'activations')})"
        run.said.append(f"the condition of `{called}` is not known: {counts}")
    for name, branch in seen.items():
        more, counted = branch.activations - chosen.activations, all(row.counted for row in branch.rows)
        if branch is not chosen and (more > 0 or not counted):
            beside = node._replace(op=f"{node.op} ({name})")
            nothing = (Tensor("unknown", None),)
            run.append(Ran(beside, (), nothing, 0, counted, None, place.inside, 0, True, max(0, more)))
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
    found = [longest(ones) for ones in zip(chosen, *others, strict=True)]
    if None in found:
        message = f"the branches of `{node.name or node.op}` return other numbers of axes"
        run.said.append(f"{message}: what reads them is counted behind `{costlier}`")
    outputs = [one if largest is None else largest for one, largest in zip(chosen, found, strict=True)]
    return list(run.append(Ran(node, tuple(chosen), tuple(outputs), 0, True, None, place.inside, bounded=True)))


def longest(ones: Sequence[Tensor]) -> Tensor | None:
    """Return a tensor that is as long along each axis as any of these; None for those of other numbers of axes."""
    shapes = [one.shape for one in ones]
    if len({None if shape is None else len(shape) for shape in shapes}) > 1:
        return None
    if None in shapes:
        return ones[0]._replace(data=None)
    sizes = zip(*(one.known_shape for one in ones), strict=True)
    shape = tuple([None if None in axis else max(axis) for axis in sizes])
    return ones[0]._replace(shape=shape, data=None, source=None)

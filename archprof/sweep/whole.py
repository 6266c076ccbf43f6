"""What no row tells alone: the memory of a step of training and its arithmetic, on arrays, of networks as wholes."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from archprof.allocation.forward import Tensors
from archprof.allocation.report import analyze_memory
from archprof.allocation.training import train_macs
from archprof.errors import SpecError
from archprof.ir.arrays import Integers
from archprof.ir.dims import Dim, Disagreement, Extremes
from archprof.ir.graph import Graph, Node
from archprof.ir.setup import Setup
from archprof.ir.values import Value
from archprof.sweep.batch import EXACT_INTEGER, taken
from archprof.sweep.combination import Combination
from archprof.sweep.plan import Plan

# Candidates followed side by side: their tensors are all there at once.
_TOGETHER = 1 << 15
# A bound follows what is largest of everything, which may come to some storages more than any candidate does.
_MORE = 4


def count_wholes(combination: Combination, at: Mapping[str, Any], places: Integers, costs: Integers) -> int:
    """Write what is counted of networks as wholes into their *places* in the lines of *costs*, of those at the values
    *at*; return what no number of any exceeds, from 2⁶³ on where they are to be computed one by one."""
    bound = 0
    for low in range(0, len(places), _TOGETHER):
        some = np.arange(low, min(low + _TOGETHER, len(places)))
        bound = max(bound, _count(combination, _at(at, some), places[some], costs))
        if bound >= EXACT_INTEGER:
            break
    return bound


def _at(at: Mapping[str, Any], places: Integers) -> dict[str, Any]:
    return {name: taken(value, places) for name, value in at.items()}


def _count(combination: Combination, at: Mapping[str, Any], places: Integers, costs: Integers) -> int:
    """Count those that answer all questions alike side by side."""
    plan = combination.plan
    try:
        graph = combination.graph(at)
        bound = _bound(graph, plan)
        found = dict(_counts(graph, plan))
    except SpecError:
        return EXACT_INTEGER
    except Disagreement as parting:
        sides = (np.flatnonzero(parting.mask), np.flatnonzero(~parting.mask))
        return max(_count(combination, _at(at, side), places[side], costs) for side in sides)
    for name, amount in found.items():
        costs[plan.names.index(name), places] = amount
    return bound


def _counts(graph: Graph, plan: Plan) -> Iterator[tuple[str, Dim]]:
    if plan.peak_of_wholes:
        yield "peak", analyze_memory(graph, plan.setup, follows=Tensors).peak
    if plan.selection.training:
        yield "train_macs", train_macs(graph)


def _bound(graph: Graph, plan: Plan) -> int:
    """Return what no candidate comes to, in plain integers, which do not overflow."""
    largest = _largest(graph, Extremes())
    bound = int(train_macs(largest))
    return max(bound, _made(largest, plan.setup)) if plan.peak_of_wholes else bound


def _made(graph: Graph, setup: Setup) -> int:
    """Return more bytes than are made in a step, all together, as if nothing were computed in place or in parts."""
    timeline = analyze_memory(graph, setup._replace(in_place="", patches=1), follows=Tensors).timeline
    scratch = max((step.scratch for step in timeline.steps), default=0)
    return int(_MORE * (sum(storage.bytes for storage in timeline.storages) + scratch))


def _largest(graph: Graph, extremes: Extremes) -> Graph:
    """Return a graph of plain integers that costs at least as much as that of any candidate."""

    def value(one: Value) -> Value:
        return one._replace(shape=tuple([extremes.largest(dim) for dim in one.shape]))

    def node(one: Node) -> Node:
        op = one.op.at_most(extremes.largest, extremes.smallest)
        return one._replace(op=op, outputs=tuple(map(value, one.outputs)))

    inputs = {name: value(one) for name, one in graph.inputs.items()}
    return graph._replace(inputs=inputs, nodes=tuple(map(node, graph.nodes)))

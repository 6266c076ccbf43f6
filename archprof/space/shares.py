"""How many networks within a limit take each choice: the derivative of their count, walked back through both halves."""

from collections.abc import Callable, Iterable

import numpy as np

from archprof.named_tuple import NamedTuple
from archprof.space.exact import Numbers, unwrapped
from archprof.space.meeting import Halves
from archprof.space.sums import Sums

# How many networks take each arc, by its node and its place there.
Shares = tuple[tuple[int, ...], ...]
# With how many ways of another table each entry of one is within what is asked for.
Met = Callable[[Sums, Sums], Numbers]

_CHUNK = 1 << 16
# Roundings of a weight on its way back through all tables: one for each arc that leads on, of a node on the way.
_MOST_WALKED = 1 << 20


class _Weights(NamedTuple):
    """How many networks each entry of a table is part of: the last 64 bits, and about."""

    last: Numbers
    near: Numbers


class _Step(NamedTuple):
    """An arc as a half grows by it: the table it goes on to with its weights, and its cost."""

    key: tuple[int, int]
    target: Sums
    weights: _Weights
    cost: int


def shares_of(halves: Halves, limit: int) -> Shares:
    """Return how many of the networks within a limit take each arc."""

    def met(sums: Sums, others: Sums) -> Numbers:
        found = np.empty(sums.size, np.uint64)
        for start in range(0, sums.size, _CHUNK):
            found[start : start + _CHUNK] = others.up_to(limit - sums.values_of(start, start + _CHUNK))
        return found

    return shares_met(halves, met)


def shares_met(halves: Halves, met: Met) -> Shares:
    """Return how many networks take each arc, of those of which both halves are within what is asked for together."""
    shares = {**_shares_before(halves, met), **_shares_behind(halves, met)}
    arcs = halves.automaton.arcs
    return tuple(tuple(shares[node, place] for place in range(len(arcs[node]))) for node in range(len(arcs)))


def _shares_before(halves: Halves, met: Met) -> dict[tuple[int, int], int]:
    tables = {**halves.forward, **halves.crossing}
    weights = {node: _weights(met(first, second)) for node, first, second in halves.meetings()}
    shares: dict[tuple[int, int], int] = {}
    for node in range(halves.cut - 1, -1, -1):
        steps = [
            _Step((node, place), tables[arc.target], weights[arc.target], arc.costs[halves.metric])
            for place, arc in enumerate(halves.automaton.arcs[node])
        ]
        weights[node] = _walked(tables[node], steps, _none(tables[node]), shares)
        _forget(weights, _still_before(halves, node))
    return shares


def _still_before(halves: Halves, node: int) -> Iterable[int]:
    return (arc.target for arcs in halves.automaton.arcs[:node] for arc in arcs)


def _shares_behind(halves: Halves, met: Met) -> dict[tuple[int, int], int]:
    tables, arcs = halves.backward, halves.automaton.arcs
    weights: dict[int, _Weights] = {}
    shares: dict[tuple[int, int], int] = {}
    for node in range(halves.cut, len(arcs)):
        steps = [
            _Step((before, place), tables[before], weights[before], arc.costs[halves.metric])
            for before in range(halves.cut, node)
            for place, arc in enumerate(arcs[before])
            if arc.target == node
        ]
        crossed = node in halves.crossing
        start = _weights(met(tables[node], halves.crossing[node])) if crossed else _none(tables[node])
        weights[node] = _walked(tables[node], steps, start, shares)
        _forget(weights, _still_behind(halves, node))
    return shares


def _still_behind(halves: Halves, node: int) -> Iterable[int]:
    arcs = halves.automaton.arcs
    return (before for before in range(halves.cut, node + 1) if any(arc.target > node for arc in arcs[before]))


def _forget(weights: dict[int, _Weights], needed: Iterable[int]) -> None:
    """Drop the weights that nothing goes back to any more: they are twice as long as the tables."""
    for node in weights.keys() - set(needed):
        del weights[node]


def _weights(numbers: Numbers) -> _Weights:
    return _Weights(numbers, numbers.astype(np.float64))


def _none(sums: Sums) -> _Weights:
    return _Weights(np.zeros(sums.size, np.uint64), np.zeros(sums.size))


def _walked(sums: Sums, steps: list[_Step], weights: _Weights, shares: dict[tuple[int, int], int]) -> _Weights:
    """Add to a table's weights those that its steps lead to, and note how many networks take each step."""
    last = dict.fromkeys((step.key for step in steps), 0)
    near = dict.fromkeys(last, 0.0)
    for start in range(0, sums.size, _CHUNK):
        end = min(start + _CHUNK, sums.size)
        numbers = sums.numbers[start:end].astype(np.uint64)
        floats = numbers.astype(np.float64)
        for step in steps:
            entries = step.target.entries_of(sums, start, end, step.cost)
            there = _Weights(step.weights.last[entries], step.weights.near[entries])
            weights.last[start:end] += there.last
            weights.near[start:end] += there.near
            last[step.key] += int(np.dot(numbers, there.last))
            near[step.key] += float(np.dot(floats, there.near))
    shares.update({key: unwrapped(last[key], near[key], sums.size + _MOST_WALKED) for key in last})
    return weights

"""Networks of a space counted, ranked and bounded: all that needs one number a node."""

from collections.abc import Iterator
from math import gcd

from archprof.named_tuple import NamedTuple
from archprof.space.automaton import Arc, Automaton, Path


class Extreme(NamedTuple):
    """The least or the greatest sum of a metric, and the first network that has it."""

    sum: int
    path: Path


class Network(NamedTuple):
    """A network with its sum of each metric."""

    path: Path
    sums: tuple[int, ...]


class Lattice(NamedTuple):
    """What sums there can be: the least, and steps above it; a step of 0 where all are the same."""

    least: int
    step: int


def paths_from(automaton: Automaton) -> tuple[int, ...]:
    """Return how many ways lead from each node to the last."""
    numbers = [1] * len(automaton.arcs)
    for node, arcs in _backwards(automaton):
        numbers[node] = sum(numbers[arc.target] for arc in arcs)
    return tuple(numbers)


def paths_to(automaton: Automaton) -> tuple[int, ...]:
    """Return how many ways lead from the first node to each."""
    numbers = [1, *[0] * (len(automaton.arcs) - 1)]
    for node, arcs in enumerate(automaton.arcs):
        for arc in arcs:
            numbers[arc.target] += numbers[node]
    return tuple(numbers)


def number_of_paths(automaton: Automaton) -> int:
    """Return how many networks there are."""
    return paths_from(automaton)[0]


def paths_through(automaton: Automaton) -> tuple[tuple[int, ...], ...]:
    """Return how many networks take each arc, by its node and its place there."""
    to, ahead = paths_to(automaton), paths_from(automaton)
    return tuple(tuple(to[node] * ahead[arc.target] for arc in arcs) for node, arcs in enumerate(automaton.arcs))


def arcs_along(automaton: Automaton, path: Path) -> Iterator[tuple[int, Arc]]:
    """Yield each node on a network's way but the last, with the arc taken there."""
    node = 0
    for choice in path:
        arc = automaton.arcs[node][choice]
        yield node, arc
        node = arc.target


def sums_of(automaton: Automaton, path: Path) -> tuple[int, ...]:
    """Return what a network costs, a sum for each metric."""
    sums = [0] * len(automaton.metrics)
    for _, arc in arcs_along(automaton, path):
        sums = [total + cost for total, cost in zip(sums, arc.costs, strict=True)]
    return tuple(sums)


def network_of(automaton: Automaton, path: Path) -> Network:
    """Return a network with what it costs."""
    return Network(path, sums_of(automaton, path))


def rank_of(automaton: Automaton, path: Path) -> int:
    """Return how many networks stand before one, in the order of their first choices that differ."""
    numbers = paths_from(automaton)
    return sum(
        sum(numbers[arc.target] for arc in automaton.arcs[node][:choice])
        for (node, _), choice in zip(arcs_along(automaton, path), path, strict=True)
    )


def path_of(automaton: Automaton, rank: int) -> Path:
    """Return the network of a rank. Raises IndexError where there are fewer."""
    numbers = paths_from(automaton)
    if not 0 <= rank < numbers[0]:
        raise IndexError(f"there is no network {rank} among {numbers[0]}")
    path, node = [], 0
    while arcs := automaton.arcs[node]:
        choice = 0
        while rank >= numbers[arcs[choice].target]:
            rank -= numbers[arcs[choice].target]
            choice += 1
        path.append(choice)
        node = arcs[choice].target
    return tuple(path)


def least_from(automaton: Automaton, metric: int, sign: int = 1) -> tuple[int, ...]:
    """Return the least sum of a metric, by its place, times *sign* from each node to the last: with −1, the greatest
    with its sign changed."""
    sums = [0] * len(automaton.arcs)
    for node, arcs in _backwards(automaton):
        sums[node] = min(sign * arc.costs[metric] + sums[arc.target] for arc in arcs)
    return tuple(sums)


def least_to(automaton: Automaton, metric: int, sign: int = 1) -> tuple[int, ...]:
    """Return the least sum of a metric, by its place, times *sign* from the first node to each."""
    sums: list[int | None] = [0, *[None] * (len(automaton.arcs) - 1)]
    for node, arcs in enumerate(automaton.arcs):
        for arc in arcs:
            found, known = (sums[node] or 0) + sign * arc.costs[metric], sums[arc.target]
            sums[arc.target] = found if known is None else min(found, known)
    return tuple(found or 0 for found in sums)


def least(automaton: Automaton, metric: str) -> Extreme:
    """Return the least sum of a metric."""
    return _extreme(automaton, metric, 1)


def greatest(automaton: Automaton, metric: str) -> Extreme:
    """Return the greatest sum of a metric."""
    return _extreme(automaton, metric, -1)


def _extreme(automaton: Automaton, metric: str, sign: int) -> Extreme:
    place = automaton.metrics.index(metric)
    bounds = least_from(automaton, place, sign)
    path, node = [], 0
    while arcs := automaton.arcs[node]:
        ahead = [sign * arc.costs[place] + bounds[arc.target] for arc in arcs]
        path.append(ahead.index(bounds[node]))
        node = arcs[path[-1]].target
    return Extreme(sign * bounds[0], tuple(path))


def least_through(automaton: Automaton, metric: str) -> tuple[tuple[int, ...], ...]:
    """Return the least sum of a metric of all networks through each arc: one above a limit is a choice that never
    fits."""
    place = automaton.metrics.index(metric)
    to, ahead = least_to(automaton, place), least_from(automaton, place)
    return tuple(
        tuple(to[node] + arc.costs[place] + ahead[arc.target] for arc in arcs)
        for node, arcs in enumerate(automaton.arcs)
    )


def lattices_to(automaton: Automaton, metric: int) -> tuple[Lattice, ...]:
    """Return the lattice of the sums of a metric, by its place, from the first node to each."""
    lowest = least_to(automaton, metric)
    steps = [0] * len(automaton.arcs)
    for node, arcs in enumerate(automaton.arcs):
        for arc in arcs:
            excess = lowest[node] + arc.costs[metric] - lowest[arc.target]
            steps[arc.target] = gcd(steps[arc.target], steps[node], excess)
    return tuple(map(Lattice, lowest, steps))


def lattices_from(automaton: Automaton, metric: int) -> tuple[Lattice, ...]:
    """Return the lattice of the sums of a metric, by its place, from each node to the last."""
    lowest = least_from(automaton, metric)
    steps = [0] * len(automaton.arcs)
    for node, arcs in _backwards(automaton):
        for arc in arcs:
            excess = arc.costs[metric] + lowest[arc.target] - lowest[node]
            steps[node] = gcd(steps[node], steps[arc.target], excess)
    return tuple(map(Lattice, lowest, steps))


def lattice_of(automaton: Automaton, metric: str) -> Lattice:
    """Return the lattice of a metric's sums: the greatest step on which all of them lie."""
    return lattices_from(automaton, automaton.metrics.index(metric))[0]


def _backwards(automaton: Automaton) -> Iterator[tuple[int, tuple[Arc, ...]]]:
    """Yield every node but the last, the last of them first, with its arcs."""
    for node in range(len(automaton.arcs) - 2, -1, -1):
        yield node, automaton.arcs[node]

"""A search space as an automaton: networks are the paths from its first node to its last, costs add up on them."""

from archprof.named_tuple import NamedTuple


class Arc(NamedTuple):
    """A choice at a node: the node it leads to, and what it costs, an integer for each metric of the automaton."""

    target: int
    costs: tuple[int, ...]


class Automaton(NamedTuple):
    """A graph without circles of choices: *arcs* are those of each node, in the order of the choices; each leads to a
    node of a higher number.

    The first node is where every network starts, the last, which has no arcs, where every network ends; each node lies
    on a way from one to the other. Two networks are the same choice by choice if they are the same path; *metrics* name
    what the costs of arcs are of: integers from 0 on, whose sums stay below 2⁵³.
    """

    metrics: tuple[str, ...]
    arcs: tuple[tuple[Arc, ...], ...]


# The place of the arc taken at each node on the way.
Path = tuple[int, ...]

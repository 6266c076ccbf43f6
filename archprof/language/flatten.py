"""A tree of fragments → the nodes of a graph."""

from collections.abc import Mapping

from archprof.errors import Problem, SpecError
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.graph import INPUT, Edge, Provenance
from archprof.ir.init_rules import InitRule
from archprof.ir.operators.base import Operator
from archprof.ir.operators.drop import StochasticDepth
from archprof.language.bound import BoundRow
from archprof.language.cells import DropRate
from archprof.language.fragment import Application, Call, Fragment, Reservation


class Flattener:
    """Appends the operators of a network's fragment to a graph, in the order of execution, under their whole paths."""

    def __init__(self, builder: GraphBuilder, inits: Mapping[str, InitRule]) -> None:
        self._builder = builder
        self._inits = inits
        self._first: dict[str, Operator] = {}
        self._rates: list[tuple[int, DropRate, int]] = []
        self._droppable = 0
        self._parts: list[tuple[Edge, ...]] = []

    def flatten(self, fragment: Fragment) -> None:
        """Append all operators, those of stochastic depth with the probability of their block among all that have one.

        Raises SpecError, at the row, for two operators at one path, and for shared weights that do not fit again.
        """
        placement = Placement(True, self._inits)
        self._parts = self._placed(fragment, "", (Edge(INPUT),), placement, None, shared=False)
        for index, rate, block in self._rates:
            depth = StochasticDepth(rate.at(block, self._droppable))
            self._builder.nodes[index] = self._builder.nodes[index]._replace(op=depth)

    def edge(self, local: Edge) -> Edge:
        """Return the graph's edge for one of the network's fragment."""
        return local if local.node == INPUT else self._parts[local.node][local.output]

    def _placed(
        self,
        fragment: Fragment,
        prefix: str,
        inputs: tuple[Edge, ...],
        placement: Placement,
        row: BoundRow | None,
        *,
        shared: bool,
    ) -> list[tuple[Edge, ...]]:
        """Append a fragment's operators and return the outputs of each of its parts as edges of the graph."""
        parts: list[tuple[Edge, ...]] = []
        block = self._droppable - 1
        for part in fragment.parts:
            if type(part) is Call:
                edges = tuple([inputs[k] if node < 0 else parts[node][k] for node, k in part.inputs])
                path = prefix + part.name if part.name else prefix[:-1]
                edge = self._builder.append(path, part.op, edges, part.outputs, part.kind, part.op.form, placement)
                parts.append((edge,) if len(part.outputs) == 1 else _all_outputs(edge, part))
                if path in self._first:
                    self._check_again(path, part.op, row, shared)
                else:
                    self._first[path] = part.op
                if part.rate is not None:
                    self._rates.append((edge.node, part.rate, block))
            elif isinstance(part, Application):
                edges = tuple([inputs[k] if node < 0 else parts[node][k] for node, k in part.inputs])
                parts.append(self._application(part, prefix, edges, placement, shared))
            elif isinstance(part, Reservation):
                for name in part.names:
                    self._builder.reserve(prefix + name)
                parts.append(())
        return parts

    def _application(
        self, part: Application, prefix: str, inputs: tuple[Edge, ...], outer: Placement, shared: bool
    ) -> tuple[Edge, ...]:
        path, row, fragment = prefix + part.prefix, part.row, part.fragment
        provenance = Provenance(row.location, row.address, path[:-1], part.block, part.repeat)
        placement = Placement(outer.trainable and not part.frozen, self._inits, provenance)
        self._droppable += fragment.drops
        parts = self._placed(fragment, path, inputs, placement, row, shared=shared or part.shared)
        edges = [x.edge for x in (fragment.result, *fragment.exports)]
        return tuple([inputs[k] if node < 0 else parts[node][k] for node, k in edges])

    def _check_again(self, path: str, op: Operator, row: BoundRow | None, shared: bool) -> None:
        """Raise SpecError for a path that another operator has, unless both share their weights and are alike."""
        if not shared or self._first[path] != op:
            raise _twice(path, row, shared)


def _all_outputs(edge: Edge, part: Call) -> tuple[Edge, ...]:
    return tuple(Edge(edge.node, k) for k in range(len(part.outputs)))


def _twice(path: str, row: BoundRow | None, shared: bool) -> SpecError:
    """Return the error for a path that another operator has already."""
    message, advice = f"two operators at the path `{path}`", "give every operator of a block its own name"
    if shared:
        message = f"the shared weights of `{path}` do not fit where they are used again"
        advice = "shared layers keep their channels"
    return SpecError([Problem(message, row.location if row else None, row.address if row else "", advice)])

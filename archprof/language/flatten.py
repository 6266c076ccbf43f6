"""A tree of fragments → the nodes of a graph."""

from collections.abc import Mapping

from archprof.errors import Problem, SpecError
from archprof.ir.builder import GraphBuilder, Placement
from archprof.ir.dims import Shape
from archprof.ir.graph import INPUT, Edge, Provenance, first_output
from archprof.ir.init_rules import InitRule, Inits
from archprof.ir.operators.base import Operator
from archprof.ir.values import show_shape
from archprof.language.bound import BoundRow
from archprof.language.cells import DropRate
from archprof.language.fragment import Application, Call, Fragment, Reservation
from archprof.spec.nodes import shorten


class Flattener:
    """Appends the operators of a network's fragment to a graph, in the order of execution, under their whole paths."""

    def __init__(self, builder: GraphBuilder, inits: Inits) -> None:
        self._builder = builder
        self._inits = inits
        self._first: dict[str, Operator] = {}
        self._rates: list[tuple[int, DropRate, int]] = []
        self._droppable = 0
        self._dropped = False
        self._parts: list[tuple[Edge, ...]] = []
        self._sealed = False
        self._registered: dict[str, BoundRow | None] = {}
        self._left_out: set[str] = set()

    def flatten(self, fragment: Fragment) -> None:
        """Append all operators, those of stochastic depth with the probability of their block among all that have one.

        Raises SpecError, at the row, for two operators at one path, for shared weights that do not fit again, and for
        a path to register that no operator has.
        """
        placement = Placement(True, self._inits.rules)
        inputs = tuple([Edge(INPUT, k) for k in range(len(fragment.inputs))])
        self._parts = self._placed(fragment, "", inputs, placement, None, shared=False)
        if self._rates:
            self._set_rates()
        for path, row in self._registered.items():
            if path not in self._first and not self._is_left_out(path):
                raise _unregistered(path, row)

    def _is_left_out(self, path: str) -> bool:
        """Tell whether a condition leaves out the layer of a path, or one around it."""
        parts = path.split(".")
        return any(".".join(parts[:end]) in self._left_out for end in range(1, len(parts) + 1))

    def _set_rates(self) -> None:
        from archprof.ir.operators.drop import StochasticDepth  # which few networks have

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
        builder, first = self._builder, self._first
        nodes, append = builder.nodes, builder.append
        for part in fragment.parts:
            if type(part) is Call:
                name, op, local, outputs, kind, rate, tied = part
                if len(local) == 1:
                    node, k = local[0]
                    edges: tuple[Edge, ...] = (inputs[k] if node < 0 else parts[node][k],)
                else:
                    edges = tuple([inputs[k] if node < 0 else parts[node][k] for node, k in local])
                path = prefix + name if name else prefix[:-1]
                index = len(nodes)
                parts.append((first_output(index),) if len(outputs) == 1 else _all_outputs(index, part))
                place = self._tied(op, tied, placement, row) if tied else placement
                if append(path, op, edges, outputs, kind, op.form, place) == 1:
                    first[path] = op
                elif not shared or first[path] != op:
                    raise _twice(path, row, shared)
                if rate is not None:
                    self._rates.append((index, rate, self._droppable - 1))
            elif isinstance(part, Application):
                edges = tuple([inputs[k] if node < 0 else parts[node][k] for node, k in part.inputs])
                parts.append(self._application(part, prefix, edges, placement, shared))
            elif isinstance(part, Reservation):
                for name in part.names:
                    if part.left_out:
                        self._left_out.add((prefix + name).rstrip("."))
                    else:
                        self._builder.reserve(prefix + name)
                        self._registered[prefix + name] = row
                parts.append(())
        return parts

    def _tied(self, op: Operator, path: str, placement: Placement, row: BoundRow | None) -> Placement:
        """Return where an operator stands that has the weight of the one at another path. Raises SpecError, at the row,
        where none above has one of its shape."""
        shape, other = _weight_shape(op), self._first.get(path)
        if other is None or _weight_shape(other) != shape:
            known = _weight_shape(other) if other is not None else ()
            is_of = f"one of {show_shape(known)}" if known else "none"
            message = f"tied to a weight of {show_shape(shape)}, and `{shorten(path)}` has {is_of}"
            advice = "the path of an embedding or a linear layer above, as `archprof summary --full` lists it"
            location = row.cells["tied"].location if row and "tied" in row.cells else row.location if row else None
            raise SpecError([Problem(message, location, f"{row.address}.tied" if row else "", advice)])
        return placement._replace(parameters={"weight": f"{path}.weight"})

    def _application(
        self, part: Application, prefix: str, inputs: tuple[Edge, ...], outer: Placement, shared: bool
    ) -> tuple[Edge, ...]:
        path, row, fragment = prefix + part.prefix, part.row, part.fragment
        # What a block of the spec's own is made of stands where the block does.
        provenance = outer.provenance if self._sealed else None
        provenance = provenance or Provenance(row.location, row.address, path[:-1], part.block, part.repeat)
        placement = Placement(outer.trainable and not part.frozen, self._rules(part, outer.inits), provenance)
        around, self._sealed = self._sealed, self._sealed or fragment.sealed
        # Bodies inside a block that has a rate are dropped as likely as the block: it counts once.
        outside, self._dropped = self._dropped, self._dropped or fragment.drops
        self._droppable += self._dropped and not outside
        parts = self._placed(fragment, path, inputs, placement, row, shared=shared or part.shared)
        self._sealed, self._dropped = around, outside
        edges = [x.edge for x in (fragment.result, *fragment.exports)]
        return tuple([inputs[k] if node < 0 else parts[node][k] for node, k in edges])

    def _rules(self, part: Application, outer: Mapping[str, InitRule]) -> Mapping[str, InitRule]:
        """Return how weights of a row are drawn: by its own rules, those of its layer, or those around it."""
        own = self._inits.layers
        return (own.get(part.row.id or "") or own.get(part.layer or "") or outer) if own else outer


def _weight_shape(op: Operator) -> Shape:
    """Return the shape of the weight of an embedding or a linear layer; nothing of others."""
    if op.name == "embedding":
        return op.num_embeddings, op.embedding_dim  # type: ignore[attr-defined]
    return (op.out_features, op.in_features) if op.name == "linear" else ()  # type: ignore[attr-defined]


def _all_outputs(index: int, part: Call) -> tuple[Edge, ...]:
    return tuple(Edge(index, k) for k in range(len(part.outputs)))


def _unregistered(path: str, row: BoundRow | None) -> SpecError:
    """Return the error for a path that is registered, which no operator has."""
    message = f"no operator has the path `{path}`, which is registered"
    advice = "`register` names operators by their paths below the list of layers that it stands in"
    return SpecError([Problem(message, row.location if row else None, row.address if row else "", advice)])


def _twice(path: str, row: BoundRow | None, shared: bool) -> SpecError:
    """Return the error for a path that another operator has already."""
    message, advice = f"two operators at the path `{path}`", "give every operator of a block its own name"
    if shared:
        message = f"the shared weights of `{path}` do not fit where they are used again"
        advice = "shared layers keep their channels"
    return SpecError([Problem(message, row.location if row else None, row.address if row else "", advice)])

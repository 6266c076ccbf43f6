"""The sums of a network's counts, for arrays of dims: what grows with channels apart from what grows with maps."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from archprof.costs.metrics import INFERENCE, METRICS, SeenCall
from archprof.ir.dims import Dim, Shape, is_array, key, product
from archprof.ir.graph import INPUT, Edge
from archprof.ir.operators.base import Operator
from archprof.ir.terms import Terms, total
from archprof.ir.values import Value
from archprof.language.fragment import Application, Call, Fragment

_SUMMED = tuple(metric for metric in METRICS if metric.adds == "sum")


class SpatialSum(NamedTuple):
    """The operators whose maps are one and the same size: its positions, and the sums of what they count at each."""

    positions: Dim
    sums: Mapping[str, Dim]


class Totals(NamedTuple):
    """The sums of a network by metric: those that do not grow with its maps, and those that do, still as parts.

    No total of any candidate exceeds *bound*.
    """

    flat: Mapping[str, Dim]
    parts: tuple[SpatialSum, ...]
    bound: int

    def counts(self) -> dict[str, Dim]:
        """Return the sums, entry by entry."""
        counts = dict(self.flat)
        for part in self.parts:
            for name, amount in part.sums.items():
                counts[name] = counts[name] + amount * part.positions
        return counts


class Extremes:
    """The largest and the smallest entry of arrays, found once for each; keeps the arrays, so that their identity stays
    their own."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Dim, int, int]] = {}

    def largest(self, dim: Dim) -> int:
        """Return the largest entry, or the number itself."""
        return self._of(dim)[1] if is_array(dim) else dim

    def smallest(self, dim: Dim) -> int:
        """Return the smallest entry, or the number itself."""
        return self._of(dim)[2] if is_array(dim) else dim

    def _of(self, array: Dim) -> tuple[Dim, int, int]:
        known = self._known.get(id(array))
        if known is None:
            known = self._known[id(array)] = (array, int(array.max()), int(array.min()))
        return known


def totals_of(fragment: Fragment) -> Totals:
    """Return the totals of a traced network or row."""
    summing = _Summing()
    summing.collect(fragment, "", times=1, trainable=True, again=False)
    return summing.totals()


class _Summing:
    """Sums while they grow; a fragment that is applied several times is counted once, times that."""

    def __init__(self) -> None:
        self._fragments: dict[tuple[int, bool, bool], tuple[Fragment, int]] = {}
        self._seen: set[str] = set()  # paths of rows that share their weights
        self._flat: dict[str, Dim] = {metric.name: 0 for metric in _SUMMED}
        self._parts: dict[tuple[int, ...], tuple[Shape, dict[str, Dim]]] = {}
        self._bounds: dict[str, int] = {metric.name: 0 for metric in _SUMMED}
        self._extremes = Extremes()

    def collect(self, fragment: Fragment, path: str, *, times: int, trainable: bool, again: bool) -> None:
        """Note a fragment and all in it."""
        asked = (id(fragment), trainable, again)
        _, before = self._fragments.get(asked, (fragment, 0))
        self._fragments[asked] = (fragment, before + times)
        for part in fragment.parts:
            if isinstance(part, Application):
                here = path + part.prefix
                known = part.shared and here in self._seen
                if part.shared:
                    self._seen.add(here)
                self.collect(
                    part.fragment,
                    here,
                    times=times,
                    trainable=trainable and not part.frozen,
                    again=again or known,
                )

    def totals(self) -> Totals:
        """Return the sums of all that was noted."""
        for (_, trainable, again), (fragment, times) in self._fragments.items():
            self._add_calls(fragment, times, trainable, again)
        parts = tuple(SpatialSum(product(space), sums) for space, sums in self._parts.values())
        return Totals(self._flat, parts, max(self._bounds.values()))

    def _add_calls(self, fragment: Fragment, times: int, trainable: bool, again: bool) -> None:
        values: list[tuple[Value, ...]] = []
        for part in fragment.parts:
            if isinstance(part, Call):
                inputs = tuple([_value(edge, fragment, values) for edge in part.inputs])
                call = _seen(part.op, inputs, part.outputs, trainable, again)
                self._add(call, times)
                values.append(part.outputs)
            elif isinstance(part, Application):
                inner = part.fragment
                values.append((inner.result.value, *[x.value for x in inner.exports]))
            else:
                values.append(())

    def _add(self, call: SeenCall, times: int) -> None:
        counted = False
        for metric in _SUMMED:
            terms = metric.of(call, INFERENCE)
            if terms:
                counted = True
                self._add_terms(metric.name, terms, times)
        if counted:
            self._bind(call, times)

    def _add_terms(self, name: str, terms: Terms, times: int) -> None:
        for channels, space in terms:
            amount = channels if times == 1 else channels * times
            if not space:
                self._flat[name] = _plus(self._flat[name], amount)
                continue
            found = self._parts.setdefault(tuple([key(dim) for dim in space]), (space, {}))[1]
            found[name] = _plus(found.get(name, 0), amount)

    def _bind(self, call: SeenCall, times: int) -> None:
        """Add what the operator counts at most to the bounds, in integers that do not overflow."""
        largest, smallest = self._extremes.largest, self._extremes.smallest
        inputs, outputs = ([_at_most(value, largest) for value in values] for values in (call.inputs, call.outputs))
        op = call.op.at_most(largest, smallest)
        bound = _seen(op, tuple(inputs), tuple(outputs), call.trainable, again=False)
        for metric in _SUMMED:
            self._bounds[metric.name] += times * int(total(metric.of(bound, INFERENCE)))


def _value(edge: Edge, fragment: Fragment, values: list[tuple[Value, ...]]) -> Value:
    return fragment.inputs[edge.output].value if edge.node == INPUT else values[edge.node][edge.output]


def _seen(
    op: Operator, inputs: tuple[Value, ...], outputs: tuple[Value, ...], trainable: bool, again: bool
) -> SeenCall:
    if again:
        return SeenCall(op, inputs, outputs, {}, {}, trainable)
    return SeenCall(op, inputs, outputs, op.parameters(), op.buffers(), trainable)


def _at_most(value: Value, largest: Any) -> Value:
    return value._replace(shape=tuple([largest(dim) for dim in value.shape]))


def _plus(total: Dim, more: Dim) -> Dim:
    """Return a sum; *total* is an array of our own, or a number."""
    if not is_array(more) or not is_array(total) or total.shape != more.shape:
        return total + more if is_array(more) or more or not is_array(total) else total
    total += more
    return total

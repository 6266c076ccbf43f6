"""The sums of a network's counts, for arrays of dims: what grows with channels apart from what grows with maps."""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce

from archprof.costs.metrics import METRICS, NAMES, OF_WEIGHTS, Counts, SeenCall
from archprof.ir.dims import Dim, Extremes, Shape, is_array, key, maximum, product
from archprof.ir.graph import INPUT, Edge
from archprof.ir.operators.base import Operator
from archprof.ir.setup import INFERENCE, Setup
from archprof.ir.terms import Terms, total
from archprof.ir.values import Value
from archprof.language.fragment import Application, Call, Fragment
from archprof.named_tuple import NamedTuple

Count = Callable[[SeenCall, Setup], Terms]
# What is counted, each once: metrics may differ only in whose calls they take.
_COUNTING = tuple(dict.fromkeys(metric.of for metric in METRICS))
_ADDING = {metric.of: metric.adds for metric in METRICS}


class SpatialSum(NamedTuple):
    """The operators whose maps are of one and the same size, by its axes, and the sums of what they count at each
    position."""

    space: Shape
    sums: Mapping[str, Dim]

    @property
    def positions(self) -> Dim:
        """How many positions there are."""
        return product(self.space)


class Totals(NamedTuple):
    """The totals of a network by metric: of those that add up, what does not grow with its maps (*flat*), and what
    does, still as parts; of the others, the *largest*.

    No total of any candidate exceeds *bound*. The arrays may be the same for several metrics: nobody writes into them.
    """

    flat: Mapping[str, Dim]
    parts: tuple[SpatialSum, ...]
    largest: Mapping[str, Dim]
    bound: int

    def take(self, first: int, last: int) -> "Totals":
        """Return the totals of some of the candidates, of those along the first axis."""

        def some(amounts: Mapping[str, Dim]) -> dict[str, Dim]:
            return {name: _some(amount, first, last) for name, amount in amounts.items()}

        parts = [
            SpatialSum(tuple([_some(dim, first, last) for dim in part.space]), some(part.sums)) for part in self.parts
        ]
        return Totals(some(self.flat), tuple(parts), some(self.largest), self.bound)

    def counts(self) -> dict[str, Dim]:
        """Return the totals, entry by entry."""
        running = RunningTotals()
        running.add(self)
        return running.counts()


class RunningTotals:
    """Totals of one row after the other."""

    def __init__(self) -> None:
        self._flat: dict[str, Dim] = dict.fromkeys(NAMES, 0)
        self._parts: dict[tuple[int, ...], tuple[Shape, dict[str, Dim]]] = {}

    def add(self, totals: Totals) -> None:
        """Take the totals of another row into account."""
        for name, amount in totals.flat.items():
            self._flat[name] = _plus(self._flat[name], amount)
        for name, amount in totals.largest.items():
            self._flat[name] = maximum(self._flat[name], amount)
        for space, amounts in totals.parts:
            sums = self._parts.setdefault(tuple([key(dim) for dim in space]), (space, {}))[1]
            for name, amount in amounts.items():
                sums[name] = _plus(sums.get(name, 0), amount)

    def counts(self) -> dict[str, Dim]:
        """Return the totals, entry by entry."""
        counts = dict(self._flat)
        for space, sums in self._parts.values():
            positions = product(space)
            for name, amount in sums.items():
                counts[name] = counts[name] + amount * positions
        return counts


def counts_of(fragment: Fragment) -> Counts:
    """Return the totals of a traced network or row of plain integers."""
    return Counts(totals_of(fragment, None).counts().items())


def totals_of(fragment: Fragment, extremes: Extremes | None) -> Totals:
    """Return the totals of a traced network or row; *extremes* are those of its arrays, as far as they are known. None:
    it has no arrays, and the totals have no bound to keep."""
    summing = _Summing(extremes)
    summing.collect(fragment, "", times=1, trainable=True, again=False)
    return summing.totals()


class _Sum:
    """What one function counts of calls that are all trained, or all not: a sum, or the largest, while it grows."""

    def __init__(self) -> None:
        self.flat: Dim = 0
        self.parts: dict[tuple[int, ...], tuple[Shape, Dim]] = {}
        self.bound = 0

    def add(self, terms: Terms, times: int) -> None:
        """Add a call that comes several times."""
        for channels, space in terms:
            amount = channels if times == 1 else channels * times
            if not space:
                self.flat = _plus(self.flat, amount)
                continue
            size = tuple([key(dim) for dim in space])
            _, before = self.parts.get(size, (space, 0))
            self.parts[size] = (space, _plus(before, amount))

    def reach(self, terms: Terms) -> None:
        """Take a call into account that does not add up with others."""
        self.flat = maximum(self.flat, total(terms))


class _Summing:
    """Totals while they grow; a fragment that is applied several times is counted once, times that."""

    def __init__(self, extremes: Extremes | None) -> None:
        self._fragments: dict[tuple[int, bool, bool], tuple[Fragment, int]] = {}
        self._seen: set[str] = set()  # paths of rows that share their weights
        self._sums: dict[tuple[Count, bool], _Sum] = {}
        self._extremes = extremes
        self._at_most: dict[int, tuple[Value, Value]] = {}
        self._all_seen = not OF_WEIGHTS.issuperset(_COUNTING)

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
                trained = trainable and not part.frozen
                self.collect(part.fragment, here, times=times, trainable=trained, again=again or known)

    def totals(self) -> Totals:
        """Return the totals of all that was noted."""
        for (_, trainable, again), (fragment, times) in self._fragments.items():
            self._add_calls(fragment, times, trainable, again)
        flat: dict[str, Dim] = {}
        largest: dict[str, Dim] = {}
        parts: dict[tuple[int, ...], tuple[Shape, dict[str, Dim]]] = {}
        bound = 0
        for metric in METRICS:
            calls = ((metric.of, True),) if metric.trained else ((metric.of, True), (metric.of, False))
            found = [self._sums[asked] for asked in calls if asked in self._sums]
            bound = max(bound, sum(one.bound for one in found))
            if metric.adds == "max":
                largest[metric.name] = reduce(maximum, (one.flat for one in found), 0)
                continue
            flat[metric.name] = _sum(one.flat for one in found)
            for one in found:
                for size, (space, amount) in one.parts.items():
                    sums = parts.setdefault(size, (space, {}))[1]
                    sums[metric.name] = sums[metric.name] + amount if metric.name in sums else amount
        return Totals(flat, tuple([SpatialSum(*part) for part in parts.values()]), largest, bound)

    def _add_calls(self, fragment: Fragment, times: int, trainable: bool, again: bool) -> None:
        values: list[tuple[Value, ...]] = []
        for part in fragment.parts:
            if isinstance(part, Call):
                if self._all_seen or not part.op.free:
                    inputs = tuple([_value(edge, fragment, values) for edge in part.inputs])
                    seen = _seen(part.op, inputs, part.outputs, trainable, again)
                    if part.tied:
                        held = {name: terms for name, terms in seen.parameters.items() if name != "weight"}
                        seen = seen._replace(parameters=held)
                    self._add(seen, times)
                values.append(part.outputs)
            elif isinstance(part, Application):
                inner = part.fragment
                values.append((inner.result.value, *[x.value for x in inner.exports]))
            else:
                values.append(())

    def _add(self, call: SeenCall, times: int) -> None:
        bound: SeenCall | None = None
        bounded = self._extremes is not None
        for count in _COUNTING:
            terms = count(call, INFERENCE)
            if not terms:
                continue
            if bounded and bound is None:
                bound = self._bound(call)
            found = self._sums.get((count, call.trainable))
            if found is None:
                found = self._sums[count, call.trainable] = _Sum()
            if _ADDING[count] == "sum":
                found.add(terms, times)
                if bound is not None:
                    found.bound += times * total(count(bound, INFERENCE))
            else:
                found.reach(terms)
                if bound is not None:
                    found.bound = max(found.bound, total(count(bound, INFERENCE)))

    def _bound(self, call: SeenCall) -> SeenCall:
        """Return a call of plain integers, which do not overflow, that counts at least as much as any candidate's."""
        inputs = tuple([self._largest(value) for value in call.inputs])
        outputs = tuple([self._largest(value) for value in call.outputs])
        assert self._extremes is not None
        op = call.op.at_most(self._extremes.largest, self._extremes.smallest)
        return _seen(op, inputs, outputs, call.trainable, again=False)

    def _largest(self, value: Value) -> Value:
        """Return a value of plain integers that no candidate's exceeds; what many operators hand on is asked once."""
        known = self._at_most.get(id(value))
        if known is None:
            assert self._extremes is not None
            largest = self._extremes.largest
            shape = tuple([largest(dim) for dim in value.shape])
            batch = tuple(map(largest, value.batch)) if isinstance(value.batch, tuple) else value.batch
            known = self._at_most[id(value)] = (value, Value(shape, value.channel, batch, value.dtype))
        return known[1]


def _value(edge: Edge, fragment: Fragment, values: list[tuple[Value, ...]]) -> Value:
    return fragment.inputs[edge.output].value if edge.node == INPUT else values[edge.node][edge.output]


def _seen(
    op: Operator, inputs: tuple[Value, ...], outputs: tuple[Value, ...], trainable: bool, again: bool
) -> SeenCall:
    if again:
        return SeenCall(op, inputs, outputs, {}, {}, trainable)
    return SeenCall(op, inputs, outputs, op.parameters(), op.buffers(), trainable)


def _plus(total: Dim, more: Dim) -> Dim:
    """Return a sum; *total* is an array of our own, or a number."""
    if type(total) is int or not is_array(more) or total.shape != more.shape:
        return total + more
    total += more
    return total


def _some(dim: Dim, first: int, last: int) -> Dim:
    return dim[first:last] if is_array(dim) and len(dim) > 1 else dim


def _sum(amounts: Iterable[Dim]) -> Dim:
    first, *others = [*amounts] or [0]
    return sum(others, first) if others else first

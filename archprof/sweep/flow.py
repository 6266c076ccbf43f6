"""A batch of variants through a network, row by row: each row is computed for those variants that agree on it.

Variants part ways at a row, because their cells differ there or a branch answers them differently, and meet again
behind it: what the row costs, and the shape that it puts out, is written back in their places.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.analysis.totals import RunningTotals, Totals, totals_of
from archprof.costs.metrics import METRICS, TIME_LINES
from archprof.errors import SpecError
from archprof.ir.arrays import Integers, candidates
from archprof.ir.columns import EachSide
from archprof.ir.dims import Dim, Disagreement, Extremes, is_array, key, maximum
from archprof.ir.graph import Edge
from archprof.ir.setup import WIDTHS
from archprof.language.bound import BoundLayer, BoundRow, Layers
from archprof.language.cells import PrintedChannels
from archprof.language.expand import outputs_of
from archprof.language.fragment import Feature, Fragment
from archprof.language.frame import Places
from archprof.language.trace import Memo, Tracer, features_of
from archprof.language.widths import Scaling
from archprof.named_tuple import NamedTuple
from archprof.sweep.alternatives import Changes, LocalAxis, inner_layers, rows_inside, substituted_row
from archprof.sweep.batch import EXACT_INTEGER, Batch
from archprof.sweep.combination import Combination
from archprof.sweep.latency import OUT_OF_RANGE, RowTimes
from archprof.sweep.memory import Across, Kept, Readers, RowMemory, Source, Unfollowed, row_memory
from archprof.sweep.whole import count_wholes

_LARGEST = frozenset(metric.name for metric in METRICS if metric.adds == "max")


class Failure(NamedTuple):
    """Variants that cannot be, by their places in the batch, and why one of them cannot."""

    places: Integers
    reason: str


class Crossed(NamedTuple):
    """A row computed for some variants: its totals, its output, the features inside that others may refer to, those
    outside that it reads, and its memory where that is asked for."""

    totals: Totals
    output: Feature
    places: Mapping[str, Feature]
    published: Mapping[str, Feature]
    taken: tuple[Edge, ...]
    memory: RowMemory | None


class Flowed(NamedTuple):
    """A batch computed: counts (a line for each metric; exact where *bound* is below 2⁶³), which variants can be, and
    why others cannot."""

    costs: Integers
    alive: NDArray[np.bool_]
    bound: int
    failures: tuple[Failure, ...]


def flow(combination: Combination, batch: Batch) -> Flowed:
    """Return the counts of a batch."""
    found = _rows(combination, batch)
    if not combination.plan.whole or found.bound >= EXACT_INTEGER:
        return found
    alive = np.flatnonzero(found.alive)
    bound = count_wholes(combination, batch.take(alive).at, alive, found.costs)
    return found._replace(bound=max(found.bound, bound))


def _rows(combination: Combination, batch: Batch) -> Flowed:
    """Return the counts of a batch that rows tell."""
    plan = combination.plan
    size = (len(plan.names), batch.size)
    try:
        readers = _readers(combination, batch) if plan.peak_of_rows else None
        return _Flow(combination, batch, readers).run()
    except SpecError as error:  # a cell that none of the candidates can have
        failure = Failure(np.arange(batch.size), str(error.problems[0].message))
        return Flowed(np.zeros(size, np.int64), np.zeros(batch.size, bool), 0, (failure,))
    except Unfollowed:
        return Flowed(np.zeros(size, np.int64), np.ones(batch.size, bool), EXACT_INTEGER, ())
    except Disagreement as parting:
        return _apart(combination, batch, parting.mask)


def _readers(combination: Combination, batch: Batch) -> Readers:
    """Return which rows read which features, as one of the variants that can be shows for all; no rows where none can
    be."""
    if combination.readers is None:
        alive = np.flatnonzero(_Flow(combination, batch, None).run().alive)
        if not len(alive):
            return Readers({})
        alone = _Flow(combination, batch.take(alive[:1]), None)
        alone.run()
        combination.readers = alone.readers()
    return combination.readers


def _apart(combination: Combination, batch: Batch, mask: NDArray[np.bool_]) -> Flowed:
    """Return the counts of variants that must not meet again: two batches."""
    costs = np.zeros((len(combination.plan.names), batch.size), np.int64)
    alive = np.zeros(batch.size, bool)
    bound, failures = 0, []
    for side in (np.flatnonzero(mask), np.flatnonzero(~mask)):
        found = _rows(combination, batch.take(side))
        costs[:, side], alive[side] = found.costs, found.alive
        bound = max(bound, found.bound)
        failures += [Failure(side[places], reason) for places, reason in found.failures]
    return Flowed(costs, alive, bound, tuple(failures))


class _Flow:
    """A batch on its way: who is alive, what each has cost so far, and the features at all places. With *readers*, of
    the features that rows hand on, its memory is followed too."""

    def __init__(self, combination: Combination, batch: Batch, readers: Readers | None) -> None:
        self._batch = batch
        self._spec, self._setup = combination.spec, combination.plan.setup
        self._timer = combination.timer if combination.plan.on else None
        self._times = RowTimes()
        self._names = combination.plan.names
        self._across = None if readers is None else Across(readers, self._setup)
        self._read: dict[Edge, list[int]] = {}
        self._number = -1  # of the row
        self._features = combination.features
        self._memo = combination.memo
        self._layers, self._frozen, _ = combination.bound(batch.at)
        self._scaling = combination.scaling(batch.at)
        self._tracing = Memo()
        # Rows with alternatives, whose other cells may hold arrays of this batch.
        self._chosen: dict[tuple[Any, ...], _Chosen] = {}
        self._local = [axis for axis in combination.local if axis.axis in batch.digits]
        self._alive = np.ones(batch.size, bool)
        self._together = RunningTotals()  # of rows that all variants have in common
        self._costs = np.zeros((len(self._names), batch.size), np.int64)  # of the others
        self._bound = 0
        self._failures: list[Failure] = []
        self._places = Places({}, {}, {})
        refers = any(layer.inputs for layer in _all_layers(self._layers))
        self._refers = refers or (combination.plan.peak_of_rows and self._spec.outputs is not None)
        inputs = features_of(combination.inputs(batch.at))
        self._places.by_address.update(inputs)
        self._x = next(iter(inputs.values()))

    def run(self) -> Flowed:
        """Send the batch through all layers. Raises Disagreement where variants cannot meet again."""
        self._fail_wrong_values()
        for layer in self._layers:
            inputs = tuple(self._found(source.text, source.location) for source in layer.inputs) or (self._x,)
            for row in layer.rows:
                if self._bound >= EXACT_INTEGER or not self._alive.any():
                    break
                inputs = (self._row(layer, row, inputs),)
            self._x = inputs[0]
            self._place(layer.address, layer.id, self._x)
        return self._flowed()

    def _flowed(self) -> Flowed:
        if self._bound < EXACT_INTEGER:
            for name, amount in self._together.counts().items():
                line = self._costs[self._names.index(name)]
                line[:] = maximum(line, amount) if name in _LARGEST else line + amount
            if self._across is not None and "peak" in self._names:
                self._costs[self._names.index("peak")] = self._across.peak
            if self._across is not None and self._timer is not None:
                self._fail(np.flatnonzero(np.broadcast_to(self._times.unknown, self._batch.size)), OUT_OF_RANGE)
                first = self._names.index(TIME_LINES[0])
                for line, ns in enumerate(self._timer.lines(self._times, self._across.peak), first):
                    self._costs[line] = ns
            if "weights" in self._names:
                params = self._costs[self._names.index("params")]
                self._costs[self._names.index("weights")] = params * WIDTHS[self._setup.dtype]
        return Flowed(self._costs, self._alive, self._bound, tuple(self._failures))

    def _fail_wrong_values(self) -> None:
        for axis in self._local:
            for digit, alternative in enumerate(axis.alternatives):
                if alternative.error:
                    self._fail(np.flatnonzero(self._batch.digits[axis.axis] == digit), alternative.error)

    def _fail(self, places: Integers, reason: str) -> None:
        places = places[self._alive[places]]
        if len(places):
            self._alive[places] = False
            self._failures.append(Failure(places, reason))

    def _found(self, place: str, location: Any) -> Feature:
        x = self._places.find(place, location)
        if x is None:
            raise self._places.missing(place, location)
        return x

    def _place(self, address: str, name: str | None, x: Feature) -> None:
        if not self._refers:  # nobody asks for it again: its arrays may go
            return
        self._places.by_address[address] = x
        if name:
            self._places.ids[name] = address

    # Rows

    def _row(self, layer: BoundLayer, row: BoundRow, inputs: tuple[Feature, ...]) -> Feature:
        """Send the batch through a row and return its output."""
        self._number += 1
        pieces = []
        for chosen, places in self._groups(row):
            pieces += list(self._crossed(layer, chosen, inputs, places))
        if not pieces:
            return inputs[0]
        self._add(pieces)
        merge = _Merge(self._batch.size, [places for places, _ in pieces])
        crossed = [one for _, one in pieces]
        self._hold(crossed, merge)
        if self._refers:
            for address in crossed[0].places:
                x = merge.feature([one.places[address] for one in crossed])
                self._places.by_address[address] = x._replace(edge=self._feature(address))
            for path in crossed[0].published:
                x = merge.feature([one.published[path] for one in crossed])
                self._places.by_path[path] = x._replace(edge=self._feature(path))
        x = merge.feature([one.output for one in crossed])._replace(edge=self._feature(row.address))
        self._place(row.address, row.id, x)
        return x

    # Memory

    def _feature(self, name: str) -> Edge:
        """Return what a feature is told by, the same in every batch."""
        return self._features.setdefault(name, Edge(len(self._features)))

    def readers(self) -> Readers:
        """Return the rows that read each feature, now that all have been crossed; those that the network returns are
        read behind all rows."""
        outputs = outputs_of(self._spec, self._places, self._x.edge)
        return Readers(
            {
                edge: (*self._read.get(edge, ()), *([self._number + 1] if edge in outputs.values() else []))
                for edge in (*self._read, *outputs.values())
            }
        )

    def _sources(self, features: Sequence[Edge], selected: "_Selected") -> tuple[Source, ...]:
        """Return what goes into a row, for the part of the batch that is selected; nothing where memory is not asked
        for."""
        if self._across is None:
            return ()
        return tuple(
            [
                source._replace(
                    bytes=selected.dim(source.bytes),
                    overwritable=selected.dim(source.overwritable),
                    absorbs=selected.dim(source.absorbs),
                )
                for source in self._across.sources(features, self._number)
            ]
        )

    def _memory(self, row: BoundRow, fragment: Fragment, selected: "_Selected", extremes: Extremes) -> RowMemory:
        assert self._across is not None
        sources = self._sources([x.edge for x in fragment.inputs], selected)
        readers, kept = self._across.readers, {}
        for name, x in {row.address: fragment.result, **fragment.places, **fragment.published}.items():
            feature = self._feature(name)
            if readers.later(feature, self._number):
                kept[feature] = Kept(x.edge, len(readers.of[feature]))
        return row_memory(fragment, sources, kept, self._setup, extremes, self._timer)

    def _hold(self, crossed: list[Crossed], merge: "_Merge") -> None:
        """Note what a row reads, and, of memory, what lives behind it."""
        taken = tuple(dict.fromkeys([edge for one in crossed for edge in one.taken]))
        for edge in taken:
            self._read.setdefault(edge, []).append(self._number)
        if self._across is None:
            return
        rows = [self._across.with_own(one.memory, self._number) for one in crossed if one.memory is not None]
        first = rows[0]
        for one, places in zip(rows, merge.places, strict=True):
            if one.lies != first.lies:
                raise Disagreement(merge.mask(places))
        made = tuple([merge.dim([one.made[k] for one in rows]) for k in range(len(first.made))])
        left = {
            edge: lies._replace(
                overwritable=merge.dim([one.left[edge].overwritable for one in rows]),
                absorbs=merge.dim([one.left[edge].absorbs for one in rows]),
            )
            for edge, lies in first.left.items()
        }
        peak = merge.dim([one.peak for one in rows])
        self._across.add(self._number, taken, RowMemory(peak, made, left, 0))

    def _groups(self, row: BoundRow) -> Iterator[tuple["_Chosen", Integers | None]]:
        """Yield each alternative of a row with the variants that have it; None where those are all."""
        inside = rows_inside(row)
        axes = [axis for axis in self._local if not axis.addresses.isdisjoint(inside)]
        alive = None if self._alive.all() else np.flatnonzero(self._alive)
        if not axes:
            yield _Chosen(row, ()), alive
            return
        among = np.arange(self._batch.size) if alive is None else alive
        rank = np.zeros(len(among), np.int64)
        for axis in axes:
            rank = rank * len(axis.alternatives) + self._batch.digits[axis.axis][among]
        for number in np.unique(rank).tolist():
            yield self._alternative(row, axes, number), among[rank == number]

    def _alternative(self, row: BoundRow, axes: list[LocalAxis], number: int) -> "_Chosen":
        changes: dict[str, Changes] = {}
        digits = []
        for axis in reversed(axes):
            number, digit = divmod(number, len(axis.alternatives))
            digits.append((axis.axis, digit))
            for address, others in axis.alternatives[digit].rows.items():
                changes[address] = (*changes.get(address, ()), *others)
        asked = (row.address, tuple(digits))
        if asked not in self._chosen:
            self._chosen[asked] = _Chosen(substituted_row(row, changes), tuple(digits))
        return self._chosen[asked]

    def _crossed(
        self, layer: BoundLayer, chosen: "_Chosen", inputs: tuple[Feature, ...], places: Integers | None
    ) -> Iterator[tuple[Integers | None, Crossed]]:
        """Yield what a row is for some variants, apart for those that part ways in it; those that fail are noted."""
        selected = _Selected(places)
        own = tuple(selected.feature(x) for x in inputs)
        row, scaling = selected.row(chosen.row), selected.scaling(self._scaling)
        sources = self._sources([x.edge for x in own], selected)
        # Plain integers are remembered: the same row on the same shape again is the same numbers.
        plain = not selected.has_arrays
        asked = ("crossed", chosen.row.address, chosen.digits, *[_key(x) for x in own], *sources) if plain else None
        if asked is not None and asked in self._memo:
            yield places, self._memo[asked]
            return
        try:
            found = self._traced(layer, row, own, scaling, selected)
        except Disagreement as parting:
            among = np.arange(self._batch.size) if places is None else places
            for mask in (parting.mask, ~parting.mask):
                yield from self._crossed(layer, chosen, inputs, among[mask])
        except SpecError as error:
            self._fail(np.arange(self._batch.size) if places is None else places, error.problems[0].message)
        else:
            if asked is not None and len(found.taken) == len(own):  # what it takes from outside may be something else
                self._memo[asked] = found
            yield places, found

    def _traced(
        self,
        layer: BoundLayer,
        row: BoundRow,
        inputs: tuple[Feature, ...],
        scaling: Scaling,
        selected: "_Selected",
    ) -> Crossed:
        memo = self._tracing if selected.is_whole else Memo()
        tracer = Tracer(scaling, self._frozen, memo)
        outer = selected.places(self._places) if self._refers else Places({}, {}, self._places.ids)
        fragment = tracer.row(layer, row, inputs, outer)
        tracer.problems.raise_any()
        totals = totals_of(fragment, memo.extremes)
        back = selected.original
        return Crossed(
            totals,
            back(fragment.result),
            {address: back(x) for address, x in fragment.places.items()} if self._refers else {},
            {path: back(x) for path, x in fragment.published.items()} if self._refers else {},
            tuple([x.edge for x in fragment.inputs]),
            self._memory(row, fragment, selected, memo.extremes) if self._across is not None else None,
        )

    def _add(self, pieces: list[tuple[Integers | None, Crossed]]) -> None:
        self._bound += max(one.totals.bound for _, one in pieces)
        self._bound += max(one.memory.bound if one.memory else 0 for _, one in pieces)
        if self._bound >= EXACT_INTEGER:
            return
        for places, one in pieces:
            if one.memory is not None and one.memory.times is not None:
                self._times = self._times.plus(one.memory.times, places, self._batch.size)
            if places is None:
                self._together.add(one.totals)
                continue
            for name, amount in one.totals.counts().items():
                line = self._costs[self._names.index(name)]
                line[places] = maximum(line[places], amount) if name in _LARGEST else line[places] + amount


class _Chosen(NamedTuple):
    """A row as some variants have it: one of its alternatives, told by the digits of the axes that change it."""

    row: BoundRow
    digits: tuple[tuple[int, int], ...]


class _Selected:
    """The part of a batch at some places (all where None): what is selected is known again as what it was taken
    from."""

    def __init__(self, places: Integers | None) -> None:
        self._places = places
        self._taken: dict[int, tuple[Dim, Dim]] = {}  # of an array: what was selected of it
        self._whole: dict[int, Dim] = {}  # of what was selected: the array
        self.has_arrays = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self._places is None

    def dim(self, dim: Dim) -> Dim:
        """Return the part of a dim."""
        if not is_array(dim):
            return dim
        self.has_arrays = True
        if self._places is None:
            return dim
        if id(dim) not in self._taken:
            part = candidates(dim[self._places])
            self._taken[id(dim)] = (dim, part)
            self._whole[id(part)] = dim
        return self._taken[id(dim)][1]

    def feature(self, x: Feature) -> Feature:
        """Return the part of a feature."""
        value = x.value._replace(shape=tuple([self.dim(dim) for dim in x.value.shape]))
        return x._replace(value=value, printed=self.dim(x.printed))

    def scaling(self, scaling: Scaling) -> Scaling:
        """Return the part of the multipliers."""
        return scaling._replace(width=self.dim(scaling.width))

    def places(self, places: Places) -> Places:
        """Return the parts of all features."""
        by_address = {address: self.feature(x) for address, x in places.by_address.items()}
        by_path = {path: self.feature(x) for path, x in places.by_path.items()}
        return Places(by_address, by_path, places.ids)

    def row(self, row: BoundRow) -> BoundRow:
        """Return a row with the parts of the arrays in its cells."""
        return row._replace(values={name: self._cell(value) for name, value in row.values.items()})

    def _cell(self, value: Any) -> Any:
        if isinstance(value, PrintedChannels):
            return value._replace(channels=self.dim(value.channels))
        if isinstance(value, BoundLayer):
            return value._replace(rows=tuple(self.row(row) for row in value.rows))
        if type(value) in (tuple, EachSide):  # of layers, or the sizes of a window
            return type(value)(self._cell(item) for item in value)
        return self.dim(value)

    def original(self, x: Feature) -> Feature:
        """Return a feature whose dims are whole arrays where they are parts of some."""
        shape = tuple([self._whole.get(id(dim), dim) if is_array(dim) else dim for dim in x.value.shape])
        printed = self._whole.get(id(x.printed), x.printed) if is_array(x.printed) else x.printed
        return x._replace(value=x.value._replace(shape=shape), printed=printed)


class _Merge:
    """Features of several parts of a batch → features of all of it."""

    def __init__(self, size: int, places: list[Integers | None]) -> None:
        self._size = size
        self.places = places
        self._merged: dict[tuple[int, ...], tuple[list[Dim], Dim]] = {}

    def feature(self, parts: list[Feature]) -> Feature:
        """Return the feature of all; raises Disagreement where the parts are of different rank or layout."""
        first = parts[0]
        for places, x in zip(self.places, parts, strict=True):
            if len(x.value.shape) != len(first.value.shape) or x.value[1:] != first.value[1:]:
                raise Disagreement(self.mask(places))
        dims = zip(*(x.value.shape for x in parts), strict=True)
        shape = tuple([self.dim(list(axis)) for axis in dims])
        return first._replace(value=first.value._replace(shape=shape), printed=self.dim([x.printed for x in parts]))

    def mask(self, places: Integers | None) -> NDArray[np.bool_]:
        """Return the mask of one of the parts."""
        mask = np.zeros(self._size, bool)
        mask[slice(None) if places is None else places] = True
        return mask

    def dim(self, parts: list[Dim]) -> Dim:
        """Return the dim of all."""
        first = parts[0]
        if all(part is first for part in parts):
            return self._whole(first)
        if not any(map(is_array, parts)) and all(part == first for part in parts):
            return first
        asked = tuple(map(key, parts))
        if asked not in self._merged:
            self._merged[asked] = (parts, self._assembled(parts))
        return self._merged[asked][1]

    def _whole(self, dim: Dim) -> Dim:
        """Return a dim that all parts have: a number, an array of the whole batch, or that of the only part."""
        if not is_array(dim) or len(dim) == self._size:
            return dim
        return self._assembled([dim])

    def _assembled(self, parts: list[Dim]) -> Dim:
        # Variants that are not alive have sizes that nobody asks for.
        merged = np.ones(self._size, np.int64)
        for places, part in zip(self.places, parts, strict=True):
            if places is None:
                merged[:] = part
            else:
                merged[places] = part[places] if is_array(part) and len(part) == self._size else part
        return candidates(merged)


def _key(x: Feature) -> tuple[Any, ...]:
    return (x.value, x.printed)


def _all_layers(layers: Layers) -> Iterable[BoundLayer]:
    for layer in layers:
        yield layer
        for row in layer.rows:
            for value in row.values.values():
                for inner in inner_layers(value):
                    yield from _all_layers(inner)

"""The totals of a stretch of a sweep's variants, exactly as `summary` has them, on arrays."""

import pickle
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.costs.metrics import TIME_LINES
from archprof.errors import SpecError, usage_error
from archprof.ir.arrays import Integers, candidates
from archprof.limits import MAX_CHANNELS
from archprof.named_tuple import NamedTuple
from archprof.spec.axis import Axis
from archprof.spec.header import multiply, read_knob, read_multiplier
from archprof.spec.inputs import read_resolution
from archprof.spec.nodes import Scalar
from archprof.spec.values import integer
from archprof.spec.variant import Setting
from archprof.sweep.alternatives import reason_of
from archprof.sweep.batch import EXACT_INTEGER, Batch, of_sides
from archprof.sweep.combination import Combination
from archprof.sweep.flow import flow
from archprof.sweep.grid import GridPart, grid, write_products
from archprof.sweep.plan import CHANNEL, SPACE, STRUCTURE, Plan
from archprof.sweep.sampling import ranks_of
from archprof.sweep.selection import reduce, within

# Candidates computed side by side: more of them spare what is done once for all, fewer stay in a core's cache.
BATCH = 131_072
# From so many resolutions on, channels and maps are computed apart and multiplied as matrices.
_GRID = 8


class Invalid(NamedTuple):
    """Variants that cannot be, for one reason: how many, and the number of one of them."""

    reason: str
    variants: int
    example: int


class Stretch(NamedTuple):
    """The variants from *start* to *stop*: how many are within the limits, the numbers and costs (a line for each
    metric) of those that are kept, and those that cannot be."""

    start: int
    stop: int
    fitting: int
    numbers: Integers
    costs: Integers
    invalid: tuple[Invalid, ...]


def compute(pickled: bytes, start: int, stop: int) -> Stretch:
    """Return the kept variants of a pickled plan from *start* to *stop*. A function of values alone, for any process on
    any machine.

    Raises UsageError for totals beyond 2⁶³.
    """
    return _prepared(pickled).stretch(start, stop)


@lru_cache(maxsize=8)
def _prepared(pickled: bytes) -> "Computation":
    return Computation(pickle.loads(pickled))


class Computation:
    """A plan's axes as arrays, and its combinations of what arrays cannot hold as they are needed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._radices = [len(axis.values) for axis in plan.axes]
        self._spatial = _product(plan, SPACE)
        self._inner = _product(plan, CHANNEL) * self._spatial
        self._values = [_values(plan, axis, role) for axis, role in zip(plan.axes, plan.roles, strict=True)]
        self._combination = lru_cache(maxsize=64)(self._new_combination)
        self._local = self._local_axes()
        self._block = lru_cache(maxsize=2)(self._new_block)

    def stretch(self, start: int, stop: int) -> Stretch:
        """Return the kept variants from *start* to *stop*."""
        found = StretchBuilder(self, start, stop - start)
        if self._is_grid():
            self._rows(start, stop, found)
        else:
            self._variants(ranks_of(self.plan, np.arange(start, stop)), np.arange(stop - start), found)
        return found.stretch()

    def _is_grid(self) -> bool:
        """Tell whether channels and maps are multiplied as matrices: a peak is no product of the two."""
        rows_only = not self.plan.peak_of_rows and not self.plan.whole
        return rows_only and self.plan.sample is None and self._spatial >= _GRID and not self._local

    # Which axes arrays hold, which change single rows, and which make another network

    def _local_axes(self) -> tuple[int, ...]:
        """Return the places of the axes that change single rows alone, at the first combination of the others; none
        where whole grids of arrays are as fast."""
        if self._inner >= BATCH or self.plan.whole:
            return ()
        first = {axis.name: axis.values[0] for axis, role in self._structural()}
        return tuple(axis.axis for axis in Combination(self.plan, first).local)

    def _structural(self) -> list[tuple[Axis, int]]:
        return [pair for pair in zip(self.plan.axes, self.plan.roles, strict=True) if pair[1] == STRUCTURE]

    def _new_combination(self, digits: tuple[tuple[int, int], ...]) -> Combination:
        axes = self.plan.axes
        return Combination(self.plan, {axes[place].name: axes[place].values[digit] for place, digit in digits})

    def digits(self, ranks: Integers) -> list[Integers]:
        """Return, for each axis, which of its values the variants of these ranks have."""
        found = []
        for radix in reversed(self._radices):
            ranks, digit = np.divmod(ranks, radix)
            found.append(digit)
        return found[::-1]

    def settings(self, rank: int) -> tuple[Setting, ...]:
        """Return the settings of a variant by its rank, as typed."""
        digits = self.digits(np.array([rank]))
        axes = zip(self.plan.axes, digits, strict=True)
        return tuple((axis.name, axis.values[int(digit[0])]) for axis, digit in axes)

    # Whole rows of a grid

    def _rows(self, start: int, stop: int, found: "StretchBuilder") -> None:
        """Compute variants in order: whole rows of resolutions as grids, what is left at the ends one by one."""
        first, last = -(-start // self._spatial), stop // self._spatial
        if first >= last:
            self._variants(np.arange(start, stop), np.arange(stop - start), found)
            return
        head, tail = first * self._spatial, last * self._spatial
        self._variants(np.arange(start, head), np.arange(head - start), found)
        low = first
        while low < last:
            block = self._block(self._block_start(low))
            high = min(block.last, last)
            self._grid(block, low, high, low * self._spatial - start, found)
            low = high
        self._variants(np.arange(tail, stop), np.arange(tail - start, stop - start), found)

    def _block_start(self, row: int) -> int:
        """Return the first of the rows that are traced together with one: of its combination, and as many as arrays
        take well."""
        within = row % (self._inner // self._spatial)
        return row - within % BATCH

    def _new_block(self, first: int) -> "_GridRows":
        per_combination = self._inner // self._spatial
        last = min(first + BATCH, first - first % per_combination + per_combination)
        digits = self.digits(np.arange(first, last) * self._spatial)
        combination = self._combination(self._key(digits, 0, keep=()))
        if combination.error:
            return _GridRows(first, last, combination, ())
        columns = np.arange(self._spatial)
        arrays = self._arrays(digits, self.digits(columns), grid=True)
        return _GridRows(first, last, combination, tuple(grid(combination, arrays, np.arange(last - first), columns)))

    def _grid(self, block: "_GridRows", low: int, high: int, at: int, found: "StretchBuilder") -> None:
        """Compute some rows of a block, whose variants start *at* a place of the stretch."""
        combination = block.combination
        places = at + np.arange((high - low) * self._spatial).reshape(high - low, -1)
        if combination.error:
            found.fail(combination.error, places.reshape(-1))
        for whole in block.parts:
            part = whole.between(low - block.first, high - block.first)
            shape = (part.rows.size, part.columns.size)
            here = places[np.ix_(part.rows, part.columns)].reshape(-1)
            if not here.size:
                continue
            if part.totals is None:
                self._variants(found.start + here, here, found)
                continue
            if here.size == places.size:
                write_products(part.totals, found.filled(at, shape))
            else:
                costs = np.empty((len(self.plan.names), *shape), np.int64)
                write_products(part.totals, costs)
                found.fill(here, costs.reshape(len(self.plan.names), -1))
            found.prove(combination, here)

    # Variants one by one

    def _variants(self, ranks: Integers, places: Integers, found: "StretchBuilder") -> None:
        """Compute variants in any order: those of one combination side by side."""
        digits = self.digits(ranks)
        kept = [place for place, role in enumerate(self.plan.roles) if role == STRUCTURE and place not in self._local]
        combined = np.zeros(len(ranks), np.int64)
        for place in kept:
            combined = combined * self._radices[place] + digits[place]
        # Those of like widths side by side part ways less often.
        order = np.argsort(ranks) if not self._local else np.lexsort((ranks, combined))
        edges = np.flatnonzero(np.diff(combined[order])) + 1
        for chosen in np.split(order, edges) if len(order) else ():
            for low in range(0, len(chosen), BATCH):
                part = chosen[low : low + BATCH]
                self._batch([digit[part] for digit in digits], places[part], found)

    def _batch(self, digits: list[Integers], places: Integers, found: "StretchBuilder") -> None:
        combination = self._combination(self._key(digits, 0, keep=self._local))
        if combination.error:
            found.fail(combination.error, places)
            return
        if self.plan.whole and len(places) == 1:
            found.one_by_one(combination, places)
            return
        local = {axis.axis for axis in combination.local}
        if local.issuperset(self._local):
            batch = Batch(self._arrays(digits, digits), {place: digits[place] for place in self._local}, len(places))
            found.flow(combination, batch, places)
            return
        # Here an axis changes more than rows: each of its values is a combination of its own.
        together = np.stack([digits[place] for place in self._local])
        for value in np.unique(together, axis=1).T:
            same = np.flatnonzero((together == value.reshape(-1, 1)).all(axis=0))
            own = [digit[same] for digit in digits]
            alone = self._combination(self._key(own, 0, keep=()))
            if alone.error:
                found.fail(alone.error, places[same])
            else:
                found.flow(alone, Batch(self._arrays(own, own), {}, len(same)), places[same])

    def _key(self, digits: list[Integers], at: int, keep: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Return the digits of the axes that make a combination, but for those that are *kept* for rows."""
        roles = enumerate(self.plan.roles)
        places = [place for place, role in roles if role == STRUCTURE and place not in keep]
        return tuple((place, int(digits[place][at])) for place in places)

    def _arrays(self, channels: list[Integers], sizes: list[Integers], grid: bool = False) -> dict[str, Any]:
        """Return the values of axes that arrays hold: of channels by one list of digits, of sizes by another."""
        at: dict[str, Any] = {}
        for place, (axis, role, values) in enumerate(zip(self.plan.axes, self.plan.roles, self._values, strict=True)):
            if role == SPACE:
                at[axis.name] = _sides(values, sizes[place].reshape(1, -1) if grid else sizes[place])
            elif role == CHANNEL:
                chosen = values[channels[place]]
                at[axis.name] = candidates(chosen.reshape(-1, 1) if grid else chosen)
        return at


class _GridRows(NamedTuple):
    """Rows of a grid, from *first* to *last*, that are of one combination, in parts that answer all questions alike."""

    first: int
    last: int
    combination: Combination
    parts: tuple[GridPart, ...]


class StretchBuilder:
    """What is filled in while a stretch is computed."""

    def __init__(self, computation: Computation, start: int, size: int) -> None:
        self._computation = computation
        self.start = start
        self._costs = np.empty((len(computation.plan.names), size), np.int64)
        self._valid = np.zeros(size, bool)
        self._invalid: list[Invalid] = []

    def stretch(self) -> Stretch:
        """Return what is kept of it."""
        selection = self._computation.plan.selection
        stop = self.start + len(self._valid)
        numbers, costs = np.arange(self.start, stop), self._costs
        if not self._valid.all():
            numbers, costs = numbers[self._valid], costs[:, self._valid]
        if selection.limits:
            inside = within(selection, costs)
            numbers, costs = numbers[inside], costs[:, inside]
        fitting = len(numbers)
        if selection.reduces:
            kept = reduce(selection, costs)
            numbers, costs = numbers[kept], costs[:, kept]
        invalid = tuple(one._replace(example=one.example + self.start) for one in self._invalid)
        return Stretch(self.start, stop, fitting, numbers, costs, invalid)

    def fill(self, places: Integers, costs: Integers) -> None:
        """Write down the costs of variants that can be."""
        self._valid[places] = True
        self._costs[:, places] = costs

    def filled(self, at: int, shape: tuple[int, int]) -> Integers:
        """Return the costs of the variants of a whole grid from a place on, to be written."""
        places = slice(at, at + shape[0] * shape[1])
        self._valid[places] = True
        return self._costs[:, places].reshape(-1, *shape)

    def fail(self, reason: str, places: Integers) -> None:
        """Note that the variants at *places* cannot be; reasons that differ in their numbers alone are one."""
        self._valid[places] = False
        merge_invalid(self._invalid, (Invalid(reason, places.size, int(places.flat[0])),))

    def flow(self, combination: Combination, batch: Batch, places: Integers) -> None:
        """Compute a batch, whose variants stand at *places*."""
        found = flow(combination, batch)
        if found.bound >= EXACT_INTEGER:
            self.one_by_one(combination, places)
            return
        for failure in found.failures:
            self.fail(self._words(combination, places[failure.places], failure.reason), places[failure.places])
        if found.alive.all():
            self.fill(places, found.costs)
            self.prove(combination, places, batch.digits)
        elif found.alive.any():
            alive = np.flatnonzero(found.alive)
            self.fill(places[alive], found.costs[:, alive])
            self.prove(combination, places[alive], {axis: digits[alive] for axis, digits in batch.digits.items()})

    def _settings(self, place: int) -> tuple[Setting, ...]:
        rank = int(ranks_of(self._computation.plan, np.array([self.start + place]))[0])
        return self._computation.settings(rank)

    def _words(self, combination: Combination, places: Integers, reason: str) -> str:
        """Return why variants cannot be, in the words of `summary` for the first of them."""
        try:
            combination.alone(self._settings(int(places[0])))
        except SpecError as exact:
            return reason_of(exact)
        return reason

    def prove(self, combination: Combination, places: Integers, digits: Mapping[int, Integers] | None = None) -> None:
        """Hold a variant against `summary`, once for each combination and each alternative of a row: that paths differ,
        outputs exist, no layer leads nowhere, and that the counts are the same."""
        fresh = combination.unproved({} if digits is None else digits, len(places))
        for index, alike in fresh:
            place = int(places[index])
            try:
                exact = combination.alone(self._settings(place))
            except SpecError as error:
                left = places[alike][self._valid[places[alike]]]  # others failed with another alternative already
                if left.size:
                    self.fail(reason_of(error), left)
                continue
            counted = dict(zip(exact, self._costs[:, place].tolist(), strict=True))
            assert _agree(counted, exact), f"{self._settings(place)}: {counted} on arrays, {dict(exact)} alone"

    def one_by_one(self, combination: Combination, places: Integers) -> None:
        """Compute variants in plain integers: those alone, and those whose totals may be beyond 64 bits."""
        for place in places.tolist():
            settings = self._settings(place)
            try:
                cost = combination.alone(settings)
            except SpecError as error:
                self.fail(reason_of(error), np.array([place]))
                continue
            if max(cost.values()) >= EXACT_INTEGER:
                shown = ", ".join(f"{name}={value}" for name, value in settings)
                message = f"totals beyond 2^63 at {shown}: {max(cost.values()):,}"
                raise usage_error(message, help="sweep smaller networks, or ask `summary` for this one")
            self.fill(np.array([place]), np.array(list(cost.values()), np.int64).reshape(-1, 1))


def _agree(counted: Mapping[str, int], exact: Mapping[str, int]) -> bool:
    """Tell whether counts are the same; of times, which are sums of floats, to the ns."""
    return all(abs(counted[name] - amount) <= (name in TIME_LINES) for name, amount in exact.items())


def costs_of(
    combination: Combination, at: Mapping[str, Any], networks: Sequence[tuple[Setting, ...]]
) -> tuple[Integers, NDArray[Any]]:
    """Return the indices of the networks of one combination that can be, and their costs, a row a metric, of Python's
    integers where 64 bits may not do; *at* has their settings as arrays."""
    found = flow(combination, Batch(at, {}, len(networks)))
    if found.bound < EXACT_INTEGER:
        alive = np.flatnonzero(found.alive)
        return alive, found.costs[:, alive]
    counted: dict[int, list[int]] = {}
    for place, settings in enumerate(networks):
        with suppress(SpecError):
            counted[place] = [*combination.alone(settings).values()]
    return np.array([*counted], np.int64), np.array([*counted.values()], object).reshape(
        -1, len(combination.plan.names)
    ).T


def _pattern(reason: str) -> str:
    return re.sub(r"[0-9][0-9,]*", "0", reason)


def merge_invalid(known: list[Invalid], more: tuple[Invalid, ...]) -> None:
    """Add invalid variants to others; reasons that differ in their numbers alone are one."""
    patterns = [_pattern(other.reason) for other in known]
    for one in more:
        if _pattern(one.reason) in patterns:
            index = patterns.index(_pattern(one.reason))
            known[index] = known[index]._replace(variants=known[index].variants + one.variants)
        else:
            known.append(one)
            patterns.append(_pattern(one.reason))


def _values(plan: Plan, axis: Axis, role: int) -> Any:
    """Return an axis' values as an array; for resolutions, as sides; None for what arrays cannot hold."""
    if role == STRUCTURE:
        return None
    if role == SPACE:
        return sizes(plan, axis.values)
    if axis.name == "width":
        return widths(plan, axis.values)
    nodes = [Scalar(value, f"{axis.name}={value}") for value in axis.values]
    knobs = plan.spec().knobs
    if axis.name in knobs:
        return np.array([read_knob(knobs[axis.name], node) for node in nodes], np.int64)
    low, high = (1, MAX_CHANNELS) if axis.name == "classes" else (0, 10**9)
    return np.array([integer(node, low, high, f"`{axis.name}`") for node in nodes], np.int64)


def _sides(values: tuple[Integers, ...], digits: Integers) -> Any:
    return of_sides(values, lambda side: candidates(side[digits]))


def widths(plan: Plan, texts: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the effective multipliers of widths as typed: times the spec's own."""
    own = plan.tree.base.get("width")
    base = None if own is None else read_multiplier(own, "width")
    read = {text: read_multiplier(Scalar(text, f"width={text}"), "width") for text in dict.fromkeys(texts)}
    if base is not None:
        read = {text: multiply(base, value) for text, value in read.items()}
    return np.array([read[text] for text in texts], np.float64)


def sizes(plan: Plan, texts: tuple[str, ...]) -> tuple[Integers, ...]:
    """Return the heights and widths of resolutions as typed, one array for both where all are square; of sequences the
    lengths."""
    inputs = plan.inputs
    read = {text: read_resolution(Scalar(text, f"resolution={text}"), inputs) for text in dict.fromkeys(texts)}
    sides = np.array([read[text] for text in texts], np.int64).T
    return tuple([sides[0] if np.array_equal(sides[0], side) else side for side in sides])


def _product(plan: Plan, role: int) -> int:
    size = 1
    for axis, its in zip(plan.axes, plan.roles, strict=True):
        size *= len(axis.values) if its == role else 1
    return size

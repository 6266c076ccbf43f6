"""The totals of a stretch of a sweep's variants, exactly as `summary` has them, on arrays."""

import pickle
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archprof.analysis.kept import reduce, within
from archprof.analysis.numbering import variants_at
from archprof.analysis.plan import CHANNEL, SPACE, STRUCTURE, Plan, Wanted
from archprof.analysis.report import Cost
from archprof.analysis.structure import Structure, reason_of, typed
from archprof.errors import Problem, SpecError, UsageError
from archprof.graph.candidates import Split, candidates
from archprof.graph.totals import Totals
from archprof.spec.axis import Axis
from archprof.spec.header import multiply, read_knob, read_multiplier, read_resolution
from archprof.spec.limits import MAX_CHANNELS
from archprof.spec.nodes import Scalar
from archprof.spec.values import integer

Integers = NDArray[np.int64]
# Candidates whose arrays together stay in a core's cache.
BATCH = 16_384
# So few are faster one by one, in plain integers.
_FEW = 3
# From so many resolutions on, channels and maps are computed apart and multiplied as matrices.
_GRID = 8
_EXACT_FLOAT = 1 << 53
_EXACT_INTEGER = 1 << 63


class Invalid(NamedTuple):
    """Variants that cannot be, for one reason: how many, and the number of one of them."""

    reason: str
    variants: int
    example: int


class Stretch(NamedTuple):
    """The variants from *start* to *stop*: how many are within the limits, the numbers and costs (a line for each of
    `Cost`) of those that are kept, and those that cannot be."""

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
    """A plan's axes as arrays, and its structures as they are needed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._radices = [len(axis.values) for axis in plan.axes]
        self._spatial = _product(plan, SPACE)
        self._inner = _product(plan, CHANNEL) * self._spatial
        self._values = [_values(plan, axis, role) for axis, role in zip(plan.axes, plan.roles, strict=True)]
        self._structure = lru_cache(maxsize=64)(self._new_structure)

    def stretch(self, start: int, stop: int) -> Stretch:
        """Return the kept variants from *start* to *stop*."""
        found = _Found(start, stop - start)
        if self.plan.sample is None:
            for number in range(start // self._inner, -(-stop // self._inner)):
                low, high = max(start - number * self._inner, 0), min(stop - number * self._inner, self._inner)
                self._in_order(self._structure(number), low, high, number * self._inner + low - start, found)
        else:
            self._shuffled(variants_at(self.plan, np.arange(start, stop)), found)
        return found.stretch(self.plan.wanted)

    def _in_order(self, structure: Structure, low: int, high: int, at: int, found: "_Found") -> None:
        """Compute a structure's variants from *low* to *high*, which start *at* a place of the stretch: whole rows as a
        grid."""
        if structure.error:
            found.fail(structure.error, np.arange(at, at + high - low))
            return
        first, last = -(-low // self._spatial), high // self._spatial
        if self._spatial < _GRID or first >= last:
            self._batches(structure, np.arange(low, high), np.arange(at, at + high - low), found)
            return
        whole = at + first * self._spatial - low
        behind = whole + (last - first) * self._spatial
        self._batches(structure, np.arange(low, first * self._spatial), np.arange(at, whole), found)
        columns = np.arange(self._spatial)
        for row in range(first, last, BATCH):
            rows = np.arange(row, min(row + BATCH, last))
            grid = _Grid(whole + (row - first) * self._spatial, len(rows), self._spatial, found)
            _run_grid(structure, self._arrays(rows, columns, grid=True), np.arange(len(rows)), columns, grid)
        self._batches(
            structure,
            np.arange(last * self._spatial, high),
            np.arange(behind, behind + high - last * self._spatial),
            found,
        )

    def _shuffled(self, ranks: Integers, found: "_Found") -> None:
        """Compute a sample: those of one structure and of like widths side by side, so that few batches split."""
        order = np.argsort(ranks, kind="stable")
        structures = ranks[order] // self._inner
        edges = [0, *(np.flatnonzero(np.diff(structures)) + 1).tolist(), len(order)]
        for low, high in pairwise(edges):
            structure, places = self._structure(int(structures[low])), order[low:high]
            if structure.error:
                found.fail(structure.error, places)
            else:
                self._batches(structure, ranks[places] % self._inner, places, found)

    def _batches(self, structure: Structure, inner: Integers, places: Integers, found: "_Found") -> None:
        for low in range(0, len(inner), BATCH):
            part = slice(low, low + BATCH)
            at = self._arrays(inner[part] // self._spatial, inner[part] % self._spatial)
            _run_batch(structure, at, places[part], found)

    def _new_structure(self, number: int) -> Structure:
        at: dict[str, str] = {}
        for axis, role, radix in reversed(list(zip(self.plan.axes, self.plan.roles, self._radices, strict=True))):
            if role == STRUCTURE:
                at[axis.name] = axis.values[number % radix]
                number //= radix
        return Structure(self.plan, dict(reversed(at.items())))

    def _arrays(self, rows: Integers, columns: Integers, grid: bool = False) -> dict[str, Any]:
        """Return each axis' values at rows (combinations of channels) and columns (resolutions)."""
        at: dict[str, Any] = {}
        for axis, role, values in reversed(list(zip(self.plan.axes, self.plan.roles, self._values, strict=True))):
            if role == STRUCTURE or values is None:
                continue
            if role == SPACE:
                chosen = tuple(candidates(side[columns].reshape(1, -1) if grid else side[columns]) for side in values)
                # A square's sides are the same object, which spares comparisons.
                at[axis.name] = (chosen[0], chosen[0]) if values[0] is values[1] else chosen
            else:
                digits, rows = rows % len(axis.values), rows // len(axis.values)
                at[axis.name] = candidates(values[digits].reshape(-1, 1) if grid else values[digits])
        return at


class _Found:
    """What is filled in while a stretch is computed."""

    def __init__(self, start: int, size: int) -> None:
        self.start = start
        self.costs = np.empty((len(Cost._fields), size), np.int64)
        self.valid = np.zeros(size, bool)
        self.invalid: list[Invalid] = []

    def stretch(self, wanted: Wanted) -> Stretch:
        """Return what is wanted of it."""
        numbers, costs = np.arange(self.start, self.start + len(self.valid)), self.costs
        if not self.valid.all():
            numbers, costs = numbers[self.valid], costs[:, self.valid]
        if wanted.limits:
            inside = within(wanted, costs)
            numbers, costs = numbers[inside], costs[:, inside]
        fitting = len(numbers)
        if wanted.pareto or wanted.top is not None:
            kept = reduce(wanted, costs)
            numbers, costs = numbers[kept], costs[:, kept]
        invalid = tuple(one._replace(example=one.example + self.start) for one in self.invalid)
        return Stretch(self.start, self.start + len(self.valid), fitting, numbers, costs, invalid)

    def fail(self, reason: str, places: Integers) -> None:
        """Note that the variants at *places* cannot be; reasons that differ in their numbers alone are one."""
        pattern = _pattern(reason)
        for index, known in enumerate(self.invalid):
            if _pattern(known.reason) == pattern:
                self.invalid[index] = known._replace(variants=known.variants + places.size)
                return
        self.invalid.append(Invalid(reason, places.size, int(places.flat[0])))


def _pattern(reason: str) -> str:
    return re.sub(r"[0-9][0-9,]*", "0", reason)


def merge_invalid(known: list[Invalid], more: tuple[Invalid, ...]) -> None:
    """Add the invalid variants of a stretch to those of others."""
    for one in more:
        index = next(
            (index for index, other in enumerate(known) if _pattern(other.reason) == _pattern(one.reason)), None
        )
        if index is None:
            known.append(one)
        else:
            known[index] = known[index]._replace(variants=known[index].variants + one.variants)


def costs_at(structure: Structure, at: dict[str, Any], count: int) -> Stretch:
    """Return the costs of so many variants of one structure, given as arrays of effective widths and of (height,
    width)."""
    found = _Found(0, count)
    if structure.error:
        found.fail(structure.error, np.arange(count))
    else:
        for low in range(0, count, BATCH):
            part = slice(low, low + BATCH)
            places = np.arange(count)[part]
            _run_batch(structure, {name: _chosen(value, part) for name, value in at.items()}, places, found)
    return found.stretch(Wanted())


def _run_batch(structure: Structure, at: dict[str, Any], places: Integers, found: _Found) -> None:
    """Compute candidates side by side, halving wherever they part ways."""
    if len(places) <= _FEW:
        for index in range(len(places)):
            _run_alone(structure, at, (index,), places[index : index + 1], found)
        return
    try:
        totals = structure.trace(at)
        if totals.bound >= _EXACT_INTEGER:
            raise Split(np.arange(len(places)) < len(places) // 2)
        structure.prove(at, (0,))
    except Split as split:
        for mask in (split.mask, ~split.mask):
            _run_batch(structure, {name: _chosen(value, mask) for name, value in at.items()}, places[mask], found)
    except SpecError as error:
        found.fail(_first_reason(structure, at, (0,), error), places)
    else:
        found.valid[places] = True
        for line, cost in enumerate((totals.params, totals.trainable, totals.buffers, *_sums(totals))):
            found.costs[line, places] = cost


def _run_alone(
    structure: Structure, at: dict[str, Any], index: tuple[int, ...], places: Integers, found: _Found
) -> None:
    try:
        cost = structure.alone(at, index)
    except SpecError as error:
        found.fail(reason_of(error), places)
        return
    if max(cost) >= _EXACT_INTEGER:
        shown = ", ".join(f"{name}={typed(value, index)}" for name, value in at.items())
        raise UsageError(
            [
                Problem(
                    f"totals beyond 2^63 at {shown}: {max(cost):,}",
                    help="sweep smaller networks, or ask `summary` for this one",
                )
            ]
        )
    found.valid[places] = True
    found.costs[:, places] = np.array(cost, np.int64).reshape(-1, 1)


def _sums(totals: Totals) -> tuple[Any, Any]:
    """Return MACs and activations, entry by entry."""
    return sum(part.macs * part.positions for part in totals.parts), sum(
        part.activations * part.positions for part in totals.parts
    )


class _Grid:
    """A product of channels (down) and resolutions (across), at its place in a stretch."""

    def __init__(self, at: int, rows: int, columns: int, found: _Found) -> None:
        self.found = found
        self.shape = (rows, columns)
        # Views: what is written here stands in the stretch.
        self._costs = found.costs[:, at : at + rows * columns].reshape(-1, rows, columns)
        self._valid = found.valid[at : at + rows * columns].reshape(rows, columns)
        self._at = at

    def places(self, rows: Integers, columns: Integers) -> Integers:
        """Return the places in the stretch of a part of the grid."""
        return self._at + rows.reshape(-1, 1) * self.shape[1] + columns

    def fill(self, rows: Integers, columns: Integers, totals: Totals) -> None:
        """Write down the totals of a part of the grid."""
        macs, activations = _products(totals, (len(rows), len(columns)))
        # A part that is everything needs no indices.
        part: Any = (slice(None), slice(None)) if (len(rows), len(columns)) == self.shape else np.ix_(rows, columns)
        self._valid[part] = True
        for line, cost in enumerate((totals.params, totals.trainable, totals.buffers, macs, activations)):
            self._costs[line][part] = cost


def _run_grid(structure: Structure, at: dict[str, Any], rows: Integers, columns: Integers, grid: _Grid) -> None:
    """Compute a part of a grid, going on with parts of it wherever its variants part ways."""
    try:
        totals = structure.trace(at)
        structure.prove(at, (0, 0))
    except Split as split:
        _run_parts(structure, at, rows, columns, split.mask, grid)
    except SpecError as error:
        grid.found.fail(_first_reason(structure, at, (0, 0), error), grid.places(rows, columns))
    else:
        if totals.bound < _EXACT_INTEGER:
            grid.fill(rows, columns, totals)
        else:
            _run_variants(structure, at, rows, columns, grid)


def _run_parts(
    structure: Structure, at: dict[str, Any], rows: Integers, columns: Integers, mask: NDArray[np.bool_], grid: _Grid
) -> None:
    """Go on with the rows, or the columns, that answered a question alike; variant by variant where the question was of
    both."""
    if mask.shape == (len(rows), 1) and len(rows) > 1:
        for side in (mask[:, 0], ~mask[:, 0]):
            kept = {name: value if name == "resolution" else value[side] for name, value in at.items()}
            _run_grid(structure, kept, rows[side], columns, grid)
    elif mask.shape == (1, len(columns)) and len(columns) > 1:
        for side in (mask[0], ~mask[0]):
            kept = {name: _columns(value, side) if name == "resolution" else value for name, value in at.items()}
            _run_grid(structure, kept, rows, columns[side], grid)
    else:
        _run_variants(structure, at, rows, columns, grid)


def _run_variants(structure: Structure, at: dict[str, Any], rows: Integers, columns: Integers, grid: _Grid) -> None:
    """Compute a part of a grid as batches of variants."""
    down, across = (index.reshape(-1) for index in np.indices((len(rows), len(columns))))
    places = grid.places(rows, columns).reshape(-1)
    for low in range(0, len(places), BATCH):
        part = (down[low : low + BATCH], across[low : low + BATCH])
        _run_batch(
            structure,
            {name: _gathered(value, part) for name, value in at.items()},
            places[low : low + BATCH],
            grid.found,
        )


def _columns(sides: Any, mask: NDArray[np.bool_]) -> Any:
    first = sides[0][:, mask]
    return (first, first) if sides[0] is sides[1] else (first, sides[1][:, mask])


def _gathered(value: Any, chosen: tuple[Integers, ...]) -> Any:
    if isinstance(value, tuple):
        first = candidates(value[0][0, chosen[1]])
        return (first, first) if value[0] is value[1] else (first, candidates(value[1][0, chosen[1]]))
    return candidates(value[chosen[0], 0])


def _products(totals: Totals, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return MACs and activations of a grid: channel parts times spatial parts, a product of matrices."""
    exact = totals.bound < _EXACT_FLOAT
    positions = np.stack(
        [np.broadcast_to(part.positions, (1, shape[1]))[0] for part in totals.parts if _is_separable(part)]
    )
    found = []
    for which in ("macs", "activations"):
        parts = [
            np.broadcast_to(getattr(part, which), (shape[0], 1))[:, 0] for part in totals.parts if _is_separable(part)
        ]
        channels = np.stack(parts, axis=1)
        product = channels.astype(np.float64) @ positions.astype(np.float64) if exact else channels @ positions
        rest = sum(getattr(part, which) * part.positions for part in totals.parts if not _is_separable(part))
        found.append(product.astype(np.int64) + rest)
    return found[0], found[1]


def _is_separable(part: Any) -> bool:
    channels = np.broadcast_shapes(np.shape(part.macs), np.shape(part.activations), (1, 1))
    return bool(channels[1] == 1 and np.broadcast_shapes(np.shape(part.positions), (1, 1))[0] == 1)


def _chosen(value: Any, mask: Any) -> Any:
    if isinstance(value, tuple):
        first = value[0][mask]
        return (first, first) if value[0] is value[1] else (first, value[1][mask])
    return value[mask]


def _first_reason(structure: Structure, at: Mapping[str, Any], place: tuple[int, ...], error: SpecError) -> str:
    """Return why candidates that all fail do, in the words of `summary` for the first of them."""
    try:
        structure.alone(at, place)
    except SpecError as exact:
        return reason_of(exact)
    return reason_of(error)


def _values(plan: Plan, axis: Axis, role: int) -> Any:
    """Return an axis' values as an array; for resolutions, as heights and widths; None for what arrays cannot hold."""
    nodes = [Scalar(value, f"{axis.name}={value}") for value in axis.values]
    if role == STRUCTURE:
        return None
    if role == SPACE:
        sides = np.array([read_resolution(node) for node in nodes], np.int64).T
        return (sides[0], sides[0]) if np.array_equal(*sides) else (sides[0], sides[1])
    if axis.name == "width":
        own = plan.tree.base.get("width")
        base = None if own is None else read_multiplier(own, "width")
        read = [read_multiplier(node, "width") for node in nodes]
        return np.array([value if base is None else multiply(base, value) for value in read], np.float64)
    knobs = plan.spec().knobs
    if axis.name in knobs:
        return np.array([read_knob(knobs[axis.name], node) for node in nodes], np.int64)
    low, high = (1, MAX_CHANNELS) if axis.name == "classes" else (0, 10**9)
    return np.array([integer(node, low, high, f"`{axis.name}`") for node in nodes], np.int64)


def _product(plan: Plan, role: int) -> int:
    size = 1
    for axis, its in zip(plan.axes, plan.roles, strict=True):
        size *= len(axis.values) if its == role else 1
    return size

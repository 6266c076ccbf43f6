"""Latency along the rows of a network, for arrays of candidates: what the calls of a row take on a device.

Many candidates have the same row: each that differs is predicted once, by what `archprof latency` predicts with. What
is out of the profile's range has no time that others could be told from: such candidates cannot be.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.allocation.forward import Passed
from archprof.costs.metrics import TIME_LINES
from archprof.devices.asked import On, chosen
from archprof.devices.calls import KernelCall, calls_of_part, setup_of
from archprof.devices.kernels import Kernel
from archprof.devices.predict import (
    KernelTime,
    Predictor,
    Sums,
    copy_us_of,
    kernels_of,
    predict,
    runs,
    unknown_in,
    whole,
)
from archprof.errors import problem
from archprof.ir.arrays import Integers, candidates
from archprof.ir.dims import Dim, Disagreement, is_array
from archprof.ir.graph import Graph
from archprof.ir.operators.base import Operator
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple
from archprof.units import NS_PER_US, listed

# Why a candidate cannot be, where a sweep is asked how long it takes.
OUT_OF_RANGE = "its time is out of the profile's range"
_UNKNOWN = (0.0, 0.0, 1)
# Integers below this are told apart by a table, others by sorting.
_TABLE = 1 << 22


class RowTimes(NamedTuple):
    """What the calls of a row take together: µs of kernels, those times their spread, µs of copies, how many kernels
    run, bytes of weights, and how many kernels the profile does not know: numbers, or arrays where candidates
    differ."""

    us: Any = 0.0
    spread_us: Any = 0.0
    copy_us: Any = 0.0
    kernels: Any = 0
    weights: Any = 0
    unknown: Any = 0

    def plus(self, other: "RowTimes", places: Integers | None, size: int) -> "RowTimes":
        """Return both together, where *other* is of the candidates at some *places* of so many."""
        if places is None:
            return RowTimes(*[mine + its for mine, its in zip(self, other, strict=True)])
        return RowTimes(*[_added(mine, its, places, size) for mine, its in zip(self, other, strict=True)])


class Timer:
    """The device that a sweep asks about. Each kernel is predicted once."""

    def __init__(self, on: On) -> None:
        self.batch, self._execution = chosen(*on)
        self._profile, self._device = on.profile, on.profile.setup
        self._predictor = Predictor(on.profile, self.batch)
        self.setup = setup_of(self._device, self.batch)

    def alone(self, graph: Graph) -> Iterator[tuple[str, int]]:
        """Yield the ns of a network and the ends of its interval, by the names of their lines. Raises SpecError for one
        that is out of the profile's range."""
        found = predict(graph, self._profile, self.batch, self._execution)
        if unknown := unknown_in(graph, found):
            raise problem(f"{OUT_OF_RANGE}: {listed(unknown)}")
        yield from zip(TIME_LINES, map(_ns, (found.us, found.low, found.high)), strict=True)

    def row(self, part: Graph, passed: Sequence[Passed]) -> RowTimes:
        """Return the times of a row, whose calls have passed."""
        like = _Like(passed)
        try:
            calls = calls_of_part(part, [like.reduced(one) for one in passed], self._device, self.batch)
            found = RowTimes(*[sum(column) for column in zip(*map(self._call, calls), strict=True)])
        except Disagreement as parting:
            raise Disagreement(like.back(parting.mask)) from None
        return RowTimes(*map(like.back, found))

    def _call(self, call: KernelCall) -> RowTimes:
        if not runs(call):
            return RowTimes()
        copy_us = copy_us_of(call, self._predictor.fit.network)
        times = [self._kernel(kernel) for kernel in call.kernels] or [_UNKNOWN]
        us, spread_us, unknown = (sum(column) for column in zip(*times, strict=True))
        return RowTimes(us, spread_us, copy_us, kernels_of([call]), call.traffic.weights, unknown)

    def _kernel(self, kernel: Kernel) -> tuple[Any, Any, Any]:
        """Return the µs of a kernel, those times their spread, and whether the profile does not know it: 1, else 0."""
        if not any(map(is_array, kernel.sizes)):
            return _listed(self._predictor.time(kernel))
        first, alike = _sorts([size for size in kernel.sizes if is_array(size)])
        sizes = [np.asarray(size)[first].tolist() if is_array(size) else [size] * len(first) for size in kernel.sizes]
        times = self._predictor.times([Kernel(kernel.kind, one) for one in zip(*sizes, strict=True)])
        us, spread_us, unknown = np.array(list(map(_listed, times))).T
        return us[alike], spread_us[alike], unknown[alike]

    def lines(self, rows: RowTimes, peak: Dim) -> tuple[Any, Any, Any]:
        """Return the ns of networks whose rows take so much, and the ends of their interval."""
        sums = Sums(rows.us, rows.spread_us, rows.copy_us, rows.kernels, rows.weights + peak)
        eager = self._execution if self._execution != self._device.execution else ""
        us, low, high = whole(self._predictor.fit, sums, eager)
        return _ns(us), _ns(low), _ns(high)


def _listed(time: KernelTime | None) -> tuple[float, float, int]:
    return _UNKNOWN if time is None else (time.us, time.us * time.spread, 0)


def _added(amount: Any, more: Any, places: Integers, size: int) -> Any:
    whole = np.array(np.broadcast_to(amount, size), np.result_type(amount, more))
    whole[places] += more
    return whole


def _ns(us: Any) -> Any:
    ns = np.rint(us * NS_PER_US).astype(np.int64)
    return ns if ns.ndim else int(ns)


class _Like:
    """Candidates whose rows are alike: all sizes of a row's calls, of one candidate of each sort alone."""

    def __init__(self, passed: Iterable[Passed]) -> None:
        arrays: dict[int, Any] = {}
        for one in passed:
            for value in (*one.run.inputs, *one.run.outputs):
                arrays.update((id(dim), dim) for dim in _arrays(value))
            arrays.update((id(dim), dim) for dim in _arrays(_fields(one.node.op)))
        self._kept = list(arrays.values())  # so that no other array is at their places
        self._reduced: dict[int, Dim] = {}
        self._inverse: Integers | None = None
        if self._kept:
            first, self._inverse = _sorts(self._kept)
            for array in self._kept:
                self._reduced[id(array)] = candidates(np.asarray(array)[first])

    def _of(self, amount: Any) -> Any:
        """Return an array of one candidate of each sort; what tuples hold likewise."""
        if isinstance(amount, tuple):
            return tuple(map(self._of, amount))
        return self._reduced[id(amount)] if is_array(amount) else amount

    def reduced(self, one: Passed) -> Passed:
        """Return a call of one candidate of each sort."""
        op, node = one.node.op, one.node
        fields = _fields(op)
        if next(_arrays(fields), None) is not None:
            node = node._replace(op=type(op)(*map(self._of, fields)))
        inputs, outputs = (
            tuple([Value(*map(self._of, value)) for value in values]) for values in (one.run.inputs, one.run.outputs)
        )
        return one._replace(node=node, run=one.run._replace(inputs=inputs, outputs=outputs))

    def back(self, amount: Any) -> Any:
        """Return an amount of all candidates."""
        return amount[self._inverse] if self._inverse is not None and is_array(amount) else amount


def _fields(op: Operator) -> tuple[Any, ...]:
    return tuple([getattr(op, name) for name in op.__match_args__])


def _arrays(amount: Any) -> Iterator[Any]:
    """Yield the arrays that tuples hold, however deep."""
    if is_array(amount):
        yield amount
    elif isinstance(amount, tuple):
        for one in amount:
            yield from _arrays(one)


def _sorts(arrays: Sequence[Any]) -> tuple[Integers, Integers]:
    """Return a place of each different set of entries that arrays have side by side, and which each place has."""
    many, codes = 1, np.zeros(len(arrays[0]), np.int64)
    for array in arrays:
        others, own = _codes(np.asarray(array))
        many, codes = _codes(codes * others + own)
    first = np.empty(many, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return first, codes


def _codes(array: Integers) -> tuple[int, Integers]:
    """Return how many different entries there are, and the number of each."""
    low, high = int(array.min()), int(array.max())
    if high - low >= _TABLE:
        entries, codes = np.unique(array, return_inverse=True)
        return len(entries), codes
    there = np.zeros(high - low + 1, np.int64)
    there[array - low] = 1
    numbers: NDArray[np.int64] = np.cumsum(there) - 1
    return int(numbers[-1]) + 1, numbers[array - low]

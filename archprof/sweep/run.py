"""Sweeps: stretches of variants, computed here or by workers, taken in order, merged."""

import pickle
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress

import numpy as np

from archprof.errors import usage_error
from archprof.ir.arrays import Integers
from archprof.named_tuple import NamedTuple
from archprof.spec.variant import settings_text
from archprof.sweep.compute import Invalid, Stretch, compute, merge_invalid
from archprof.sweep.executors import Workers
from archprof.sweep.plan import SPACE, STRUCTURE, Plan, Selection
from archprof.sweep.sampling import ranks_of
from archprof.sweep.selection import order, reduce

# Variants a task: enough to be worth sending, few enough that dozens of results fit into memory.
STRETCH = 1 << 17
# Of whole rows of resolutions, most of whose time goes into what is done once a stretch.
_ROWS = 1 << 17
# Of networks that are counted as wholes, one after the other.
_WHOLES = 256
# How often a stretch at which workers are killed is tried again.
_TRIES = 3


class Piece(NamedTuple):
    """What one stretch of one plan has given."""

    plan: int
    stretch: Stretch


class VariantRows(NamedTuple):
    """Variants that are kept: of which plan each is, its number there, and the costs (a line for each metric)."""

    plans: Integers
    numbers: Integers
    costs: Integers

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, places: Integers) -> "VariantRows":
        """Return those at some places."""
        return VariantRows(self.plans[places], self.numbers[places], self.costs[:, places])

    def joined(self, more: "VariantRows") -> "VariantRows":
        """Return these and more."""
        return VariantRows(*(np.concatenate(pair, axis=-1) for pair in zip(self, more, strict=True)))


def no_rows(plans: Sequence[Plan]) -> VariantRows:
    """Return no variants, of some plans that count the same."""
    return VariantRows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((len(plans[0].names), 0), np.int64))


class Tally:
    """What a sweep has come to so far: variants done, fitting the limits, and not possible; and those kept where only
    some are."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = plans
        self.done = [0] * len(plans)
        self.fitting = 0
        self.invalid: list[list[Invalid]] = [[] for _ in plans]
        self.kept = no_rows(plans)

    @property
    def size(self) -> int:
        """How many variants there are to compute."""
        return sum(plan.size for plan in self.plans)

    @property
    def impossible(self) -> int:
        """How many variants cannot be."""
        return sum(one.variants for found in self.invalid for one in found)

    def add(self, piece: Piece) -> VariantRows:
        """Count a piece and return the variants in it."""
        stretch = piece.stretch
        self.done[piece.plan] = stretch.stop
        self.fitting += stretch.fitting
        merge_invalid(self.invalid[piece.plan], stretch.invalid)
        return VariantRows(np.full(len(stretch.numbers), piece.plan), stretch.numbers, stretch.costs)

    def hold(self, kept: VariantRows, selection: Selection) -> None:
        """Keep what is still wanted of all so far."""
        joined = self.kept.joined(kept)
        self.kept = joined.take(reduce(selection, joined.costs))

    def ordered(self, selection: Selection) -> VariantRows:
        """Return what is held in the order that is wanted."""
        return self.kept.take(order(selection, self.kept.costs))


def sweep(plans: Sequence[Plan], workers: Workers | None = None, done: Sequence[int] = ()) -> Iterator[Piece]:
    """Yield the pieces of some plans in order, from the variants on that are *done*, computed here or by *workers*.

    Raises UsageError for totals beyond 2⁶³, and for a stretch at which workers are killed again and again.
    """
    pickled = [pickle.dumps(plan) for plan in plans]
    tasks = (
        (index, *stretch) for index, plan in enumerate(plans) for stretch in stretches(plan, done[index] if done else 0)
    )
    if workers is None:
        for index, start, stop in tasks:
            yield Piece(index, compute(pickled[index], start, stop))
        return
    waiting: deque[_Waiting] = deque()
    try:
        for index, start, stop in tasks:
            task = (pickled[index], start, stop)
            waiting.append(_Waiting(index, task, workers.submit(compute, *task)))
            if len(waiting) > workers.ahead:
                yield _taken(waiting, workers, plans)
        while waiting:
            yield _taken(waiting, workers, plans)
    finally:
        for one in waiting:
            one.future.cancel()


# A pickled plan, and where a stretch of it begins and ends.
Task = tuple[bytes, int, int]


class _Waiting(NamedTuple):
    """A stretch that is being computed: of which plan, what was asked, and its result to be."""

    plan: int
    task: Task
    future: Future[Stretch]


def _taken(waiting: deque[_Waiting], workers: Workers, plans: Sequence[Plan]) -> Piece:
    """Return the next piece. Where a worker was killed, which breaks all that waits, it is computed alone by new ones,
    and the others after it."""
    first = waiting.popleft()
    try:
        return Piece(first.plan, workers.result(first.future))
    except BrokenExecutor:
        stretch = _again(first.task, workers, plans[first.plan])
    for _ in range(len(waiting)):
        one = waiting.popleft()
        one.future.cancel()
        waiting.append(one._replace(future=workers.submit(compute, *one.task)))
    return Piece(first.plan, stretch)


def _again(task: Task, workers: Workers, plan: Plan) -> Stretch:
    for _ in range(_TRIES):
        workers.renew()
        with suppress(BrokenExecutor):
            return workers.result(workers.submit(compute, *task))
    workers.renew()
    _, start, stop = task
    message = f"workers were killed {_TRIES} times at variants {start:,} to {stop - 1:,} of {plan.model}"
    begin = settings_text(settings_of(plan, start).items())
    advice = f"they begin with `{begin}`; if memory is short, `--jobs 1` takes least"
    raise usage_error(message, help=advice)


def stretches(plan: Plan, done: int = 0) -> Iterator[tuple[int, int]]:
    """Yield where stretches start and stop: at whole rows of resolutions, which are the fastest to compute."""
    length = _length(plan)
    while done < plan.size:
        stop = min((done // length + 1) * length, plan.size)
        yield done, stop
        done = stop


def _length(plan: Plan) -> int:
    row = alike = 1
    for axis, role in zip(plan.axes, plan.roles, strict=True):
        row *= len(axis.values) if role == SPACE else 1
        alike *= len(axis.values) if role != STRUCTURE else 1
    if plan.whole and alike < plan.product:
        return min(max(alike if plan.sample is None else 1, _WHOLES), STRETCH)
    return max(_ROWS // row, 1) * row if 1 < row <= _ROWS and plan.sample is None else STRETCH


def digits(plan: Plan, numbers: Integers) -> dict[str, Integers]:
    """Return, for each axis, which of its values the variants with these numbers have."""
    ranks = ranks_of(plan, numbers)
    found: dict[str, Integers] = {}
    for axis in reversed(plan.axes):
        found[axis.name] = ranks % len(axis.values)
        ranks = ranks // len(axis.values)
    return found


def settings_of(plan: Plan, number: int) -> dict[str, str]:
    """Return a variant's settings, as they are typed."""
    found = digits(plan, np.array([number]))
    return {axis.name: axis.values[int(found[axis.name][0])] for axis in plan.axes}

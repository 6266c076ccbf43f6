"""What a sweep is to compute: a network, its axes, the order of its variants, and what is kept of them."""

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from math import prod

from archprof.analysis.variants import Variants
from archprof.costs.metrics import MEMORY, NAMES, OF_NETWORK, TIME_LINES, TIMES, TRAINING
from archprof.devices.asked import On
from archprof.devices.calls import held_at
from archprof.errors import Problems, SpecError, suggest, usage_error
from archprof.ir.columns import HOLDS_LAYERS, Column
from archprof.ir.graph import Graph
from archprof.ir.setup import INFERENCE, Setup
from archprof.language.bind import Binder, scope_of
from archprof.language.cells import cells_of
from archprof.language.spellings import spellings
from archprof.limits import MAX_AXES
from archprof.named_tuple import NamedTuple
from archprof.spec.axis import Axis
from archprof.spec.edits import assign
from archprof.spec.header import BUILT_IN, NETWORK
from archprof.spec.inputs import Inputs, shortest_size
from archprof.spec.load import resolve
from archprof.spec.nodes import Node, Scalar
from archprof.spec.types import Spec, Tree
from archprof.spec.variant import Setting

# In the order of enumeration: what shapes the structure varies slowest, the resolution fastest.
STRUCTURE, CHANNEL, SPACE = range(3)
_MAX_VARIANTS = 1 << 62
# The forms of cells of whole numbers that arrays take the place of. A row of each size of a window is soon told, a
# whole network is not.
_OF_ROWS = ("channels", "expanded")
_OF_WHOLES = (*_OF_ROWS, "size", "sides")


class CountLimit(NamedTuple):
    """A bound on a count: only variants with at most, or at least, so many are kept."""

    of: str
    value: int
    most: bool


class Selection(NamedTuple):
    """What is kept of a sweep: the variants within *limits*, of those the Pareto front over *pareto* (`-macs`: the
    larger the better), and of those the first *top* by *sort*. With *memory*, bytes are counted too, with *training*
    its multiply-accumulates; with *timed*, latency is predicted."""

    limits: tuple[CountLimit, ...] = ()
    pareto: tuple[str, ...] = ()
    sort: str = ""
    top: int | None = None
    memory: bool = False
    training: bool = False
    timed: bool = False

    @property
    def counted(self) -> tuple[str, ...]:
        """What is counted of each variant, exactly."""
        return (*NAMES, *(MEMORY if self.memory else ()), *(TRAINING if self.training else ()))

    @property
    def names(self) -> tuple[str, ...]:
        """What is known of each variant: counts, and behind them times in ns."""
        return (*self.counted, *(TIME_LINES if self.timed else ()))

    @property
    def reduces(self) -> bool:
        """Whether variants are held against each other, so that none is known to be kept before the last."""
        return bool(self.pareto or self.top)

    @property
    def counts(self) -> tuple[str, ...]:
        """The counts that it asks about."""
        named = (*(limit.of for limit in self.limits), *self.pareto, self.sort)
        return tuple(dict.fromkeys(name.removeprefix("-") for name in named if name))


class Plan(NamedTuple):
    """One network's part of a sweep. Variants are numbered: the last axis varies fastest; with a *sample*, numbers are
    shuffled by the *seed*."""

    model: str
    tree: Tree
    behind: tuple[Setting, ...]
    axes: tuple[Axis, ...]
    roles: tuple[int, ...]
    selection: Selection = Selection()
    sample: int | None = None
    seed: int = 0
    setup: Setup = INFERENCE  # of the bytes of memory
    on: On | None = None  # a device, where latency is predicted

    @property
    def names(self) -> tuple[str, ...]:
        """What is known of each variant: counts, and behind them times in ns."""
        return self.selection.names

    @property
    def peak_of_rows(self) -> bool:
        """Whether a peak is followed row by row: for itself, or for what is cold in the caches of a device."""
        return (self.selection.memory and not self.peak_of_wholes) or self.selection.timed

    @property
    def peak_of_wholes(self) -> bool:
        """Whether a peak is told by whole networks alone: the backward pass goes back through what all rows have kept,
        autocast keeps its copies of weights to the end, and what is computed in place or in patches goes by what reads
        it."""
        setup = self.setup
        return self.selection.memory and bool(setup.train or setup.amp or setup.in_place or setup.patches > 1)

    @property
    def whole(self) -> bool:
        """Whether anything is counted that no row tells."""
        return self.peak_of_wholes or self.selection.training

    @property
    def product(self) -> int:
        """How many variants there are."""
        return prod(len(axis.values) for axis in self.axes)

    @property
    def size(self) -> int:
        """How many variants are computed."""
        return self.product if self.sample is None else min(self.sample, self.product)

    def spec(self, settings: Iterable[Setting] = ()) -> Spec:
        """Return the network at some settings. Raises SpecError with what is wrong there."""
        return resolve(self.tree, (*self.behind, *settings), spellings)

    @property
    def inputs(self) -> Inputs:
        """The inputs that resolutions are of, which an axis may state."""
        return self.spec(_stated(self.axes)).inputs


def plan_sweep(
    model: str | Graph,
    axes: Iterable[Axis],
    selection: Selection,
    sample: int | None = None,
    seed: int = 0,
    what: str = "`sweep`",
    setup: Setup = INFERENCE,
    on: On | None = None,
) -> Plan:
    """Return the plan of a sweep over the product of *axes*; an axis that comes twice stands where it was last.

    Raises SpecError where the network cannot be read, or where no variant of an axis could; UsageError, for *what* is
    wanted of it, where it comes from no spec.
    """
    variants = Variants(model, what)
    tree = variants.tree
    named = {axis.name: axis for axis in axes}
    if len(named) > MAX_AXES:
        advice = "sweep in steps, the best of some axes first"
        raise usage_error(f"a sweep over {len(named):,} axes, more than {MAX_AXES}, the limit", help=advice)
    behind = tuple((name, value) for name, value in variants.behind if name not in named)
    spec = resolve(tree, behind, spellings)
    if (sizes := named.get("resolution")) and not _differ(named.values()):
        inputs = resolve(tree, (*behind, *_stated(named.values())), spellings).inputs
        shortest = [shortest_size(text, inputs) for text in sizes.values]
        named["resolution"] = sizes._replace(values=tuple(dict.fromkeys(shortest)))
    at = setup if on is None else held_at(on.profile.setup, on.batch)
    plan = Plan(spec.variant, tree, behind, (), (), selection, sample, seed, at, on)
    roles = _roles(tree, behind, tuple(named.values()), _OF_WHOLES if plan.whole else _OF_ROWS)
    ordered = tuple(sorted(named.values(), key=lambda axis: roles[axis.name]))
    plan = plan._replace(axes=ordered, roles=tuple(roles[axis.name] for axis in ordered))
    if plan.product > _MAX_VARIANTS:
        advice = "take larger steps, or fewer axes"
        raise usage_error(f"a sweep of {plan.product:,} variants", help=advice)
    return plan


def check_selection(selection: Selection) -> None:
    """Raise UsageError for a count that there is not."""
    named = [("`--pareto`", name.removeprefix("-")) for name in selection.pareto]
    sorted_by = [("`--sort`", selection.sort.removeprefix("-"))] if selection.sort else []
    for option, name in (*named, *sorted_by):
        if name not in selection.names:
            known = (*NAMES, *OF_NETWORK, *(TIMES if selection.timed else ()))
            raise usage_error(f"{option} names no count: `{name}`", help=suggest(name, known, "counts"))


def _roles(tree: Tree, behind: tuple[Setting, ...], axes: tuple[Axis, ...], forms: Collection[str]) -> dict[str, int]:
    """Return what each axis changes: the structure, channels or what else arrays hold of cells of some *forms*, or the
    size of the maps.

    Raises SpecError, of the first value, for an axis that names nothing or whose value cannot be read.
    """
    first = tuple((axis.name, axis.values[0]) for axis in axes)
    spec = resolve(tree, (*behind, *first), spellings)
    _check_apart(tree, [axis.name for axis in axes if axis.name not in (*BUILT_IN, NETWORK, *spec.knobs)])
    roles = {axis.name: _role(tree, behind, axis, spec, forms) for axis in axes}
    # What a resolution is depends on the input that it is one of.
    return roles | {"resolution": STRUCTURE} if "resolution" in roles and _differ(axes) else roles


def _stated(axes: Iterable[Axis]) -> tuple[Setting, ...]:
    """Return the inputs that axes state, each the first."""
    return tuple((axis.name, axis.values[0]) for axis in axes if axis.name.partition(".")[0] == "input")


def _differ(axes: Iterable[Axis]) -> bool:
    """Tell whether variants differ in their inputs by more than a resolution."""
    return any(len(axis.values) > 1 for axis in axes if axis.name.partition(".")[0] == "input")


def _check_apart(tree: Tree, places: Sequence[str]) -> None:
    """Raise UsageError for two axes of one place, which may be spelled in several ways: the first would say nothing."""
    if len(places) < 2:
        return
    marks = {place: f"${_MARK}{number}_" for number, place in enumerate(places)}
    try:
        marked = repr(assign(tree.root, [(Scalar(place), Scalar(mark)) for place, mark in marks.items()], spellings))
    except SpecError:  # of a place inside another
        return
    for place, mark in marks.items():
        if mark not in marked:
            raise usage_error(f"another axis sets `{place}` too", help="give all values of a place in one axis")


def _role(tree: Tree, behind: tuple[Setting, ...], axis: Axis, spec: Spec, forms: Collection[str]) -> int:
    if axis.name in BUILT_IN:
        if axis.name == "depth" or _readers(spec, axis.name) is None:
            return STRUCTURE
        return SPACE if axis.name == "resolution" else CHANNEL
    columns: list[Column] | None = None
    if axis.name in spec.knobs:
        columns = _readers(spec, axis.name) if spec.knobs[axis.name].type == "int" else None
    elif all(re.fullmatch("[0-9]{1,9}", value) for value in axis.values):
        # Whatever reads the cell finds a knob in it, which nothing else names.
        with suppress(SpecError):  # of what is no cell, as the divisor of a width
            marked = assign(tree.root, [(Scalar(axis.name), Scalar(f"${_MARK}"))], spellings)
            columns = _readers(resolve(tree._replace(root=marked), behind, spellings, Problems()), _MARK)
    is_array = columns and all(column.kind.form in forms for column in columns)
    return CHANNEL if is_array else STRUCTURE


_MARK = "_swept"


def _readers(spec: Spec, knob: str) -> list[Column] | None:
    """Return the columns of all cells that a knob stands in; None where not only whole numbers are made of it, or where
    it stands elsewhere too."""
    named = re.compile(rf"\${knob}\b")
    columns: list[Column] = []
    whole = True

    def observe(column: Column, node: Node) -> None:
        nonlocal whole
        if isinstance(node, Scalar):
            if named.search(node.text):
                columns.append(column)
                # A quotient or a fraction need not be whole for every value.
                whole = whole and not re.search("[/.]", node.text)
        elif column.kind.form not in HOLDS_LAYERS and named.search(repr(node)):
            whole = False

    cells = cells_of(spec)
    binder = Binder(cells, spec.file, False, observe, scope_of(spec.blocks, cells))
    try:
        binder.layers(spec.layers, "layers")
    except SpecError:
        return None
    elsewhere = any(node is not None and named.search(repr(node)) for node in (spec.freeze, *spec.blocks.values()))
    return columns if whole and not elsewhere else None

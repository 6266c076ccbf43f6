"""What a sweep is to compute: a network, its axes, the order of its variants, and what is kept of them."""

import re
from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from archprof.analysis.report import Cost
from archprof.errors import Problem, Problems, SpecError, UsageError, suggest
from archprof.graph.bind import Binder
from archprof.graph.block import spellings
from archprof.graph.columns import CHANNELS, EXPANDED, Cells, Column
from archprof.spec.axis import Axis
from archprof.spec.edits import assign
from archprof.spec.header import BUILT_IN
from archprof.spec.load import Tree, read_tree, resolve
from archprof.spec.nodes import Node, Scalar
from archprof.spec.types import Spec
from archprof.spec.variant import Setting, parse_reference

# In the order of enumeration: what shapes the structure varies slowest, the resolution fastest.
STRUCTURE, CHANNEL, SPACE = range(3)
_MAX_VARIANTS = 1 << 62


class Limit(NamedTuple):
    """A bound on a count: only variants with at most, or at least, so many are kept."""

    of: str
    value: int
    most: bool


class Wanted(NamedTuple):
    """What is kept of a sweep: the variants within *limits*, of those the Pareto front over *pareto* (`-macs`: the
    larger the better), and of those the first *top* by *sort*."""

    limits: tuple[Limit, ...] = ()
    pareto: tuple[str, ...] = ()
    sort: str = ""
    top: int | None = None


class Plan(NamedTuple):
    """One network's part of a sweep. Variants are numbered: the last axis varies fastest; with a *sample*, numbers are
    shuffled by the *seed*."""

    model: str
    tree: Tree
    behind: tuple[Setting, ...]
    axes: tuple[Axis, ...]
    roles: tuple[int, ...]
    wanted: Wanted = Wanted()
    sample: int | None = None
    seed: int = 0

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


def plan_sweep(model: str, axes: Iterable[Axis], wanted: Wanted, sample: int | None = None, seed: int = 0) -> Plan:
    """Return the plan of a sweep over the product of *axes*; an axis that comes twice stands where it was last.

    Raises SpecError where the network cannot be read, or where no variant of an axis could.
    """
    reference = parse_reference(model)
    tree = read_tree(reference.target, spellings)
    named = {axis.name: axis for axis in axes}
    behind = tuple((name, value) for name, value in reference.settings if name not in named)
    roles = _roles(tree, behind, tuple(named.values()))
    ordered = sorted(named.values(), key=lambda axis: roles[axis.name])
    name = resolve(tree, behind, spellings).variant
    plan = Plan(name, tree, behind, tuple(ordered), tuple(roles[axis.name] for axis in ordered), wanted, sample, seed)
    if plan.product > _MAX_VARIANTS:
        raise UsageError([Problem(f"a sweep of {plan.product:,} variants", help="take larger steps, or fewer axes")])
    return plan


def check_wanted(wanted: Wanted) -> None:
    """Raise UsageError for a count that there is not."""
    named = [("`--pareto`", name.removeprefix("-")) for name in wanted.pareto]
    for option, name in (*named, *([("`--sort`", wanted.sort.removeprefix("-"))] if wanted.sort else [])):
        if name not in Cost._fields:
            raise UsageError(
                [Problem(f"{option} names no count: `{name}`", help=suggest(name, Cost._fields, "counts"))]
            )


def _roles(tree: Tree, behind: tuple[Setting, ...], axes: tuple[Axis, ...]) -> dict[str, int]:
    """Return what each axis changes: the structure, channels, or the size of the maps.

    Raises SpecError, of the first value, for an axis that names nothing or whose value cannot be read.
    """
    first = tuple((axis.name, axis.values[0]) for axis in axes)
    spec = resolve(tree, (*behind, *first), spellings)
    return {axis.name: _role(tree, behind, axis, spec) for axis in axes}


def _role(tree: Tree, behind: tuple[Setting, ...], axis: Axis, spec: Spec) -> int:
    if axis.name in BUILT_IN:
        if axis.name == "depth" or _readers(spec, axis.name) is None:
            return STRUCTURE
        return SPACE if axis.name == "resolution" else CHANNEL
    if axis.name in spec.knobs:
        columns = _readers(spec, axis.name) if spec.knobs[axis.name].type == "int" else None
    elif all(re.fullmatch("[0-9]{1,9}", value) for value in axis.values):
        # Whatever reads the cell finds a knob in it, which nothing else names.
        marked = assign(tree.root, [(Scalar(axis.name), Scalar(f"${_MARK}"))], spellings)
        columns = _readers(resolve(tree._replace(root=marked), behind, spellings, Problems()), _MARK)
    else:
        columns = None
    return (
        CHANNEL
        if columns and all(column.kind.read in (CHANNELS.read, EXPANDED.read) for column in columns)
        else STRUCTURE
    )


_MARK = "_swept"


class _Reader(Binder):
    """A binder that notes which columns read a knob: *columns* is None once it cannot tell."""

    def __init__(self, spec: Spec, knob: str) -> None:
        super().__init__(Cells(spec.settings, spec.classes, spec.defaults), spec.file, False)
        self.columns: list[Column] | None = []
        self._knob = re.compile(rf"\${knob}\b")

    def _read(self, column: Column, node: Node, address: str) -> object:
        if isinstance(node, Scalar):
            self._note(column, node.text)
        elif (
            not isinstance(node, Scalar)
            and column.name not in ("layers", "body", "shortcut", "paths")
            and self._knob.search(repr(node))
        ):
            self.columns = None
        return super()._read(column, node, address)

    def _note(self, column: Column, text: str) -> None:
        if self._knob.search(text) and self.columns is not None:
            # A quotient or a fraction need not be whole for every value.
            self.columns = None if re.search("[/.]", text) else [*self.columns, column]


def _readers(spec: Spec, knob: str) -> list[Column] | None:
    """Return the columns of all cells that a knob stands in; None where not only whole numbers are made of it, or where
    it stands elsewhere too."""
    reader = _Reader(spec, knob)
    try:
        reader.layers(spec.layers, "layers")
    except SpecError:
        return None
    elsewhere = isinstance(spec.freeze, Scalar) and f"${knob}" in spec.freeze.text
    return None if elsewhere else reader.columns

"""Blocks: plain functions over a traced graph, each with the columns that its table may have. And the way from a name
to one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.errors import SpecError, placed, problem, suggest
from archprof.graph.columns import CHANNELS, EXPANDED, FLAG, INPUT, REPEATS, TEXT, Column
from archprof.graph.operators import BY_NAME
from archprof.graph.operators.base import Operator
from archprof.spec.nodes import Scalar, describe

if TYPE_CHECKING:
    from archprof.graph.trace import Feature, Tracer


class Block(NamedTuple):
    """A block: `apply(net, x, **cells)` takes a symbolic feature map and a row's values, applies operators, and returns
    a feature map.

    *columns* are what a row may state; the first takes the value of the short form (`dropout: 0.2`). A block that does
    not inherit takes from a spec's `defaults` only what stands there under its own name.
    """

    name: str
    apply: Callable[..., Feature]
    columns: tuple[Column, ...]
    doc: str
    joins: bool = False
    inherits: bool = True


N = Column("n", REPEATS, "repeats; the stride belongs to the first", ("repeats", "num_layers"))
COMMON = (
    N,
    Column("input", INPUT, "the printed input, checked", ("input_size",)),
    Column("id", TEXT, "a name for the row"),
    Column("deepen", FLAG, "`false`: `n` as printed at every depth"),
)
CHANNEL_OPTIONS = (
    Column("narrow", FLAG, "`false`: never narrower than printed"),
    Column("scale", FLAG, "`false`: as printed at every width"),
)

# Blocks by name; a module is imported when a spec names its block.
_MODULES: Mapping[str, str] = {
    "conv": "conv",
    "linear": "conv",
    "depthwise_separable": "depthwise_separable",
    "inverted_residual": "inverted_residual",
    "mix_block": "mix_block",
    "ghost_bottleneck": "ghost_bottleneck",
    "basic_block": "residual_block",
    "bottleneck": "residual_block",
    "fire": "fire",
    "inception": "inception",
    "inception_v3": "inception",
    "dense_layer": "dense_layer",
    "transition": "dense_layer",
    "shuffle_unit": "shuffle_unit",
    "x_block": "x_block",
    "convnext_block": "convnext_block",
    "replk_block": "replk_block",
    "fpn": "fpn",
    "squeeze_excite": "squeeze_excite",
    "sequence": "compose",
    "repeat": "compose",
    "residual": "compose",
    "branches": "compose",
}


def every_column(block: Block) -> tuple[Column, ...]:
    """Return a block's own columns and those that every block has."""
    return _columns(block.name)


@cache
def _columns(name: str) -> tuple[Column, ...]:
    block = find_block(name)
    if block is None:
        return ()
    own = {column.name for column in block.columns}
    common = () if block.joins else COMMON
    scaled = CHANNEL_OPTIONS if any(column.kind in (CHANNELS, EXPANDED) for column in block.columns) else ()
    return (*block.columns, *(column for column in (*common, *scaled) if column.name not in own))


@cache
def spellings(name: str) -> Mapping[str, str]:
    """Return every spelling of a block's columns → the column's name, the first column first; empty for an unknown
    block."""
    try:
        block = find_block(name)
    except SpecError:
        block = None
    columns = every_column(block) if block else ()
    found = {column.name: column.name for column in columns}
    for column in columns:
        for spelling in column.synonyms:
            found.setdefault(spelling, column.name)
    return found


def block_names() -> tuple[str, ...]:
    """Return the names of all blocks that ship with archprof, and of the operators that can stand as a layer."""
    operators = {op.name: None for op in BY_NAME.values() if op.as_layer}
    return (*_MODULES, *(name for name in operators if name not in _MODULES))


@cache
def find_block(name: str) -> Block | None:
    """Return the block of that name: one of ours, an operator used as a layer, or one from an installed package's entry
    points.

    Raises SpecError, without a place, when a package offers something that cannot be used.
    """
    if name in _MODULES:
        module = import_module(f"archprof.graph.blocks.{_MODULES[name]}")
        found: Block = getattr(module, name.upper())
        return found
    if name in BY_NAME:
        return operator_block(BY_NAME[name]) if BY_NAME[name].as_layer else None
    from archprof.graph import extensions

    installed = extensions.block(name)
    if installed is not None:
        return installed
    operator = extensions.operator(name)
    return operator_block(operator) if operator is not None else None


def block_at(marker: Scalar, where: str) -> Block:
    """Return the block that a layer names. Raises SpecError, at the name, when there is none or it cannot be used."""
    try:
        block = find_block(marker.text)
    except SpecError as error:
        raise placed(error, where, location=marker.location) from None
    if block is None:
        from archprof.graph import extensions

        advice = suggest(marker.text, (*block_names(), *extensions.names()), "blocks")
        raise problem(f"unknown block {describe(marker)}", marker.location, where=where, help=advice)
    return block


def operator_block(operator: type[Operator]) -> Block:
    """Return an operator as a block of a single layer."""

    def apply(net: Tracer, *inputs: Feature, **options: Any) -> Feature:
        return net.apply("", operator.of(*(x.shape for x in inputs), **options), *inputs)

    return Block(
        operator.name, apply, operator.columns, (operator.__doc__ or "").strip(), operator.joins, inherits=False
    )

"""From a name in a spec to a block or an operator: ours, or those that installed packages offer by entry points.

The entry points are read only for names that we do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archprof.errors import SpecError, described, did_you_mean, placed, problem
from archprof.ir import operators
from archprof.ir.columns import Column
from archprof.ir.foreign import BLOCK_GROUP, MEND, OPERATOR_GROUP, Raised
from archprof.ir.operators.base import Operator
from archprof.language.block import Block, all_columns, operator_block
from archprof.language.not_yet import is_not_yet
from archprof.spec.nodes import Scalar, describe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

# Blocks by name; a module is imported when a spec names its block.
_BLOCKS: Mapping[str, str] = {
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
    "attention": "attention",
    "windows": "windows",
    "eca": "eca",
    "skip": "skip",
    "pick": "pick",
    "sequence": "compose",
    "repeat": "compose",
    "residual": "compose",
    "branches": "compose",
    "each": "compose",
}

# So many names are read by one who looks for the right one.
_NEAREST = 5


def block_names() -> tuple[str, ...]:
    """Return the names of all blocks that ship with archprof, and of the operators that can stand as a layer."""
    layers = {op.name: None for op in operators.all_operators() if op.as_layer}
    return (*_BLOCKS, *(name for name in layers if name not in _BLOCKS))


@cache
def find_block(name: str) -> Block | None:
    """Return the block of that name: one of ours, an operator used as a layer, or one from an installed package.

    Raises SpecError, without a place, when a package offers something that cannot be used.
    """
    if name in _BLOCKS:
        module = import_module(f"archprof.language.blocks.{_BLOCKS[name]}")
        found: Block = getattr(module, name.upper())
        return found
    operator = operators.find_operator(name)
    if operator is None:
        installed = installed_block(name)
        if installed is not None:
            return installed
        operator = installed_operator(name)
    return operator_block(operator) if operator is not None and operator.as_layer else None


def block_at(marker: Scalar, where: str, own: tuple[str, ...] = ()) -> Block:
    """Return the block that a layer names; *own* are the names of those that the spec defines itself. Raises SpecError,
    at the name, when there is none or it cannot be used."""
    try:
        block = find_block(marker.text)
    except SpecError as error:
        raise placed(error, where, location=marker.location) from None
    if block is None:
        raise _unknown(marker, where, own)
    return block


def _unknown(marker: Scalar, where: str, own: tuple[str, ...]) -> SpecError:
    names, typed = (*own, *block_names(), *installed_names()), marker.text[:100]
    if is_not_yet(typed, "block"):
        return problem(
            f"there is no block {describe(marker)} yet", marker.location, where=where, help=_nearest(typed, names)
        )
    advice = did_you_mean(typed, names) or _nearest(typed, names)
    return problem(f"unknown block {describe(marker)}", marker.location, where=where, help=advice)


def _nearest(typed: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    nearest = get_close_matches(typed.lower(), names, n=_NEAREST, cutoff=0)
    return f"the nearest of {len(names)} blocks: {', '.join(nearest)}"


@cache
def columns_of(name: str) -> Mapping[str, Column]:
    """Return a block's own columns and those that every block has, by name."""
    block = find_block(name)
    return {column.name: column for column in all_columns(block)} if block else {}


@cache
def required_columns(name: str) -> tuple[Column, ...]:
    """Return the columns that a row of a block cannot do without."""
    return tuple(column for column in columns_of(name).values() if column.required)


def find_operator(name: str, category: str) -> type[Operator] | None:
    """Return the operator of that name if it is of the *category* ("norm" or "act"); raises SpecError as `find_block`
    does."""
    operator = operators.find_operator(name) or installed_operator(name)
    return operator if operator is not None and operator.category == category else None


def operators_of(category: str) -> tuple[str, ...]:
    """Return the names of the operators of a category."""
    return tuple(dict.fromkeys(op.name for op in operators.all_operators() if op.category == category))


# What installed packages offer


def installed_names() -> tuple[str, ...]:
    """Return the names of all blocks and operators that installed packages offer."""
    return tuple(sorted({entry.name for group in (BLOCK_GROUP, OPERATOR_GROUP) for entry in _offers(group)}))


def installed_block(name: str) -> Block | None:
    """Return the block that an installed package offers under *name*, if one does.

    Raises SpecError, without a place, when it cannot be imported, is no whole Block, or has another name.
    """
    found, origin = _load(BLOCK_GROUP, name)
    if found is None:
        return None
    if not isinstance(found, Block):
        raise problem(
            f"{origin} is no block", help="an entry point in `archprof.blocks` names an `archprof.language.block.Block`"
        )
    if found.name != name:
        raise problem(f"{origin} is a block named `{found.name}`", help="the entry point and the block need one name")
    if not callable(found.apply) or not _are_columns(found.columns):
        advice = "its `apply` is a function, its `columns` a tuple of `archprof.ir.columns.Column`"
        raise problem(f"{origin} is no whole block", help=advice)
    return found


def installed_operator(name: str) -> type[Operator] | None:
    """Return the operator that an installed package offers under *name*, if one does.

    Raises SpecError, without a place, when it cannot be imported, is no whole Operator, or has another name.
    """
    found, origin = _load(OPERATOR_GROUP, name)
    if found is None:
        return None
    if not (isinstance(found, type) and issubclass(found, Operator)):
        advice = "an entry point in `archprof.operators` names a subclass of `archprof.ir.operators.base.Operator`"
        raise problem(f"{origin} is no operator", help=advice)
    if found.name != name:
        advice = "the entry point and the operator need one name"
        raise problem(f"{origin} is an operator named `{found.name}`", help=advice)
    if not _are_columns(found.columns):
        advice = "its `columns` are a tuple of `archprof.ir.columns.Column`"
        raise problem(f"{origin} is no whole operator", help=advice)
    return found


def _are_columns(columns: object) -> bool:
    return isinstance(columns, tuple) and all(isinstance(column, Column) for column in columns)


@cache
def _offers(group: str) -> EntryPoints:
    """Return the entry points of a group; finding them reads the metadata of every installed package."""
    from importlib.metadata import entry_points

    return entry_points(group=group)


def _load(group: str, name: str) -> tuple[Any, str]:
    """Return what an entry point leads to, and what to call it in messages."""
    offers = list(_offers(group).select(name=name))
    if not offers:
        return None, ""
    if len(offers) > 1:
        packages = " and ".join(sorted(_package(entry) for entry in offers))
        raise problem(f"`{name}` is offered by several packages: {packages}", help="uninstall all but one")
    entry = offers[0]
    origin = f"`{name}` of the package {_package(entry)} (`{entry.value}`)"
    try:
        return entry.load(), origin
    except Raised as error:  # whatever a foreign module raises while it is imported
        raise problem(f"{origin} cannot be imported: {described(error)}", help=MEND) from error


def _package(entry: EntryPoint) -> str:
    return f"`{entry.dist.name}`" if entry.dist else "of unknown name"

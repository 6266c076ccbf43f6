"""Blocks and operators from installed packages, by their entry points, which are read only for names that we do not
know."""

from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

from archprof.errors import problem
from archprof.graph.block import Block
from archprof.graph.operators.base import Operator

BLOCKS = "archprof.blocks"
OPERATORS = "archprof.operators"


def names() -> tuple[str, ...]:
    """Return the names of all blocks and operators that installed packages offer."""
    return tuple(sorted({entry.name for group in (BLOCKS, OPERATORS) for entry in _offers(group)}))


def block(name: str) -> Block | None:
    """Return the block that an installed package offers under *name*, if one does.

    Raises SpecError, without a place, when it cannot be imported, is no Block, or has another name.
    """
    found, origin = _load(BLOCKS, name)
    if found is None:
        return None
    if not isinstance(found, Block):
        raise problem(
            f"{origin} is no block", help="an entry point in `archprof.blocks` names an `archprof.graph.block.Block`"
        )
    if found.name != name:
        raise problem(f"{origin} is a block named `{found.name}`", help="the entry point and the block need one name")
    return found


def operator(name: str) -> type[Operator] | None:
    """Return the operator that an installed package offers under *name*, if one does.

    Raises SpecError, without a place, when it cannot be imported, is no Operator, or has another name.
    """
    found, origin = _load(OPERATORS, name)
    if found is None:
        return None
    if not (isinstance(found, type) and issubclass(found, Operator)):
        raise problem(
            f"{origin} is no operator",
            help="an entry point in `archprof.operators` names a subclass of `archprof.graph.operators.base.Operator`",
        )
    if found.name != name:
        raise problem(
            f"{origin} is an operator named `{found.name}`", help="the entry point and the operator need one name"
        )
    return found


@cache
def _offers(group: str) -> EntryPoints:
    """Return the entry points of a group; finding them reads the metadata of every installed package."""
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
    except Exception as error:  # whatever a foreign module raises while it is imported
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise problem(f"{origin} cannot be imported: {reason}", help="mend or uninstall the package") from None


def _package(entry: EntryPoint) -> str:
    return f"`{entry.dist.name}`" if entry.dist else "of unknown name"

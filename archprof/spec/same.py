"""Whether two ways of putting settings mean the same network: told by what they resolve to, not by how they are
typed."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from archprof.spec.layers import Spellings
from archprof.spec.load import resolve
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.types import Spec
from archprof.spec.variant import Setting


class _AtSettings(Protocol):
    @property
    def at(self) -> tuple[Setting, ...]: ...


_Entry = TypeVar("_Entry", bound=_AtSettings)


def standing_at(spec: Spec, entries: Iterable[_Entry], spellings: Spellings) -> list[_Entry]:
    """Return the entries (of `expect`, `published`, `budget`) that speak of the settings at which a spec stands.

    Raises SpecError for an entry whose settings cannot be.
    """
    return [entry for entry in entries if is_at(spec, entry.at, spellings)]


def is_at(spec: Spec, settings: tuple[Setting, ...], spellings: Spellings) -> bool:
    """Tell whether a spec stands at some settings, in whatever words those were put. Raises SpecError for settings that
    cannot be."""
    if dict(settings) == dict(spec.asked):
        return True
    assert spec.tree is not None
    return same_network(resolve(spec.tree, settings, spellings), spec)


def same_network(one: Spec, other: Spec) -> bool:
    """Tell whether two variants of one spec are the same network."""
    return _meaning(one) == _meaning(other)


def _meaning(spec: Spec) -> tuple[Any, ...]:
    """Return what a network is made from, without where it was typed; a resolution is in the input."""
    settings = {**spec.settings, "resolution": None}
    cells = {name: _texts(node) for name, (_, node) in spec.defaults.items()}
    inits = {name: _texts(node) for name, node in spec.init.items()}
    nodes = tuple(None if node is None else _texts(node) for node in (spec.layers, spec.outputs, spec.freeze))
    return (settings, spec.input, spec.classes, spec.width, spec.depth, cells, inits, nodes)


def _texts(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return tuple(map(_texts, node.items))
    assert isinstance(node, Map)
    return tuple((key, _texts(value)) for key, value in node.pairs())

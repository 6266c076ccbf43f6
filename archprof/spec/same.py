"""Whether two ways of putting settings mean the same network: told by what they resolve to, not by how they are
typed."""

import re
from collections.abc import Hashable, Iterable
from typing import Protocol, TypeVar

from archprof.ir.operators import plain_name
from archprof.spec.kept import kept
from archprof.spec.layers import Spellings, full_form
from archprof.spec.load import resolve
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.types import Spec, Tree
from archprof.spec.values import FALSE, TRUE
from archprof.spec.variant import Setting

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z", re.ASCII)


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
    """Tell whether a spec stands at some settings, in whatever words those were put; none are its own. Raises SpecError
    for settings that cannot be."""
    if dict(settings) == dict(spec.asked):
        return True
    assert spec.tree is not None
    return are_same(_resolved(spec.tree, settings, spellings), spec, spellings)


# Each network of a spec is held against all settings for which it lists numbers.
@kept(64)
def _resolved(tree: Tree, settings: tuple[Setting, ...], spellings: Spellings) -> Spec:
    return resolve(tree, settings, spellings)


def are_same(one: Spec, other: Spec, spellings: Spellings) -> bool:
    """Tell whether two variants of one spec are the same network."""
    if _chosen(one) != _chosen(other):
        return False
    # Where no settings are addresses, the nodes are those of the spec's file, and need no comparing.
    edited = any(mine is not theirs for mine, theirs in zip(_made_from(one), _made_from(other), strict=True))
    return not edited or identity(one, spellings) == identity(other, spellings)


def identity(spec: Spec, spellings: Spellings) -> Hashable:
    """Return what is equal where two variants of one spec are the same network: all that it is made from, without where
    and in which words that was typed."""
    assert spec.tree is not None
    layers = full_form(Map({"layers": (Scalar("layers"), spec.layers)}), spellings.within(spec.tree.root))
    cells = frozenset((name, _meaning(node)) for name, (_, node) in spec.defaults.items())
    inits = frozenset((name, _meaning(node)) for name, node in spec.init.items())
    nodes = tuple(
        None if node is None else _meaning(node)
        for node in (layers, spec.tree.root.get("blocks"), spec.outputs, spec.freeze)
    )
    return (*_chosen(spec), cells, inits, nodes)


def _chosen(spec: Spec) -> tuple[Hashable, ...]:
    """Return what settings of knobs choose, as values; a resolution is in the input."""
    settings = {**spec.settings, "resolution": None}
    return (*settings.items(), tuple(spec.inputs.items()), spec.classes, spec.width, spec.depth)


def _made_from(spec: Spec) -> tuple[object, ...]:
    """Return the nodes that the network is made from, as they were typed."""
    return (spec.layers, spec.defaults, spec.init, spec.outputs, spec.freeze)


def _meaning(node: Node) -> Hashable:
    if isinstance(node, Scalar):
        return _value(node.text)
    if isinstance(node, Seq):
        return tuple(map(_meaning, node.items))
    return frozenset((plain_name(key), _meaning(value)) for key, value in node.pairs())


def _value(text: str) -> Hashable:
    """Return the value of a number, of a square's side too: `03`, `3.0` and `3x3` are 3; that of a flag; the name of a
    norm or an activation. Other text stays."""
    if text in TRUE or text in FALSE:
        return text in TRUE
    height, _, width = text.partition("x")
    side = height if height == width else text
    return float(side) if _NUMBER.match(side) else plain_name(text)

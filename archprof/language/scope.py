"""Which blocks the layers of a spec can name: its own, then all that there are."""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import Any

from archprof.errors import Location
from archprof.ir.columns import Column, EachSide
from archprof.language import registry
from archprof.language.block import Block, all_columns, column_spellings
from archprof.language.bound import BoundLayer, Layers
from archprof.language.cells import Cells
from archprof.language.own_block import own_block
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec.kept import kept
from archprof.spec.layers import ColumnNames, full_form, layers_below
from archprof.spec.nodes import Map, Node, Scalar, Seq, words
from archprof.spec.own_blocks import OwnBlock, names_in

# What reads the layers of a body, at an address, with what their cells may refer to, in a scope.
ReadBody = Callable[[Seq, str, Cells, "Scope"], Layers]


class Plain(NamedTuple):
    """What names nothing is the same at every row: cells by their kind and text; by block, defaults and where they
    stand."""

    cells: dict[int, dict[str, Any]]
    defaults: dict[str, dict[str, Any]]
    places: dict[str, dict[str, tuple[Location, str]]]


class LayerOfBody(NamedTuple):
    """A layer in the body of a block, and the ids in it, for all rows at which its cells ask for the same."""

    layer: BoundLayer
    ids: Mapping[str, Location]
    cells: Cells


class Shared:
    """What scopes of the same blocks at other knobs have together: blocks whose bodies, and all blocks in them, ask for
    none of the knobs that differ, and likewise layers of bodies."""

    def __init__(self) -> None:
        self.blocks: dict[tuple[Any, ...], Block] = {}
        self.layers: dict[tuple[Any, ...], LayerOfBody] = {}
        # The names that layers of bodies ask for, by their nodes: in their cells, and by the blocks in them.
        self.asked: dict[int, tuple[Node, tuple[str, ...], tuple[str, ...]]] = {}


class Scope:
    """The blocks that layers can name; so many blocks of the spec are around them. The bodies of its own are *read*
    when a row has them applied. Some are *shared* with scopes of other knobs."""

    def __init__(
        self,
        own: Mapping[str, OwnBlock] | None = None,
        cells: Cells | None = None,
        read: ReadBody | None = None,
        depth: int = 0,
        shared: Shared | None = None,
    ) -> None:
        self.depth = depth
        self._definitions, self._cells, self._read, self._shared = own or {}, cells, read, shared
        self._own = {name: self._block(block) for name, block in self._definitions.items()}
        self._columns: dict[str, dict[str, Column]] = {}
        self._spellings: dict[str, ColumnNames] = {}
        # Bodies by what they ask for, beside what keeps the names of arrays theirs.
        self._bodies: dict[tuple[Any, ...], tuple[Cells, Layers]] = {}
        self.layers = shared.layers if shared else Shared().layers  # likewise
        self.written: dict[int, Any] = {}  # what layers of bodies say, by their nodes; of whoever reads them
        self._asked = shared.asked if shared else Shared().asked
        self._plain = Plain({}, {}, {})

    @cached_property
    def inside(self) -> "Scope":
        """The scope of the bodies of its blocks."""
        return Scope(self._definitions, self._cells, self._read, self.depth + 1, self._shared)

    def _block(self, definition: OwnBlock) -> Block:
        """Return one of the spec's blocks: that of another scope, where all that it asks for is the same there."""
        if self._shared is None:
            return own_block(definition, self, self._cells)
        asked = (definition.name, self.depth, *self._knobs(self._asked_by_blocks([definition.name])))
        if asked not in self._shared.blocks:
            self._shared.blocks[asked] = own_block(definition, self, self._cells)
        return self._shared.blocks[asked]

    def _asked_by_blocks(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what the spec's own blocks among *names* ask for, and all blocks in them."""
        inside = _asked_within(self._definitions)
        return tuple(sorted(self._asked_by_defaults.union(*[inside[name] for name in names if name in inside])))

    def _knobs(self, names: Iterable[str]) -> list[tuple[type, object]]:
        """Return what tells some names from the same ones at other knobs."""
        known = self._cells.names if self._cells else {}
        return [_key(known.get(name)) for name in names]

    def of_spec(self) -> "Scope":
        """Return the scope of one spec's layers among those with these blocks: which defaults they use is its own."""
        own = copy(self)
        own._plain = Plain(self._plain.cells, {}, {})
        return own

    @property
    def plain(self) -> Plain:
        """What is the same wherever these blocks are named: of defaults that name columns, nothing."""
        return self._plain if self._are_plain else Plain(self._plain.cells, {}, {})

    @cached_property
    def _are_plain(self) -> bool:
        return not self._asked_by_defaults

    @cached_property
    def _asked_by_defaults(self) -> frozenset[str]:
        defaults = self._cells.defaults.values() if self._cells else ()
        return frozenset().union(*[names_in(node) for _, node in defaults])

    @cached_property
    def _asked_by_repeats(self) -> frozenset[str]:
        """The names by which blocks say how often their rows repeat."""
        own = [block for block in self._definitions.values() if block.repeats is not None]
        return frozenset().union(*map(_asked_by, own))

    def body(self, block: OwnBlock, cells: Cells) -> Layers:
        """Return the layers of one of its blocks at a row. Raises SpecError with every cell that cannot be read."""
        assert self._read is not None
        asked = (block.name, *[_key(cells.names.get(name)) for name in block.asked])
        if asked not in self._bodies:
            layers = self._read(block.layers, f"blocks.{block.name}.layers", cells, self.inside)
            self._bodies[asked] = cells, layers
        return self._bodies[asked][1]

    def asked(self, node: Node, address: str, cells: Cells) -> tuple[Any, ...]:
        """Return what tells a layer in the body of one of its blocks from that layer at other rows."""
        if id(node) not in self._asked:
            names = tuple(names_in(node) | self._asked_by_defaults | self._asked_by_repeats)
            self._asked[id(node)] = node, names, self._asked_by_blocks(words(node)) if self._shared else ()
        _, names, inside = self._asked[id(node)]
        told = (address, id(node), *[_key(cells.names.get(name)) for name in names])
        return (*told, self.depth, *self._knobs(inside)) if self._shared else told

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all blocks that ship with archprof, and of the spec's own."""
        return (*self._own, *registry.block_names())

    def block_at(self, marker: Scalar, where: str) -> Block:
        """Return the block that a layer names. Raises SpecError, at the name, when there is none or it cannot be
        used."""
        return self._own.get(marker.text) or registry.block_at(marker, where, tuple(self._own))

    def used_inside(self, names: Iterable[str]) -> list[Block]:
        """Return the blocks that the spec's own among *names* are made of, as far as there are such."""
        found: dict[str, Block] = {}
        left = [name for name in names if name in self._definitions]
        while left:
            for name in _made_of(self._definitions)[left.pop()]:
                if name not in found and (block := self._own.get(name) or registry.find_block(name)):
                    found[name] = block
                    left += [name] if name in self._own else []
        return list(found.values())

    def columns_of(self, name: str) -> Mapping[str, Column]:
        """Return a block's own columns and those that every block has, by name."""
        block = self._own.get(name)
        if block is None:
            return registry.columns_of(name)
        if name not in self._columns:
            self._columns[name] = {column.name: column for column in all_columns(block)}
        return self._columns[name]

    def required_columns(self, name: str) -> tuple[Column, ...]:
        """Return the columns that a row of a block cannot do without."""
        if name not in self._own:
            return registry.required_columns(name)
        return tuple(column for column in self.columns_of(name).values() if column.required)

    def spellings(self, name: str) -> ColumnNames:
        """Return every spelling of a block's columns → the column's name."""
        return self(name)

    def within(self, root: Map) -> "Scope":
        """Return itself: it has the spec's own blocks."""
        return self

    def __call__(self, name: str) -> ColumnNames:
        """Return every spelling of a block's columns → the column's name."""
        block = self._own.get(name)
        if block is None:
            return spellings(name)
        if name not in self._spellings:
            self._spellings[name] = column_spellings(block)
        return self._spellings[name]


def names_asked(blocks: Mapping[str, OwnBlock], cells: Cells) -> frozenset[str]:
    """Return the names that the bodies of blocks, the defaults of their columns and those of the spec ask for."""
    return frozenset().union(*map(_asked_by, blocks.values()), *[names_in(node) for _, node in cells.defaults.values()])


@kept(64)
def _made_of(definitions: Mapping[str, OwnBlock]) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the blocks in the bodies of those that a spec defines, by their names."""
    scope = Scope(definitions)
    found: dict[str, tuple[str, ...]] = {}
    for name, block in definitions.items():
        body = full_form(Map({"layers": (Scalar("layers"), block.layers)}), scope)
        layers = layers_below(body.get("layers"), (), scope)
        found[name] = tuple(dict.fromkeys(layer.block.text for _, layer in layers))
    return found


@kept(64)
def _asked_within(definitions: Mapping[str, OwnBlock]) -> Mapping[str, frozenset[str]]:
    """Return the names that the blocks of a spec ask for, and all blocks in their bodies, by their names."""
    found: dict[str, frozenset[str]] = {}
    for name in definitions:
        inside, waiting = {name}, [name]
        while waiting:
            more = [one for one in _made_of(definitions)[waiting.pop()] if one in definitions and one not in inside]
            inside.update(more)
            waiting += more
        found[name] = frozenset().union(*[_asked_by(definitions[one]) for one in inside])
    return found


@kept(512)
def _asked_by(block: OwnBlock) -> frozenset[str]:
    """Return the names that the body of a block and the defaults of its columns ask for."""
    said = [*[column.default for column in block.columns], block.repeats]
    return block.asked.union(*[names_in(node) for node in said if node is not None])


def _key(value: object) -> tuple[type, object]:
    """Return what tells a value from others: itself, or which object it is."""
    plain = isinstance(value, int | float | str | None) or type(value) in (tuple, EachSide)
    return type(value), value if plain else id(value)

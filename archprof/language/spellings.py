"""What the columns of blocks may be called, by a block's name: every spelling → the column's name, the first column
first; empty for an unknown block. Those of a spec's own blocks are known before anything else of it is read."""

from archprof.errors import SpecError
from archprof.language.block import Block, column_spellings
from archprof.language.own_block import own_block
from archprof.language.registry import find_block
from archprof.spec.kept import kept
from archprof.spec.layers import ColumnNames, Spellings
from archprof.spec.nodes import Map, Node
from archprof.spec.own_blocks import read_blocks


class KnownSpellings:
    """The spellings of the columns of all blocks that there are."""

    def __init__(self) -> None:
        self._known: dict[str, ColumnNames] = {}
        self._within = kept(64)(self._with_blocks)

    def __call__(self, name: str) -> ColumnNames:
        """Return the spellings of a block's columns."""
        if name not in self._known:
            block = _usable(name)
            self._known[name] = column_spellings(block) if block else ColumnNames()
        return self._known[name]

    def within(self, root: Map) -> Spellings:
        """Return those of the blocks that a spec defines too, as far as they can be read."""
        node = root.get("blocks")
        return self if node is None else self._within(node)

    def _with_blocks(self, node: Node) -> "OwnSpellings":
        return OwnSpellings(node, self)


def _usable(name: str) -> Block | None:
    try:
        return find_block(name)
    except SpecError:  # whoever reads the layer says why
        return None


class OwnSpellings:
    """The spellings of the columns of a spec's own blocks, and of all others; a block that cannot be read has none."""

    def __init__(self, node: Node, others: Spellings) -> None:
        self._others = others
        self._own: dict[str, ColumnNames] = {}
        for name, (marker, block) in node.entries.items() if isinstance(node, Map) else ():
            try:
                [found] = read_blocks(Map({name: (marker, block)})).values()
            except SpecError:
                continue
            self._own[name] = column_spellings(own_block(found))

    def __call__(self, name: str) -> ColumnNames:
        """Return the spellings of a block's columns."""
        return self._own[name] if name in self._own else self._others(name)

    def within(self, root: Map) -> Spellings:
        """Return itself: what defines blocks has been seen."""
        return self


spellings = KnownSpellings()

"""What the columns of a spec's own blocks may be called, before anything of the spec is read."""

from archprof.errors import SpecError
from archprof.language.block import column_spellings
from archprof.language.own_block import own_block
from archprof.spec.layers import ColumnNames, Spellings
from archprof.spec.nodes import Map
from archprof.spec.own_blocks import read_blocks


class OwnSpellings:
    """The spellings of the columns of a spec's own blocks, and of all others; a block that cannot be read has none."""

    def __init__(self, root: Map, others: Spellings) -> None:
        self._others = others
        self._own: dict[str, ColumnNames] = {}
        node = root.get("blocks")
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

"""The knobs of a space that rows compute with: which say how often rows repeat, which what they are, and which both."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from archprof.language.cells import cells_of
from archprof.language.scope import names_asked
from archprof.named_tuple import NamedTuple
from archprof.spec.layers import block_of, column_names, written_layer
from archprof.spec.nodes import Map, Node, Seq, words
from archprof.spec.own_blocks import OwnBlock, asked_columns, names_in
from archprof.spec.types import OpenSpace, Spec

# The column that says how often a row repeats, and the block that has a cell of its own for that.
_REPEATS, _REPEAT = "n", "repeat"
# So many ways to say repeats alone, and widths alone, are looked at side by side.
_MOST_DEEP, _MOST_WIDE = 1 << 14, 1 << 10


class Groups(NamedTuple):
    """Knobs by their numbers: those that no array stands for, those that say repeats and widths, those that say
    repeats alone, and those that say widths alone, or nothing."""

    plain: tuple[int, ...]
    both: tuple[int, ...]
    deep: tuple[int, ...]
    wide: tuple[int, ...]


def groups_of(spec: Spec, space: OpenSpace) -> Groups:
    """Return the knobs that a space draws in groups."""
    draws = space.choices.knobs
    layers = space.root.get("layers")
    assert isinstance(layers, Seq)
    asked = _Asked(spec.blocks)
    for node in layers.items:
        asked.layer(node)
    asked.widths |= names_asked({}, cells_of(spec))
    plain: list[int] = []
    both: list[int] = []
    deep: list[int] = []
    wide: list[int] = []
    for number, draw in enumerate(draws):
        if spec.knobs[draw.place].type not in ("int", "float") or draw.place in asked.inside:
            plain.append(number)
        elif draw.place not in asked.repeats:
            wide.append(number)
        else:
            (both if draw.place in asked.widths else deep).append(number)
    options = [len(draw.options) for draw in draws]
    _shorten(deep, both, options, _MOST_DEEP)
    _shorten(wide, both, options, _MOST_WIDE)
    return Groups(tuple(plain), tuple(sorted(both)), tuple(deep), tuple(wide))


def _shorten(group: list[int], both: list[int], options: Sequence[int], most: int) -> None:
    """Move knobs of a group to those that say both until there are at most so many ways to draw what is left."""
    while prod(options[number] for number in group) > most:
        both.append(group.pop(0))


class _Asked:
    """The names that layers ask for: to say how often rows *repeat*, for what rows are (*widths*), and where rows
    *inside* of these repeat as often as something says."""

    def __init__(self, blocks: Mapping[str, OwnBlock]) -> None:
        self._blocks = blocks
        self.repeats: set[str] = set()
        self.widths: set[str] = set()
        self.inside: set[str] = set()

    def layer(self, node: Node) -> None:
        """Add those of a layer of the network."""
        cells, repeats = _cells_of(node)
        own = frozenset().union(*map(names_in, cells))
        bodies = list(self._bodies(node))
        names = own.union(*[_all_asked(block, block.asked) for block in bodies])
        self.widths |= names
        self.repeats |= frozenset().union(*map(names_in, repeats))
        if bodies and bodies[0].name == block_of(node) and bodies[0].repeats is not None:
            self.repeats |= _all_asked(bodies[0], names_in(bodies[0].repeats))
            bodies[0] = bodies[0]._replace(repeats=None)
        if any(map(_repeats_inside, cells)) or any(one.repeats or _repeats_inside(one.layers) for one in bodies):
            self.inside |= names.union(*[names_in(one.repeats) for one in bodies if one.repeats is not None])

    def _bodies(self, node: Node) -> Iterator[OwnBlock]:
        """Yield the spec's own blocks that are in a layer, the layer's own first."""
        seen: set[str] = set()
        waiting = [*words(node)]
        while waiting:
            block = self._blocks.get(waiting.pop(0))
            if block is not None and block.name not in seen:
                seen.add(block.name)
                waiting += words(block.layers)
                yield block


def _all_asked(block: OwnBlock, names: frozenset[str]) -> frozenset[str]:
    """Return names, and those that columns of a block among them ask for by default."""
    defaults = [column.default for column in asked_columns(block, names) if column.default is not None]
    return names.union(*map(names_in, defaults))


def _cells_of(node: Node) -> tuple[list[Node], list[Node]]:
    """Return what stands in a layer: all but the cells that say how often its rows repeat, and these."""
    layer = written_layer(node)
    arguments = layer.arguments if layer else None
    if layer is None or not isinstance(arguments, Map) or not isinstance(node, Map) or layer.block.text == _REPEAT:
        return [node], []
    cells = [value for _, value in node.pairs() if value is not arguments]
    repeats: list[Node] = []
    columns, rows = column_names(arguments.get("columns")), arguments.get("rows")
    named = [(key, value) for key, value in arguments.pairs() if key not in ("columns", "rows")]
    for row in rows.items if isinstance(rows, Seq) else ():
        named += zip(columns, row.items, strict=False) if isinstance(row, Seq) else ()
    for name, cell in named:
        (repeats if name == _REPEATS else cells).append(cell)
    return cells, repeats


def _repeats_inside(node: Node) -> bool:
    """Tell whether rows of layers somewhere in *node* repeat as often as a name says."""
    if isinstance(node, Seq):
        return any(map(_repeats_inside, node.items))
    if not isinstance(node, Map):
        return False
    columns, rows = column_names(node.get("columns")), node.get("rows")
    in_table = _REPEATS in columns and rows is not None and bool(names_in(rows))
    return in_table or any((key == _REPEATS and names_in(cell)) or _repeats_inside(cell) for key, cell in node.pairs())

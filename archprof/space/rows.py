"""The layers of a space, written and bound: whole ones, and single rows of those that leave something open."""

from collections.abc import Callable
from typing import Any

from archprof.errors import SpecError
from archprof.language.bind import Binder, scope_of
from archprof.language.bound import BoundLayer
from archprof.language.cells import Cells, cells_of
from archprof.language.scope import Scope, Shared, names_asked
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.space.frozen import Frozen
from archprof.spec.choices import RowPick, option_text
from archprof.spec.chosen import OpenLayer, unwritten
from archprof.spec.header import read_knob
from archprof.spec.nodes import Node, Scalar, Seq, words
from archprof.spec.own_blocks import names_in
from archprof.spec.types import OpenSpace, Spec

Digits = tuple[int, ...]


class LayerPart(NamedTuple):
    """A *layer* by its number, or the part of it that is *asked* for, where some knobs are drawn."""

    layer: int
    knobs: tuple[tuple[str, int], ...]
    asked: tuple[Any, ...] = ()


class Rows:
    """The layers of one space, by their numbers."""

    def __init__(self, spec: Spec, space: OpenSpace) -> None:
        self._spec, self._space = spec, space
        self._cells = cells_of(spec)
        layers = space.root.get("layers")
        assert isinstance(layers, Seq)
        self.layers = layers.items
        self._spellings = spellings.within(space.root)
        self._open = {
            index: OpenLayer(self.layers[index], draws, self._spellings, space.root.get("defaults"))
            for index, draws in space.choices.layers.items()
        }
        self._knobs = frozenset(draw.place for draw in space.choices.knobs)
        self.frozen = Frozen(spec, space)
        self._everywhere = (names_asked({}, self._cells) & self._knobs) | self.frozen.knobs
        self._bound: dict[LayerPart, BoundLayer] = {}
        self._shared = Shared()
        self._scopes: dict[tuple[tuple[str, int], ...], Scope] = {}
        self._uses: dict[int, frozenset[str]] = {}

    def uses(self, index: int) -> frozenset[str]:
        """Return the knobs that a layer asks for, be it in the blocks that it names."""
        if index not in self._uses:
            self._uses[index] = self.used_in(self.layers[index])
        return self._uses[index]

    def used_in(self, node: Node) -> frozenset[str]:
        """Return the knobs that *node*, a layer, asks for, be it in the blocks that it names."""
        names = {*names_in(node), *self._everywhere}
        named = [*words(node)]
        seen: set[str] = set()
        while named:
            block = self._spec.blocks.get(named.pop())
            if block is not None and block.name not in seen:
                seen.add(block.name)
                names |= names_asked({block.name: block}, self._cells)
                named += words(block.layers)
        return self._knobs & names

    def run(
        self,
        index: int,
        number: int,
        table: Digits,
        picked: RowPick,
        each: Digits,
        *,
        first: bool,
        repeats: int | None = None,
    ) -> Node:
        """Return a layer of one row, with so many of its repeats; None for all."""
        layer = self._open[index]
        return layer.written([layer.run(number, table, picked, each, first=first, last=True, repeats=repeats)])

    def bound(self, part: LayerPart, written: Callable[[], Node]) -> BoundLayer:
        """Return a layer as values. Raises SpecError with every cell that cannot be read."""
        if part not in self._bound:
            cells = self._with(part.knobs)
            if part.knobs not in self._scopes:
                self._scopes[part.knobs] = scope_of(self._spec.blocks, cells, self._shared)
            binder = Binder(cells, self._spec.file, False, scope=self._scopes[part.knobs])
            found = binder.layers(Seq((written(),)), "layers")
            try:
                binder.problems.raise_any()
            except SpecError as error:
                raise unwritten(error, *self.addresses(part)) from None
            [self._bound[part]] = found
        return self._bound[part]

    def addresses(self, part: LayerPart) -> tuple[str, str]:
        """Return the addresses of a layer and of the row of it that is asked for; an empty one where that is no row."""
        index, _, asked = part
        row = self._space.choices.layers[index].rows[asked[0]].forms[asked[1]].address if asked else ""
        return f"layers[{index}]", row if row.endswith("]") and ".rows[" in row else ""

    def drawn(self, error: SpecError, part: LayerPart) -> SpecError:
        """Return an error with the knobs that were drawn where it rose."""
        draws = {draw.place: draw for draw in self._space.choices.knobs}
        said = " and ".join(f"`{name}={option_text(draws[name].options[digit])}`" for name, digit in part.knobs)
        if not said:
            return error
        return SpecError(found._replace(note=found.note or f"{said} is drawn") for found in error.problems)

    def _with(self, knobs: tuple[tuple[str, int], ...]) -> Cells:
        """Return what cells may refer to, with some knobs drawn."""
        if not knobs:
            return self._cells
        draws = {draw.place: draw for draw in self._space.choices.knobs}
        names = dict(self._cells.names)
        for name, digit in knobs:
            option = draws[name].options[digit]
            assert isinstance(option, Scalar)
            names[name] = read_knob(self._spec.knobs[name], option)
        return self._cells._replace(names=names)

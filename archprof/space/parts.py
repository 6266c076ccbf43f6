"""What a network costs as a sum of parts, each of which asks for few knobs: those of cells, whose edges draw alone.

A part is what asks for the same knobs, be it at many places. If none of them ever gives another map than it gives by
default, whatever its own knobs are, then by induction from the input on none is ever given another: what a part costs
depends on its own knobs alone. All parts are drawn anew in each trace, which are so few.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from archprof.analysis.totals import counts_of
from archprof.costs.metrics import Counts
from archprof.ir.values import Value
from archprof.language.fragment import Application, Feature, Fragment
from archprof.named_tuple import NamedTuple
from archprof.progress import Told
from archprof.space.frozen import TRAINED
from archprof.space.rows import Digits, LayerPart, Rows
from archprof.space.traced import ADDING, Costs, TracedRows, behind
from archprof.spec.choices import Draw
from archprof.spec.layers import written_layer
from archprof.spec.nodes import Node
from archprof.spec.own_blocks import OwnBlock, names_in
from archprof.spec.types import OpenSpace, Spec

# So many ways to draw the knobs of one part are traced at most.
_MOST_TRACED = 2_000

# The address of a layer that is bound alone.
_ALONE = "layers[0]"


class Part(NamedTuple):
    """What asks for the same *knobs*, in the order in which they are drawn: its costs by their options."""

    knobs: tuple[str, ...]
    costs: Mapping[Digits, Costs]


class Parted(NamedTuple):
    """A space of knobs as parts, and what the *rest* costs, which asks for none."""

    parts: tuple[Part, ...]
    rest: Costs


class _Place(NamedTuple):
    """One place at which a part is applied: what goes in, what comes out, what is there, and whether its parameters are
    not trained, *frozen*."""

    inputs: tuple[Value, ...]
    outputs: tuple[Any, ...]
    fragment: Fragment
    frozen: bool

    @property
    def maps(self) -> tuple[Any, ...]:
        """What stands around it."""
        return self.inputs, self.outputs


# The places of each part, by the address of its layer.
_Places = dict[str, list[_Place]]


def parted(spec: Spec, space: OpenSpace, rows: Rows, traced: TracedRows, start: Feature, told: Told) -> Parted | None:
    """Return a space, whose input is *start*, as parts; None where it is no sum of them: if rows draw by themselves, if
    all knobs meet, or if a knob changes a map. It is *told* of each way to draw them before that is traced.

    Raises SpecError for an option that does not fit.
    """
    if space.choices.layers or len(spec.inputs) > 1:
        return None
    return _Parting(spec, space, rows, traced).parted(start, told)


class _Parting:
    """A space while it is taken apart."""

    def __init__(self, spec: Spec, space: OpenSpace, rows: Rows, traced: TracedRows) -> None:
        self._blocks = spec.blocks
        self._rows, self._traced_rows = rows, traced
        self._draws = {draw.place: draw for draw in space.choices.knobs}
        self._asking = dict(self._found(rows.layers, "layers"))
        self._counted: dict[int, tuple[Fragment, Counts]] = {}

    def _found(self, layers: tuple[Node, ...], address: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the layers that ask for knobs, each with these: the outermost that names one itself, or that is none of
        the spec's own blocks; so weights are shared inside of one, if at all."""
        for index, node in enumerate(layers):
            here = f"{address}[{index}]"
            asked = self._rows.used_in(node)
            if not asked:
                continue
            layer = written_layer(node)
            block = self._blocks.get(layer.block.text) if layer else None
            if block is None or _named_at(node, block) & asked:
                yield here, tuple([name for name in self._draws if name in asked])
            else:
                yield from self._found(block.layers.items, f"blocks.{block.name}.layers")

    def parted(self, start: Feature, told: Told) -> Parted | None:
        """Return the parts."""
        groups = list(dict.fromkeys(self._asking.values()))
        ways = [prod(len(self._draws[name].options) for name in group) for group in groups]
        if len(groups) <= 1 or max(ways) > _MOST_TRACED:  # one part is the whole
            return None
        inputs, whole, usual = self._default(start)
        if usual.keys() != self._asking.keys():
            return None
        costs: dict[tuple[str, ...], dict[Digits, Costs]] = {group: {} for group in groups}
        for number, drawn in enumerate(_covering(groups, self._draws)):
            told(min(number, max(ways) - 1), max(ways), "the options of cells")
            found = self._drawn(inputs, drawn)
            if any(_maps(found, address) != _maps(usual, address) for address in self._asking):
                return None
            for group, known in costs.items():
                digits = tuple([drawn[name] for name in group])
                if digits not in known:
                    known[digits] = self._costs(self._placed(found, group))
        defaults = [known[tuple([self._draws[name].default for name in group])] for group, known in costs.items()]
        rest = [total - sum(parts) for total, *parts in zip(whole, *defaults, strict=True)]
        return Parted(tuple([Part(group, known) for group, known in costs.items()]), tuple(rest))

    def _default(self, x: Feature) -> tuple[list[Feature], Costs, _Places]:
        """Return the map that goes into each layer, what all cost, and the places of parts, of the default network."""
        inputs: list[Feature] = []
        fragments: list[Fragment] = []
        usual: _Places = {}
        for index in range(len(self._rows.layers)):
            inputs.append(x)
            for fragment in self._traced(index, x, ()):
                fragments.append(fragment)
                self._collect(fragment, index, usual)
                x = behind(fragment)
        return inputs, self._costs((fragment, False) for fragment in fragments), usual

    def _drawn(self, inputs: list[Feature], drawn: Mapping[str, int]) -> _Places:
        """Return the places of parts with all knobs drawn."""
        found: _Places = {}
        for index, x in enumerate(inputs):
            asked = tuple([pair for pair in drawn.items() if pair[0] in self._rows.uses(index)])
            if asked:
                for fragment in self._traced(index, x, asked):
                    self._collect(fragment, index, found)
        return found

    def _traced(self, index: int, x: Feature, knobs: tuple[tuple[str, int], ...]) -> Iterator[Fragment]:
        part = LayerPart(index, knobs)
        for _, fragment in self._traced_rows.fragments(part, x, lambda: self._rows.layers[index]):
            yield fragment

    def _collect(self, fragment: Fragment, index: int, found: _Places, *, frozen: bool = False) -> None:
        """Note where parts are applied in a fragment of a layer, which is *frozen* or not."""
        for part in fragment.parts:
            if isinstance(part, Application):
                inner, held = part.fragment, frozen or part.frozen
                address = part.row.address.partition(".rows[")[0]
                address = f"layers[{index}]" if address == _ALONE else address
                if address in self._asking:
                    outputs = (inner.result.value, inner.result.printed, *[x.value for x in inner.exports])
                    place = _Place(tuple([x.value for x in inner.inputs]), outputs, inner, held)
                    found.setdefault(address, []).append(place)
                else:
                    self._collect(inner, index, found, frozen=held)

    def _placed(self, places: _Places, group: tuple[str, ...]) -> Iterator[tuple[Fragment, bool]]:
        """Yield what is applied at the places of one part, and whether it is frozen there."""
        for address, asked in self._asking.items():
            if asked == group:
                yield from ((place.fragment, place.frozen) for place in places[address])

    def _costs(self, fragments: Iterator[tuple[Fragment, bool]]) -> Costs:
        sums = dict.fromkeys(ADDING, 0)
        for fragment, frozen in fragments:
            # What is drawn again is the same fragment, which stays as long as it is counted here.
            if id(fragment) not in self._counted:
                self._counted[id(fragment)] = fragment, counts_of(fragment)
            _, counts = self._counted[id(fragment)]
            for name in ADDING:
                sums[name] += 0 if frozen and name in TRAINED else int(counts[name])
        return tuple(sums.values())


def _named_at(node: Node, block: OwnBlock) -> frozenset[str]:
    """Return the names that a layer of a block gives to its cells, also where the default of a column stands in."""
    defaults = [column.default for column in block.columns if column.default is not None]
    return frozenset().union(*map(names_in, (node, *defaults)))


def _maps(places: _Places, address: str) -> list[tuple[Any, ...]]:
    return [place.maps for place in places.get(address, ())]


def _covering(groups: list[tuple[str, ...]], draws: Mapping[str, Draw]) -> Iterator[dict[str, int]]:
    """Yield draws of all knobs, as few as are found, in which each group of them is drawn in each of its ways."""
    left = {group: dict.fromkeys(product(*[range(len(draws[name].options)) for name in group])) for group in groups}
    while any(left.values()):
        drawn: dict[str, int] = {}
        for group, ways in sorted(left.items(), key=lambda one: -len(one[1])):
            fitting = (way for way in ways if _agrees(group, way, drawn))
            drawn |= dict(zip(group, next(fitting, ()), strict=False))
        drawn = {name: drawn.get(name, draw.default) for name, draw in draws.items()}
        yield drawn
        for group, ways in left.items():
            ways.pop(tuple([drawn[name] for name in group]), None)


def _agrees(group: tuple[str, ...], way: Digits, drawn: Mapping[str, int]) -> bool:
    return all(drawn.get(name, digit) == digit for name, digit in zip(group, way, strict=True))

"""A fragment while it grows: where its scopes stand, and which features names inside it lead to."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from archprof.errors import Location, SpecError, problem, suggest
from archprof.ir.dims import key
from archprof.ir.graph import INPUT, Edge
from archprof.language.bound import BoundRow
from archprof.language.fragment import Application, Call, Feature, Fragment, Reservation
from archprof.named_tuple import NamedTuple
from archprof.spec.address import format_address, parse_address
from archprof.spec.nodes import Scalar

_made = tuple.__new__


@cache
def _input(k: int) -> Edge:
    return Edge(INPUT, k)


class Places(NamedTuple):
    """Features of a fragment by address and by published path, the address behind each id, and what a block calls its
    inputs."""

    by_address: dict[str, Feature]
    by_path: dict[str, Feature]
    ids: dict[str, str]
    inputs: Mapping[str, tuple[Feature, ...]] = {}

    def find(self, place: str, location: Location) -> Feature | None:
        """Return the feature at an id, an address or a published path, if there is one; raises SpecError for a text
        that is none of these."""
        x = self.named(place)
        return self.by_address.get(self.address(place, location)) if x is None else x

    def named(self, place: str) -> Feature | None:
        """Return the feature at an address or a published path, if there is one."""
        x = self.by_address.get(place)
        return self.by_path.get(place) if x is None else x

    def address(self, place: str, location: Location) -> str:
        """Return a place's address: the id in front resolved."""
        if place in self.ids:
            return self.ids[place]
        head, *rest = parse_address(place, location)
        behind = format_address((head, *rest)).removeprefix(str(head))
        return self.ids.get(str(head), str(head)) + behind

    def missing(self, place: str, location: Location, above: str = " above") -> SpecError:
        """Return the error for a place that there is not."""
        advice = suggest(place, self.ids, "ids") if self.ids else "name a layer by its `id`, or as `layers[3]`"
        return problem(f"there is no layer `{place}`{above}", location, help=advice)


class Frame:
    """A fragment while it grows: its inputs as features of the fragment *around* it, and where its scopes stand. So
    many operators stand *before* it in all fragments around, and read so many maps."""

    def __init__(
        self, inputs: tuple[Feature, ...], row: BoundRow | None, places: Places, around: "Frame | None" = None
    ) -> None:
        self.inputs = list(inputs)
        self.sources: tuple[Scalar, ...] = ()
        self.row = row
        self.places = places
        self.around = around
        self.parts: list[Call | Reservation | Application] = []
        self.prefix = ""
        self.kind = ""
        self.sealed = False
        self.size = 0
        self.reads = 0
        # Nothing is added to those around until this one is whole.
        self.before: tuple[int, int] = (
            (0, 0) if around is None else (around.before[0] + around.size, around.before[1] + around.reads)
        )
        self._taken: dict[tuple[Any, ...], Feature] = {}

    def inner(self) -> tuple[Feature, ...]:
        """Return the inputs as the fragment's own features."""
        return tuple([_made(Feature, (_input(k), x.value, x.printed)) for k, x in enumerate(self.inputs)])

    def taken(self, x: Feature) -> Feature:
        """Return a feature of the fragment around as an input of this one, the same however often it is asked for."""
        asked = (x.edge, id(x.value), key(x.printed))
        if asked not in self._taken:
            self.inputs.append(x)
            self._taken[asked] = x._replace(edge=Edge(INPUT, len(self.inputs) - 1))
        return self._taken[asked]

    def fragment(self, result: Feature, drops: bool = False) -> Fragment:
        """Return what has become of it."""
        parts, places = (tuple(self.inputs), tuple(self.parts), result), self.places
        return _made(Fragment, (*parts, places.by_address, places.by_path, self.size, self.reads, drops, self.sealed))


class PathScope:
    """A part of a path, put in front of what is applied inside."""

    __slots__ = ("_frame", "_kind", "_name", "_outer")

    def __init__(self, frame: Frame, name: str, kind: str) -> None:
        self._frame = frame
        self._name = name
        self._kind = kind

    def __enter__(self) -> None:
        frame = self._frame
        self._outer = frame.prefix, frame.kind
        if self._name:
            frame.prefix = f"{frame.prefix}{self._name}."
        if self._kind:
            frame.kind = self._kind

    def __exit__(self, *_: object) -> None:
        self._frame.prefix, self._frame.kind = self._outer


class ClosedBody:
    """The body of a spec's own block: its ids are its own."""

    __slots__ = ("_frame", "_outer", "_places")

    def __init__(self, frame: Frame, inputs: dict[str, tuple[Feature, ...]]) -> None:
        self._frame = frame
        self._places = Places({}, {}, {}, inputs)

    def __enter__(self) -> None:
        self._outer = self._frame.places
        self._frame.places = self._places
        self._frame.sealed = True

    def __exit__(self, *_: object) -> None:
        self._frame.places = self._outer


def brought(x: Feature, frames: list[Frame]) -> Feature:
    """Return a feature of the last of *frames*, each of which is around the one before, as one of the first."""
    for frame in reversed(frames[:-1]):
        x = frame.taken(x)
    return x

"""Rows of a space, each traced alone: once for each map that reaches it and each knob that it asks for."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from archprof.analysis.totals import counts_of
from archprof.costs.metrics import METRICS
from archprof.errors import SpecError, problem
from archprof.ir.dims import Dim
from archprof.ir.graph import INPUT, Edge
from archprof.language.bound import BoundLayer, BoundRow
from archprof.language.expand import scaling_of
from archprof.language.fragment import Application, Call, Feature, Fragment
from archprof.language.frame import Places
from archprof.language.soundness import leads_on
from archprof.language.trace import Memo, Tracer
from archprof.named_tuple import NamedTuple
from archprof.space.rows import LayerPart, Rows
from archprof.spec.chosen import unwritten
from archprof.spec.nodes import Node
from archprof.spec.types import Spec

if TYPE_CHECKING:
    from archprof.devices.asked import On
    from archprof.space.timing import RowTimer

# The counts that add up along a chain.
ADDING = tuple(metric.name for metric in METRICS if metric.adds == "sum")

Costs = tuple[int, ...]
# What rows can tell of a map.
MapKey = tuple[Any, ...]


class Traced(NamedTuple):
    """What comes out of a layer or of a part of it, what that costs, and what it *builds*, one number a repeat, which
    is the same where operators and their wiring are."""

    x: MapKey
    costs: Costs
    builds: tuple[int, ...] = ()


class TracedRows:
    """The rows of one space, with their sums of *metrics*; *on* a device with their times too."""

    def __init__(self, spec: Spec, rows: Rows, on: "On | None") -> None:
        self._timer: RowTimer | None = None
        self.metrics = ADDING
        if on is not None:
            from archprof.space import timing  # which needs numpy

            self._timer, self.metrics = timing.RowTimer(on), (*ADDING, *timing.TIME_METRICS)
        self._rows = rows
        self._scaling, self._memo = scaling_of(spec), Memo()
        self._tracers: dict[tuple[str, ...], Tracer] = {}
        self._features: dict[MapKey, Feature] = {}
        self._traced: dict[tuple[Any, ...], Traced] = {}
        self._contents = _Contents()

    def known(self, x: Feature) -> MapKey:
        """Return what rows can tell of a feature, which is found again by it."""
        key = (x.value, x.printed)
        self._features.setdefault(key, Feature(Edge(INPUT, 0), x.value, x.printed))
        return key

    def of(self, part: LayerPart, x: MapKey, written: Callable[[], Node]) -> Traced:
        """Return what comes out of a layer, or of a part of it.

        Raises SpecError for what does not fit, and for what is no chain.
        """
        key = (part, x)
        if key not in self._traced:
            self._traced[key] = self._trace(part, self._features[x], written)
        return self._traced[key]

    def _trace(self, part: LayerPart, x: Feature, written: Callable[[], Node]) -> Traced:
        sums = dict.fromkeys(self.metrics, 0)
        builds: list[int] = []
        for row, fragment in self.fragments(part, x, written):
            x = behind(fragment)
            builds += self._contents.of_repeats(fragment)
            for name, amount in self._counted(fragment, row).items():
                sums[name] += int(amount)
        return Traced(self.known(x), tuple(sums.values()), tuple(builds))

    def fragments(
        self, part: LayerPart, x: Feature, written: Callable[[], Node]
    ) -> Iterator[tuple[BoundRow, Fragment]]:
        """Yield the rows of a layer, or of a part of it, each as a fragment. Raises SpecError likewise."""
        layer = self._rows.bound(part, written)
        if layer.inputs:
            raise no_chain(layer, f"layers[{part.layer}]")
        tracer = self._tracer_of(self._rows.frozen.ids(part.knobs))
        try:
            for row in layer.rows:
                fragment = tracer.row(layer, row, (x,), Places({}, {}, {}))
                tracer.problems.raise_any()
                if not leads_on(fragment):
                    advice = "use it, or leave it out there by a condition: `when`"
                    raise problem("an operator leads to no output", row.location, where=row.address, help=advice)
                yield row, fragment
                x = behind(fragment)
        except SpecError as error:
            raise self._rows.drawn(unwritten(error, *self._rows.addresses(part)), part) from None

    def _tracer_of(self, frozen: tuple[str, ...]) -> Tracer:
        """Return what traces rows where some ids are frozen, which a fragment holds once for all places."""
        if frozen not in self._tracers:
            self._tracers[frozen] = Tracer(self._scaling, frozen, self._memo)
        return self._tracers[frozen]

    def _counted(self, fragment: Fragment, row: BoundRow) -> dict[str, Dim]:
        counts = counts_of(fragment)
        times = self._timer.row(fragment, row) if self._timer else ()
        return {
            **{name: counts[name] for name in ADDING},
            **dict(zip(self.metrics[len(ADDING) :], times, strict=True)),
        }


def behind(fragment: Fragment) -> Feature:
    """Return what comes out of a row, as what goes into the next."""
    return Feature(Edge(INPUT, 0), fragment.result.value, fragment.result.printed)


class _Contents:
    """What fragments do, by numbers: each operator by itself and what goes into it, names left aside."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        # Of fragments that several rows have, with what goes in: they stay, and so do their places in memory.
        self._known: dict[tuple[int, tuple[int, ...]], tuple[Fragment, tuple[int, ...]]] = {}

    def of_repeats(self, fragment: Fragment) -> Iterator[int]:
        """Yield the number of each repeat of a row, but of those without an operator."""
        for part in fragment.parts:
            if isinstance(part, Application) and part.fragment.size:
                yield self._of_whole(part.fragment)

    def _of_whole(self, fragment: Fragment) -> int:
        inputs = tuple([self._number(("input", place)) for place in range(len(fragment.inputs))])
        # How many there are tells one operator that is read twice from two that are alike.
        return self._number((self._outputs(fragment, inputs)[0], fragment.size))

    def _outputs(self, fragment: Fragment, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return the numbers of a fragment's result and exports."""
        asked = id(fragment), inputs
        if asked not in self._known:
            self._known[asked] = fragment, self._outputs_of(fragment, inputs)
        return self._known[asked][1]

    def _outputs_of(self, fragment: Fragment, inputs: tuple[int, ...]) -> tuple[int, ...]:
        parts: list[tuple[int, ...]] = []

        def at(edge: Edge) -> int:
            return inputs[edge.output] if edge.node == INPUT else parts[edge.node][edge.output]

        for part in fragment.parts:
            if isinstance(part, Call):
                made = self._number((part.op, *map(at, part.inputs)))
                parts.append(tuple([self._number((made, place)) for place in range(len(part.outputs))]))
            elif isinstance(part, Application):
                parts.append(self._outputs(part.fragment, tuple(map(at, part.inputs))))
            else:
                parts.append(())
        return tuple([at(x.edge) for x in (fragment.result, *fragment.exports)])

    def _number(self, content: tuple[Any, ...]) -> int:
        return self._numbers.setdefault(content, len(self._numbers))


def no_chain(layer: BoundLayer, address: str) -> SpecError:
    """Return the error of a layer, at an address, that takes others than the one above."""
    advice = "make one block of what branches, under `blocks`: inside it anything may join"
    message = "a space is a chain of layers, each of which takes the one above"
    return problem(message, layer.inputs[0].location, where=address, help=advice)

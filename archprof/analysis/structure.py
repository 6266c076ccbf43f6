"""One choice of what arrays cannot hold, with everything else as arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from archprof.analysis.plan import STRUCTURE, Plan
from archprof.analysis.report import Cost, analyze_graph
from archprof.errors import SpecError
from archprof.graph.block import spellings
from archprof.graph.expand import bind, expand
from archprof.graph.totals import CellsTracer, Totals, trace_totals
from archprof.graph.trace import INPUT, Feature
from archprof.spec.edits import assign
from archprof.spec.load import resolve
from archprof.spec.nodes import Scalar


class Structure:
    """One choice of what arrays cannot hold, bound once; *error* where it cannot be read at all."""

    def __init__(self, plan: Plan, fixed: Mapping[str, str]) -> None:
        self.plan = plan
        self.fixed = fixed
        self.error = ""
        self._proved = False
        # Any value does for what arrays take the place of.
        swept = {
            axis.name: axis.values[0] for axis, role in zip(plan.axes, plan.roles, strict=True) if role != STRUCTURE
        }
        self._rebinds = tuple(name for name in swept if name not in ("width", "resolution"))
        try:
            self._spec = plan.spec((*swept.items(), *fixed.items()))
            # Cells that are swept are read with their arrays: the first value may be one that cannot be.
            self._layers, self._frozen = ((), ()) if self._rebinds else bind(self._spec)
        except SpecError as error:
            self.error = reason_of(error)

    def cells(self, at: Mapping[str, Any]) -> tuple[set[tuple[int, bool]], set[int]]:
        """Return the printed channel counts that the width scales, with whether they may become narrower, and the
        repeats that the depth scales."""
        spec = self._spec
        net = CellsTracer(spec.width, at.get("width", spec.settings["width"]), spec.settings["depth"])
        net.layers(self._layers, Feature(INPUT, spec.input, 1, spec.input[0]))
        return net.counts, net.repeats

    def trace(self, at: Mapping[str, Any]) -> Totals:
        """Return the totals at arrays of values. Raises SpecError and Split as `trace_totals` does."""
        spec = self._spec
        layers, frozen = self._bound(at) if self._rebinds else (self._layers, self._frozen)
        shape = (spec.input[0], *at.get("resolution", spec.input[1:]))
        return trace_totals(
            layers, shape, spec.width, at.get("width", spec.settings["width"]), spec.settings["depth"], frozen
        )

    def _bound(self, at: Mapping[str, Any]) -> Any:
        """Bind the layers with arrays in cells and knobs."""
        spec = self._spec
        cells = [name for name in self._rebinds if name != "classes" and name not in spec.knobs]
        if cells:
            swept = [(Scalar(name), Scalar("1", value=at[name])) for name in cells]
            tree = self.plan.tree._replace(root=assign(self.plan.tree.root, swept, spellings))
            others = ((name, value) for name, value in spec.asked if name not in cells)
            spec = resolve(tree, others, spellings)
        settings = {**spec.settings, **{name: at[name] for name in self._rebinds if name not in cells}}
        return bind(spec._replace(settings=settings, classes=at.get("classes", spec.classes)))

    def alone(self, at: Mapping[str, Any], place: tuple[int, ...]) -> Cost:
        """Return one variant's costs as `summary` has them. Raises SpecError where it cannot be."""
        settings = {name: typed(value, place) for name, value in at.items()}
        others = [(name, str(value)) for name, value in settings.items() if name != "width"]
        spec = self.plan.spec((*others, *self.fixed.items()))
        if "width" in settings:
            # The multiplier is the product already: the spec's own and the axis'.
            spec = spec._replace(
                settings={**spec.settings, "width": settings["width"]},
                asked=(*spec.asked, ("width", str(settings["width"]))),
            )
        return analyze_graph(expand(spec)).totals

    def prove(self, at: Mapping[str, Any], place: tuple[int, ...]) -> None:
        """Check once that the network is one as a graph too: that paths differ, outputs exist, and no layer leads
        nowhere. Raises SpecError."""
        if not self._proved:
            self.alone(at, place)
            self._proved = True


def typed(value: Any, place: tuple[int, ...]) -> Any:
    """Return the value of one candidate."""
    if isinstance(value, tuple):
        return "x".join(str(typed(side, place)) for side in value)
    array = np.asarray(value)
    return (
        np.broadcast_to(array, tuple(map(max, array.shape, np.add(place, 1))))[place].item()
        if array.ndim == 2
        else array[place].item()
    )


def reason_of(error: SpecError) -> str:
    """Return the first problem in a line."""
    first = error.problems[0]
    return f"{first.where}: {first.message}" if first.where else first.message

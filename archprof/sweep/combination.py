"""One combination of the values that arrays cannot hold, with everything else as arrays."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.costs.memory import with_memory, with_training
from archprof.costs.metrics import Counts
from archprof.costs.report import analyze_graph
from archprof.errors import SpecError
from archprof.ir.graph import Edge, Graph
from archprof.ir.init_rules import Inits
from archprof.ir.values import Value
from archprof.language.expand import Bound, bind, expand, graph_of
from archprof.language.spellings import spellings
from archprof.language.trace import Trace, trace
from archprof.language.widths import Scaling
from archprof.spec.edits import assign
from archprof.spec.inputs import resized
from archprof.spec.load import resolve
from archprof.spec.nodes import Scalar
from archprof.spec.variant import Setting
from archprof.sweep.alternatives import LocalAxis, local_axes, reason_of
from archprof.sweep.latency import Timer
from archprof.sweep.memory import Readers
from archprof.sweep.plan import STRUCTURE, Plan


class Combination:
    """The network at some *fixed* values, bound once; *error* where it cannot be read at all.

    Its methods take *at*: arrays of effective widths, of sides under `resolution`, of channels and knobs.
    """

    def __init__(self, plan: Plan, fixed: Mapping[str, str]) -> None:
        self.plan = plan
        self.fixed = fixed
        self.error = ""
        self._failure: SpecError | None = None
        # What a row is on plain integers, by the row, its alternative and its input: see `flow`.
        self.memo: dict[tuple[Any, ...], Any] = {}
        # What tells the features that rows hand on, by their names, and the rows that read them: see `memory`.
        self.features: dict[str, Edge] = {}
        self.readers: Readers | None = None
        self._proved: set[tuple[int, ...]] = set()
        # Any value does for what arrays take the place of.
        swept = {axis.name: axis.values[0] for axis, role in zip(plan.axes, plan.roles, strict=True)}
        self._rebinds = tuple(
            axis.name
            for axis, role in zip(plan.axes, plan.roles, strict=True)
            if role != STRUCTURE and axis.name not in ("width", "resolution")
        )
        try:
            self.spec = plan.spec((*swept.items(), *fixed.items()))
            # Cells that are swept are read with their arrays: the first value may be one that cannot be.
            self._bound = Bound((), (), Inits({}, {})) if self._rebinds else bind(self.spec)
        except SpecError as error:
            self.error, self._failure = reason_of(error), error

    def scaling(self, at: Mapping[str, Any]) -> Scaling:
        """Return the multipliers, with the arrays of widths."""
        settings = self.spec.settings
        return Scaling(self.spec.width, at.get("width", settings["width"]), settings["depth"])

    def inputs(self, at: Mapping[str, Any]) -> Mapping[str, Value]:
        """Return what the network takes, with the arrays of sizes."""
        inputs = self.spec.inputs
        return resized(inputs, at["resolution"]) if "resolution" in at else inputs

    def bound(self, at: Mapping[str, Any]) -> Bound:
        """Return the layers as values, with arrays in cells and knobs. Raises SpecError for one that cannot be."""
        if self._failure is not None:
            raise self._failure
        return self._with_arrays(at) if self._rebinds else self._bound

    def trace(self, at: Mapping[str, Any]) -> Trace:
        """Return the trace of all candidates. Raises SpecError where all fail, and Disagreement where they part ways:
        at a branch, or because only some of them fail."""
        layers, frozen, _ = self.bound(at)
        traced = trace(layers, self.inputs(at), self.scaling(at), frozen)
        traced.problems.raise_any()
        return traced

    def graph(self, at: Mapping[str, Any]) -> Graph:
        """Return the graph of all candidates. Raises as `trace` does, and SpecError for paths that do not fit."""
        return graph_of(self.spec, self.trace(at), self.inputs(at), self.bound(at).inits)

    @cached_property
    def local(self) -> tuple[LocalAxis, ...]:
        """The axes of the plan that change single rows alone, where they have many combinations; none where anything is
        counted that rows do not tell."""
        if self.plan.whole:
            return ()
        first = {**{axis.name: axis.values[0] for axis in self.plan.axes}, **self.fixed}
        fixed = tuple(first.items())
        try:
            layers = bind(self.plan.spec(fixed)).layers
        except SpecError:
            return ()
        return local_axes(self.plan, layers, fixed)

    def _with_arrays(self, at: Mapping[str, Any]) -> Bound:
        spec = self.spec
        cells = [name for name in self._rebinds if name != "classes" and name not in spec.knobs]
        if cells:
            swept = [(Scalar(name), Scalar("1", value=at[name])) for name in cells]
            tree = self.plan.tree._replace(root=assign(self.plan.tree.root, swept, spellings))
            others = ((name, value) for name, value in spec.asked if name not in cells)
            # Its cells are asked for like all else: what it states of inputs does not hold.
            spec = resolve(tree, others, spellings)._replace(asked=spec.asked)
        settings = {**spec.settings, **{name: at[name] for name in self._rebinds if name not in cells}}
        return bind(spec._replace(settings=settings, classes=at.get("classes", spec.classes)))

    def alone(self, settings: Iterable[Setting]) -> Counts:
        """Return one variant's costs as `summary` has them. Raises SpecError where it cannot be."""
        graph = expand(self.plan.spec((*settings, *self.fixed.items())))
        counts = analyze_graph(graph).totals
        if self.plan.selection.memory:
            counts = with_memory(counts, graph, self.plan.setup)
        if self.plan.selection.training:
            counts = with_training(counts, graph)
        return Counts([*counts.items(), *self.timer.alone(graph)]) if self.plan.on else counts

    @cached_property
    def timer(self) -> Timer:
        """What predicts latency on the device of the plan."""
        assert self.plan.on is not None
        return Timer(self.plan.on)

    def unproved(self, digits: Mapping[int, NDArray[np.int64]], size: int) -> list[tuple[int, Any]]:
        """Return one of *size* variants for the combination itself, and for each alternative of a local axis, that has
        not been asked for before, with the places of all that are like it."""
        found: list[tuple[int, Any]] = []
        if not self._proved:
            found.append((0, np.arange(size)))
        self._proved.add(())
        for axis, chosen in digits.items():
            values, first = np.unique(chosen, return_index=True)
            for value, index in zip(values.tolist(), first.tolist(), strict=True):
                if (axis, value) not in self._proved:
                    self._proved.add((axis, value))
                    found.append((index, np.flatnonzero(chosen == value)))
        return found

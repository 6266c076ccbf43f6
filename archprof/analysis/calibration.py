"""A profile of this machine: measured here, fitted, and held against networks whose families the fit did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.analysis.candidates import Candidate, candidates, chosen, kernels_in
from archprof.devices.calls import calls_of
from archprof.devices.kernels import Kernel, parts_of
from archprof.devices.predict import predict, roofline_of
from archprof.devices.profile import Ceilings, MeasuredNetwork, Profile
from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.runtime.timing.measure import (
    How,
    built,
    ceilings,
    laid_calls,
    measure_alone,
    measure_whole,
    measuring,
    provenance,
)
from archprof.runtime.timing.rounds import Timing, Told

if TYPE_CHECKING:
    from archprof.ir.graph import Node
    from archprof.runtime.timing.laid_out import Call

GraphOf = Callable[[str], Graph]
# Is told what is measured next, and gives what is told of its steps.
Telling = Callable[[str], Told]
# So many operators are measured in turn: more would keep too much memory.
_IN_TURN = 64
# Networks that take more multiply-accumulates an image are not looked at on a CPU.
_MOST_MACS = {"cpu": 6 * 10**9, "cuda": 10**12}
# Seconds that making an operator or a network ready takes, and how much longer than at the ceilings they run.
_READY = {"cpu": (0.05, 4.0), "cuda": (0.03, 1.5)}
_ABOVE = 3.0


class Plan(NamedTuple):
    """What is to be measured: operators, at some batches, and whole networks, by name."""

    operators: tuple[Candidate, ...]
    batches: tuple[int, ...]
    networks: tuple[str, ...]


def planned(models: Sequence[str], graph_of: GraphOf, how: How, plan: Plan, operators: int) -> Plan:
    """Return a plan with so many operators of some networks, those that are small enough for the device."""
    from archprof.costs.report import analyze_graph

    small = [one for one in models if analyze_graph(graph_of(one)).totals.macs <= _MOST_MACS[how.on]]
    return plan._replace(operators=tuple(chosen(candidates(small, graph_of, how.setup), operators)))


def estimated_seconds(plan: Plan, graph_of: GraphOf, how: How, known: Ceilings) -> int:
    """Return about how long a plan takes, from what the device does at most."""
    per_operator, per_network = _READY[how.on]
    seconds = len(plan.batches) * (len(plan.operators) * per_operator + len(plan.networks) * per_network)
    runs = _ABOVE * (how.rounds + 2) * 1e-6
    for batch in plan.batches:
        rooflines = {model: _rooflines(graph_of(model), how, batch, known) for model in _models(plan)}
        seconds += runs * sum(rooflines[one.model][one.place] for one in plan.operators)
        seconds += runs * sum(sum(rooflines[model]) for model in plan.networks)
    return ceil(seconds)


def _models(plan: Plan) -> list[str]:
    return list(dict.fromkeys([*[one.model for one in plan.operators], *plan.networks]))


def _rooflines(graph: Graph, how: How, batch: int, known: Ceilings) -> list[float]:
    return [roofline_of(call, known)[0] for call in calls_of(graph, how.setup, batch).calls]


def calibrated(name: str, plan: Plan, graph_of: GraphOf, how: How, known: Ceilings, telling: Telling) -> Profile:
    """Return a profile of this machine, measured as planned and fitted. Raises UsageError where what is measured does
    not repeat."""
    with measuring(how):
        points = measured_points(plan, graph_of, how, telling)
        networks = tuple(_networks(plan, graph_of, how, telling))
        run = provenance(how)
    if not points or not networks:
        advice = "leave the machine alone while it measures, or ask for more `--rounds`"
        raise usage_error("nothing was measured that repeats within 10 %", help=advice)
    bare = Profile(name, run, how.setup, plan.batches, known, points, networks, {})
    return fitted(bare, graph_of)


def measured_points(plan: Plan, graph_of: GraphOf, how: How, telling: Telling) -> dict[Kernel, dict[int, float]]:
    """Return the kernels of operators with their µs by batch; what is noise, twice in a row, is left out."""
    found: dict[Kernel, dict[int, float]] = {}
    for batch in plan.batches:
        placed = _placed(plan.operators, graph_of, how, batch)
        noisy: list[tuple[Kernel, tuple[Node, Call]]] = []
        for again, wanted in ((False, placed), (True, noisy)):
            for first in range(0, len(wanted), _IN_TURN):
                part = wanted[first : first + _IN_TURN]
                which = f"batch {batch}, operators {first + 1} to {first + len(part)} of {len(wanted)}"
                for (kernel, pair), timing in _timed(part, how, telling(f"{which}{', again' if again else ''}")):
                    if timing is not None and not timing.noisy:
                        found.setdefault(kernel, {})[batch] = timing.us
                    elif timing is not None and not again:
                        noisy.append((kernel, pair))
    return {kernel: times for kernel, times in found.items() if all(us > 0 for us in times.values())}


_Placed = tuple[Kernel, "tuple[Node, Call]"]


def _timed(part: Sequence[_Placed], how: How, told: Told) -> Iterator[tuple[_Placed, Timing | None]]:
    from archprof.runtime.timing.torch_times import alone_key

    times = measure_alone([pair for _, pair in part], how, told)
    for one in part:
        yield one, times.get(alone_key(*one[1]))


def _placed(operators: Sequence[Candidate], graph_of: GraphOf, how: How, batch: int) -> list[_Placed]:
    """Return the calls of operators, and how their inputs lie, by their kernels."""
    found: list[_Placed] = []
    calls: dict[str, list[Call]] = {}
    for one in operators:
        graph = graph_of(one.model)
        if one.model not in calls:
            calls[one.model] = laid_calls(graph, how, batch)
        found.append((one.kernel, (graph.nodes[one.place], calls[one.model][one.place])))
    return found


def _networks(plan: Plan, graph_of: GraphOf, how: How, telling: Telling) -> Iterator[MeasuredNetwork]:
    """Yield networks with their µs by batch; what is noise is left out."""
    for place, model in enumerate(plan.networks):
        us, eager_us = dict[int, float](), dict[int, float]()
        for batch in plan.batches:
            telling("networks")(place, len(plan.networks), f"{model}, batch {batch}")
            whole, eager = measure_whole(built(graph_of(model), how, batch), how)
            if not whole.noisy:
                us[batch] = whole.us
                if eager is not None:
                    eager_us[batch] = eager.us
        if us:
            yield MeasuredNetwork(model, us, eager_us)


# Fitting, and judging a fit


def fitted(profile: Profile, graph_of: GraphOf) -> Profile:
    """Return a profile that is fitted anew from its own points and networks."""
    from archprof.devices.fit import fit_batch, networks_of

    networks = networks_of(profile, graph_of)
    return profile._replace(fits={batch: fit_batch(profile, networks, batch) for batch in profile.batches})

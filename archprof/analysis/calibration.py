"""A profile of this machine: measured here, fitted, and held against networks whose families the fit did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING

from archprof.analysis.candidates import OperatorCandidate, candidates, chosen, kernels_in
from archprof.analysis.latency import in_ms
from archprof.devices.calls import calls_of
from archprof.devices.kernels import Kernel, parts_of
from archprof.devices.predict import predict, roofline_of
from archprof.devices.profile import BatchFit, Ceilings, MeasuredNetwork, Profile
from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.named_tuple import NamedTuple
from archprof.progress import Told
from archprof.runtime.timing.measure import (
    How,
    built,
    laid_calls,
    measure_alone,
    measure_whole,
    measuring,
    provenance,
)
from archprof.runtime.timing.rounds import Timing
from archprof.units import US_PER_MS

if TYPE_CHECKING:
    from archprof.devices.left_out import LeftOut
    from archprof.ir.graph import Node
    from archprof.runtime.timing.laid_out import LaidCall

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


class CalibrationPlan(NamedTuple):
    """What is to be measured: operators, at some batches, and whole networks, by name."""

    operators: tuple[OperatorCandidate, ...]
    batches: tuple[int, ...]
    networks: tuple[str, ...]


def planned(
    models: Sequence[str], graph_of: GraphOf, how: How, plan: CalibrationPlan, operators: int
) -> CalibrationPlan:
    """Return a plan with so many operators of some networks, those that are small enough for the device."""
    from archprof.costs.report import analyze_graph

    # One after the other: not all of them are kept.
    small = (one for one in models if analyze_graph(graph_of(one)).totals.macs <= _MOST_MACS[how.on])
    return plan._replace(operators=tuple(chosen(candidates(small, graph_of, how.setup), operators)))


def estimated_seconds(plan: CalibrationPlan, graph_of: GraphOf, how: How, known: Ceilings) -> int:
    """Return about how long a plan takes, from what the device does at most."""
    per_operator, per_network = _READY[how.on]
    seconds = len(plan.batches) * (len(plan.operators) * per_operator + len(plan.networks) * per_network)
    runs = _ABOVE * (how.rounds + 2) * 1e-6
    for batch in plan.batches:
        rooflines = {model: _rooflines(graph_of(model), how, batch, known) for model in _models(plan)}
        seconds += runs * sum(rooflines[one.model][one.place] for one in plan.operators)
        seconds += runs * sum(sum(rooflines[model]) for model in plan.networks)
    return ceil(seconds)


def _models(plan: CalibrationPlan) -> list[str]:
    return list(dict.fromkeys([*[one.model for one in plan.operators], *plan.networks]))


def _rooflines(graph: Graph, how: How, batch: int, known: Ceilings) -> list[float]:
    return [roofline_of(call, known)[0] for call in calls_of(graph, how.setup, batch).calls]


def calibrated(
    name: str, plan: CalibrationPlan, graph_of: GraphOf, how: How, known: Ceilings, telling: Telling
) -> Profile:
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


def measured_points(
    plan: CalibrationPlan, graph_of: GraphOf, how: How, telling: Telling
) -> dict[Kernel, dict[int, float]]:
    """Return the kernels of operators with their µs by batch; what is noise, twice in a row, is left out."""
    found: dict[Kernel, dict[int, float]] = {}
    for batch in plan.batches:
        placed = _placed(plan.operators, graph_of, how, batch)
        noisy: list[tuple[Kernel, tuple[Node, LaidCall]]] = []
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


_Placed = tuple[Kernel, "tuple[Node, LaidCall]"]


def _timed(part: Sequence[_Placed], how: How, told: Told) -> Iterator[tuple[_Placed, Timing | None]]:
    from archprof.runtime.timing.torch_times import alone_key

    times = measure_alone([pair for _, pair in part], how, told)
    for one in part:
        yield one, times.get(alone_key(*one[1]))


def _placed(operators: Sequence[OperatorCandidate], graph_of: GraphOf, how: How, batch: int) -> list[_Placed]:
    """Return the calls of operators, and how their inputs lie, by their kernels."""
    found: list[_Placed] = []
    calls: dict[str, list[LaidCall]] = {}
    for one in operators:
        graph = graph_of(one.model)
        if one.model not in calls:
            calls[one.model] = laid_calls(graph, how, batch)
        found.append((one.kernel, (graph.nodes[one.place], calls[one.model][one.place])))
    return found


def _networks(plan: CalibrationPlan, graph_of: GraphOf, how: How, telling: Telling) -> Iterator[MeasuredNetwork]:
    """Yield networks with their µs by batch; what is noise, also when all others are done, is left out."""
    found: dict[tuple[str, int], tuple[Timing, Timing | None]] = {}
    wanted = [(model, batch) for model in plan.networks for batch in plan.batches]
    for _ in range(2):
        for place, (model, batch) in enumerate(wanted):
            telling("networks")(place, len(wanted), f"{model}, batch {batch}")
            found[model, batch] = measure_whole(built(graph_of(model), how, batch), how)
        wanted = [key for key in wanted if found[key][0].noisy]
    for model in plan.networks:
        times = {batch: found[model, batch] for batch in plan.batches if not found[model, batch][0].noisy}
        if times:
            eager = {batch: called.us for batch, (_, called) in times.items() if called is not None}
            name = graph_of(model).origin.variant
            yield MeasuredNetwork(name, {batch: whole.us for batch, (whole, _) in times.items()}, eager)


# Fitting, and judging a fit


def fitted(profile: Profile, graph_of: GraphOf) -> Profile:
    """Return a profile that is fitted anew from its own points and networks."""
    from archprof.devices.refit import fit_profile

    return fit_profile(profile, graph_of, family_of)


class JudgedNetwork(NamedTuple):
    """A network that was measured whole at a batch, and what a fit predicts of it that has seen neither its family nor
    operators that this alone has; with the ends between which nine of ten networks should lie, of which there is no
    upper one where it has operators of which nothing is known then."""

    model: str
    family: str
    batch: int
    ms: float
    predicted_ms: float
    low_ms: float
    high_ms: float | None

    @property
    def error(self) -> float:
        """By how much the prediction is off, as a part of what was measured."""
        return self.predicted_ms / self.ms - 1

    @property
    def covered(self) -> bool:
        """Whether it lies in its interval, if it has one."""
        return self.high_ms is not None and self.low_ms <= self.ms <= self.high_ms


class JudgedBatch(NamedTuple):
    """How far off the networks of a batch are, as parts of their times: the median, and what nine of ten stay below;
    the rank correlation of what was predicted and measured; which part of them lies in its interval."""

    batch: int
    judged_networks: int
    median_error: float
    p90_error: float
    rank_correlation: float
    coverage: float


class ProfileVerification(NamedTuple):
    """A profile, judged on families that are left out one by one: the times that its own fits give again from what it
    holds, and how far off networks are then."""

    profile: str
    operators: int
    refitted_alike: bool
    batches: tuple[JudgedBatch, ...]
    judged: tuple[JudgedNetwork, ...]


def verification(profile: Profile, graph_of: GraphOf) -> ProfileVerification:
    """Return how good a profile is: it is fitted anew from what it holds, each family of networks by the others.

    Raises UsageError for one whose networks are of fewer than two families, and as *graph_of* does.
    """
    from archprof.devices.fit import networks_of
    from archprof.devices.refit import judged_fit

    families = list(dict.fromkeys(family_of(one.model) for one in profile.networks))
    if len(families) < 2:
        advice = "`archprof calibrate --networks` names those to measure"
        raise usage_error(f"the networks of `{profile.name}` are of one family, and none can be left out", help=advice)
    networks, fits, judged = networks_of(profile, graph_of), dict[int, BatchFit](), list[JudgedNetwork]()
    for batch in profile.batches:
        found = judged_fit(profile, networks, batch, family_of)
        fits[batch] = found.fit
        judged += [_judged(one, batch) for one in found.left_out]
    batches = tuple([_of_batch(batch, [one for one in judged if one.batch == batch]) for batch in profile.batches])
    alike = _alike(profile, profile._replace(fits=fits), graph_of)
    return ProfileVerification(profile.name, len(profile.points), alike, batches, tuple(judged))


def family_of(model: str) -> str:
    """Return the family of a network: the folder of its spec; of one that is no name of the catalog, itself."""
    from archprof.spec import catalog

    name = model.partition("@")[0]
    path = catalog.files().get(name)
    return path.parent.name if path is not None else name


def _judged(left: LeftOut, batch: int) -> JudgedNetwork:
    measured, (value, low, high, _) = left.network.measured, in_ms(left.latency)
    return JudgedNetwork(measured.model, left.family, batch, measured.us[batch] / US_PER_MS, value, low, high)


def _of_batch(batch: int, judged: Sequence[JudgedNetwork]) -> JudgedBatch:
    from scipy.stats import spearmanr

    errors = sorted(abs(one.error) for one in judged)
    ranks = spearmanr([one.ms for one in judged], [one.predicted_ms for one in judged]).statistic
    p90 = errors[min(ceil(0.9 * len(errors)), len(errors)) - 1]
    covered = sum(one.covered for one in judged) / len(judged)
    return JudgedBatch(batch, len(judged), errors[len(errors) // 2], p90, float(ranks), covered)


# Fits on other machines and by other releases of scipy differ in the last digits.
_ALIKE = 0.01


def _alike(profile: Profile, again: Profile, graph_of: GraphOf) -> bool:
    """Tell whether two fits predict the same times of a profile's networks, within 1 %."""
    return all(
        abs(predict(graph_of(one.model), again, batch).us / predict(graph_of(one.model), profile, batch).us - 1)
        < _ALIKE
        for one in profile.networks
        for batch in one.us
    )


# Improving a profile for networks at hand


def least_known(graphs: Mapping[str, Graph], profile: Profile) -> list[OperatorCandidate]:
    """Return the operators of some networks that a profile has not measured, each once: those first that take the most
    time × uncertainty by it, over all its batches."""
    worth: dict[Kernel, float] = {}
    found: dict[Kernel, OperatorCandidate] = {}
    for model, graph in graphs.items():
        kernels = kernels_in(graph, profile.setup)
        for batch in profile.batches:
            for place, call in enumerate(predict(graph, profile, batch).calls):
                kernel = kernels[place]
                if kernel is None or parts_of(kernel) != (kernel,) or kernel in profile.points:
                    continue
                worth[kernel] = worth.get(kernel, 0.0) + float(call.us * call.spread)
                found.setdefault(kernel, OperatorCandidate(kernel, model, place))
    return sorted(found.values(), key=lambda one: -worth[one.kernel])


def improved(
    profile: Profile, graphs: Mapping[str, Graph], how: How, many: int, graph_of: GraphOf, telling: Telling
) -> tuple[Profile, int]:
    """Return a profile with so many operators of some networks more, fitted anew, and how many were added; for those
    that are noise the next come in. There may be fewer: where the profile has all others already, or no kind of them.

    Raises UsageError where nothing is left to add.
    """
    left, points = least_known(graphs, profile), dict[Kernel, dict[int, float]]()
    if not left:
        raise usage_error(f"`{profile.name}` has measured all operators of {', '.join(graphs)}")
    with measuring(how):
        while left and len(points) < many:
            wanted, left = left[: many - len(points)], left[many - len(points) :]
            plan = CalibrationPlan(tuple(wanted), profile.batches, ())
            points |= measured_points(plan, lambda model: graphs[model], how, telling)
    grown = profile._replace(points={**profile.points, **points})
    return fitted(grown, graph_of), len(points)

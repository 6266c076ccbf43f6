"""The inverse of a sweep: which multipliers meet a budget. By all networks that there are in a range, which rounding
makes few."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archprof.analysis.document import ConventionText, convention_text
from archprof.analysis.timed import DeviceText, EstimatedTime
from archprof.costs.metrics import MEMORY, TRAINING, Counts
from archprof.devices.asked import On
from archprof.devices.calls import held_at
from archprof.errors import SpecError, usage_error
from archprof.ir.arrays import Integers, candidates
from archprof.ir.graph import Graph
from archprof.ir.setup import INFERENCE, Setup
from archprof.language.expand import bind
from archprof.named_tuple import NamedTuple
from archprof.spec.axis import Axis
from archprof.spec.header import read_multiplier
from archprof.spec.inputs import shortest_size, sides_of
from archprof.spec.variant import Setting
from archprof.sweep.alternatives import reason_of
from archprof.sweep.batch import EXACT_INTEGER, of_sides
from archprof.sweep.breakpoints import depth_steps, most_steps, shortest, width_steps
from archprof.sweep.combination import Combination
from archprof.sweep.compute import BATCH, costs_of, sizes, widths
from archprof.sweep.outcome import device_of, found_of
from archprof.sweep.plan import CHANNEL, SPACE, CountLimit, Plan, Selection, plan_sweep

# Tan & Le 2019, section 3.3: depth, width and resolution grow as powers of these.
ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15
WIDTHS = (0.1, 4.0)
PHIS = (-4.0, 8.0)
_SHORTEST_PIECE = 1e-9
# What arrays hold of a network that is looked for.
_ROLES = {"width": CHANNEL, "resolution": SPACE}
_MAX_NETWORKS = 500_000


class Goal(NamedTuple):
    """What is looked for: within *limits* the most of a count, or the nearest to a *target* of it; bytes of memory are
    those at a *setup*, times those predicted *on* a device."""

    limits: tuple[CountLimit, ...]
    maximize: str = "macs"
    target: int | None = None
    setup: Setup | None = None
    on: On | None = None

    @property
    def memory(self) -> Setup | None:
        """The setup of bytes of memory; None where they are not asked for."""
        asked = any(limit.of in MEMORY for limit in self.limits)
        if self.on is not None:
            return held_at(self.on.profile.setup, self.on.batch) if asked else None
        return self.setup or (INFERENCE if asked else None)


class Interval(NamedTuple):
    """The values of a parameter (`width` or `phi`) that all give the same network."""

    of: str
    low: float
    high: float


class Found(NamedTuple):
    """A network of the range: its settings, the interval that gives it, its costs, and, on a device, its time."""

    settings: Mapping[str, str]
    interval: Interval | None
    totals: Counts
    estimates: Mapping[str, EstimatedTime] | None = None


class KeptLimit(NamedTuple):
    """A limit: at most so much of a metric, what the best network leaves of it, and whether it is what the next one
    breaks; ns where it is one on a time, which the predicted one keeps."""

    metric: str
    max: int
    left: int
    binds: bool


class Solution(NamedTuple):
    """The best network, or the nearest where none *fits*, of so many *distinct* ones; the nearest beyond the
    budget, or on the other side of the *target*; and what is left of each limit. Bytes of memory are those at the
    *setup*, times those on the *device*, where they are asked for."""

    model: str
    convention: ConventionText
    fits: bool
    distinct: int
    best: Found
    above: Found | None
    limits: tuple[KeptLimit, ...]
    target: int | None
    setup: Setup | None = None
    device: DeviceText | None = None


class Choices(NamedTuple):
    """All networks of a range: their costs, a row for each of some *names*, and which of them keep all limits."""

    names: tuple[str, ...]
    costs: NDArray[Any]
    fit: NDArray[Any]

    def of(self, metric: str) -> list[int]:
        """Return every network's cost of a metric."""
        return [int(cost) for cost in self.costs[self.names.index(metric)]]


class _Range(NamedTuple):
    """Networks by their settings, and the intervals of a parameter that give them, before they are costed."""

    settings: list[tuple[Setting, ...]]
    intervals: list[tuple[float, float] | None]
    parameter: str


class _Costed(NamedTuple):
    """Networks that can be: their places in the range, and their costs, a row a metric; of Python's integers where
    64 bits may not do."""

    places: Integers
    costs: NDArray[Any]
    names: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many networks there are."""
        return len(self.places)

    def of(self, metric: str) -> NDArray[Any]:
        """Return every network's cost of a metric."""
        costs: NDArray[Any] = self.costs[self.names.index(metric)]
        return costs

    def where(self, chosen: NDArray[Any]) -> "_Costed":
        """Return some of the networks, by a mask or by their indices."""
        return _Costed(self.places[chosen], self.costs[:, chosen], self.names)


def solve(
    model: str | Graph,
    goal: Goal,
    settings: Sequence[Setting],
    multipliers: tuple[float, float] | tuple[str, ...],
    resolutions: tuple[str, ...],
    compound: bool,
) -> Solution:
    """Return the best network among all that differ in a range of width *multipliers*, times *resolutions* (the
    network's own where there are none).

    *compound* scales depth, width and resolution together instead, by the rule of EfficientNet. Raises SpecError for a
    network that cannot be read, UsageError where nothing of it could change or none is possible.
    """
    return search(model, goal, settings, multipliers, resolutions, compound)[0]


def search(
    model: str | Graph,
    goal: Goal,
    settings: Sequence[Setting],
    multipliers: tuple[float, float] | tuple[str, ...],
    resolutions: tuple[str, ...],
    compound: bool,
) -> tuple[Solution, Choices]:
    """Return the best network as `solve` does, and all that it was chosen from."""
    fixed = [Axis(name, (value,)) for name, value in settings]
    training = any(count in TRAINING for count in (goal.maximize, *(limit.of for limit in goal.limits)))
    selection = Selection(memory=goal.memory is not None, training=training, timed=goal.on is not None)
    plan = plan_sweep(model, fixed, selection, what="`solve`", setup=goal.memory or INFERENCE, on=goal.on)
    found = _compound(plan) if compound else _widths(plan, multipliers, resolutions)
    networks = _costed(plan, found)
    if max(goal.target or 0, *(limit.value for limit in goal.limits), 0) >= EXACT_INTEGER:
        networks = networks._replace(costs=networks.costs.astype(object))
    kept = np.ones(networks.size, bool)
    for limit in goal.limits:
        kept &= _keeps(networks.of(limit.of), limit)
    return _chosen(plan, goal, found, networks, kept), Choices(networks.names, networks.costs, kept)


def _widths(plan: Plan, chosen: Any, resolutions: tuple[str, ...]) -> _Range:
    """Return every distinct network of a range of widths at each resolution."""
    spec = plan.spec(_fixed(plan))
    bind(spec)  # a cell that cannot be read is no matter of the range
    if spec.width is None and not resolutions:
        help = "name input sizes to choose from: `--resolution 128:288:32`"
        raise usage_error(f"`{plan.model}` has no width multiplier to solve for", help=help)
    pieces: list[tuple[Setting | None, tuple[float, float] | None]] = [(None, None)]
    if spec.width is not None:
        listed = chosen if isinstance(chosen[0], str) else ()
        widths(plan, listed)  # what is no width is told by itself, and so is what is no resolution
        pieces = [(("width", text), None) for text in listed] or [*_pieces(plan, *chosen)]
    _check_number(len(pieces) * max(len(resolutions), 1))
    sizes(plan, resolutions)
    distinct = dict.fromkeys(shortest_size(text, spec.inputs) for text in resolutions)
    sized: list[tuple[Setting, ...]] = [(("resolution", text),) for text in distinct] or [()]
    both = [((*([width] if width else []), *size), interval) for size in sized for width, interval in pieces]
    return _Range([settings for settings, _ in both], [interval for _, interval in both], "width")


def _check_number(networks: int) -> None:
    """Raise UsageError where there are more networks than a range may have."""
    if networks > _MAX_NETWORKS:
        advice = "take a smaller range of widths, or fewer resolutions"
        raise usage_error(f"more than {_MAX_NETWORKS:,} networks to choose from, the limit", help=advice)


def _pieces(plan: Plan, low: float, high: float) -> Iterable[tuple[Setting, tuple[float, float]]]:
    """Yield each distinct network's shortest width, and the interval of widths that give it, from *low* to *high* as
    typed."""
    spec, base = plan.spec(_fixed(plan)), _base(plan)
    assert spec.width is not None
    counts = _alone(plan).trace({}).counts
    start, end = (float(Decimal(repr(bound)) * base) for bound in (low, high))
    _check_number(most_steps(counts, spec.width, start, end))
    for first, last in pairwise([*width_steps(counts, spec.width, start, end), math.nextafter(end, math.inf)]):
        text = shortest(first, last, base)
        if text is not None:
            yield ("width", text), (first / float(base), math.nextafter(last, 0.0) / float(base))


def _compound(plan: Plan) -> _Range:
    """Return every distinct network that the compound rule gives for a φ: depth 1.2^φ, width 1.1^φ, resolution 1.15^φ
    times the network's own, each side of it."""
    spec = plan.spec(_fixed(plan))
    own = sides_of(spec.inputs)
    if spec.width is None or spec.depth is None or not own:
        advice = "it takes a spec that says `width:` and `depth:`, of an input that has a resolution"
        raise usage_error(f"`{plan.model}` cannot be scaled by the compound rule", help=advice)
    traced = _alone(plan).trace({})
    low, high = PHIS
    _check_number(most_steps(traced.counts, spec.width, BETA**low, BETA**high))
    width_ends = [*width_steps(traced.counts, spec.width, BETA**low, BETA**high), BETA**high]
    depths = [*depth_steps(traced.repeats, ALPHA**low, ALPHA**high), ALPHA**high]
    sides = {
        (size - 0.5) / side for side in own for size in range(round(side * GAMMA**low), round(side * GAMMA**high) + 1)
    }
    phis = {
        low,
        high,
        *(_log(step, BETA) for step in width_ends),
        *(_log(step, ALPHA) for step in depths),
        *(_log(size, GAMMA) for size in sides),
    }
    found = _Range([], [], "phi")
    for start, end in pairwise(sorted(phi for phi in phis if low <= phi <= high)):
        phi = (start + end) / 2
        # At a step of the depth itself a row does not repeat more often yet: its interval is closed above, those of
        # widths below.
        width = shortest(*_around(width_ends, BETA**phi))
        low_depth, high_depth = _around(depths, ALPHA**phi)
        depth = shortest(math.nextafter(low_depth, math.inf), math.nextafter(high_depth, math.inf))
        # What is shorter than this is an error of logarithms, not a network.
        if width is None or depth is None or end - start < _SHORTEST_PIECE:
            continue
        resolution = shortest_size("x".join(str(round(side * GAMMA**phi)) for side in own), spec.inputs)
        settings = (("depth", depth), ("width", width), ("resolution", resolution))
        if found.settings and found.settings[-1] == settings:
            found.intervals[-1] = (found.intervals[-1][0], end)  # type: ignore[index]
        else:
            found.settings.append(settings)
            found.intervals.append((start, end))
    return found


def _around(steps: Sequence[float], value: float) -> tuple[float, float]:
    """Return the steps to either side of a value."""
    place = min(max(bisect_right(steps, value), 1), len(steps) - 1)
    return steps[place - 1], steps[place]


def _log(value: float, base: float) -> float:
    return math.log(value) / math.log(base)


def _fixed(plan: Plan) -> tuple[Setting, ...]:
    return tuple((axis.name, axis.values[0]) for axis in plan.axes)


def _base(plan: Plan) -> Decimal:
    """Return the multiplier that the spec has of its own."""
    own = plan.tree.base.get("width")
    return Decimal(1) if own is None else Decimal(repr(read_multiplier(own, "width")))


def _alone(plan: Plan, settings: tuple[Setting, ...] = ()) -> Combination:
    """Return the network at what is fixed; arrays take the place of widths and resolutions among the *settings*."""
    chosen = dict(settings)
    depth = {name: value for name, value in chosen.items() if name not in _ROLES}
    axes = tuple(Axis(name, (value,)) for name, value in chosen.items() if name in _ROLES)
    swept = plan._replace(axes=axes, roles=tuple(_ROLES[axis.name] for axis in axes))
    return Combination(swept, {**dict(_fixed(plan)), **depth})


def _costed(plan: Plan, found: _Range) -> _Costed:
    """Return the networks of a range that can be, with their costs; those of one depth are computed side by side."""
    numbered = [(dict(settings).get("depth", ""), index) for index, settings in enumerate(found.settings)]
    names = plan.names
    parts = [_Costed(np.zeros(0, np.int64), np.zeros((len(names), 0), np.int64), names)]
    for _, group in groupby(sorted(numbered), key=lambda pair: pair[0]):
        places = np.array([index for _, index in group])
        combination = _alone(plan, found.settings[places[0]])
        for low in range(0, len(places), BATCH) if not combination.error else ():
            part = places[low : low + BATCH]
            chosen = [found.settings[place] for place in part]
            alive, costs = costs_of(combination, _arrays(plan, chosen), chosen)
            parts.append(_Costed(part[alive], costs, names))
    return _Costed(np.concatenate([part.places for part in parts]), np.hstack([part.costs for part in parts]), names)


def _arrays(plan: Plan, networks: Sequence[tuple[Setting, ...]]) -> dict[str, Any]:
    """Return settings as arrays of effective widths, and of heights and widths of maps."""
    at: dict[str, Any] = {}
    for name in dict(networks[0]).keys() & _ROLES.keys():
        texts = tuple(dict(settings)[name] for settings in networks)
        if name == "width":
            at[name] = candidates(widths(plan, texts))
        elif name == "resolution":
            at[name] = of_sides(sizes(plan, texts), candidates)
    return at


def _chosen(plan: Plan, goal: Goal, found: _Range, networks: _Costed, fit: NDArray[Any]) -> Solution:
    if not networks.size:
        message = f"no network of the range of `{plan.model}` is possible{_why(plan, found)}"
        raise usage_error(message, help="take another range of widths or resolutions")
    fits = bool(fit.any())
    among = networks.where(fit) if fits else networks
    best = among.where(np.array([_best(goal, found, among, fits)]))
    above = None
    if goal.target is not None:
        above = _other_side(goal, best, networks.where(fit))
    elif fits:
        above = _above(goal, best, networks.where(~fit))
    limits = tuple(_kept(limit, best, above) for limit in goal.limits)
    shown = (_found(found, best), None if above is None else _found(found, above))
    return Solution(
        plan.model, convention_text(), fits, networks.size, *shown, limits, goal.target, goal.memory, device_of(plan)
    )


def _why(plan: Plan, found: _Range) -> str:
    """Return why the first network of a range cannot be, as the end of a message."""
    for settings in found.settings[:1]:
        try:
            _alone(plan, settings).alone(settings)
        except SpecError as error:
            return f": {reason_of(error)}"
    return ""


def _found(found: _Range, network: _Costed) -> Found:
    """Return the one network of *network*, as it is shown."""
    place = int(network.places[0])
    interval = found.intervals[place]
    known = found_of(network.names, network.costs[:, 0].tolist())
    here = None if interval is None else Interval(found.parameter, *interval)
    return Found(dict(found.settings[place]), here, *known)


def _kept(limit: CountLimit, best: _Costed, above: _Costed | None) -> KeptLimit:
    beyond = best if above is None else above
    left = limit.value - int(best.of(limit.of)[0])
    return KeptLimit(limit.of, limit.value, left, not _keeps(beyond.of(limit.of), limit)[0])


def _best(goal: Goal, found: _Range, networks: _Costed, fits: bool) -> int:
    """Return the index of the network nearest to the target, or with the most of what is maximised; where nothing
    *fits*, of the one that breaks limits the least. Of equal ones, it is the shortest to type."""
    most = networks.of(goal.maximize)
    if goal.target is not None:
        equal = _least(_distance(networks, goal))
    elif fits:
        equal = _least(-most)
    else:
        equal = _least(_excess(networks, goal.limits))
        return int(equal[np.argmax(most[equal])])
    return int(min(equal, key=lambda index: _typed_length(found.settings[networks.places[index]])))


def _above(goal: Goal, best: _Costed, beyond: _Costed) -> _Costed | None:
    """Return the network that breaks a limit by the least, of those that would be better."""
    better = beyond.where(beyond.of(goal.maximize) > best.of(goal.maximize))
    return better.where(_least(_excess(better, goal.limits))[:1]) if better.size else None


def _other_side(goal: Goal, best: _Costed, networks: _Costed) -> _Costed | None:
    """Return the network nearest to the target on the side where the best one is not."""
    target, costs = goal.target or 0, networks.of(goal.maximize)
    others = networks.where((costs > target) == (best.of(goal.maximize) < target))
    return others.where(_least(_distance(others, goal))[:1]) if others.size else None


def _least(values: NDArray[Any]) -> Integers:
    """Return the indices of the smallest values, of at least one."""
    return np.flatnonzero(values == values.min())


def _keeps(counts: NDArray[Any], limit: CountLimit) -> NDArray[Any]:
    kept: NDArray[Any] = counts <= limit.value if limit.most else counts >= limit.value
    return kept


def _excess(networks: _Costed, limits: tuple[CountLimit, ...]) -> NDArray[Any]:
    """Return by how large a factor each network breaks the limit that it breaks most."""
    excess: NDArray[Any] = np.max([_ratio(networks.of(limit.of), limit) for limit in limits], axis=0)
    return excess


def _ratio(counts: NDArray[Any], limit: CountLimit) -> NDArray[Any]:
    ratio: NDArray[Any] = counts / max(limit.value, 1) if limit.most else limit.value / np.maximum(counts, 1)
    return ratio


def _distance(networks: _Costed, goal: Goal) -> NDArray[Any]:
    distance: NDArray[Any] = abs(networks.of(goal.maximize) - (goal.target or 0))
    return distance


def _typed_length(settings: tuple[Setting, ...]) -> int:
    return sum(len(value) for _, value in settings)

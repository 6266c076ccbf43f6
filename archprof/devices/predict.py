"""How long a network takes on a device, from its profile."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import exp, inf
from typing import Any, Literal

from archprof.allocation.traffic import Traffic
from archprof.devices.calls import KernelCall, KernelCalls, calls_of
from archprof.devices.forms import FORMS, class_of, features_of, like, work_of
from archprof.devices.kernels import Kernel
from archprof.devices.profile import BatchFit, Ceilings, KindFit, NetworkTerms, Profile
from archprof.devices.residual import evaluate
from archprof.errors import usage_error
from archprof.ir.dims import Dim, is_array, maximum, minimum
from archprof.ir.graph import Graph
from archprof.ir.setup import WIDTHS
from archprof.named_tuple import NamedTuple

# Where the time of a call is from: a point of the profile, a formula with its residual, the roofline alone, since the
# profile has nothing of its kind; or nothing runs.
Source = Literal["measured", "predicted", "out of range", "nothing"]
UNKNOWN: Source = "out of range"
# The spread of what nothing is known of, and of what is judged by another class, as standard deviations of logarithms.
UNKNOWN_SPREAD, _LIKE_SPREAD = 1.0, 0.3


class CallTime(NamedTuple):
    """The time of a call, in µs, and of copies that it forces; its spread, as the standard deviation of its logarithm;
    what it is from; what it would take at the ceilings of the device, and which of them binds (`compute`, `memory`,
    `launch`); and what it computes and moves."""

    id: str
    kernels: tuple[Kernel, ...]
    us: Dim
    copy_us: Dim
    spread: Dim
    source: Source
    roofline_us: Dim
    bound: str
    traffic: Traffic


class Latency(NamedTuple):
    """The time of a network, in µs: of all calls in their order, of what it takes beside them, and between which times
    nine of ten networks like it lie; with calls out of range it is open above. *shares* are the parts of the calls'
    time by where they are from."""

    calls: tuple[CallTime, ...]
    us: Dim
    low: Dim
    high: Dim
    beside_us: Dim
    shares: dict[str, float]


class KernelTime(NamedTuple):
    """The time of a kernel, in µs, its spread, as the standard deviation of its logarithm, and what both are from."""

    us: Any
    spread: Any
    source: Source


class Sums(NamedTuple):
    """What a network's time is made of: the µs of its kernels, those times their spread, the µs of copies, how many
    kernels run, and the bytes of weights and of the peak."""

    us: Any
    spread_us: Any
    copy_us: Any
    kernels: Any
    bytes: Any


class Predictor:
    """Times of kernels at a batch, each found once."""

    def __init__(self, profile: Profile, batch: int) -> None:
        if batch not in profile.fits:
            known = ", ".join(map(str, profile.fits))
            raise usage_error(f"the profile `{profile.name}` has no fit for batch {batch}", help=f"it has: {known}")
        self.profile, self.fit = profile, profile.fits[batch]
        self._batch, self._width = batch, WIDTHS[profile.setup.dtype]
        self._known: dict[Kernel, KernelTime | None] = {}

    def time(self, kernel: Kernel) -> KernelTime | None:
        """Return the time of a kernel; None for one of a kind that the profile has nothing of."""
        if kernel not in self._known:
            measured = self.profile.points.get(kernel, {}).get(self._batch)
            self._known[kernel] = self.predicted(kernel) if measured is None else KernelTime(measured, 0.0, "measured")
        return self._known[kernel]

    def times(self, kernels: Sequence[Kernel]) -> list[KernelTime | None]:
        """Return the times of many kernels of one kind, those of a class as arrays side by side."""
        classes: dict[str, list[Kernel]] = {}
        for kernel in dict.fromkeys(kernels):
            if kernel not in self._known and self._batch not in self.profile.points.get(kernel, {}):
                classes.setdefault(class_of(kernel), []).append(kernel)
        for name, together in classes.items():
            self._predict(name, together)
        return [self.time(kernel) for kernel in kernels]

    def _predict(self, name: str, kernels: Sequence[Kernel]) -> None:
        """Predict kernels of one class side by side."""
        from numpy import broadcast_to

        from archprof.ir.arrays import candidates

        columns = tuple(map(candidates, zip(*[one.sizes for one in kernels], strict=True)))
        found = self.predicted(Kernel(kernels[0].kind, columns), name)
        if found is None:
            self._known.update(dict.fromkeys(kernels))
            return
        us, spreads = (broadcast_to(one, len(kernels)).tolist() for one in found[:2])
        for kernel, time, spread in zip(kernels, us, spreads, strict=True):
            self._known[kernel] = KernelTime(time, spread, found.source)

    def predicted(self, kernel: Kernel, name: str = "") -> KernelTime | None:
        """Return the time of a kernel by formula and residual, as if it had not been measured; of one whose sizes are
        arrays, those of all candidates, which are of one class, by its *name*."""
        name = name or class_of(kernel)
        judged = judged_by(self.fit.kinds, name, kernel)
        if judged is None:
            return None
        us, spread = time_by(self.fit.kinds[judged[0]], judged[1], self._batch, self._width)
        us = self._possible(us, kernel)
        return KernelTime(us, spread if judged[0] == name else spread + _LIKE_SPREAD, "predicted")

    def _possible(self, us: Any, kernel: Kernel) -> Any:
        """Return the µs of a kernel, or those of the fastest multiplication that was measured, where a formula far from
        all that it knows is below them."""
        least = self._at_ceiling(kernel)
        below = us < least  # few are: only for them all points are gone through
        return maximum(us, least * self._fastest_share) if (below.any() if is_array(below) else below) else us

    def _at_ceiling(self, kernel: Kernel) -> Any:
        return work_of(kernel, self._batch, self._width).macs / self.profile.ceilings.macs_per_us

    @cached_property
    def _fastest_share(self) -> float:
        """The least share of what they take at the ceiling of multiply-accumulates that kernels were measured to take;
        1 where none was faster."""
        measured = (
            (kernel, times[self._batch]) for kernel, times in self.profile.points.items() if self._batch in times
        )
        ceilings = ((us, self._at_ceiling(kernel)) for kernel, us in measured)
        return min((us / least for us, least in ceilings if least > us), default=1.0)


def judged_by(kinds: Mapping[str, KindFit], name: str, kernel: Kernel) -> tuple[str, Kernel] | None:
    """Return the class by which a kernel is judged, its own if that was fitted or one like it, and what it is there;
    None where there is none."""
    seen = set[str]()
    while name not in kinds:
        seen.add(name)
        found = like(name, kernel)
        if found is None or found[0] in seen:
            return None
        name, kernel = found
    return name, kernel


def time_by(kind: KindFit, kernel: Kernel, batch: int, width: int) -> tuple[Any, Any]:
    """Return the µs of a kernel by the fit of its class, and their spread; its sizes may be arrays."""
    us = FORMS[kind.form].us(kind.constants, kernel, batch, width)
    if kind.residual is None:
        return us, kind.spread
    mean, left = evaluate(kind.residual, features_of(kernel, batch, width))
    return us * _exp(mean), kind.spread * (left + kind.residual.noise) ** 0.5


def predict(graph: Graph, profile: Profile, batch: int, execution: str = "") -> Latency:
    """Return how long a network takes, as the profile says unless another *execution* is asked for.

    Raises UsageError for a batch that the profile has no fit for, and SingleImageError where shapes are known for one
    image alone.
    """
    return latency_of(calls_of(graph, profile.setup, batch), Predictor(profile, batch), execution)


def latency_of(found: KernelCalls, predictor: "Predictor", execution: str = "") -> Latency:
    """Return how long the calls of a network take."""
    profile, terms = predictor.profile, predictor.fit.network
    calls = tuple([_timed(call, predictor, terms, profile.ceilings) for call in found.calls])
    sums = sums_of(calls, kernels_of(found.calls), found.bytes)
    eager = execution if execution != profile.setup.execution else ""
    us, low, high = whole(predictor.fit, sums, eager)
    shares = _shares(calls, sums.us)
    return Latency(calls, us, low, inf if UNKNOWN in shares else high, us - sums.us, shares)


def unknown_in(graph: Graph, found: Latency) -> Counter[str]:
    """Return the operators of a network that are out of range, by name with how often they run."""
    calls = zip(graph.nodes, found.calls, strict=True)
    return Counter(node.op.name for node, call in calls if call.source == UNKNOWN)


def sums_of(calls: Iterable[CallTime], kernels: int, bytes: Dim) -> Sums:
    """Return the sums of calls, of which so many *kernels* run."""
    us = spread_us = copy_us = 0.0
    for call in calls:
        us, spread_us, copy_us = us + call.us, spread_us + call.us * call.spread, copy_us + call.copy_us
    return Sums(us, spread_us, copy_us, kernels, bytes)


def network_us(terms: NetworkTerms, total: Dim, copy_us: Dim, kernels: Dim, bytes: Dim) -> Any:
    """Return the µs of a network whose kernels take *total* and whose copies take *copy_us*."""
    cold = minimum(maximum((bytes - terms.cold_from) / terms.cold_over, 0.0), 1.0)
    return terms.factor * total + copy_us + terms.cold_us * kernels * cold


def whole(fit: BatchFit, sums: Sums, execution: str = "") -> tuple[Any, Any, Any]:
    """Return the µs of a network, and the ends of its interval."""
    us = network_us(fit.network, sums.us, sums.copy_us, sums.kernels, sums.bytes)
    if execution == "eager":
        us = maximum(us, fit.network.eager_us * sums.kernels)
    base, factor = fit.interval
    half = (base**2 + (factor * sums.spread_us / maximum(sums.us, 1e-9)) ** 2) ** 0.5
    return us, us * _exp(-half), us * _exp(half)


def kernels_of(calls: Iterable[KernelCall]) -> int:
    """Return how many kernels run, copies with them."""
    return sum([(max(len(call.kernels), 1) if runs(call) else 0) + (call.copied is not None) for call in calls])


def runs(call: KernelCall) -> bool:
    """Tell whether anything runs."""
    return bool(call.kernels) or not call.known


def _timed(call: KernelCall, predictor: Predictor, terms: NetworkTerms, ceilings: Ceilings) -> CallTime:
    if not runs(call):
        return CallTime(call.id, (), 0.0, 0.0, 0.0, "nothing", 0.0, "launch", call.traffic)
    least, bound = roofline_of(call, ceilings)
    copy_us = copy_us_of(call, terms)
    times = [predictor.time(kernel) for kernel in call.kernels]
    known = [time for time in times if time is not None]
    if not known or len(known) < len(times):
        known_least = least, copy_us, UNKNOWN_SPREAD
        return CallTime(call.id, call.kernels, *known_least, UNKNOWN, least, bound, call.traffic)
    us = sum([time.us for time in known])
    spread = sum([time.us * time.spread for time in known]) / us
    source: Source = "measured" if all(time.source == "measured" for time in known) else "predicted"
    return CallTime(call.id, call.kernels, us, copy_us, spread, source, least, bound, call.traffic)


def copy_us_of(call: KernelCall, terms: NetworkTerms) -> Any:
    """Return the µs of the copy that a call forces; 0 where there is none."""
    return terms.copy_us + call.copied / terms.copy_bytes_per_us if call.copied is not None else 0.0


def roofline_of(call: KernelCall, ceilings: Ceilings) -> tuple[Any, str]:
    """Return what a call takes at the ceilings of a device, and which of them binds it."""
    return roofline(call.traffic.macs, call.traffic.bytes, ceilings, max(len(call.kernels), 1))


def roofline(macs: Dim, moved: Dim, ceilings: Ceilings, kernels: int = 1) -> tuple[Any, str]:
    """Return what so many *kernels* take together at the ceilings of a device, and which of them binds (Williams,
    Waterman & Patterson 2009, with the launch of kernels as a third)."""
    least = {
        "launch": ceilings.kernel_us * kernels,
        "memory": moved / ceilings.bytes_per_us,
        "compute": macs / ceilings.macs_per_us,
    }
    bound = max(least, key=lambda name: least[name])
    return least[bound], bound


def _shares(calls: Iterable[CallTime], total: Dim) -> dict[str, float]:
    shares: dict[str, float] = {}
    for call in calls:
        if call.source != "nothing":
            shares[call.source] = shares.get(call.source, 0.0) + call.us / total
    return shares


def _exp(value: Any) -> Any:
    if is_array(value):
        from numpy import exp as exp_of_array

        return exp_of_array(value)
    return exp(value)

"""A profile fitted anew from its own points and networks, with an interval that holds where families are left out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from math import log

from archprof.devices.fit import FittedNetwork, Known, fit_batch, networks_of, rounded
from archprof.devices.left_out import KernelError, LeftOut, groups_of, leave_out
from archprof.devices.predict import UNKNOWN, UNKNOWN_SPREAD, Predictor, latency_of, sums_of
from archprof.devices.profile import BatchFit, KindFit, Profile
from archprof.ir.graph import Graph
from archprof.named_tuple import NamedTuple

# The share of networks that the interval is to hold, and how many deviations hold as many of what is normal.
_HELD, _DEVIATIONS = 0.9, 1.645
# Kernels of a class that have to be left out for its spread to be told from theirs alone.
_ENOUGH = 8
_LEAST_SPREAD = 1e-3
# The interval where no networks were measured.
_NO_NETWORKS = (0.1, 2.0)


class Judged(NamedTuple):
    """A fit at a batch, and what it is worth: what is predicted of each network when its family is left out of it."""

    fit: BatchFit
    left_out: tuple[LeftOut, ...]


def fit_profile(profile: Profile, graph_of: Callable[[str], Graph], family_of: Callable[[str], str]) -> Profile:
    """Return a profile with what is fitted to its points and networks, whose graphs *graph_of* knows by name, and
    *family_of* which of them are a family."""
    networks = networks_of(profile, graph_of)
    fits = {batch: judged_fit(profile, networks, batch, family_of).fit for batch in profile.batches}
    return profile._replace(fits=fits)


def judged_fit(
    profile: Profile, networks: Sequence[FittedNetwork], batch: int, family_of: Callable[[str], str]
) -> Judged:
    """Return what is fitted to the points of a profile and its networks at a batch, and what it is worth."""
    known: Known = {}
    networks = [network for network in networks if batch in network.calls]
    fit = fit_batch(profile, networks, batch, known)
    if not networks:
        return Judged(fit._replace(interval=_NO_NETWORKS), ())
    groups = groups_of(networks, family_of)
    left = [one for group in groups for one in leave_out(profile, networks, group, batch, known)]
    wider = _wider([error for one in left for error in one.errors], fit.kinds)
    fit = fit._replace(kinds=_widened(fit.kinds, wider))
    held = _held(left)
    base = _quantile([(off, 1.0) for off in _own_errors(profile, fit, networks, batch)], held)
    left = [_again(one, wider, batch, (base, 0.0)) for one in left]
    interval = rounded(base), rounded(_factor(left, base, held))
    return Judged(fit._replace(interval=interval), tuple([_again(one, {}, batch, interval) for one in left]))


def _again(left: LeftOut, wider: Mapping[str, float], batch: int, interval: tuple[float, float]) -> LeftOut:
    """Return a network that was left out as it is predicted with wider spreads of its kernels and an interval."""
    fit = left.without.fits[batch]
    fit = fit._replace(kinds=_widened(fit.kinds, wider), interval=interval)
    without = left.without._replace(fits={batch: fit})
    return left._replace(without=without, latency=latency_of(left.network.calls[batch], Predictor(without, batch)))


def _wider(errors: Collection[KernelError], names: Iterable[str]) -> dict[str, float]:
    """Return by how much the spread of each class has to be wider to tell how far its kernels were off that were left
    out; of a class of which few were, as of all together."""

    def factor(among: Collection[KernelError]) -> float:
        return max(_quantile([(abs(one.off) / one.spread, 1.0) for one in among]) / _DEVIATIONS, 1.0)

    usual = factor(errors) if errors else 1.0
    of_class = {name: [one for one in errors if one.name == name] for name in names}
    return {name: factor(among) if len(among) >= _ENOUGH else usual for name, among in of_class.items()}


def _widened(kinds: Mapping[str, KindFit], wider: Mapping[str, float]) -> dict[str, KindFit]:
    return {
        name: kind._replace(spread=rounded(min(kind.spread * wider.get(name, 1.0), UNKNOWN_SPREAD)))
        for name, kind in kinds.items()
    }


def _own_errors(profile: Profile, fit: BatchFit, networks: Sequence[FittedNetwork], batch: int) -> list[float]:
    """Return how far the whole profile is off at its own networks, as logarithms."""
    predictor = Predictor(profile._replace(fits={batch: fit._replace(interval=(0.0, 0.0))}), batch)
    found = [(latency_of(network.calls[batch], predictor).us, network.measured.us[batch]) for network in networks]
    return [abs(log(us / measured)) for us, measured in found]


def _factor(left: Sequence[LeftOut], base: float, held: float) -> float:
    """Return how many spreads of their kernels networks that were left out are off, beside the *base*; all families
    count alike, and networks with kernels of which nothing is known do not."""
    needed = []
    for one in left:
        if UNKNOWN not in one.latency.shares:
            sums = sums_of(one.latency.calls, 0, 0)
            beyond = max(one.off**2 - base**2, 0.0) ** 0.5
            worth = 1 / sum(other.family == one.family for other in left)
            needed.append((beyond / max(sums.spread_us / sums.us, _LEAST_SPREAD), worth))
    return _quantile(needed, held) if needed else _NO_NETWORKS[1]


def _held(left: Sequence[LeftOut]) -> float:
    """Return which part of the families at hand has to be held, so that the next one is as often as is said (conformal
    prediction, Vovk et al. 2005)."""
    families = len({one.family for one in left})
    return min(_HELD * (families + 1) / families, 1.0)


def _quantile(values: Sequence[tuple[float, float]], part: float = _HELD) -> float:
    """Return the smallest of some values, each with its weight, that a part of all weight does not exceed."""
    ordered = sorted(values)
    sums = list(accumulate(weight for _, weight in ordered))
    return next(value for (value, _), up_to in zip(ordered, sums, strict=True) if up_to >= part * sums[-1] - 1e-9)

"""A profile fitted anew from its own points and networks, with an interval that leaving families out has shown to hold."""

from collections.abc import Callable, Collection, Mapping, Sequence

from itertools import accumulate
from math import log

from archprof.devices.fit import Known, Network, fit_batch, networks_of, rounded
from archprof.devices.left_out import KernelError, LeftOut, groups_of, leave_out
from archprof.devices.predict import Predictor, latency_of, spread_of
from archprof.devices.profile import Fit, KindFit, Profile
from archprof.ir.graph import Graph

# The share of networks that the interval is to hold, and how many deviations hold as many of what is normal.
_HELD, _DEVIATIONS = 0.9, 1.645
# As much of a dozen families as holds nine tenths of those that nobody has seen.
_HELD_IN_SAMPLE = 0.95
# Kernels of a class that have to be left out for its spread to be told from theirs alone.
_ENOUGH = 8
_LEAST_SPREAD = 1e-3
# The interval where no networks were measured.
_NO_NETWORKS = (0.1, 2.0)


def fit_profile(profile: Profile, graph_of: Callable[[str], Graph], family_of: Callable[[str], str]) -> Profile:
    """Return a profile with what is fitted to its points and networks, whose graphs *graph_of* knows by name, and
    *family_of* which of them are a family."""
    networks = networks_of(profile, graph_of)
    fits = {batch: _fit(profile, networks, batch, family_of) for batch in profile.batches}
    return profile._replace(fits=fits)


def _fit(profile: Profile, networks: Sequence[Network], batch: int, family_of: Callable[[str], str]) -> Fit:
    known: Known = {}
    fit = fit_batch(profile, networks, batch, known)
    if not networks:
        return fit._replace(interval=_NO_NETWORKS)
    left = [one for group in groups_of(networks, family_of)
            for one in leave_out(profile, networks, group, batch, known)]  # fmt: skip
    wider = _wider([error for one in left for error in one.errors], list(fit.kinds))
    fit = fit._replace(kinds=_widened(fit.kinds, wider))
    base = _quantile([(one, 1.0) for one in _own_errors(profile, fit, networks, batch)])
    return fit._replace(interval=(rounded(base), rounded(_factor(left, wider, batch, base))))


def _wider(errors: Collection[KernelError], names: Collection[str]) -> dict[str, float]:
    """Return by how much the spread of each class has to be wider to tell how far its kernels were off that were left
    out; of a class of which few were, as of all together."""

    def factor(among: Collection[KernelError]) -> float:
        return max(_quantile([(abs(one.off) / one.spread, 1.0) for one in among]) / _DEVIATIONS, 1.0)

    usual = factor(errors)
    of_class = {name: [one for one in errors if one.name == name] for name in names}
    return {name: factor(among) if len(among) >= _ENOUGH else usual for name, among in of_class.items()}


def _widened(kinds: Mapping[str, KindFit], wider: Mapping[str, float]) -> dict[str, KindFit]:
    return {name: kind._replace(spread=rounded(kind.spread * wider.get(name, 1.0))) for name, kind in kinds.items()}


def _own_errors(profile: Profile, fit: Fit, networks: Sequence[Network], batch: int) -> list[float]:
    """Return how far the whole profile is off at its own networks, as logarithms."""
    predictor = Predictor(profile._replace(fits={batch: fit._replace(interval=(0.0, 0.0))}), batch)
    found = [(latency_of(network.calls[batch], predictor).us, network.measured.us[batch]) for network in networks]
    return [abs(log(us / measured)) for us, measured in found]


def _factor(left: Sequence[LeftOut], wider: Mapping[str, float], batch: int, base: float) -> float:
    """Return how many spreads of their kernels nine of ten networks that were left out are off, beside the *base*; all
    families count alike, and networks with kernels of which nothing is known do not."""
    needed = []
    for one in left:
        fit = one.without.fits[batch]
        without = one.without._replace(fits={batch: fit._replace(kinds=_widened(fit.kinds, wider))})
        latency = latency_of(one.network.calls[batch], Predictor(without, batch))
        if "out of range" not in latency.shares:
            beyond = max(one.off**2 - base**2, 0.0) ** 0.5
            worth = 1 / sum(other.family == one.family for other in left)
            needed.append((beyond / max(spread_of(latency.calls), _LEAST_SPREAD), worth))
    return _quantile(needed, _HELD_IN_SAMPLE)


def _quantile(values: Sequence[tuple[float, float]], part: float = _HELD) -> float:
    """Return the smallest of some values, each with its weight, that a part of all weight does not exceed."""
    ordered = sorted(values)
    sums = list(accumulate(weight for _, weight in ordered))
    return next(value for (value, _), up_to in zip(ordered, sums, strict=True) if up_to >= part * sums[-1] - 1e-9)

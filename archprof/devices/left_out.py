"""What a profile says of networks that it has never seen: those that it has, in turn left out of it with all of their
family."""

from collections.abc import Callable, Sequence
from math import log

from archprof.devices.fit import FittedNetwork, Known, fit_batch, kernels_in
from archprof.devices.forms import class_of, like
from archprof.devices.predict import Latency, Predictor, latency_of
from archprof.devices.profile import Profile
from archprof.named_tuple import NamedTuple


class LeftOutGroup(NamedTuple):
    """Networks that are left out together, and their family."""

    family: str
    networks: tuple[FittedNetwork, ...]


class KernelError(NamedTuple):
    """How far the time of a kernel was off, as a logarithm, its class, and the spread that was told."""

    name: str
    off: float
    spread: float


class LeftOut(NamedTuple):
    """A network that was left out: its family, the profile without it, and what that says of it."""

    network: FittedNetwork
    family: str
    without: Profile
    latency: Latency
    off: float  # as a logarithm
    errors: tuple[KernelError, ...]


def groups_of(networks: Sequence[FittedNetwork], family_of: Callable[[str], str]) -> list[LeftOutGroup]:
    """Return what is left out together: families, and, of a family that alone has a class of kernels, of which nothing
    would be known without it, not even of a class like that, each network by itself."""
    families: dict[str, list[FittedNetwork]] = {}
    owners: dict[str, set[str]] = {}
    for network in networks:
        family = family_of(network.measured.model)
        families.setdefault(family, []).append(network)
        for kernel in kernels_in(network):
            name = class_of(kernel)
            if like(name, kernel) is None:
                owners.setdefault(name, set()).add(family)
    alone = {family for found in owners.values() if len(found) == 1 for family in found}
    groups = []
    for family, members in families.items():
        parts = [(network,) for network in members] if family in alone else [tuple(members)]
        groups += [LeftOutGroup(family, part) for part in parts]
    return groups


def leave_out(
    profile: Profile, networks: Sequence[FittedNetwork], group: LeftOutGroup, batch: int, known: Known | None = None
) -> list[LeftOut]:
    """Return what a profile says of networks at a batch when neither they nor the kernels that they alone have are in
    it."""
    others = [network for network in networks if network not in group.networks]
    kept = {kernel for network in others for kernel in kernels_in(network)}
    own = {kernel for network in group.networks for kernel in kernels_in(network)} - kept
    points = {kernel: times for kernel, times in profile.points.items() if kernel not in own}
    bare = profile._replace(points=points, networks=tuple([network.measured for network in others]))
    without = bare._replace(fits={batch: fit_batch(bare, others, batch, known)})
    return [_left_out(profile, without, group.family, network, batch) for network in group.networks]


def _left_out(profile: Profile, without: Profile, family: str, network: FittedNetwork, batch: int) -> LeftOut:
    predictor = Predictor(without, batch)
    latency = latency_of(network.calls[batch], predictor)
    off = log(latency.us / network.measured.us[batch])
    errors = []
    for kernel in kernels_in(network):
        measured, time = profile.points.get(kernel, {}).get(batch), predictor.time(kernel)
        if measured is not None and time is not None and time.source == "predicted":
            errors.append(KernelError(class_of(kernel), log(time.us / measured), time.spread))
    return LeftOut(network, family, without, latency, off, tuple(errors))

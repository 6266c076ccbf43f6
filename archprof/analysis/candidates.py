"""Which operators of the catalog a device is calibrated by: as far from each other as they go, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log2, sqrt

from archprof.allocation.forward import Forward
from archprof.allocation.timeline import Builder
from archprof.devices.farthest import farthest
from archprof.devices.fusion import fused
from archprof.devices.kernels import Kernel, columns_of, parts_of
from archprof.devices.profile import DeviceSetup
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup
from archprof.named_tuple import NamedTuple

# How much denser than others kinds are chosen whose times no short formula tells.
_DENSITY = {"grouped": 3.0, "standard": 2.5, "depthwise": 2.0, "pointwise": 2.0}
# Channels that are no multiple of this are misaligned: as far from others as eight times the size.
_ALIGNED, _FAR = 8, 3.0


class OperatorCandidate(NamedTuple):
    """An operator to be measured: its kernel, and a call of it, by its network and its place there."""

    kernel: Kernel
    model: str
    place: int


def candidates(models: Iterable[str], graph_of: Callable[[str], Graph], setup: DeviceSetup) -> list[OperatorCandidate]:
    """Return the kernels of some networks, each once, where it is met first."""
    found: dict[Kernel, OperatorCandidate] = {}
    for model in models:
        for place, kernel in enumerate(kernels_in(graph_of(model), setup)):
            if kernel is not None and parts_of(kernel) == (kernel,):
                found.setdefault(kernel, OperatorCandidate(kernel, model, place))
    return list(found.values())


def kernels_in(graph: Graph, setup: DeviceSetup) -> tuple[Kernel | None, ...]:
    """Return the kernels of a network's calls."""
    forward = Forward(graph, Setup(dtype=setup.dtype, layout=setup.layout), Builder())
    forward.run()
    return fused(graph, forward.passed, setup.fusion).kernels


def chosen(found: Sequence[OperatorCandidate], many: int) -> list[OperatorCandidate]:
    """Return so many candidates, those of each kind as far from each other as they go: the same ones
    each time."""
    kinds: dict[str, list[OperatorCandidate]] = {}
    for one in found:
        kinds.setdefault(one.kernel.kind, []).append(one)
    shares = _shares({kind: len(members) for kind, members in kinds.items()}, many)
    return [one for kind, members in kinds.items() for one in _farthest(members, shares[kind])]


def _shares(counts: Mapping[str, int], many: int) -> dict[str, int]:
    """Return how many of each kind are chosen, so many in all: in proportion to the roots of their counts, times their
    density, one of each first and never more than there are (Adams 1832)."""
    worth = {kind: _DENSITY.get(kind, 1.0) * sqrt(count) for kind, count in counts.items()}
    shares = dict.fromkeys(counts, 0)
    for _ in range(min(many, sum(counts.values()))):
        able = [kind for kind in counts if shares[kind] < counts[kind]]
        shares[max(able, key=lambda kind: (not shares[kind], worth[kind] / max(shares[kind], 1)))] += 1
    return shares


def _farthest(members: Sequence[OperatorCandidate], many: int) -> list[OperatorCandidate]:
    """Return so many candidates: the one nearest to the middle, then in turn the one that is farthest from all before
    it."""
    import numpy

    if not many or many >= len(members):
        return list(members[:many])
    points = numpy.array([_position(one.kernel) for one in members])
    return [members[index] for index in farthest(points - points.mean(axis=0), many)]


def _position(kernel: Kernel) -> list[float]:
    """Return where a kernel stands among those of its kind: by the logarithms of its sizes, and whether its channels
    are aligned."""
    named = kernel.named()
    channels = [int(named[name]) for name in ("in_channels", "out_channels", "in_features") if name in named]
    logs = [log2(1 + int(named[name])) for name in columns_of(kernel.kind)]
    return [*logs, *(_FAR * (size % _ALIGNED != 0) for size in channels)]

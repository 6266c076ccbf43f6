"""Which networks of the catalog a test takes by day, where it builds or sweeps each: those that the project exists for,
and of every other family one. All of them come by night."""

import math
from collections.abc import Iterable

import pytest

import archprof
from archprof.spec import catalog

# The networks that archprof began with: no change may break one of them unseen.
_FIRST = ("mobilenet_v", "mixnet_", "R-")
_RESNETS = frozenset(("resnet18", "resnet34", "resnet50", "resnet50_gn", "resnet50d", "resnet101", "resnext50_32x4d"))
_PYRAMIDS = frozenset(("resnet50_fpn", "resnet50_fpn_retinanet"))


def by_day(names: Iterable[str]) -> list[object]:
    """Return networks as parameters of a test, those that wait for the night marked so."""
    listed = list(names)
    first = {name for name in listed if name.startswith(_FIRST)} | _RESNETS | _PYRAMIDS
    return _marked(listed, first | _smallest(listed))


def smallest_by_day(names: Iterable[str]) -> list[object]:
    """Return networks as parameters of a test: of each folder that with the fewest parameters, the others by night."""
    listed = list(names)
    return _marked(listed, _smallest(listed))


def _marked(names: list[str], day: set[str]) -> list[object]:
    return [name if name in day else pytest.param(name, marks=pytest.mark.night) for name in names]


def _smallest(names: list[str]) -> set[str]:
    """Return of each folder the network with the fewest parameters."""
    folders: dict[str, list[tuple[float, str]]] = {}
    for name in names:
        expected = archprof.load(name).expect
        params = expected[0].counts.get("params", math.inf) if expected else math.inf
        folders.setdefault(catalog.files()[name].parent.name, []).append((params, name))
    return {min(family)[1] for family in folders.values()}

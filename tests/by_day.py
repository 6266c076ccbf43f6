"""Which networks of the catalog a test takes by day, where it builds or sweeps each: those that the project exists for,
and of every other family one. All of them come by night."""

from collections.abc import Iterable
from itertools import groupby

import pytest

import archprof
from archprof.spec import catalog

# The networks that archprof began with, whole families: no change may break one of them unseen.
_FIRST = ("mobilenet_v", "mixnet_", "resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d", "R-")
# Of other families so many, evenly over their names.
_FEW = 1


def by_day(names: Iterable[str]) -> list[object]:
    """Return networks as parameters of a test, those that wait for the night marked so."""
    listed = list(names)
    day = _chosen(listed)
    return [name if name in day else pytest.param(name, marks=pytest.mark.night) for name in listed]


def _chosen(names: list[str]) -> set[str]:
    files = catalog.files()
    found = {name for name in names if name.startswith(_FIRST)}
    for _, group in groupby(sorted(names, key=lambda name: (files[name].parent.name, name)), lambda n: files[n].parent):
        members = list(group)
        found |= set(members[:: -(-len(members) // _FEW)])
    return found


def smallest_by_day(names: Iterable[str]) -> list[object]:
    """Return networks as parameters of a test: of each folder that with the fewest parameters, the others by night."""
    folders: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        expected = archprof.load(name).expect
        params = expected[0].counts.get("params", 0) if expected else 0
        folders.setdefault(catalog.files()[name].parent.name, []).append((params, name))
    found: list[object] = []
    for family in folders.values():
        (_, first), *others = sorted(family)
        found += [first, *(pytest.param(name, marks=pytest.mark.night) for _, name in others)]
    return found

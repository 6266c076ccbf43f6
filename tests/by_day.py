"""Which networks of the catalog a test takes by day, where it builds or sweeps each: those that the project exists for,
and of every other family one; or a dozen, where another test is of the same."""

import math
import re
from collections.abc import Container, Iterable
from functools import cache
from typing import NamedTuple

import pytest

from archprof.spec import catalog
from archprof.spec.head import read_head

# The networks that archprof began with: no change may break one of them unseen.
_FIRST = ("mobilenet_v", "mixnet_", "R-")
_RESNETS = frozenset(("resnet18", "resnet34", "resnet50", "resnet50_gn", "resnet50d", "resnet101", "resnext50_32x4d"))
_PYRAMIDS = frozenset(("resnet50_fpn", "resnet50_fpn_retinanet"))
# Those of them that have in them what all have.
_MOBILE = frozenset(("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"))
_CORE = _MOBILE | {"mixnet_s", "mixnet_m", "mixnet_l", "resnet18", "resnet50", "resnext50_32x4d", "R-50-C4", "R-50-FPN"}


class Facts(NamedTuple):
    """What a network is chosen by: its folder, and what its spec says. Params that no spec says are more than any."""

    folder: str
    params: float
    widened: bool
    deployed: bool
    follows: str


def of_each_family(names: Iterable[str]) -> list[str]:
    """Return the networks that archprof began with, and of every other family the smallest: of all others something
    else of the night says the same."""
    listed = list(names)
    first = {name for name in listed if name.startswith(_FIRST)} | _RESNETS | _PYRAMIDS | smallest(listed)
    return [name for name in listed if name in first]


def core(*others: str) -> list[str]:
    """Return a dozen networks, and some *others*, for a test that another is like."""
    return [*sorted(_CORE), *others]


def core_by_day(names: Iterable[str], *others: str) -> list[object]:
    """Return networks as parameters of a test that another is like: a dozen and some *others*, the rest by night."""
    return these_by_day(names, core(*others))


def smallest_by_day(names: Iterable[str]) -> list[object]:
    """Return networks as parameters of a test: of each folder that with the fewest parameters, the others by night."""
    listed = list(names)
    return these_by_day(listed, smallest(listed))


def these_by_day(names: Iterable[str], day: Container[str]) -> list[object]:
    """Return names as parameters of a test: by day those of *day*, the others by night."""
    return [name if name in day else pytest.param(name, marks=pytest.mark.night) for name in names]


def widened() -> list[str]:
    """Return the networks that take a width."""
    return [name for name, network in facts().items() if network.widened]


def in_two_forms() -> list[str]:
    """Return the networks with a knob `deploy`."""
    return [name for name, network in facts().items() if network.deployed]


def following(library: str) -> list[str]:
    """Return the networks whose spec says that it follows a library."""
    return [name for name, network in facts().items() if network.follows == library]


def smallest(names: Iterable[str]) -> set[str]:
    """Return of each folder the network with the fewest parameters."""
    folders: dict[str, list[tuple[float, str]]] = {}
    for name in names:
        network = facts()[name]
        folders.setdefault(network.folder, []).append((network.params, name))
    return {min(family)[1] for family in folders.values()}


@cache
def facts() -> dict[str, Facts]:
    """Read what is chosen by off every spec's lines: each of several processes that collect tests would else load them
    all."""
    found = {}
    for name, path in catalog.files().items():
        expect = read_head(str(path)).expect
        params = expect[0].cost.get("params", math.inf) if expect else math.inf
        follows = _said(name, _FOLLOWS)
        found[name] = Facts(
            path.parent.name,
            params,
            _said(name, _WIDTH) is not None,
            _said(name, _DEPLOY) is not None,
            follows[1] if follows else "",
        )
    return found


_WIDTH = re.compile("^width:", re.MULTILINE)
_DEPLOY = re.compile(r"^(?:knobs:.*[{ ]| +)deploy: *\{", re.MULTILINE)
_FOLLOWS = re.compile(r'^follows: *"?([^"\n]+)', re.MULTILINE)
_EXTENDS = re.compile("^extends: *([^@ \n]+)", re.MULTILINE)


@cache
def _said(name: str, line: re.Pattern[str]) -> re.Match[str] | None:
    """Return such a line of a spec, or of one that it extends."""
    text = _text(name)
    above = _EXTENDS.search(text)
    return line.search(text) or (_said(catalog.find(above[1]).stem, line) if above else None)


@cache
def _text(name: str) -> str:
    return catalog.files()[name].read_text(encoding="utf-8")

"""Checks that Python asks for: `check("net.lock.json", macs="220M")`."""

from collections.abc import Iterable, Mapping
from typing import Any

from archprof.allocation.asked import setup_of
from archprof.analysis.check import CheckRequest, Outcome, check
from archprof.costs.metrics import MEMORY, TIMES
from archprof.devices.asked import Asked, AskedOf
from archprof.errors import Location, SpecError, usage_error
from archprof.ir.graph import Graph
from archprof.ir.setup import INFERENCE, Setup
from archprof.spec.budget import LIMITED, Limit, read_limit
from archprof.spec.nodes import Scalar
from archprof.spec.printed_number import parse_limit
from archprof.spec.uncounted import Allowed, allowed_by

PLACE = Location("archprof.check", 0, 0)


def limits_of(stated: Mapping[str, object]) -> tuple[Limit, ...]:
    """Return the limits of keywords: `macs="220M"`. Raises TypeError for a metric that there is not, as Python does for
    a keyword, and SpecError for what is no limit."""
    words = {name: word for name, word in stated.items() if name in (*Setup._fields, *Asked._fields, "device")}
    stated = {metric: text for metric, text in stated.items() if metric not in words}
    on = _device(words) if any(metric in TIMES for metric in stated) else None
    # What is said of a device alone need not be what bytes can be counted at.
    of_bytes = {name: word for name, word in words.items() if name in Setup._fields}
    setup = INFERENCE if on and not any(metric in MEMORY for metric in stated) else setup_of(of_bytes, "{}")
    for metric in stated:
        if metric not in LIMITED:
            raise TypeError(f"no metric {metric!r}: there are {', '.join(LIMITED)}")
    limits = [read_limit(metric, "max", Scalar(str(text), *PLACE)) for metric, text in stated.items()]
    return tuple([limit.at(setup, on) for limit in limits])


def amounts_of(stated: Mapping[str, object]) -> dict[str, int]:
    """Return the most of some metrics, in what they are counted in: bytes, ns, or counts; None is as good as none.
    Raises SpecError for what is none."""
    given = {metric: text for metric, text in stated.items() if text is not None}
    return {metric: parse_limit(str(text), metric).value.__floor__() for metric, text in given.items()}


def _device(words: Mapping[str, object]) -> AskedOf:
    """Return the device that words name. Raises UsageError where there is none."""
    if "device" not in words:
        raise usage_error("a limit on a time, and no device", help='as in `latency="2ms", device="h100"`')
    asked: Any = {name: word for name, word in words.items() if name in Asked._fields}
    return AskedOf(str(words["device"]), Asked(**asked))


def allowance(given: "bool | str | Iterable[str]") -> Allowed:
    """Return what an argument `allow_uncounted` lets pass."""
    return allowed_by(given, PLACE)


def check_stated(model: str | Graph, limits: tuple[Limit, ...], allows: Allowed) -> Outcome:
    """Return what came of holding a network to limits: one by name, those that a pattern matches, or a graph.

    Raises SpecError with everything that is wrong.
    """
    request = CheckRequest(limits=limits, allows=allows, allowing='allow_uncounted="{}"')
    if isinstance(model, Graph):
        request = request._replace(graphs=(model,))
    else:
        request = request._replace(models=(model,))
    outcome = check(request)
    if outcome.problems:
        raise SpecError(outcome.problems)
    return outcome

"""Checks that Python asks for: `check("net.lock.json", macs="220M")`."""

from collections.abc import Iterable, Mapping

from archprof.allocation.asked import setup_of
from archprof.analysis.check import CheckRequest, Outcome, check
from archprof.costs.metrics import MEMORY
from archprof.errors import Location, SpecError
from archprof.ir.graph import Graph
from archprof.ir.setup import Setup
from archprof.spec.budget import LIMITED, Limit, read_limit
from archprof.spec.nodes import Scalar
from archprof.spec.uncounted import Allowed, allowed_by

PLACE = Location("archprof.check", 0, 0)


def limits_of(stated: Mapping[str, object]) -> tuple[Limit, ...]:
    """Return the limits of keywords: `macs="220M"`. Raises TypeError for a metric that there is not, as Python does for
    a keyword, and SpecError for what is no limit."""
    setup = setup_of({name: word for name, word in stated.items() if name in Setup._fields}, "{}")
    stated = {metric: text for metric, text in stated.items() if metric not in Setup._fields}
    for metric in stated:
        if metric not in LIMITED:
            raise TypeError(f"no metric {metric!r}: there are {', '.join(LIMITED)}")
    limits = [read_limit(metric, "max", Scalar(str(text), *PLACE)) for metric, text in stated.items()]
    return tuple(limit._replace(setup=setup) if limit.metric in MEMORY else limit for limit in limits)


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

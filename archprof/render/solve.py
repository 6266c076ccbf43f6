"""A solution as a table and as a document: `archprof solve`."""

from typing import Any

from archprof.costs.convention import ARCHPROF
from archprof.costs.metrics import NAMES
from archprof.render.json import SCHEMA
from archprof.render.table import Column, Table
from archprof.sweep.plan import CountLimit
from archprof.sweep.solve import Candidate, Solution
from archprof.units import exact, percent, plural

LABELS = {"macs": "MACs"}


def solution_table(found: Solution) -> Table:
    """Return the network found and the next beyond it, with what that would break."""
    names = [name for name, _ in found.best.settings]
    columns = (
        Column("", "which", left=True),
        *(Column(name, name) for name in names),
        *(
            Column(LABELS.get(name, name), name, exact, drop=drop)
            for name, drop in (("params", 0), ("macs", 0), ("activations", 3))
        ),
    )
    shown = [(_label(found), found.best), *([(_beyond(found), found.above)] if found.above else [])]
    rows = tuple(
        (label, *(value for _, value in one.settings), one.cost.params, one.cost.macs, one.cost.activations)
        for label, one in shown
    )
    lines = [
        *_interval(found),
        *_budget(found),
        f"the best of {plural(found.networks, 'distinct network')}, all of the range",
    ]
    return Table(found.model, columns, rows, (*lines, f"convention {ARCHPROF}: {ARCHPROF.text}"))


def _label(found: Solution) -> str:
    if not found.fits:
        return "nearest"
    return "nearest" if found.goal.target is not None else "fits"


def _beyond(found: Solution) -> str:
    return "other side" if found.goal.target is not None else "just above"


def _interval(found: Solution) -> list[str]:
    if found.best.interval is None:
        return []
    low, high = found.best.interval
    return [f"the same network at every {found.parameter} from {_round(low, up=True)} to {_round(high, up=False)}"]


def _round(value: float, up: bool) -> str:
    """Return six decimals of an end of an interval, inside it."""
    from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

    rounded = Decimal(repr(value)).quantize(Decimal("0.000001"), ROUND_CEILING if up else ROUND_FLOOR)
    return f"{rounded.normalize():f}"


def _budget(found: Solution) -> list[str]:
    lines = []
    for limit in found.goal.limits:
        count = int(found.best.cost[limit.of])
        label = LABELS.get(limit.of, limit.of)
        if count <= limit.value:
            left = limit.value - count
            lines.append(
                f"{label}: {exact(left)} of {exact(limit.value)} left ({percent(left, limit.value)}){_binds(found, limit)}"
            )
        else:
            lines.append(f"{label}: {exact(count)}, over {exact(limit.value)} by {exact(count - limit.value)}")
    if found.goal.target is not None:
        off = found.best.cost.macs - found.goal.target
        share = percent(abs(off), found.goal.target)
        lines.append(
            f"MACs: {exact(abs(off))} {'above' if off > 0 else 'below'} the target of {exact(found.goal.target)} ({share})"
        )
    return lines


def _binds(found: Solution, limit: CountLimit) -> str:
    if limit not in found.binding or found.above is None:
        return ""
    return f"; binds: the next is over by {exact(int(found.above.cost[limit.of]) - limit.value)}"


def solution_document(found: Solution) -> dict[str, Any]:
    """Return a solution as a document: exact integers, settings as typed."""
    return {
        "schema": SCHEMA,
        "model": found.model,
        "convention": {"name": ARCHPROF.name, "version": ARCHPROF.version},
        "fits": found.fits,
        "networks": found.networks,
        "best": _document(found.best, found),
        "above": _document(found.above, found) if found.above else None,
        "limits": [
            {
                "count": limit.of,
                "max": limit.value,
                "left": limit.value - found.best.cost[limit.of],
                "binds": limit in found.binding,
            }
            for limit in found.goal.limits
        ],
        "target": found.goal.target,
    }


def _document(network: Candidate, found: Solution) -> dict[str, Any]:
    of = "width" if found.parameter == "width" else "phi"
    interval = None if network.interval is None else {"of": of, "from": network.interval[0], "to": network.interval[1]}
    return {
        "settings": dict(network.settings),
        "interval": interval,
        "totals": {name: network.cost[name] for name in NAMES},
    }

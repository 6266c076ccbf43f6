"""A solution as a table: `archprof solve`."""

from collections.abc import Iterator

from archprof.costs.metrics import MEMORY, TIMES, label_of
from archprof.render.sweep import COUNTS, counted_by, drop_of
from archprof.render.table import Heading, Note, Table
from archprof.render.times import ns_text, time_headings, times_of
from archprof.sweep.solve import Found, KeptLimit, Solution
from archprof.units import exact, percent, plural


def solution_table(found: Solution, maximize: str) -> Table:
    """Return the network found and the next beyond it, with what that would break; the counts that were limited and
    the one to *maximize* stay in the narrowest room."""
    asked = (maximize, *(limit.metric for limit in found.limits), *(MEMORY if found.setup is not None else ()))
    counts = tuple([name for name in dict.fromkeys((*COUNTS, *asked)) if name not in TIMES])
    columns = (
        Heading("", "which", left=True),
        *(Heading(name, name) for name in found.best.settings),
        *(Heading(label_of(name), name, exact, drop=drop_of(name, asked)) for name in counts),
        *time_headings(found.device),
    )
    near = not found.fits or found.target is not None
    shown: list[tuple[str, Found]] = [("nearest" if near else "fits", found.best)]
    if found.above:
        shown.append(("other side" if found.target is not None else "just above", found.above))
    rows = tuple(
        (label, *one.settings.values(), *(one.totals[name] for name in counts), *times_of(one.estimates))
        for label, one in shown
    )
    return Table(found.model, columns, rows, tuple(_footer(found)))


def _footer(found: Solution) -> Iterator[Note]:
    if found.best.interval is not None:
        of, low, high = found.best.interval
        ends = f"from {_round(low, up=True)} to {_round(high, up=False)}"
        yield Note("ratio", f"the same network at every {'φ' if of == 'phi' else of} {ends}")
    for limit in found.limits:
        yield Note("budget", _left(found, limit))
    if found.target is not None:
        yield Note("budget", _off_target(found, found.target))
    yield Note("totals", f"the best of {plural(found.distinct, 'distinct network')}, all of the range")
    yield from counted_by(found.convention, found.setup, found.device)


def _round(value: float, up: bool) -> str:
    """Return six decimals of an end of an interval, inside it."""
    from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

    rounded = Decimal(repr(value)).quantize(Decimal("0.000001"), ROUND_CEILING if up else ROUND_FLOOR)
    return f"{rounded.normalize():f}"


def _left(found: Solution, limit: KeptLimit) -> str:
    label, show = label_of(limit.metric), ns_text if limit.metric in TIMES else exact
    if limit.left < 0:
        return f"{label}: {show(limit.max - limit.left)}, over {show(limit.max)} by {show(-limit.left)}"
    said = f"{label}: {show(limit.left)} of {show(limit.max)} left ({percent(limit.left, limit.max)})"
    if not limit.binds or found.above is None:
        return said
    return f"{said}; binds: the next is over by {show(_amount(found.above, limit.metric) - limit.max)}"


def _amount(network: Found, metric: str) -> int:
    if metric in TIMES and network.estimates:
        return network.estimates[metric].ns
    return network.totals[metric]


def _off_target(found: Solution, target: int) -> str:
    off = found.best.totals.macs - target
    side = "above" if off > 0 else "below"
    return f"MACs: {exact(abs(off))} {side} the target of {exact(target)} ({percent(abs(off), target)})"

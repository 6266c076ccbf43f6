"""Verdicts on a module of one's own: what limits allow, and what counters found on it."""

from collections.abc import Sequence

from archprof.analysis.budgets import FAIL, PASS, Verdict, bound_of
from archprof.errors import Location, usage_error
from archprof.runtime.measure import Measurement
from archprof.spec.budget import Limit

# What a counter finds; whatever else a budget may limit stands in a table.
MEASURED = ("params", "macs")
# So many modules are named below a failure.
_SHOWN = 3


def judge_module(model: str, found: Measurement, limits: Sequence[Limit]) -> list[Verdict]:
    """Return the verdict of each limit on a module. Raises UsageError for a limit on what is not measured, and for one
    that counts from a baseline."""
    return [_verdict(model, found, limit) for limit in limits]


def _verdict(model: str, found: Measurement, limit: Limit) -> Verdict:
    if limit.metric not in MEASURED:
        advice = f"a module is held to {' and '.join(MEASURED)}, a spec to whatever is counted"
        raise usage_error(f"`{limit.metric}` of a module is not measured", limit.location, help=advice)
    if limit.relative:
        advice = "an amount, as in `220M`"
        raise usage_error(f"`{limit.text}` counts from a baseline, and a module has none", limit.location, help=advice)
    actual = int(getattr(found, limit.metric))
    bound = bound_of(limit, None, actual)
    note, place = f"by {found.counter}; most in {_largest(found, limit.metric)}", Location(model, 0, 0)
    status = FAIL if actual > bound else PASS
    numbers = (bound, actual, None, status, actual - bound)
    return Verdict(model, limit.metric, "", limit.bound, limit.text, *numbers, limit.location, place, "", (), note)


def _largest(found: Measurement, metric: str) -> str:
    counts = {path: int(getattr(row, metric)) for path, row in found.rows.items()}
    largest = sorted(counts.items(), key=lambda item: -item[1])[:_SHOWN]
    return ", ".join(
        f"`{path}` ({count:,})" if path else f"the module itself ({count:,})" for path, count in largest if count
    )

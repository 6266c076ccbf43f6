"""Networks side by side: totals, where by kind and by stage they spend, and what accuracy was published for them."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from archprof.costs.metrics import NAMES, Counts
from archprof.costs.report import Report, Row, total_cost
from archprof.errors import suggest, usage_error
from archprof.ir.origin import Origin
from archprof.language.registry import spellings
from archprof.spec.same import standing_at
from archprof.spec.types import Published, Spec

# Kinds that multiply, in the order of tables; what else costs nothing.
MULTIPLYING = ("standard", "depthwise", "pointwise", "grouped", "mixed", "se", "linear")
HEAD = 0


class Group(NamedTuple):
    """What a part of a network costs: its weighted layers, its sums."""

    layers: int
    cost: Counts


class Contender(NamedTuple):
    """One network of a comparison, with its parts by kind and by stage (the stride; 0 for the head)."""

    report: Report
    layers: int
    kinds: dict[str, Group]
    stages: dict[int, Group]
    accuracy: Published | None

    @property
    def name(self) -> str:
        return self.report.origin.variant

    @property
    def top1(self) -> str:
        return self.accuracy.numbers.get("top1", "") if self.accuracy else ""


class Comparison(NamedTuple):
    """Contenders in the order of the table, and the one that ratios relate to."""

    contenders: tuple[Contender, ...]
    reference: Contender

    def ratio(self, contender: Contender, count: str) -> Fraction | None:
        """Return a contender's count as a fraction of the reference's; None where that is 0."""
        mine, reference = getattr(contender.report.totals, count), getattr(self.reference.report.totals, count)
        return Fraction(mine, reference) if reference else None


SORT_KEYS = (*NAMES, "layers", "top1")


def compare(reports: Sequence[Report], relative_to: str | None = None, sort: str | None = None) -> Comparison:
    """Return networks side by side; ratios relate to the first, or to the one named.

    *sort* orders by a count, smallest first, or by published accuracy, best first. Raises UsageError for a name or key
    that is not there.
    """
    contenders = [_contender(report) for report in reports]
    reference = contenders[0] if relative_to is None else _named(contenders, relative_to)
    if sort is not None:
        if sort not in SORT_KEYS:
            raise usage_error(f"unknown sort key `{sort}`", help=suggest(sort, SORT_KEYS, "keys"))
        contenders.sort(key=lambda contender: _order(contender, sort))
    return Comparison(tuple(contenders), reference)


def _order(contender: Contender, key: str) -> float:
    if key == "top1":
        return -float(contender.top1 or 0)
    return contender.layers if key == "layers" else getattr(contender.report.totals, key)


def _named(contenders: Sequence[Contender], name: str) -> Contender:
    for contender in contenders:
        origin = contender.report.origin
        names = (contender.name, origin.name, *origin.aliases)
        if name in names and (name != origin.name or not origin.asked or len(contenders) == 1):
            return contender
    known = [contender.name for contender in contenders]
    raise usage_error(f"`{name}` is not among the compared", help=suggest(name, known, "compared"))


def _contender(report: Report) -> Contender:
    weighted = [row for row in report.rows if row.kind in MULTIPLYING and row.operator.weighted]
    kinds = {kind: _group([row for row in weighted if row.kind == kind]) for kind in MULTIPLYING}
    stages = sorted({row.stage for row in report.rows}, key=lambda stage: (stage == HEAD, stage))
    by_stage = {stage: _group([row for row in report.rows if row.stage == stage]) for stage in stages}
    return Contender(
        report,
        len(weighted),
        {kind: group for kind, group in kinds.items() if group.layers},
        by_stage,
        _accuracy(report.origin),
    )


def _group(rows: Sequence[Row]) -> Group:
    return Group(sum(1 for row in rows if row.operator.weighted), total_cost(rows))


def _accuracy(origin: Origin) -> Published | None:
    """Return what was published of the network's accuracy at these very settings."""
    if not isinstance(origin, Spec):
        return None
    rated = [published for published in origin.published if "top1" in published.numbers]
    return next(iter(standing_at(origin, rated, spellings)), None)

"""Networks side by side: totals, where by kind and by stage they spend, and what accuracy was published for them."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from archprof.analysis.report import Cost, Report, Row, total
from archprof.errors import Problem, UsageError, suggest
from archprof.spec.types import Published, Spec

# Kinds that multiply, in the order of tables; what else costs nothing.
KINDS = ("standard", "depthwise", "pointwise", "grouped", "mixed", "se", "linear")
HEAD = 0


class Group(NamedTuple):
    """What a part of a network costs: its weighted layers, its sums."""

    layers: int
    cost: Cost


class Contender(NamedTuple):
    """One network of a comparison, with its parts by kind and by stage (the stride; 0 for the head)."""

    report: Report
    layers: int
    kinds: dict[str, Group]
    stages: dict[int, Group]
    accuracy: Published | None

    @property
    def name(self) -> str:
        return self.report.spec.variant

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


SORT_KEYS = (*Cost._fields, "layers", "top1")


def compare(reports: Sequence[Report], relative_to: str | None = None, sort: str | None = None) -> Comparison:
    """Return networks side by side; ratios relate to the first, or to the one named.

    *sort* orders by a count, smallest first, or by published accuracy, best first. Raises UsageError for a name or key
    that is not there.
    """
    contenders = [_contender(report) for report in reports]
    reference = contenders[0] if relative_to is None else _named(contenders, relative_to)
    if sort is not None:
        if sort not in SORT_KEYS:
            raise UsageError([Problem(f"unknown sort key `{sort}`", help=suggest(sort, SORT_KEYS, "keys"))])
        contenders.sort(key=lambda contender: _order(contender, sort))
    return Comparison(tuple(contenders), reference)


def _order(contender: Contender, key: str) -> float:
    if key == "top1":
        return -float(contender.top1 or 0)
    return contender.layers if key == "layers" else getattr(contender.report.totals, key)


def _named(contenders: Sequence[Contender], name: str) -> Contender:
    for contender in contenders:
        spec = contender.report.spec
        if name in (contender.name, spec.name, *spec.aliases) and (
            name != spec.name or spec.pristine or len(contenders) == 1
        ):
            return contender
    names = [contender.name for contender in contenders]
    raise UsageError([Problem(f"`{name}` is not among the compared", help=suggest(name, names, "compared"))])


def _contender(report: Report) -> Contender:
    weighted = [row for row in report.rows if row.kind in KINDS and row.operator.macs_per_position]
    kinds = {kind: _group([row for row in weighted if row.kind == kind]) for kind in KINDS}
    stages = sorted({row.stage for row in report.rows}, key=lambda stage: (stage == HEAD, stage))
    by_stage = {stage: _group([row for row in report.rows if row.stage == stage]) for stage in stages}
    return Contender(
        report,
        len(weighted),
        {kind: group for kind, group in kinds.items() if group.layers},
        by_stage,
        _accuracy(report.spec),
    )


def _group(rows: Sequence[Row]) -> Group:
    return Group(sum(1 for row in rows if row.operator.macs_per_position), total(rows))


def _accuracy(spec: Spec) -> Published | None:
    """Return what was published of the network's accuracy at these very settings."""
    asked = _settings(spec.asked)
    return next(
        (published for published in spec.published if "top1" in published.numbers and _settings(published.at) == asked),
        None,
    )


def _settings(settings: Sequence[tuple[str, str]]) -> dict[str, str | float]:
    """Return settings so that `1.40` and `1.4` are the same."""
    values: dict[str, str | float] = {}
    for key, value in settings:
        try:
            values[key] = float(value)
        except ValueError:
            values[key] = value
    return values

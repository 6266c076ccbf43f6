"""Proving a spec: what it counts to, at every setting that it lists, against what it expects and what was published."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from archprof.analysis.document import ConventionText
from archprof.analysis.expectations import expectations
from archprof.analysis.variants import Settings, Variants
from archprof.costs.agreement import CountedModules, Measure
from archprof.costs.measured import disagreement, with_measured
from archprof.costs.metrics import Counts
from archprof.costs.report import Report, analyze_graph
from archprof.errors import Location
from archprof.ir.graph import Graph
from archprof.language.registry import spellings
from archprof.spec import catalog
from archprof.spec.header import PUBLISHED
from archprof.spec.printed_number import parse_printed, verdict
from archprof.spec.same import standing_at
from archprof.spec.types import Published, spec_of
from archprof.spec.variant import settings_text

BAD = ("unequal", "differs")


class Check(NamedTuple):
    """One comparison: what was expected, by whom, what was counted, and the verdict.

    Verdicts: `equal` or `unequal` for exact numbers and for the counters; `equal`, `truncated`, `noted` or `differs`
    for printed ones.
    """

    by: str  # expect, fvcore, torch, published
    what: str
    expected: str
    counted: int
    verdict: str
    where: str = ""
    note: str = ""


class Proof(NamedTuple):
    """A network at one setting, and every comparison there; it *holds* where nothing is unequal, and nothing differs
    without a note."""

    model: str
    at: Mapping[str, str]
    holds: bool
    totals: Counts
    checks: tuple[Check, ...]
    location: Location


class Verification(NamedTuple):
    """The proofs of some networks."""

    convention: ConventionText
    proofs: tuple[Proof, ...]


def verify(model: str | Graph, measure: Measure | None = None, only: Settings | None = None) -> Iterator[Proof]:
    """Yield a proof for each setting that a spec lists, its own first, or for *only* one.

    *measure* counts on the built module, where it is given: whoever has a runtime hands it in. Raises SpecError for a
    spec that is wrong, UsageError for a graph that comes from none.
    """
    variants = Variants(model, "`verify`")
    for at in variants.listed() if only is None else (only,):
        yield _proof(variants, at, measure)


def listed_settings(reference: str) -> tuple[Settings, ...]:
    """Return the settings that `verify` proves. Raises SpecError as that does."""
    return Variants(reference).listed()


def _proof(variants: Variants, at: Settings, measure: Measure | None) -> Proof:
    graph = variants.graph(at)
    report = analyze_graph(graph)
    spec = spec_of(graph.origin, "`verify`")
    checks = [_expected(found.metric, found.expected, found.counted) for found in expectations(spec, report.totals)]
    if measure is not None:
        checks += _measured(report, measure(graph))
    for published in standing_at(spec, spec.published, spellings):
        checks += _published(published, report.totals)
    model = f"{spec.name}@{settings_text(variants.behind)}" if variants.behind else spec.name
    holds = not any(check.verdict in BAD for check in checks)
    return Proof(model, dict(at), holds, report.totals, tuple(checks), Location(catalog.portable(spec.file), 0, 0))


def _expected(metric: str, expected: int, counted: int) -> Check:
    return Check("expect", metric, str(expected), counted, "equal" if counted == expected else "unequal")


def _measured(report: Report, counted: CountedModules) -> list[Check]:
    reason = disagreement(with_measured(report, counted))
    second = counted.macs_torch if counted.macs_torch is not None else counted.macs
    totals = report.totals
    return [
        _counted("fvcore", "macs", counted.macs, totals.macs, reason),
        _counted("torch", "macs", second, totals.macs, reason),
        _counted("module", "params", counted.params, totals.params, reason),
    ]


def _counted(by: str, what: str, measured: int, analytic: int, reason: str) -> Check:
    """Return the check of a counter's total; totals that agree over rows that do not are unequal all the same."""
    same = measured == analytic and not reason
    return Check(by, what, str(measured), analytic, "equal" if same else "unequal", note=reason)


def _published(published: Published, totals: Counts) -> list[Check]:
    checks = []
    for what, text in published.numbers.items():
        if what not in PUBLISHED:  # accuracies are only shown
            continue
        node = published.node.get(what)
        printed = parse_printed(text, node.location if node else None)
        where = ", ".join(filter(None, [published.source, published.where]))
        result = verdict(totals[what], printed, bool(published.note))
        note = published.note if result in ("noted", "differs") else ""
        checks.append(Check("published", what, text, totals[what], result, where, note))
    return checks

"""Proving a spec: what it counts to, at every setting that it lists, against what it expects and what was published."""

from collections.abc import Iterable, Iterator, Mapping

from archprof.analysis.document import ConventionText, convention_text
from archprof.analysis.expectations import check_published, expectations
from archprof.analysis.variants import Settings, Variants
from archprof.costs.agreement import CountedModules, Measure
from archprof.costs.measured import disagreement, with_measured
from archprof.costs.metrics import Counts
from archprof.costs.report import Report, analyze_graph
from archprof.errors import Location
from archprof.ir.graph import Graph
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec import catalog
from archprof.spec.header import PUBLISHED
from archprof.spec.printed_number import parse_printed, verdict
from archprof.spec.same import is_at, standing_at
from archprof.spec.types import Published, Spec, spec_of

BAD = ("unequal", "differs")


class Check(NamedTuple):
    """One comparison: what was expected, by whom, what was counted, and the verdict.

    Verdicts: `equal` or `unequal` for exact numbers and for the counters; `equal`, `truncated`, `noted` or `differs`
    for printed ones.
    """

    by: str  # expect, fvcore, torch, published
    metric: str
    text: str
    counted: int
    verdict: str
    where: str = ""
    note: str = ""
    checked: str = ""  # the copy in which a printed number was read again


class Proof(NamedTuple):
    """A network at one setting, and every comparison there; it *holds* where nothing is unequal, and nothing differs
    without a note."""

    model: str
    settings: Mapping[str, str]
    holds: bool
    totals: Counts
    checks: tuple[Check, ...]
    location: Location


class UncheckedEntry(NamedTuple):
    """Published numbers that nobody has read again, as they are printed."""

    model: str
    settings: Mapping[str, str]
    printed: Mapping[str, str]
    where: str
    location: Location


class Verification(NamedTuple):
    """The proofs of some networks, and those of which no count is expected and none was published; or, where that is
    asked for, the published numbers that nobody has read again."""

    convention: ConventionText
    proofs: tuple[Proof, ...]
    without_numbers: tuple[str, ...] = ()
    unchecked: tuple[UncheckedEntry, ...] = ()


def verification(proofs: Iterable[Proof]) -> Verification:
    """Return what the proofs of some networks come to."""
    found = tuple(proofs)
    numbers: dict[str, bool] = {}
    for proof in found:
        known = any(check.by in ("expect", "published") for check in proof.checks)
        numbers[proof.model] = numbers.get(proof.model, False) or known
    return Verification(convention_text(), found, tuple(model for model, known in numbers.items() if not known))


def unchecked_entries(reference: str) -> tuple[UncheckedEntry, ...]:
    """Return what was published of a network, at all of its settings or at those behind its name, and not `checked`.

    Raises SpecError for a spec that is wrong.
    """
    spec = Variants(reference).spec()
    listed = spec.published if is_at(spec, (), spellings) else standing_at(spec, spec.published, spellings)
    return tuple(
        UncheckedEntry(spec.name, dict(one.at), one.numbers, _where(one), _portable(one.node.location))
        for one in listed
        if not one.checked
    )


def verify(model: str | Graph, measure: Measure | None = None, only: Settings | None = None) -> Iterator[Proof]:
    """Yield a proof for each setting that a spec lists, its own first, or for *only* one.

    *measure* counts on the built module, where it is given: whoever has a runtime hands it in. Raises SpecError for a
    spec that is wrong, UsageError for a graph that comes from none.
    """
    variants = Variants(model, "`verify`")
    spec = variants.spec()
    check_published(spec)
    name = spec.variant
    for at in variants.listed() if only is None else (only,):
        if measure is None:
            yield _proof(name, *variants.totals(at), at)
        else:
            graph = variants.graph(at)
            report = analyze_graph(graph)
            measured = _measured(report, measure(graph))
            yield _proof(name, spec_of(graph.origin, "`verify`"), report.totals, at, measured)


def listed_settings(reference: str) -> tuple[Settings, ...]:
    """Return the settings that `verify` proves. Raises SpecError as that does."""
    return Variants(reference).listed()


def _proof(name: str, spec: Spec, totals: Counts, at: Settings, measured: Iterable[Check] = ()) -> Proof:
    checks = [_expected(found.metric, found.expected, found.counted) for found in expectations(spec, totals)]
    checks += measured
    for published in standing_at(spec, spec.published, spellings):
        checks += _published(published, totals)
    holds = not any(check.verdict in BAD for check in checks)
    return Proof(name, dict(at), holds, totals, tuple(checks), _portable(Location(spec.file, 0, 0)))


def _portable(place: Location) -> Location:
    return place._replace(file=catalog.portable(place.file))


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
        result = verdict(totals[what], printed, bool(published.note))
        note = published.note if result in ("noted", "differs") else ""
        checks.append(Check("published", what, text, totals[what], result, _where(published), note, published.checked))
    return checks


def _where(published: Published) -> str:
    return ", ".join(filter(None, [published.source, published.where]))

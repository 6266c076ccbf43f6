"""Proving a spec: what it counts to, at every setting that it lists, against what it expects and what was published."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from archprof.analysis.printed import parse_printed, verdict
from archprof.analysis.report import Cost, Counts, analyze_graph, disagreement, with_measured
from archprof.graph.block import spellings
from archprof.graph.expand import expand
from archprof.graph.trace import Graph
from archprof.spec.load import Tree, read_tree, resolve
from archprof.spec.types import Published, Spec
from archprof.spec.variant import Setting, parse_reference

# Published counts that are compared; accuracies are only shown. FLOPs are two for each multiply-accumulate.
COMPARED = ("params", "macs", "flops", "trainable", "buffers", "activations")
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
    """A network at one setting, and every comparison there."""

    model: str
    at: tuple[Setting, ...]
    cost: Cost
    checks: tuple[Check, ...]
    location: str

    @property
    def holds(self) -> bool:
        return not any(check.verdict in BAD for check in self.checks)


Measure = Callable[[Graph], Counts]


Settings = tuple[Setting, ...]


def verify(reference: str, measure: Measure | None = None, only: Settings | None = None) -> Iterator[Proof]:
    """Yield a proof for each setting that a spec lists, its own first, or for *only* one; *measure* counts on the built
    module, where it is given.

    Raises SpecError for a spec that is wrong.
    """
    target, behind = parse_reference(reference)
    tree = read_tree(target, spellings)
    spec = resolve(tree, behind, spellings)
    for at in _listed(spec) if only is None else (only,):
        yield _proof(tree, spec, (*behind, *at), at, measure)


def listed_settings(reference: str) -> tuple[Settings, ...]:
    """Return the settings that a spec lists, its own first; with settings behind the reference, those alone. Raises
    SpecError as `verify` does."""
    target, behind = parse_reference(reference)
    return _listed(resolve(read_tree(target, spellings), behind, spellings))


def _listed(spec: Spec) -> tuple[Settings, ...]:
    if spec.asked:
        return ((),)
    return tuple(
        dict.fromkeys([(), *(expected.at for expected in spec.expect), *(published.at for published in spec.published)])
    )


def _proof(tree: Tree, spec: Spec, settings: Settings, at: Settings, measure: Measure | None) -> Proof:
    graph = expand(resolve(tree, settings, spellings))
    report = analyze_graph(graph)
    checks = []
    if not spec.asked:
        checks += [
            check
            for expected in spec.expect
            if expected.at == at
            for check in _expected(expected.counts, report.totals)
        ]
    if measure is not None:
        counts = measure(graph)
        measured = with_measured(report, counts)
        found = [
            ("fvcore", counts.macs),
            ("torch", counts.macs_torch if counts.macs_torch is not None else counts.macs),
        ]
        reason = disagreement(measured)
        checks += [_counted(by, macs, report.totals.macs, reason) for by, macs in found]
        checks.append(_counted("module", counts.params, report.totals.params, reason, "params"))
    if not spec.asked:
        checks += [
            check
            for published in spec.published
            if published.at == at
            for check in _published(published, report.totals)
        ]
    return Proof(spec.variant if spec.asked else spec.name, at, report.totals, tuple(checks), spec.file)


def _expected(counts: Mapping[str, int], totals: Cost) -> list[Check]:
    return [
        Check(
            "expect", what, str(count), getattr(totals, what), "equal" if getattr(totals, what) == count else "unequal"
        )
        for what, count in counts.items()
    ]


def _counted(by: str, measured: int, analytic: int, reason: str, what: str = "macs") -> Check:
    """Return the check of a counter's total; totals that agree over rows that do not are unequal all the same."""
    same = measured == analytic and not reason
    return Check(by, what, str(measured), analytic, "equal" if same else "unequal", note=reason)


def _published(published: Published, totals: Cost) -> list[Check]:
    checks = []
    for what, text in published.numbers.items():
        if what not in COMPARED:
            continue
        node = published.node.get(what)
        count = 2 * totals.macs if what == "flops" else getattr(totals, what)
        printed = parse_printed(text, node.location if node else None)
        where = ", ".join(filter(None, [published.source, published.where]))
        result = verdict(count, printed, bool(published.note))
        checks.append(
            Check(
                "published", what, text, count, result, where, published.note if result in ("noted", "differs") else ""
            )
        )
    return checks

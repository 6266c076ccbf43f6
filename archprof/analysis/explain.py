"""Why another tool, or a paper, prints another number: from our MACs to theirs, step by step."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from archprof.analysis.conventions import CONVENTIONS, Convention, convention_sum, convention_total
from archprof.analysis.printed import Printed, parse_printed, verdict
from archprof.analysis.report import Report, Row
from archprof.analysis.verify import COMPARED
from archprof.graph.operators import OPERATORS
from archprof.graph.operators.act import GELU, ReLU, SiLU, Swish
from archprof.graph.operators.base import Operator
from archprof.graph.operators.pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d, Mean
from archprof.spec.types import Published


class Step(NamedTuple):
    """What a tool counts besides our MACs: for what, how much of it, for how many operators."""

    label: str
    amount: str
    operators: int
    counted: int


class Explanation(NamedTuple):
    """A network under one convention: our MACs, the steps, and the sum of both in the convention's unit."""

    convention: Convention
    macs: int
    steps: tuple[Step, ...]
    total: int


def explain(report: Report, convention: Convention) -> Explanation:
    """Return the way from our MACs to what a convention counts."""
    steps = []
    for term in convention.terms:
        rows = term.rows(report.rows)
        if counted := sum(map(term.amount.of, rows)):
            steps.append(Step(term.label, term.amount.text, len(rows), counted))
    macs = report.totals.macs
    return Explanation(convention, macs, tuple(steps), macs + sum(step.counted for step in steps))


class Form(NamedTuple):
    """A way of writing operators: what they are, how they are written, how they could be written for the same result,
    and their row then."""

    what: str
    written: str
    otherwise: str
    holds: Callable[[Row], bool]
    rewrite: Callable[[Row], Row]


class Rewriting(NamedTuple):
    """What tools would count if some operators were written in another form; *totals* has the conventions where that
    differs, by name."""

    form: Form
    operators: int
    totals: dict[str, int]


def rewritings(report: Report, explanations: Iterable[Explanation]) -> list[Rewriting]:
    """Return the forms of activations and pools that make a difference to a convention, where `build` writes them
    otherwise."""
    compared = list(explanations)
    found = []
    for form in _FORMS:
        rows = [row for row in report.rows if form.holds(row)]
        rewritten = [form.rewrite(row) for row in rows]
        totals = {}
        for convention, _, _, total in compared:
            difference = convention_sum(rewritten, convention) - convention_sum(rows, convention)
            if difference:
                totals[convention.name] = total + difference
        if totals:
            found.append(Rewriting(form, len(rows), totals))
    return found


def _is(operator: type[Operator] | tuple[type[Operator], ...], form: str) -> Callable[[Row], bool]:
    return lambda row: isinstance(row.operator, operator) and row.form == form


def _is_global(row: Row) -> bool:
    return isinstance(row.operator, AdaptiveAvgPool2d) and row.operator.size == (1, 1)


def _as_function(row: Row) -> Row:
    return row._replace(form="function")


def _as_module(row: Row) -> Row:
    return row._replace(form="module")


def _as_mean(row: Row) -> Row:
    return row._replace(operator=Mean(True), form="function")


def _as_pool(row: Row) -> Row:
    return row._replace(operator=AdaptiveAvgPool2d(), form="module", output=(row.output[0], 1, 1))


_FORMS = (
    Form("ReLU", "a module", "a function", _is(ReLU, "module"), _as_function),
    Form("GELU", "a module", "a function", _is(GELU, "module"), _as_function),
    Form(
        "SiLU activation",
        "one operator",
        "x · sigmoid(x)",
        _is(SiLU, "module"),
        lambda row: row._replace(operator=Swish()),
    ),
    Form(
        "swish activation",
        "x · sigmoid(x)",
        "one operator",
        _is(Swish, "module"),
        lambda row: row._replace(operator=SiLU()),
    ),
    Form(
        "pool",
        "a module",
        "a function",
        _is((AvgPool2d, MaxPool2d, AdaptiveAvgPool2d, AdaptiveMaxPool2d), "module"),
        _as_function,
    ),
    Form("pool", "a function", "a module", _is(AdaptiveAvgPool2d, "function"), _as_module),
    Form("global average pool", "a pool", "a mean", _is_global, _as_mean),
    Form("mean", "a mean", "a pooling module", _is(Mean, "function"), _as_pool),
)


class Print(NamedTuple):
    """A count as a source prints it: the verdict on our count, the conventions that give it, and the spec's note where
    it differs."""

    what: str
    text: str
    where: str
    counted: int
    verdict: str
    given_by: tuple[str, ...]
    note: str


def prints(report: Report, published: Iterable[Published]) -> list[Print]:
    """Return the published counts of a network beside ours; what is printed as FLOPs is compared with twice our
    MACs."""
    totals = {name: convention_total(report, convention) for name, convention in CONVENTIONS.items()}
    found = []
    for entry in published:
        where = ", ".join(filter(None, [entry.source or report.spec.source.paper, entry.where]))
        for what in COMPARED:
            if what not in entry.numbers:
                continue
            text, number = entry.numbers[what], parse_printed(entry.numbers[what])
            counted = 2 * report.totals.macs if what == "flops" else getattr(report.totals, what)
            result = verdict(counted, number, bool(entry.note))
            given_by = _given_by(number, totals) if what in ("macs", "flops") else ()
            found.append(
                Print(
                    what, text, where, counted, result, given_by, entry.note if result in ("noted", "differs") else ""
                )
            )
    return found


def _given_by(number: Printed, totals: Mapping[str, int]) -> tuple[str, ...]:
    """Return the conventions that give a printed number: by rounding, or, where none does, by cutting."""
    verdicts = {name: verdict(total, number, False) for name, total in totals.items()}
    best = "equal" if "equal" in verdicts.values() else "truncated"
    return tuple(name for name, result in verdicts.items() if result == best)


def unpriced(report: Report) -> tuple[str, ...]:
    """Return the names of operators from a package of the user's own: what tools count there depends on their code, and
    only their MACs are known."""
    return tuple(dict.fromkeys(row.op for row in report.rows if type(row.operator) not in OPERATORS))

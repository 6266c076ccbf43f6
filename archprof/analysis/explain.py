"""Why another tool, or a paper, prints another number: from our MACs to theirs, step by step."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from archprof.analysis.document import Head, head
from archprof.analysis.summary import constant_macs, not_counted
from archprof.costs.amounts import LEFT_OUT
from archprof.costs.at_most import AtMost, at_most
from archprof.costs.convention import Convention, convention_sum
from archprof.costs.priced import Priced, convention_total, folded_norms, priced, pricing_all
from archprof.costs.report import Report, Row
from archprof.costs.tools import CONVENTIONS
from archprof.ir.operators.act import SiLU
from archprof.ir.operators.base import Operator
from archprof.ir.operators.conv import Conv2d
from archprof.ir.operators.global_pool import AdaptiveAvgPool2d
from archprof.ir.operators.linear import Linear
from archprof.ir.operators.mean import Mean
from archprof.ir.operators.swish import Swish
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec.header import PUBLISHED
from archprof.spec.printed_number import PrintedNumber, parse_printed, verdict
from archprof.spec.same import standing_at
from archprof.spec.types import Published, Spec


class Addend(NamedTuple):
    """What a tool counts besides our MACs: for what, how much of it, for how many operators."""

    label: str
    amount: str
    operators: int
    counted: int


class Explanation(NamedTuple):
    """A network under one convention: our MACs (those of so many *operators*), what comes on top, and the sum of both
    in the convention's unit; where operators are *not_priced*, by name with how often they run, it is at least that.
    So many *folded_norms* that it would count are part of convolutions."""

    name: str
    version: int | str
    unit: str
    text: str
    macs: int
    operators: int
    steps: tuple[Addend, ...]
    total: int
    not_priced: Mapping[str, int] | None = None
    folded_norms: int | None = None


class Rewriting(NamedTuple):
    """What tools would count if some operators were written otherwise; *counts* has the conventions where that differs,
    by name."""

    what: str
    written: str
    otherwise: str
    operators: int
    counts: Mapping[str, int]


class PublishedCount(NamedTuple):
    """A count as a source prints it: the verdict on our count, the conventions that give it, and the spec's note where
    it differs."""

    metric: str
    text: str
    where: str
    counted: int
    verdict: str
    given_by: tuple[str, ...]
    note: str
    checked: str = ""  # the copy in which it was read again


class Explained(NamedTuple):
    """Why others print other numbers for a network: every step of every convention, what would change if operators were
    written otherwise, published counts, and the operators that tools may see otherwise; *not_counted* and
    *constant_macs* as in `Summary`."""

    head: Head
    conventions: tuple[Explanation, ...]
    forms: tuple[Rewriting, ...]
    published: tuple[PublishedCount, ...]
    unpriced: tuple[str, ...]
    not_counted: Mapping[str, int] | None = None
    constant_macs: Mapping[str, int] | None = None
    at_most: AtMost | None = None


def explain(report: Report, conventions: Sequence[Convention]) -> Explained:
    """Return why some conventions count otherwise than ours.

    Raises SpecError where the settings of something published cannot be.
    """
    explanations = tuple(_explanation(report, one) for one in conventions)
    counted = {one.name: one.total for one in explanations}
    # How operators could be written is a question about what `build` writes.
    written = pricing_all(report, conventions) if report.origin.is_table else ()
    forms = tuple(rewritings(report, written, counted))
    published, unpriced = tuple(_published_counts(report)), _unpriced(report)
    known = not_counted(report), constant_macs(report), at_most(report)
    return Explained(head(report), explanations, forms, published, unpriced, *known)


def _explanation(report: Report, convention: Convention) -> Explanation:
    """Return the way from our MACs to what a convention counts."""
    found = priced(report, convention)
    steps = list(_left_out(found))
    for price in convention.prices:
        counts = [count for row in price.rows(found.counted) if (count := price.amount.of(row))]
        if counted := sum(counts):
            steps.append(Addend(price.label, price.amount.text, len(counts), counted))
    macs = report.totals.macs
    operators = sum(row.cost.macs > 0 for row in report.rows)
    name, version, text, unit, *_ = convention
    total = macs + sum(step.counted for step in steps)
    missing = found.not_priced(), folded_norms(report, convention)
    return Explanation(name, version, unit, text, macs, operators, tuple(steps), total, *missing)


def _left_out(found: Priced) -> Iterator[Addend]:
    """Yield the MACs of operators that a tool does not see, by what they are, and of those of which it is not known."""
    parts: dict[str, list[Row]] = {}
    for row in found.unseen:
        parts.setdefault(f"{_PRODUCTS.get(row.kind, 'convolutions')}, not seen", []).append(row)
    parts["not priced"] = list(found.unknown)
    for label, rows in parts.items():
        multiplying = [row for row in rows if row.cost.macs]
        if multiplying:
            yield Addend(label, LEFT_OUT.text, len(multiplying), sum(map(LEFT_OUT.of, multiplying)))


# What operators that multiply are called, where they are no convolutions.
_PRODUCTS = {
    "linear": "linear layers",
    "attention": "attention",
    "matmul": "matrix products",
    "recurrent": "recurrent layers",
}


class Writing(NamedTuple):
    """A way of writing operators: what they are, how they are written, how they could be written for the same result,
    and their row then."""

    what: str
    written: str
    otherwise: str
    holds: Callable[[Row], bool]
    rewrite: Callable[[Row], Row]


def rewritings(report: Report, conventions: Sequence[Convention], counted: Mapping[str, int]) -> Iterator[Rewriting]:
    """Yield the writings of operators that make a difference to what a convention has *counted*, where `build` writes
    them otherwise."""
    for writing in _WRITINGS:
        rows = [row for row in report.rows if writing.holds(row)]
        rewritten = [writing.rewrite(row) for row in rows]
        totals = {}
        for convention in conventions:
            difference = convention_sum(rewritten, convention) - convention_sum(rows, convention)
            if difference:
                totals[convention.name] = counted[convention.name] + difference
        if totals:
            yield Rewriting(*writing[:3], len(rows), totals)


def _is(form: str, *operators: str) -> Callable[[Row], bool]:
    return lambda row: type(row.operator).__name__ in operators and row.form == form


def _is_global(row: Row) -> bool:
    return isinstance(row.operator, AdaptiveAvgPool2d) and row.operator.size == (1, 1)


def _is_mean_of_map(row: Row) -> bool:
    """Tell whether a pooling module could take the mean: of two axes behind the channels."""
    return isinstance(row.operator, Mean) and not row.operator.positions and row.operator.rank == 2


def _as(form: str) -> Callable[[Row], Row]:
    return lambda row: row._replace(node=row.node._replace(form=form))


def _with(operator: Operator, form: str) -> Callable[[Row], Row]:
    return lambda row: row._replace(node=row.node._replace(op=operator, form=form))


def _as_pool(row: Row) -> Row:
    output = row.node.output.with_shape((row.output[0], 1, 1))
    return row._replace(node=row.node._replace(op=AdaptiveAvgPool2d(), form="module", outputs=(output,)))


def _is_of_one_position(row: Row) -> bool:
    return isinstance(row.operator, Conv2d) and row.inputs[0][1:] == (1, 1) == row.operator.kernel_size


def _as_linear(row: Row) -> Row:
    conv = row.operator
    assert isinstance(conv, Conv2d)
    output = row.node.output.with_shape((conv.out_channels,))
    linear = Linear(conv.in_channels, conv.out_channels, conv.bias)
    return row._replace(node=row.node._replace(op=linear, outputs=(output,)))


_POOLS = ("AvgPool2d", "MaxPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d")
_PRODUCT = "x · sigmoid(x)"
_WRITINGS = (
    Writing("ReLU", "a module", "a function", _is("module", "ReLU"), _as("function")),
    Writing("GELU", "a module", "a function", _is("module", "GELU"), _as("function")),
    Writing("SiLU activation", "one operator", _PRODUCT, _is("module", "SiLU"), _with(Swish(), "module")),
    Writing("swish activation", _PRODUCT, "one operator", _is("module", "Swish"), _with(SiLU(), "module")),
    Writing("pool", "a module", "a function", _is("module", *_POOLS), _as("function")),
    Writing("pool", "a function", "a module", _is("function", "AdaptiveAvgPool2d"), _as("module")),
    Writing("global average pool", "a pool", "a mean", _is_global, _with(Mean(True), "function")),
    Writing("mean", "a mean", "a pooling module", _is_mean_of_map, _as_pool),
    Writing("single-position convolution", "a convolution", "a linear layer", _is_of_one_position, _as_linear),
)


def _published_counts(report: Report) -> Iterator[PublishedCount]:
    """Yield what was published of a network at its settings beside what is counted here.

    Raises SpecError where the settings of an entry cannot be.
    """
    origin = report.origin
    published = standing_at(origin, origin.published, spellings) if isinstance(origin, Spec) else ()
    totals = {one.name: convention_total(report, one) for one in pricing_all(report, CONVENTIONS.values())}
    for entry in published:
        where = where_published(entry, origin.source.paper)
        for what in PUBLISHED:
            if what not in entry.numbers:
                continue
            text, counted = entry.numbers[what], report.totals[what]
            number = parse_printed(text)
            result = verdict(counted, number, bool(entry.note))
            given_by = _given_by(number, totals) if what in ("macs", "flops") else ()
            note = entry.note if result in ("noted", "differs") else ""
            yield PublishedCount(what, text, where, counted, result, given_by, note, entry.checked)


def where_published(entry: Published, paper: str) -> str:
    """Return the source of an entry, the network's *paper* where it names none, and the place in it."""
    return ", ".join(filter(None, [entry.source or paper, entry.where]))


def _given_by(number: PrintedNumber, totals: Mapping[str, int]) -> tuple[str, ...]:
    """Return the conventions that give a printed number: by rounding, or, where none does, by cutting."""
    verdicts = {name: verdict(total, number, False) for name, total in totals.items()}
    best = "equal" if "equal" in verdicts.values() else "truncated"
    return tuple(name for name, result in verdicts.items() if result == best)


def _unpriced(report: Report) -> tuple[str, ...]:
    """Return the names of operators from a package of the user's own: what tools count there depends on their code, and
    only their MACs are known."""
    ours = f"{Operator.__module__.rpartition('.')[0]}."
    return tuple(dict.fromkeys(row.op for row in report.rows if not type(row.operator).__module__.startswith(ours)))

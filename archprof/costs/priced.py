"""Of which operators it is known what a convention counts: of a block table all; of a captured module those that the
tool counts alike whoever calls them."""

from collections import Counter
from collections.abc import Sequence

from archprof.costs.convention import ARCHPROF, Convention, convention_sum
from archprof.costs.report import Report, Row
from archprof.ir.operators import is_captured
from archprof.ir.operators.recorded import Recorded

# Operators that move elements and compute none: no tool counts anything.
_FREE = frozenset(
    (
        *("view", "_unsafe_view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "expand"),
        *("transpose", "t", "permute", "slice", "select", "split", "split_with_sizes", "chunk", "unbind"),
        *("contiguous", "clone", "detach", "alias", "as_strided", "cat", "stack"),
    )
)
_FREE_TYPES = ("Flatten", "Permute", "Dropout", "Concat")
# Products that torch's counter sees, whichever of its operators they are made of.
_SEEN = ("standard", "depthwise", "pointwise", "grouped", "linear", "attention", "matmul")
_NOT_SEEN = (
    "mv",
    "dot",
    "vdot",
    "addmv",
    "addbmm",
    "inner",
    "tensordot",
    "bilinear",
    "_trilinear",
    "_grouped_mm",
    "grouped_matmul",
)


def priced_rows(report: Report, convention: Convention) -> Sequence[Row]:
    """Return the operators of which it is known what a convention counts."""
    return report.rows if report.origin.is_table else [row for row in report.rows if is_priced(row, convention)]


def convention_total(report: Report, convention: Convention) -> int:
    """Return what a network counts under a convention, in its unit: what is priced of it."""
    return convention_sum(priced_rows(report, convention), convention)


def not_priced(report: Report, convention: Convention) -> dict[str, int] | None:
    """Return the operators of which it is not known, by name, with how often they run; None where there are none."""
    if report.origin.is_table:
        return None
    return dict(Counter(row.op for row in report.rows if not is_priced(row, convention))) or None


def is_priced(row: Row, convention: Convention) -> bool:
    """Tell whether it is known what a convention counts of a captured operator."""
    op = row.operator
    if isinstance(op, Recorded):
        ran = "." in op.target
        return not ran or (op.counted and _is_known(op, convention))
    if is_captured(op):
        return _is_known_of(row, convention)
    # `x + y` and `torch.add(x, y)` are one operator here and two for a tool that looks at functions.
    if convention.sees == "modules and functions" and type(op).__name__ in ("Add", "Multiply"):
        return False
    if convention.sees == "calls" or type(op).__name__ in _FREE_TYPES or row.form == op.form:
        return True
    if row.form != "function":  # a module of a class that the tool does not know, or knows as another
        return False
    if any(type(op).__name__ in price.operators and "form" in price.when for price in convention.prices):
        return True
    return convention.sees == "modules" and not row.cost.macs


def _is_known_of(row: Row, convention: Convention) -> bool:
    """Tell whether it is known of an operator that no block table has."""
    op = row.operator
    if convention.name == ARCHPROF.name or (op.category == "shape" and convention.sees == "calls"):
        return True
    seen = not row.cost.macs or (op.kind in _SEEN and op.name not in _NOT_SEEN)
    return convention.name == "torch" and seen


def _is_known(op: Recorded, convention: Convention) -> bool:
    """Tell whether it is known of an operator that has no form of ours, and whose MACs are."""
    name = op.describe().rstrip("_")
    # Some count the parameters of a module that is a leaf, whatever it does with them.
    free = name in _FREE and (convention.sees == "calls" or not op.held)
    if free or convention.name == ARCHPROF.name:
        return True
    if convention.name != "torch":
        return False
    return not op.multiplies or (op.kind in _SEEN and name not in _NOT_SEEN)

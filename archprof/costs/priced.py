"""Which operators a convention counts: of a block table all; of a captured module those that its tool sees."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from archprof.costs.convention import ARCHPROF, Convention, Sees, convention_sum
from archprof.costs.price import ATTENTION, LINEAR, MATRIX_PRODUCTS, held_names, operator_name, variant
from archprof.costs.report import Report, Row
from archprof.ir.graph import ModuleClass
from archprof.ir.operators.base import CONVOLUTIONS
from archprof.ir.operators.recorded import Recorded
from archprof.named_tuple import NamedTuple


class Priced(NamedTuple):
    """The operators that a convention counts, those that its tool does not see, and those of which it is not known."""

    counted: Sequence[Row]
    unseen: Sequence[Row] = ()
    unknown: Sequence[Row] = ()

    def total(self, convention: Convention) -> int:
        """Return what is counted, in the convention's unit."""
        return convention_sum(self.counted, convention)

    def not_priced(self) -> dict[str, int] | None:
        """Return the operators of which it is not known, by name, with how often they run; None where there are
        none."""
        return dict(Counter(row.op for row in self.unknown)) or None


def priced(report: Report, convention: Convention) -> Priced:
    """Tell the operators apart by whether a convention counts them."""
    if report.origin.is_table:
        return _of_table(report.rows, convention)
    found: dict[bool | None, list[Row]] = {True: [], False: [], None: []}
    for row in report.rows:
        found[_counts(row, convention)].append(row)
    return Priced(found[True], found[False], found[None])


def _of_table(rows: Sequence[Row], convention: Convention) -> Priced:
    """Tell the operators of a block table apart: what a tool was not tried on, is known to our own convention, and to
    torch's, by which networks are measured."""
    if convention.name in (ARCHPROF.name, "torch"):
        return Priced(rows)
    found: dict[bool | None, list[Row]] = {True: [], False: [], None: []}
    for row in rows:
        found[_counts_built(row, convention)].append(row)
    return Priced(found[True], found[False], found[None])


def _counts_built(row: Row, convention: Convention) -> bool | None:
    """Tell whether a convention counts an operator as `build` writes it; None where that was not tried. Where it was
    on all tools, what they leave out has a price."""
    tried = row.operator.tried
    if tried == "all":
        return True
    if tried == "none" or convention.recorded:
        return None
    if variant(row) in convention.unknown:
        return None
    return convention.sees == "leaves" or _by_name(operator_name(row.operator), row, convention)


def folded_norms(report: Report, convention: Convention) -> int | None:
    """Return how many norms a file has folded away that a convention would count; None where there are none."""
    if not any("BatchNorm2d" in price.operators for price in convention.prices):
        return None
    return sum(node.folds_norm for node in report.graph.nodes) or None


def pricing_all(report: Report, conventions: Iterable[Convention]) -> tuple[Convention, ...]:
    """Return the conventions that have a price for all of a network: what others count is known from below alone."""
    return tuple(one for one in conventions if not priced(report, one).unknown)


def convention_total(report: Report, convention: Convention) -> int:
    """Return what a network counts under a convention, in its unit: what is priced of it."""
    return priced(report, convention).total(convention)


def _counts(row: Row, convention: Convention) -> bool | None:
    """Tell whether a convention counts an operator of a captured module; None where that is not known."""
    op = row.operator
    if isinstance(op, Recorded) and "." not in op.target:  # what never runs
        return False
    if convention.name == ARCHPROF.name:
        return None if isinstance(op, Recorded) and not op.counted else True
    if op.foreign:  # as in a table: what tools make of it nobody can know, and `explain` says so
        return True
    if not row.modules and not isinstance(op, Recorded) and convention.sees != "calls":
        return _as_module(row, convention)
    return _SEES[convention.sees](row, convention)


def _as_module(row: Row, convention: Convention) -> bool | None:
    """Tell of an operator of a file that knows no modules, which stands for the module of torch of its class."""
    if convention.sees == "leaves":
        return bool(row.operator.parameters())
    return _by_name(operator_name(row.operator), row, convention)


def _call(row: Row, convention: Convention) -> bool | None:
    if variant(row) in convention.unknown:
        return None
    return _by_name(operator_name(row.operator), row, convention)


def _by_name(name: str, row: Row, convention: Convention) -> bool | None:
    if name in convention.unknown:
        return None
    return name in convention.products or not row.cost.macs


def _torchs_own(row: Row, convention: Convention) -> bool | None:
    """Tell of a tool that has rules for classes of torch, and for these alone."""
    module = row.module
    if row.form != "module":
        return False
    if module is None:
        return None
    counts = _by_name(module.own, row, convention)
    return counts if module.places == 1 or not _has_number(row, convention) else None


def _has_number(row: Row, convention: Convention) -> bool:
    return bool(row.cost.macs or any(price.rows([row]) for price in convention.prices))


def _kind(row: Row, convention: Convention) -> bool | None:
    """Tell of a tool that knows a module by what its class is made from, and functions that multiply."""
    base = row.module.base if row.module else ""
    if base in convention.unknown:
        return None
    if row.cost.macs:
        return base in convention.products or operator_name(row.operator) in convention.products
    return bool(base)


def _leaf(row: Row, convention: Convention) -> bool | None:
    """Tell of a tool that looks at the parameters of modules that hold no others, and at their output."""
    module = row.module
    if module is None:
        return None
    names = [name for name in held_names(row) if "weight" in name or "bias" in name]
    if module.holds or not names:
        return False
    if module.own:
        return True
    # It goes by the module's output, which another operator may have made, of another shape.
    if "Conv" in module.short or any(name not in ("weight", "bias") for name in names):
        return True if row.node.path in row.modules and row.kind in CONVOLUTIONS else None
    return True if row.values and row.node.output.at_batch(1)[:1] == (1,) else None


def _module_or_function(row: Row, convention: Convention) -> bool | None:
    """Tell of a tool that looks at classes of torch, and at functions as they are called."""
    name, own = operator_name(row.operator), row.module.own if row.module and row.form == "module" else ""
    whole = next((one for one in _around(row) if one.name in convention.wholes), None)
    if whole is not None and row.cost.macs:
        return _in_whole(name, own, whole)
    if own:
        return _torchs_own(row, convention)
    if name in convention.unknown:
        return None
    return not row.cost.macs or (row.form == "method" and name in (*LINEAR, *MATRIX_PRODUCTS))


def _in_whole(name: str, own: str, whole: ModuleClass) -> bool | None:
    """Tell of attention that a tool counts as a whole: what it does in other ways than by torch's function, is not
    followed."""
    if name in ATTENTION or (name in LINEAR and not own and whole.own):
        return True
    return False if own else None


def _around(row: Row) -> Iterator[ModuleClass]:
    """Yield the modules around an operator, and the one that it is, from without."""
    end = 0
    path = row.node.path.partition(":")[0] + "."
    while (end := path.find(".", end + 1)) > 0:
        if path[:end] in row.modules:
            yield row.modules[path[:end]]


_SEES: Mapping[Sees, Callable[[Row, Convention], bool | None]] = {
    "calls": _call,
    "modules": _torchs_own,
    "kinds of modules": _kind,
    "leaves": _leaf,
    "modules and functions": _module_or_function,
}

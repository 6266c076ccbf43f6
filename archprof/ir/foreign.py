"""Operators and blocks of other packages: telling them from ours, and naming them where they fail."""

from collections.abc import Iterable

from archprof.errors import InputError, Location, SpecError, described, problem
from archprof.ir.dims import Dim, Disagreement, is_array
from archprof.ir.operators.base import Operator, ShapeError, is_foreign
from archprof.ir.terms import Terms, total
from archprof.ir.values import Value
from archprof.named_tuple import NamedTuple

BLOCK_GROUP = "archprof.blocks"
OPERATOR_GROUP = "archprof.operators"
MEND = "mend or uninstall the package"
# What others raise besides exceptions, as `sys.exit` does; who interrupts is the user.
Raised = (Exception, SystemExit, GeneratorExit)
# What operators and blocks raise on purpose.
MEANT = (InputError, ShapeError, Disagreement)


class Suspect(NamedTuple):
    """A block's function or an operator's class, by the name and at the place where a spec names it."""

    name: str
    thing: object
    location: Location | None
    where: str


def blamed(error: BaseException, suspects: Iterable[Suspect]) -> SpecError | None:
    """Return the error that names who failed, and how; None where all suspects are ours."""
    foreign = [suspect for suspect in suspects if is_foreign(suspect.thing)]
    if not foreign:
        return None
    passed = _modules_passed(error)
    one = next((suspect for suspect in foreign if suspect.thing.__module__ in passed), foreign[0])
    message = f"`{one.name}` of {_package_of(one.thing.__module__)} fails: {described(error)}"
    return problem(message, one.location, where=one.where, help=MEND)


def check_operator(op: Operator, inputs: tuple[Value, ...], outputs: object) -> None:
    """Raise TypeError where an operator gives something else than an operator should, or whatever it raises itself."""
    if type(outputs) is not tuple or not outputs or not all(map(_is_value, outputs)):
        raise TypeError("its outputs are no `Value`s with a shape of whole numbers")
    parameters, buffers = op.parameters(), op.buffers()
    counts = [*parameters.values(), *buffers.values(), op.macs(inputs, outputs), op.activations(inputs, outputs)]
    if not all(map(_is_count, counts)):
        raise TypeError("its counts are no whole numbers")
    for text in (op.kind, op.form, op.describe(), op.macs_formula):
        if not isinstance(text, str):
            raise TypeError("its descriptions are no text")


def _is_value(value: object) -> bool:
    return isinstance(value, Value) and type(value.shape) is tuple and all(map(_is_whole, value.shape))


def _is_count(terms: Terms) -> bool:
    return _is_whole(total(terms))


def _is_whole(number: Dim) -> bool:
    return type(number) is int or (is_array(number) and number.dtype.kind == "i")


def _modules_passed(error: BaseException) -> set[str]:
    """Return the names of the modules through which an exception rose."""
    trace, found = error.__traceback__, set()
    while trace is not None:
        found.add(str(trace.tb_frame.f_globals.get("__name__")))
        trace = trace.tb_next
    return found


def _package_of(module: str) -> str:
    """Return the installed package that offers something of a module."""
    from importlib.metadata import entry_points

    top = module.partition(".")[0]
    for group in (BLOCK_GROUP, OPERATOR_GROUP):
        for entry in entry_points(group=group):
            if entry.value.partition(":")[0].partition(".")[0] == top and entry.dist is not None:
                return f"the package `{entry.dist.name}`"
    return f"the module `{module}`"

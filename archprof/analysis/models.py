"""The one way from what a user types to a graph: specs, locks, and, where a command lets code run, modules."""

from collections.abc import Iterable, Sequence

from archprof.costs.agreement import CountedModules
from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.language.expand import read_network
from archprof.spec import catalog
from archprof.spec.variant import Setting, parse_reference

_ANEW = "a lock stands as it was captured; `archprof lock` captures anew"


def read_model(reference: str, settings: Sequence[Setting], inputs: Sequence[str] | None = None) -> Graph:
    """Return the network that *reference* names: a spec at *settings*, whose resolution an input sets too, a lock, or
    the module that code makes, recorded on *inputs* as `--input` has them.

    Raises SpecError and UsageError; of a spec too where an input is more than a shape, of code and locks too where they
    have settings.
    """
    given = tuple(inputs or ())
    if ":" in reference:
        from archprof.captures.source import capture, is_code

        if is_code(reference):
            _refuse(reference, settings, _others(reference))
            return capture(reference, given)
    if catalog.is_lock(reference) and given:
        raise usage_error(f"`{reference}` has its input already", help=_ANEW)
    for one in given:
        if "=" in one or ":" in one:
            raise usage_error(f"`{one}` is no size of an image, which `{reference}` takes", help="as in `3x224x224`")
    return read_data(reference, [*(("resolution", shape) for shape in given), *settings])


def read_measured(
    reference: str, settings: Sequence[Setting], inputs: Sequence[str] | None, counter: str
) -> tuple[Graph, CountedModules]:
    """Return the network that code makes, and what a *counter* finds on its module. Raises UsageError as `read_model`
    does, and where the module cannot be run."""
    from archprof.captures.source import capture_and_measure

    _refuse(reference, settings, _others(reference))
    return capture_and_measure(reference, tuple(inputs or ()), counter)


def _others(reference: str) -> str:
    return f"give its code other arguments, `{_called(reference)}`, or an `--input`"


def read_data(reference: str, settings: Iterable[Setting] = ()) -> Graph:
    """Return the network that *reference* names, no code: a spec at *settings*, or a lock.

    Raises SpecError and UsageError; for a lock too where it has settings.
    """
    if catalog.LOCK not in reference:
        return read_network(reference, settings)
    target, behind = parse_reference(reference)
    asked = (*behind, *settings)
    return read_lock_at(target, asked) if catalog.is_lock(target) else read_network(target, asked)


def read_lock_at(file: str, settings: Iterable[Setting]) -> Graph:
    """Return the network of a lock. Raises UsageError for a lock that is none, and for any settings."""
    from archprof.captures.lock import read_lock

    _refuse(file, settings, _ANEW)
    return read_lock(file).graph


def _refuse(reference: str, settings: Iterable[Setting], advice: str) -> None:
    for name, _ in settings:
        option = f"--{name}" if name in ("width", "resolution", "classes") else "--set"
        raise usage_error(_needs_table(option, reference), help=advice)


def refuse_measuring(reference: str) -> None:
    """Raise UsageError for a lock, on which nothing can be measured."""
    if catalog.is_lock(reference.partition("@")[0]):
        message = f"`--measure` runs a module, and `{reference}` holds none"
        raise usage_error(message, help="`archprof summary CODE --measure` measures what a lock was captured from")


def _called(reference: str) -> str:
    return f"{reference.partition('(')[0]}(…)"


def _needs_table(option: str, reference: str) -> str:
    return f"`{option}` needs a block table, and `{reference}` has none"

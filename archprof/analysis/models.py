"""The one way from what a user types to a graph: specs, locks, and, where a command lets code run, modules."""

from collections.abc import Iterable, Mapping, Sequence

from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.language.expand import read_network
from archprof.spec import catalog
from archprof.spec.variant import Setting, parse_reference

_ANEW = "a lock stands as it was captured; `archprof lock` captures anew"
_TABLES = "name a network of the catalog, or a `.yaml` file"


def read_model(
    reference: str,
    settings: Sequence[Setting],
    inputs: Sequence[str] | None,
    for_tables: Mapping[str, object],
    *,
    real: bool = False,
) -> Graph:
    """Return the network that *reference* names: a spec at *settings*, whose resolution an input sets too, a lock, or
    the module that code makes, recorded on *inputs* as `--input` has them, in a *real* run where that is asked for.

    Raises SpecError and UsageError; of a spec too where an input is more than a shape, of code and locks too where they
    have settings, or anything is asked *for_tables* alone, by the options that ask for it.
    """
    given = tuple(inputs or ())
    if ":" in reference:
        from archprof.captures.source import capture, is_code

        if is_code(reference):
            _refuse(reference, settings, f"give its code other arguments, `{_called(reference)}`, or an `--input`")
            _refuse_for_tables(reference, for_tables)
            return capture(reference, given, real=real)
    if catalog.is_lock(reference):
        _refuse_for_tables(reference, for_tables)
        if given:
            raise usage_error(f"`{reference}` has its input already", help=_ANEW)
    for one in given:
        if "=" in one or ":" in one:
            raise usage_error(f"`{one}` is no size of an image, which `{reference}` takes", help="as in `3x224x224`")
    return read_data(reference, [*(("resolution", shape) for shape in given), *settings])


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


def _refuse_for_tables(reference: str, for_tables: Mapping[str, object]) -> None:
    for option, asked in for_tables.items():
        if asked:
            raise usage_error(_needs_table(option, reference), help=_TABLES)


def _called(reference: str) -> str:
    return f"{reference.partition('(')[0]}(…)"


def _needs_table(option: str, reference: str) -> str:
    return f"`{option}` needs a block table, and `{reference}` has none"

"""The one way from what a user types to a graph: specs, and, where a command lets code run, modules."""

from collections.abc import Mapping, Sequence

from archprof.errors import UsageError, usage_error
from archprof.ir.graph import Graph
from archprof.spec.variant import Setting


def read_model(
    reference: str, settings: Sequence[Setting], inputs: Sequence[str] | None, for_tables: Mapping[str, object]
) -> Graph:
    """Return the network that *reference* names: a spec at *settings*, whose resolution an input sets too, or the
    module that code makes, recorded on *inputs* as `--input` has them.

    Raises SpecError and UsageError; of a spec too where an input is more than a shape, and of code where it has
    settings, or anything is asked *for_tables* alone, by the options that ask for it.
    """
    given = tuple(inputs or ())
    if ":" in reference:
        from archprof.captures.source import capture, is_code

        if is_code(reference):
            _refuse(reference, settings, for_tables)
            return capture(reference, given)
    from archprof.language.expand import read_network

    for one in given:
        if "=" in one or ":" in one:
            raise usage_error(f"`{one}` is no size of an image, which `{reference}` takes", help="as in `3x224x224`")
    return read_network(reference, [*(("resolution", shape) for shape in given), *settings])


def _refuse(reference: str, settings: Sequence[Setting], for_tables: Mapping[str, object]) -> None:
    for name, _ in settings:
        option = f"--{name}" if name in ("width", "resolution", "classes") else "--set"
        raise _needs_table(option, reference, f"give its code other arguments, `{_called(reference)}`, or an `--input`")
    for option, asked in for_tables.items():
        if asked:
            raise _needs_table(option, reference, "name a network of the catalog, or a `.yaml` file")


def _called(reference: str) -> str:
    return f"{reference.partition('(')[0]}(…)"


def _needs_table(option: str, reference: str, advice: str) -> UsageError:
    return usage_error(f"`{option}` needs a block table, and `{reference}` has none", help=advice)

"""The one way from what a user types to a graph: specs, and, where a command lets code run, modules."""

from collections.abc import Sequence

from archprof.errors import usage_error
from archprof.ir.graph import Graph
from archprof.spec.variant import Setting


def read_model(reference: str, settings: Sequence[Setting], inputs: Sequence[str] | None) -> Graph:
    """Return the network that *reference* names: a spec at *settings*, whose resolution an input sets too, or the
    module that code makes, recorded on *inputs* as `--input` has them.

    Raises SpecError and UsageError, for settings of a module too.
    """
    given = tuple(inputs or ())
    if ":" in reference:
        from archprof.captures.source import capture, is_code

        if is_code(reference):
            _refuse_settings(reference, settings)
            return capture(reference, given)
    from archprof.language.expand import read_network

    return read_network(reference, [*(("resolution", shape) for shape in given), *settings])


def _refuse_settings(reference: str, settings: Sequence[Setting]) -> None:
    if settings:
        name = settings[0][0]
        option = f"`--{name}`" if name in ("width", "resolution", "classes") else "`--set`"
        advice = f"give its code other arguments, as in `{reference.partition('(')[0]}(…)`, or another `--input`"
        raise usage_error(f"{option} needs a block table, and `{reference}` has none", help=advice)

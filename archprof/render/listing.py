"""The catalog as a table: `archprof list`."""

from archprof.analysis.listing import Listing
from archprof.render.table import NAME, Heading, Note, Table
from archprof.units import exact, plural


def list_table(found: Listing) -> Table:
    """Return the table of the networks of a catalog."""
    columns = (
        Heading("name", "model", left=True, fold=NAME),
        Heading("aliases", "aliases", left=True, drop=4),
        Heading("title", "title", left=True, drop=3),
        Heading("params", "params", _count),
        Heading("MACs", "macs", _count),
        Heading("source", "source", left=True, drop=5),
    )
    rows = tuple(
        (one.model, ", ".join(one.aliases), one.title, one.own.get("params"), one.own.get("macs"), str(one.source))
        for one in found.models
    )
    said = "params and MACs as each spec expects them at its own settings, tested"
    return Table("", columns, rows, (Note("totals", f"{plural(len(rows), 'network')}; {said}"),))


def _count(value: int | None) -> str:
    return "" if value is None else exact(value)

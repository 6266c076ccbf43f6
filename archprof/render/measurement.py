"""What counters found on a module as a table."""

from archprof.analysis.measurement import MeasuredModules
from archprof.render.table import Heading, Note, Table
from archprof.units import exact, listed, short


def measurement_table(found: MeasuredModules) -> Table:
    """Return the table of a measurement: a row for each module that has parameters or MACs of its own."""
    totals = found.totals
    both = totals.macs_torch is not None
    columns = (
        Heading("path", "path", lambda path: path or "(itself)", left=True),
        Heading("params", "params", exact),
        Heading("MACs", "macs", exact),
        *([Heading("torch", "macs_torch", exact)] if both else []),
        Heading("not counted", "not_counted", listed, left=True, wrap=True),
    )
    shown = [one for one in found.modules if one.params or one.macs or one.macs_torch or one.not_counted]
    rows = tuple((one[:4] if both else one[:3]) + (one.not_counted,) for one in shown)
    return Table("", columns, rows, tuple(_footer(found)))


def _footer(found: MeasuredModules) -> list[Note]:
    totals, rule = found.totals, found.convention
    least = "at least " if totals.not_counted else ""
    counts = [
        f"params {exact(totals.params)}",
        f"MACs {least}{exact(totals.macs)} ({short(totals.macs)})",
    ]
    if totals.macs_torch is not None:
        counts.append(f"MACs (torch) {least}{exact(totals.macs_torch)}")
    counter = "fvcore and torch" if found.counter == "both" else found.counter
    notes = [Note("measured", f"measured by {counter} on torch {found.torch}: {' · '.join(counts)}")]
    if totals.not_counted:
        notes.append(Note("not counted", f"not counted: {listed(totals.not_counted)}"))
    return [*notes, Note("convention", f"convention {rule.name} {rule.version}: {rule.text}")]

"""What is wrong with specs as a table: `archprof validate`."""

from archprof.analysis.validate import Validation
from archprof.errors import Problem
from archprof.render.table import LOCATION, NAME, Heading, Note, Table
from archprof.units import plural

_NOTHING = Problem("")


def validation_table(found: Validation) -> Table:
    """Return a line for each problem, and one for each spec that has none."""
    columns = (
        Heading("", "valid", lambda valid: "✓" if valid else "✗", left=True),
        Heading("spec", "model", left=True, fold=NAME),
        Heading("place", "location", left=True, fold=LOCATION),
        Heading("problem", "message", left=True, wrap=True),
        Heading("in", "where", left=True, drop=2),
        Heading("help", "help", left=True, drop=1, wrap=True),
        Heading("note", "note", left=True, drop=3, wrap=True),
    )
    rows = tuple(
        (one.valid, one.model, str(told.location or ""), told.message, told.where, told.help, told.note)
        for one in found.models
        for told in one.problems or (_NOTHING,)
    )
    wrong = sum(not one.valid for one in found.models)
    specs, convention = plural(len(found.models), "spec"), found.convention
    said = f"{wrong} of {specs} wrong" if wrong else f"{specs} valid"
    rule = f"convention {convention.name} {convention.version}: {convention.text}"
    return Table("", columns, rows, (Note("totals", said), Note("convention", rule)))

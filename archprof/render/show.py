"""A block table as its paper prints it: `archprof show`."""

from archprof.analysis.block_table import BlockTable
from archprof.ir.dims import Shape
from archprof.ir.values import show_shape
from archprof.render.summary import convention_note, heading
from archprof.render.table import PATH, Heading, Note, Table
from archprof.units import exact, percent, short

# Columns that are a table's substance; the others leave a narrow terminal from the right.
_ALWAYS = ("c", "k", "s", "n", "t", "exp", "out")


def show_table(found: BlockTable) -> Table:
    """Return the printed table with the computed input, params and MACs of every row."""
    totals = found.head.totals
    columns = (
        Heading("input", "inputs", printed_shape),
        Heading("operator", "block_type", left=True, fold=PATH),
        *(
            Heading(title, name, drop=0 if name in _ALWAYS else 4 + place)
            for place, (name, title) in enumerate(found.headings.items())
        ),
        Heading("params", "params", exact, drop=1),
        Heading("MACs", "macs", exact),
        Heading("share", "share", lambda part: percent(part, totals.macs), drop=3, person=True),
    )
    rows = []
    for row in found.rows:
        cells = [row.cells.get(name, "") for name in found.headings]
        rows.append((row.inputs[0].shape, row.block_type, *cells, row.cost.params, row.cost.macs, row.cost.macs))
    counts = (
        f"params {exact(totals.params)} ({short(totals.params)})",
        f"MACs {exact(totals.macs)} ({short(totals.macs)})",
    )
    footer = [
        Note("totals", " · ".join(counts)),
        *([Note("spec", f"note: {found.note}")] if found.note else []),
        convention_note(found.head),
    ]
    return Table(heading(found.head), columns, tuple(rows), tuple(footer))


def printed_shape(shape: Shape) -> str:
    """Return a shape as papers print it: `112²×16`, `96×160×16`, `1280`."""
    if len(shape) != 3:
        return show_shape(shape)
    channels, height, width = shape
    return f"{height}²×{channels}" if height == width else f"{height}×{width}×{channels}"

"""What the Python API returns: results that print as a table, and are a dict or HTML where that is asked for."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol

from archprof.costs import report
from archprof.runtime import measure
from archprof.units import exact, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from archprof.render.table import Table


class _Found(Protocol):
    def _document(self) -> Any: ...
    def _table(self) -> "Table": ...


class Shown:
    """A result that knows its document and its table."""

    def __str__(self: _Found) -> str:
        from archprof.render.formats import Page
        from archprof.render.table import printable_table, to_text

        return to_text(printable_table(self._table()), Page()).rstrip("\n")

    def _repr_html_(self: _Found) -> str:
        from archprof.render.html import to_html

        return to_html(self._table())

    def to_dict(self: _Found) -> dict[str, Any]:
        """Return what the JSON document of this result holds, under the same keys."""
        from archprof.analysis.document import as_object

        return as_object(self._document())


class Report(Shown, report.Report):
    """A network's costs by one convention, and what was measured if anything was. It prints as `archprof summary`."""

    @classmethod
    def of(cls, found: report.Report) -> "Report":
        """Return a report as one that prints."""
        return cls(**{field.name: getattr(found, field.name) for field in fields(found)})

    def __repr__(self) -> str:
        costs = f"{exact(self.totals.params)} params, {exact(self.totals.macs)} MACs"
        return f"<Report of {self.origin.variant}: {costs}, {plural(len(self.graph.nodes), 'operator')}>"

    def plot(self, metric: str = "macs") -> "Figure":
        """Return the network as a strip, a figure of matplotlib's: each block as wide as its part of a metric, as high
        as the side of the map that it returns.

        Raises UsageError without matplotlib, and for a metric that there is not.
        """
        from archprof.render.plot_strip import strip_figure

        found: Figure = strip_figure(self._document(), metric)
        return found

    def _document(self) -> Any:
        from archprof.analysis.summary import summarize

        return summarize(self)

    def _table(self) -> "Table":
        from archprof.render.fold import view
        from archprof.render.summary import summary_table

        found = self._document()
        return summary_table(found, view(found.layers))


class Measurement(Shown, measure.Measurement):
    """What a counter found on a module, row by row. It prints as a table."""

    def __repr__(self) -> str:
        least = "at least " if self.not_counted else ""
        costs = f"{exact(self.params)} params, {least}{exact(self.macs)} MACs"
        return f"<Measurement by {self.counter}: {costs}, {plural(len(self.rows), 'row')}>"

    def _document(self) -> Any:
        from archprof.analysis.measurement import measured_modules

        return measured_modules(self)

    def _table(self) -> "Table":
        from archprof.render.measurement import measurement_table

        return measurement_table(self._document())

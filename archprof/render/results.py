"""What `check`, `compare`, `diff`, `latency` and `memory` return in Python: results that print as their commands do."""

from typing import TYPE_CHECKING, Any

from archprof.analysis import check, compare, diff, latency, memory
from archprof.render.objects import Shown

if TYPE_CHECKING:
    from archprof.analysis.timed import EstimatedTime
    from archprof.render.table import Table


class Outcome(Shown, check.Outcome):
    """What came of a check: `verdicts`, `failures` and totals. It prints as `archprof check`."""

    def __repr__(self) -> str:
        from archprof.render.check import headline

        return f"<Outcome: {headline(self)}>"

    def _document(self) -> Any:
        return self

    def _table(self) -> "Table":
        from archprof.render.check import check_table

        return check_table(self)


class Comparison(Shown, compare.Comparison):
    """Networks side by side. It prints as `archprof compare`."""

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(one.model for one in self.models)}>"

    def _document(self) -> Any:
        return self

    def _table(self) -> "Table":
        from archprof.render.compare import compare_table

        return compare_table(self, "stage", None, flops=False)


class Diff(Shown, diff.Diff):
    """What changed between two networks. It prints as `archprof diff`."""

    def __repr__(self) -> str:
        from archprof.units import plural

        return f"<Diff of {self.before} and {self.after}: {plural(len(self.blocks), 'change')}>"

    def _document(self) -> Any:
        return self

    def _table(self) -> "Table":
        from archprof.render.diff import diff_table

        return diff_table(self, full=False)


class Latency(Shown, latency.LatencyPrediction):
    """How long a network takes on a device: the `estimate` in ms with its interval, and its calls, `layers`. It prints
    as `archprof latency`."""

    def __repr__(self) -> str:
        return f"<Latency of {self.head.model}: {self.estimate.text}, {self.device.words}>"

    @property
    def estimate(self) -> "EstimatedTime":
        """The time of the network."""
        return self.estimates["latency"]

    def _document(self) -> Any:
        return self

    def _table(self) -> "Table":
        from archprof.render.latency import latency_table, latency_view

        return latency_table(self, latency_view(self.layers))


class Memory(Shown, memory.Memory):
    """What a network holds: `resident`, `peaks`, what is `alive` at the peak, the `timeline`, and in all `total_bytes`.
    It prints as `archprof memory`."""

    def __repr__(self) -> str:
        from archprof.allocation.asked import setup_text
        from archprof.units import exact

        return f"<Memory of {self.head.model}: {exact(self.total_bytes)} bytes at the peak, {setup_text(self.setup)}>"

    @property
    def total(self) -> int:
        """The bytes of everything at the peak."""
        return self.total_bytes

    def _document(self) -> Any:
        return self

    def _table(self) -> "Table":
        from archprof.render.memory import alive_view, memory_table

        return memory_table(self, alive_view(self.alive))

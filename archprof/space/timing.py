"""Latency along a space: what the operators of a row take on a device, between two certain bounds."""

from math import ceil, floor

from archprof.devices.asked import On, chosen
from archprof.errors import problem
from archprof.ir.dims import Extremes, product
from archprof.ir.graph import Edge
from archprof.ir.setup import WIDTHS
from archprof.language.bound import BoundRow
from archprof.language.fragment import Fragment
from archprof.named_tuple import NamedTuple
from archprof.sweep.latency import OUT_OF_RANGE, Timer
from archprof.sweep.memory import Kept, Source, Unfollowed, row_memory
from archprof.units import NS_PER_US

# The ns that the operators of a network take at least and at most: what it takes beside them depends on the whole.
LATENCY, LATENCY_MOST = "latency", "latency_most"
TIME_METRICS = (LATENCY, LATENCY_MOST)
_IN, _OUT = Edge(0, 0), Edge(1, 0)


class RowNs(NamedTuple):
    """What the operators of a row take, in ns: at least, and at most."""

    least: int
    most: int


class RowTimer:
    """A device that is asked what rows take, each for itself."""

    def __init__(self, on: On) -> None:
        self.on = on
        self.timer = Timer(on)
        batch, execution = chosen(*on)
        self._terms = on.profile.fits[batch].network
        self._is_eager = execution == "eager" != on.profile.setup.execution

    def row(self, fragment: Fragment, row: BoundRow) -> RowNs:
        """Return what a row takes at least, its kernels and copies, and at most, with all its kernels cold.

        Raises SpecError for a kernel that the profile knows nothing of.
        """
        if not fragment.size:  # nothing runs where a block is skipped
            return RowNs(0, 0)
        [x, *_] = fragment.inputs
        setup = self.timer.setup
        size = product(x.value.shape) * WIDTHS[setup.dtype] * setup.batch
        source = Source(_IN, 0, size, sole=True, overwritable=True, absorbs=0, later=False)
        kept = {_OUT: Kept(fragment.result.edge, 1)}
        try:
            memory = row_memory(fragment, [source], kept, setup, Extremes(), self.timer)
        except Unfollowed:
            message = "what this row takes on a device depends on the rows around it"
            raise problem(message, row.location, where=row.address) from None
        times = memory.times
        assert times is not None
        if times.unknown:
            raise problem(OUT_OF_RANGE, row.location, where=row.address)
        least = self._terms.factor * times.us + times.copy_us
        most = least + times.kernels * (self._terms.cold_us + self._terms.eager_us * self._is_eager)
        return RowNs(floor(least * NS_PER_US), ceil(most * NS_PER_US))

"""What is in memory as time goes by: storages that come and go, step by step, and where there is most."""

from collections.abc import Iterable, Iterator, Sequence

from archprof.ir.dims import Dim, ceil_div, is_array, maximum
from archprof.ir.footprint import NOTHING, Span
from archprof.named_tuple import NamedTuple

# What a storage holds.
ACTIVATION, SAVED, CAST, LOSS = "activation", "saved for backward", "cast", "loss"
GRADIENT, WEIGHT_GRADIENT, TEMPORARY = "gradient", "gradient of weights", "temporary of the step"
# What lives only while a call runs.
SCRATCH = "scratch"
# The parts of a pass, in their order.
FORWARD, BACKWARD, STEP = "forward", "backward", "step"


class Storage(NamedTuple):
    """A stretch of memory: its bytes, what it holds, the id of the call that it belongs to, and of how many tensors of
    one size it consists."""

    bytes: Dim
    holds: str
    of: str
    pieces: int = 1


class Step(NamedTuple):
    """One call in one part of a pass: which storages are made as it starts, the bytes of what lives only while it runs,
    which storages nobody needs behind it, the bytes that its kernels take beside all tensors, and of how many tensors
    of one size that which lives only meanwhile consists."""

    phase: str
    of: str
    made: tuple[int, ...]
    scratch: Dim
    freed: tuple[int, ...]
    workspace: Span = NOTHING
    pieces: int = 1

    @property
    def has_scratch(self) -> bool:
        """Whether anything lives only while it runs."""
        return is_array(self.scratch) or self.scratch > 0


class Timeline(NamedTuple):
    """Storages, and the steps in which they come and go."""

    storages: tuple[Storage, ...]
    steps: tuple[Step, ...]

    def levels(self) -> Iterator[tuple[Dim, Dim]]:
        """Yield, for each step, the bytes that are there while it runs, and behind it."""
        alive: Dim = 0
        for step in self.steps:
            for index in step.made:
                alive = alive + self.storages[index].bytes
            during = alive + step.scratch if step.has_scratch else alive
            for index in step.freed:
                alive = alive - self.storages[index].bytes
            yield during, alive

    def peak(self, phases: Sequence[str] = (FORWARD, BACKWARD, STEP)) -> Dim:
        """Return the most bytes that are there at once in some parts of the pass."""
        peak: Dim = 0
        before = ""
        for step, (during, _) in zip(self.steps, self.levels(), strict=True):
            # Where nothing is made there is no more than there was in the step before.
            if step.phase in phases and (step.made or step.has_scratch or step.phase != before):
                peak = maximum(during, peak)
            before = step.phase
        return peak

    def span(self, phases: Sequence[str] = (FORWARD, BACKWARD, STEP)) -> Span:
        """Return between how many bytes the peak lies in some parts of the pass where workspace is counted too."""
        low: Dim = 0
        high: Dim = 0
        for step, (during, _) in zip(self.steps, self.levels(), strict=True):
            if step.phase in phases:
                low = maximum(during + step.workspace.low, low)
                high = maximum(during + step.workspace.high, high)
        return Span(low, high)

    def rounded(self, block: int) -> "Timeline":
        """Return the timeline of an allocator that gives whole blocks of so many bytes."""
        storages = [one._replace(bytes=in_blocks(one.bytes, block, one.pieces)) for one in self.storages]
        steps = [
            step._replace(
                scratch=in_blocks(step.scratch, block, step.pieces),
                workspace=Span(*[in_blocks(end, block) for end in step.workspace]),
            )
            for step in self.steps
        ]
        return Timeline(tuple(storages), tuple(steps))

    def after(self, phase: str) -> Dim:
        """Return the bytes that are there behind a part of the pass."""
        behind: Dim = 0
        for step, (_, left) in zip(self.steps, self.levels(), strict=True):
            if step.phase == phase:
                behind = left
        return behind

    def alive(self, at: int) -> list[Storage]:
        """Return the storages that are there while a step runs, by its place, but for its scratch."""
        there: dict[int, Storage] = {}
        for step in self.steps[: at + 1]:
            there.update((index, self.storages[index]) for index in step.made)
            if step is not self.steps[at]:
                for index in step.freed:
                    there.pop(index, None)
        return list(there.values())


def in_blocks(bytes: Dim, block: int, pieces: int = 1) -> Dim:
    """Return the bytes that an allocator of whole blocks gives for so many, in *pieces* of one size."""
    return ceil_div(bytes, pieces * block) * pieces * block


class Builder:
    """A timeline while it is made: storages are held by those who need them, and freed with the last."""

    def __init__(self) -> None:
        self._storages: list[Storage] = []
        self._holders: list[int] = []
        self._steps: list[Step] = []
        self._freed: list[int] = []

    def made(self, bytes: Dim, holds: str, of: str, pieces: int = 1) -> int:
        """Return a new storage, which has one holder."""
        self._storages.append(Storage(bytes, holds, of, pieces))
        self._holders.append(1)
        return len(self._storages) - 1

    def hold(self, storage: int) -> None:
        """Note that one more needs a storage."""
        self._holders[storage] += 1

    def drop(self, storages: Iterable[int]) -> None:
        """Note that one less needs each of these storages."""
        for storage in storages:
            self._holders[storage] -= 1
            if not self._holders[storage]:
                self._freed.append(storage)

    def size(self, storages: Iterable[int]) -> Dim:
        """Return the bytes of some storages together."""
        return sum(self._storages[storage].bytes for storage in storages)

    def holders(self, storage: int) -> int:
        """Return how many need a storage."""
        return self._holders[storage]

    def step(
        self,
        phase: str,
        of: str,
        made: Sequence[int],
        scratch: Dim = 0,
        workspace: Span = NOTHING,
        pieces: int = 1,
    ) -> None:
        """Note a step; what was dropped since the last one is freed behind it."""
        self._steps.append(Step(phase, of, tuple(made), scratch, tuple(self._freed), workspace, pieces))
        self._freed = []

    def release(self, phase: str, storages: Iterable[int]) -> None:
        """Note that nobody needs these storages any more, before the next step."""
        self.drop(storages)
        if self._freed:
            self.step(phase, "", ())

    def timeline(self) -> Timeline:
        """Return what was built."""
        return Timeline(tuple(self._storages), tuple(self._steps))

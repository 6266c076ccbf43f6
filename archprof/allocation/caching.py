"""Whether torch's caching allocator finds room for a pass: it takes segments of a GPU's memory, and gives blocks of
them, between which some is lost.

The rules are those of c10/cuda/CUDACachingAllocator.cpp as it is by default.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable

from archprof.allocation.report import STATE, MemoryReport
from archprof.allocation.timeline import STEP, Step, in_blocks

_MIB = 1 << 20
_BLOCK = 512
# Blocks of up to a MiB share segments of 2, those below 10 MiB segments of 20; larger ones have segments of their own.
_SMALL, _SMALL_SEGMENT = _MIB, 2 * _MIB
_LARGE, _SEGMENT, _UNIT = 10 * _MIB, 20 * _MIB, 2 * _MIB
# What torch takes for cuBLAS, once, on an H100 (getChosenWorkspaceSize, aten/src/ATen/cuda/CublasHandlePool.cpp).
_CUBLAS = 32 * _MIB
# A second pass finds in the cache what the first one left, with the optimiser's state among it.
_PASSES = 2


class OutOfMemory(Exception):
    """There is no room for a block, not even when the cache is emptied."""


class CachedBlock:
    """A stretch of a segment, given or free, between those *before* and *behind* it; *pool* are the free ones of its
    kind."""

    __slots__ = ("address", "before", "behind", "free", "pool", "size")

    def __init__(self, size: int, address: tuple[int, int], pool: list["CachedBlock"]) -> None:
        self.size, self.address, self.pool = size, address, pool
        self.free = False
        self.before: CachedBlock | None = None
        self.behind: CachedBlock | None = None

    @property
    def whole(self) -> bool:
        """Whether it is all of its segment."""
        return self.before is self.behind is None


class CachingAllocator:
    """Gives blocks of segments, which together have at most *limit* bytes; what comes back stays in the cache."""

    def __init__(self, limit: int) -> None:
        self.reserved = 0
        self._limit = limit
        self._segments = 0
        self._small: list[CachedBlock] = []
        self._large: list[CachedBlock] = []

    def take(self, size: int) -> CachedBlock:
        """Return a block for so many bytes: the smallest that is free, else one of a new segment. Raises OutOfMemory
        where there is no room for that."""
        size = max(in_blocks(size, _BLOCK), _BLOCK)
        pool = self._small if size <= _SMALL else self._large
        place = bisect_left(pool, (size, (0, 0)), key=_rank)
        block = pool.pop(place) if place < len(pool) else self._segment(size, pool)
        block.free = False
        rest = block.size - size
        if rest > (0 if pool is self._small else _SMALL):
            _put(_cut(block, size))
        return block

    def give(self, block: CachedBlock) -> None:
        """Take a block back, and join it with its neighbours where they are free."""
        if block.before and block.before.free:
            block.pool.remove(block.before)
            block = _joined(block.before)
        if block.behind and block.behind.free:
            block.pool.remove(block.behind)
            block = _joined(block)
        _put(block)

    def _segment(self, size: int, pool: list[CachedBlock]) -> CachedBlock:
        """Return a new segment for a block of so many bytes; where that is beyond the limit the cache is emptied."""
        if size >= _LARGE:
            size = in_blocks(size, _UNIT)
        else:
            size = _SMALL_SEGMENT if pool is self._small else _SEGMENT
        if self.reserved + size > self._limit:
            self._empty()
        if self.reserved + size > self._limit:
            raise OutOfMemory
        self.reserved += size
        self._segments += 1
        return CachedBlock(size, (self._segments, 0), pool)

    def _empty(self) -> None:
        """Let go of the segments of which nothing is given."""
        for pool in (self._small, self._large):
            self.reserved -= sum(block.size for block in pool if block.whole)
            pool[:] = [block for block in pool if not block.whole]


def _rank(block: CachedBlock) -> tuple[int, tuple[int, int]]:
    return block.size, block.address


def _put(block: CachedBlock) -> None:
    block.free = True
    insort(block.pool, block, key=_rank)


def _cut(block: CachedBlock, size: int) -> CachedBlock:
    """Cut a block behind so many bytes, and return the rest of it."""
    segment, start = block.address
    rest = CachedBlock(block.size - size, (segment, start + size), block.pool)
    rest.before, rest.behind = block, block.behind
    if rest.behind:
        rest.behind.before = rest
    block.size, block.behind = size, rest
    return rest


def _joined(block: CachedBlock) -> CachedBlock:
    """Return a block with the one behind it as part of it."""
    other = block.behind
    assert other
    block.size, block.behind = block.size + other.size, other.behind
    if block.behind:
        block.behind.before = block
    return block


def has_room(report: MemoryReport, limit: int) -> bool:
    """Tell whether two passes after one another run where the allocator may reserve *limit* bytes, with as much
    workspace as kernels may take.

    An optimiser makes its state in its first step, of what activations left in the cache, which then has less room for
    them in one piece.
    """
    passes = _Passes(report, limit)
    try:
        passes.prepare()
        for _ in range(_PASSES):
            passes.run()
    except OutOfMemory:
        return False
    return True


class _Passes:
    """Passes while an allocator serves them."""

    def __init__(self, report: MemoryReport, limit: int) -> None:
        self._report, self._storages = report, report.upper.storages
        self._allocator = CachingAllocator(limit)
        self._lies: dict[int, CachedBlock] = {}  # of storages that are there
        self._has_state = False

    def prepare(self) -> None:
        """Take what is there before the first pass."""
        resident, learning = self._report.resident, self._report.learning
        self._take(_CUBLAS, *learning, resident.weights - sum(learning), resident.buffers, resident.inputs)
        if resident.gradients:
            self._take(*learning)

    def run(self) -> None:
        """Follow one pass; gradients and outputs stay until the next one starts."""
        self._give(self._lies.values())
        self._lies = {}
        for step in self._report.upper.steps:
            if step.phase == STEP:
                self._update(step)
            else:
                self._call(step)
            self._give(self._lies.pop(one) for one in step.freed if one in self._lies)

    def _call(self, step: Step) -> None:
        for one in step.made:
            self._lies.update((one, block) for block in self._take(self._storages[one].bytes))
        self._give(self._take(step.scratch, step.workspace.high))

    def _update(self, step: Step) -> None:
        """Take the state of the optimiser, where there is none yet, and what it makes of each parameter meanwhile."""
        if not self._has_state:
            for size in self._report.learning:
                self._take(*[size] * STATE[self._report.setup.train])
        self._has_state = True
        if any(self._storages[one].bytes for one in step.made):
            self._give(self._take(*self._report.learning))

    def _take(self, *sizes: int) -> list[CachedBlock]:
        """Return blocks of tensors; one without elements has none."""
        return [self._allocator.take(size) for size in sizes if size]

    def _give(self, blocks: Iterable[CachedBlock]) -> None:
        for block in blocks:
            self._allocator.give(block)

"""Long work: who computes it, how far it has come, and how it is interrupted."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archprof.errors import Problem, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from archprof.analysis.sweep import Tally

# Below so many variants, starting processes takes longer than computing.
_ALONE = 200_000
_RETRIES = 10
_REDRAW = 0.2


@contextmanager
def executor_of(scheduler: str | None, jobs: int | None, size: int) -> "Iterator[tuple[Executor | None, int]]":
    """Yield who computes, and how many stretches ahead of what is taken: a cluster, processes, or nobody but us."""
    if scheduler is not None:
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise UsageError(
                [Problem("`--scheduler` needs dask, which is not installed", help="pip install 'archprof[dask]'")]
            ) from None
        try:
            client: Any = Client(scheduler, timeout=10)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError([Problem(f"no Dask scheduler answers at `{scheduler}`", note=str(error))]) from None
        with client:
            # The same stretch may run twice, where a worker is lost: it is a function of values alone.
            yield client.get_executor(retries=_RETRIES), 4 * max(len(client.scheduler_info()["workers"]), 1)
        return
    processes = jobs or os.cpu_count() or 1
    if processes == 1 or (size < _ALONE and jobs is None):
        yield None, 0
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _ignore_interrupts)
    try:
        yield pool, 2 * processes
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that collects."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Interrupt:
    """Ctrl-C, noted: the stretch at hand is still written whole. A second one stops at once, and leaves no file."""

    def __init__(self) -> None:
        self.came = False
        self._before: Any = None

    def __enter__(self) -> "Interrupt":
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: object) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True


class Progress:
    """A line on a terminal's standard error: how far, how fast, how long still."""

    def __init__(self, tally: "Tally") -> None:
        self._tally = tally
        self._shows = sys.stderr.isatty()
        self._start = self._drawn = time.monotonic()
        self._before = sum(tally.done)

    def show(self) -> None:
        """Draw the line anew, at most five times a second."""
        now = time.monotonic()
        if not self._shows or now - self._drawn < _REDRAW:
            return
        self._drawn = now
        done, size = sum(self._tally.done), self._tally.size
        rate = (done - self._before) / (now - self._start)
        left = (size - done) / rate if rate else 0
        print(f"\r{done:,} of {size:,} · {rate:,.0f}/s · {left:,.0f} s left\x1b[K", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave the line empty."""
        if self._shows:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

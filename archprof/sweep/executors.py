"""Who computes a sweep: this process, several of them, or a cluster."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archprof.errors import usage_error

if TYPE_CHECKING:
    from concurrent.futures import Executor

# Below so many variants, starting processes takes longer than computing.
_ALONE = 200_000
_RETRIES = 10


@contextmanager
def executor_of(scheduler: str | None, jobs: int | None, size: int) -> "Iterator[tuple[Executor | None, int]]":
    """Yield who computes, and how many stretches ahead of what is taken: a cluster, processes, or nobody but us."""
    if scheduler is not None:
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise usage_error(
                "`--scheduler` needs dask, which is not installed", help="pip install 'archprof[dask]'"
            ) from None
        try:
            client: Any = Client(scheduler, timeout=10)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TimeoutError) as error:
            raise usage_error(f"no Dask scheduler answers at `{scheduler}`", note=str(error)) from None
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

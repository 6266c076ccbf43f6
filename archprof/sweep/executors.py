"""Who computes what has many parts, as a sweep: this process, several of them, or a cluster."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, wait
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

from archprof.errors import InputError, usage_error

# Below so many variants, starting processes takes longer than computing.
_ALONE = 200_000
_RETRIES = 10
_POLL = 0.5
# Seconds that a cluster may be silent.
TIMEOUT = 60.0
_Found = TypeVar("_Found")


class Workers(Protocol):
    """Who computes parts: so many *ahead* of what is taken."""

    ahead: int

    def submit(self, function: Callable[..., _Found], *arguments: Any) -> Future[_Found]:
        """Let a part be computed: a function of values alone."""

    def result(self, future: Future[_Found]) -> _Found:
        """Wait for a part. Raises BrokenExecutor where a process was killed, after which nothing is submitted before
        `renew`, and UsageError where those who compute are gone for good."""

    def renew(self) -> None:
        """Start again in place of what was killed."""


@contextmanager
def workers_of(
    scheduler: str | None, jobs: int | None, size: int, timeout: float = TIMEOUT
) -> "Iterator[Workers | None]":
    """Yield who computes: a cluster, processes, or nobody but us."""
    if scheduler is not None:
        with _client(scheduler, timeout) as client:
            yield _Cluster(client, scheduler, timeout)
        return
    processes = jobs or os.cpu_count() or 1
    if processes == 1 or (size < _ALONE and jobs is None):
        yield None
        return
    pool = Processes(processes)
    try:
        yield pool
    finally:
        pool.close()


class Processes:
    """Processes of this machine. They end when this one does, however that ends."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.ahead = 2 * count
        self._pool = self._start()

    def _start(self) -> Any:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        return ProcessPoolExecutor(self._count, multiprocessing.get_context("spawn"), start_worker)

    def submit(self, function: Callable[..., _Found], *arguments: Any) -> Future[_Found]:
        """Let a part be computed."""
        try:
            future: Future[_Found] = self._pool.submit(function, *arguments)
        except (BrokenExecutor, OSError, ValueError) as error:
            # One was killed; the pool may notice while it starts another one, whose pipes it then closes. It is told
            # where the result is asked for.
            future = Future()
            future.set_exception(BrokenExecutor(str(error)))
        return future

    def result(self, future: Future[_Found]) -> _Found:
        """Wait for a part."""
        killed = False
        while not wait([future], _POLL).done:
            if killed:
                self._give_up()
                break
            killed = any(process.exitcode is not None for process in (self._pool._processes or {}).values())
        return future.result()

    def _give_up(self) -> None:
        """Let the pool notice that it is broken: of what was killed while it wrote a result the pool waits for the
        rest, as long as anybody could write it, of which itself is one."""
        import multiprocessing

        for process in multiprocessing.active_children():
            process.kill()
        self._pool._result_queue._writer.close()

    def renew(self) -> None:
        """Start other processes."""
        import multiprocessing

        # One that was just starting when another was killed is forgotten by the pool, which then waits for it.
        for process in multiprocessing.active_children():
            process.kill()
        self.close()
        self._pool = self._start()

    def close(self) -> None:
        """End the processes, once they have done what they are at."""
        self._pool.shutdown(cancel_futures=True)


def start_worker() -> None:
    """Leave Ctrl-C and a closed terminal to the process that collects, and end when that is gone."""
    import multiprocessing
    from threading import Thread

    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    Thread(target=_follow, args=(multiprocessing.parent_process(),), daemon=True).start()


def _follow(parent: Any) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def _client(scheduler: str, timeout: float) -> Iterator[Any]:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise usage_error(
            "`--scheduler` needs dask, which is not installed", help="pip install 'archprof[dask]'"
        ) from None
    import logging

    # What happens to the connection is told in one sentence of ours; Dask and tornado log tracebacks of it.
    logging.disable(logging.CRITICAL)
    try:
        client: Any = Client(scheduler, timeout=min(timeout, 10))  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise usage_error(f"no Dask scheduler answers at `{scheduler}`", note=str(error)) from None
    try:
        yield client
    finally:
        with suppress(Exception):  # Dask has several for a scheduler that is gone, and all are told by then
            client.close(timeout=_POLL if client.status != "running" else 10)


class _Cluster:
    """A Dask cluster. What a lost worker had, it computes elsewhere by itself."""

    def __init__(self, client: Any, scheduler: str, timeout: float) -> None:
        self._client = client
        self._scheduler = scheduler
        self._timeout = timeout
        # The same part may run twice, where a worker is lost: it is a function of values alone.
        self._executor = client.get_executor(retries=_RETRIES)
        self.ahead = 4 * max(len(client.scheduler_info()["workers"]), 1)

    def submit(self, function: Callable[..., _Found], *arguments: Any) -> Future[_Found]:
        """Let a part be computed."""
        try:
            future: Future[_Found] = self._executor.submit(function, *arguments)
        except Exception as error:  # told where the result is asked for
            future = Future()
            future.set_exception(error)
        return future

    def result(self, future: Future[_Found]) -> _Found:
        """Wait for a part as long as the scheduler is there."""
        heard = time.monotonic()
        while True:
            try:
                return future.result(timeout=_POLL)
            except TimeoutError:
                if self._client.status == "running":
                    heard = time.monotonic()
                elif time.monotonic() - heard > self._timeout:
                    raise self._lost() from None
            except InputError:
                raise
            except Exception as error:  # what Dask raises for futures of a lost scheduler is of several kinds
                time.sleep(_POLL)  # it may raise before it knows why
                if self._client.status == "running":
                    raise
                raise self._lost() from error

    def _lost(self) -> Exception:
        message = f"the Dask scheduler at `{self._scheduler}` does not answer any more"
        return usage_error(message, help="start it again; a sweep goes on with `--resume`")

    def renew(self) -> None:
        """Do nothing: a cluster mends itself."""

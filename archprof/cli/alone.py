"""One writer at a time, where a file is read, changed and written again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from archprof.outputs import cannot_write


@contextmanager
def alone(path: str) -> Iterator[None]:
    """Wait until no other process of this machine changes a file, and keep others waiting.

    It is the file's folder that is locked: nothing is left behind there, and the system unlocks it for a process that
    is killed. A system without `fcntl`, as Windows, keeps nobody waiting. Raises UsageError for a folder that cannot be
    locked.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        folder = os.open(os.path.dirname(os.path.realpath(path)), os.O_RDONLY)
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
        except OSError as error:
            raise cannot_write(path, error) from None
        yield
    finally:
        os.close(folder)

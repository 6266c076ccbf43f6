"""A file that only grows: the rows of a sweep beside its output, told by their length and hash, so that what a killed
process leaves can be proven and gone on with."""

import hashlib
import os

from archprof.errors import UsageError, usage_error
from archprof.named_tuple import NamedTuple

_CHUNK = 1 << 20


class Written(NamedTuple):
    """How many bytes a file starts with that were flushed to the disk, and their SHA-256."""

    length: int
    sha256: str


class Spool:
    """A growing file, which one process at a time writes.

    Raises UsageError where another one does, and OSError where it cannot be written.
    """

    def __init__(self, path: str, name: str) -> None:
        self._name = name  # as messages have it
        # Not through links: nobody but this program has business here.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        self._file = open(descriptor, "r+b")  # noqa: SIM115 - open as long as the sweep lasts
        self._hash = hashlib.sha256()
        self._length = 0
        try:
            _lock(descriptor, name)
        except UsageError:
            self._file.close()
            raise

    def clear(self) -> None:
        """Begin with nothing."""
        self._file.truncate(0)

    def go_on(self, proof: Written) -> None:
        """Go on behind what is proven; what follows it is cut off. Raises UsageError where the file does not start with
        that."""
        size, name = os.fstat(self._file.fileno()).st_size, self._name
        advice = "start the sweep without `--resume`, or bring the file back as it was"
        if size < proof.length:
            raise usage_error(f"`{name}` has {size:,} bytes of {proof.length:,} that were written", help=advice)
        while self._length < proof.length:
            self._count(self._file.read(min(_CHUNK, proof.length - self._length)))
        if self._hash.hexdigest() != proof.sha256:
            raise usage_error(f"`{name}` is not what was written", help=advice)
        self._file.truncate(proof.length)

    def write(self, data: bytes) -> None:
        """Append some bytes."""
        self._file.write(data)
        self._count(data)

    def prove(self) -> Written:
        """Flush everything to the disk, and return its proof."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return Written(self._length, self._hash.hexdigest())

    def close(self) -> None:
        """Let others write. What could not be flushed is not proven either, and is lost."""
        try:
            self._file.close()
        except OSError:
            self._file.close()

    def _count(self, data: bytes) -> None:
        self._hash.update(data)
        self._length += len(data)


def _lock(descriptor: int, name: str) -> None:
    try:
        import fcntl
    except ModuleNotFoundError:  # where there is no such thing, nobody is kept out
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise usage_error(f"another sweep writes `{name}`", help="wait for it, or write to another file") from None

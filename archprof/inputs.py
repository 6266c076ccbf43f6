"""Files that somebody named, read without waiting for what may never come, and known afterwards; and the folder that
their paths count from."""

import errno
import io
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from archprof.errors import usage_error

# What can keep a reader waiting, or never ends.
_NO_FILES = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


# Without it, Windows reads text.
_BINARY = getattr(os, "O_BINARY", 0)
# Device and number of each file that was read: a command line must not write over what it reads, whatever the name.
_read: set[tuple[int, int]] = set()


def is_stream(path: str) -> bool:
    """Tell whether a path names a stream that is open already: standard input, or what `<(command)` is in a shell."""
    whole = os.path.normpath(path)
    return path == "-" or whole == "/dev/stdin" or whole.startswith(("/dev/fd/", "/proc/self/fd/"))


def shown_name(path: str) -> str:
    """Return how messages call a file: standard input is `<stdin>`."""
    return "<stdin>" if path == "-" else path


def begins(path: str, sign: bytes) -> bool:
    """Tell whether a path is `-` and standard input begins so, of which nothing is taken: what has no name is known by
    its content."""
    peek = getattr(getattr(sys.stdin, "buffer", None), "peek", None)
    try:
        return path == "-" and peek is not None and peek(len(sign))[: len(sign)] == sign
    except (OSError, ValueError):  # whoever reads it says so
        return False


def standard_input(limit: int) -> BinaryIO:
    """Return standard input as a file in which places can be sought: of a pipe the first *limit* bytes.

    Raises OSError where it cannot be read.
    """
    with suppress(OSError, ValueError):  # a test's standard input has no number
        number = sys.stdin.fileno()
        if stat.S_ISREG(os.fstat(number).st_mode):
            remember(number)
            return os.fdopen(os.dup(number), "rb")
    return io.BytesIO(sys.stdin.buffer.read(limit))


def read_bytes(path: str, limit: int) -> bytes:
    """Return the first *limit* bytes of a file.

    Raises OSError as `open_bytes` does.
    """
    with open_bytes(path) as file:
        # Room is made for what is asked for, of which most files fill little. A file that would wait gives None.
        return file.read(min(limit, os.fstat(file.fileno()).st_size) or limit) or b""


def read_own(path: str, limit: int) -> bytes:
    """Return the first *limit* bytes of a file that archprof brings along, which no reader waits for: a third of the
    time that `read_bytes` takes, where there are hundreds."""
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        found = os.fstat(descriptor)
        _read.add((found.st_dev, found.st_ino))
        return os.read(descriptor, min(limit, found.st_size))
    finally:
        os.close(descriptor)


def read_named(path: str, limit: int, makes_one: str) -> bytes:
    """Return the first *limit* bytes of a file. Raises UsageError where there is none, with what *makes_one*, and where
    it cannot be read."""
    try:
        return read_bytes(path, limit)
    except FileNotFoundError:
        raise usage_error(f"no such file: `{path}`", help=makes_one) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise usage_error(f"cannot read `{path}`: {reason}") from None


def open_bytes(path: str) -> BinaryIO:
    """Open a file to be read.

    Raises OSError for what is neither a file nor a stream that is open already, and as `open` does.
    """
    found = os.stat(path)
    kind = _NO_FILES.get(stat.S_IFMT(found.st_mode))
    if kind and not is_stream(path):
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")
    # Some files of /proc wait for news, and none of them has a size.
    patience = os.O_NONBLOCK if stat.S_ISREG(found.st_mode) and not found.st_size else 0
    file = open(  # noqa: SIM115 (the caller's)
        path, "rb", opener=lambda name, flags: os.open(name, flags | patience)
    )
    remember(file.fileno())
    return file


def remember(descriptor: int) -> None:
    """Know of an open file that it is an input."""
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        _read.add((found.st_dev, found.st_ino))


def forget() -> None:
    """Begin with no inputs: what another command line of this process read is none of this one."""
    _read.clear()


def is_input(path: str) -> bool:
    """Tell whether a path names a file that was read, by this name or another one."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return False
    return (found.st_dev, found.st_ino) in _read


def repository_root(folder: Path) -> str:
    """Return the real path of the repository that a folder is in; of the folder itself where it is in none."""
    real = Path(real_path(str(folder)))
    return str(next((place for place in (real, *real.parents) if os.path.exists(place / ".git")), real))


def is_below(real: str, root: str) -> bool:
    """Tell whether a real path is a folder, or in it."""
    whole = os.path.abspath(real)
    return whole == root or whole.startswith(os.path.join(root, ""))


def real_paths(paths: Iterable[str]) -> list[str]:
    """Return paths without links, as `real_path` does; folders, which many of them are in, are followed once."""
    folders: dict[str, str] = {}
    found = []
    for path in paths:
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir) or os.path.islink(path):
            found.append(real_path(path))
            continue
        if folder not in folders:
            folders[folder] = real_path(folder or os.curdir)
        found.append(os.path.join(folders[folder], name))
    return found


def real_path(path: str) -> str:
    """Return a path without links; the path itself where it cannot be followed, since the current folder was
    deleted or it is no path."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def current_folder() -> Path:
    """Return the current folder. Raises UsageError where it was deleted."""
    try:
        return Path.cwd()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise usage_error(f"there is no current folder: {reason}", help="change to a folder that exists") from None

"""Files that results are written to: whole or not at all, through links, with the mode and the owner that they had."""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from archprof.errors import UsageError, usage_error
from archprof.inputs import is_input

# Names of what this process has open: they are its streams, whatever stands behind them.
_OPEN = r"/(?:dev|proc/self)/fd/([0-9]{1,9})\Z|/dev/std(out|err)\Z"
_MAX_LINKS = 40
# What file systems answer that know no file without a name.
_NAMELESS_UNKNOWN = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)


def write_file(path: str, text: str, *, anew: bool = False) -> None:
    """Write a text to a file, in UTF-8; *anew*: one that was read to be written again. Raises UsageError as
    `output_file` does."""
    with output_file(path, anew=anew) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


@contextmanager
def output_file(path: str, *, anew: bool = False) -> Iterator[BinaryIO]:
    """Yield a file for what is to stand at *path*. It is put there when the block ends, and is gone when the block
    fails: nobody sees a part of it, and a process that is killed leaves nothing behind.

    A link is followed to what it names; a device, a pipe or a stream of this process is written as it is. Raises
    UsageError when it cannot be written, or was read and is not to be written *anew*; an old file stays as it was.
    """
    try:
        target = resolved(path)
        if not anew:
            refuse_input(path, target)
        with _stream(target) if is_stream(target) else replacing(target) as file:
            yield file
    except BrokenPipeError:  # whoever reads a pipe has enough
        raise
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None


def resolved(path: str) -> str:
    """Return what a path names once links are followed, as far as they do not lead to streams of this process.

    Raises OSError for links that go in circles.
    """
    for _ in range(_MAX_LINKS):
        if re.match(_OPEN, path) or not os.path.islink(path):
            return path if re.match(_OPEN, path) else os.path.abspath(path)
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def refuse_input(path: str, target: str) -> None:
    """Raise UsageError where what is to be written was read."""
    if is_input(target):
        raise usage_error(f"`{path}` is read, and cannot be written as well", help="write to another file")


def is_stream(target: str) -> bool:
    """Tell whether a resolved path is written as it is, not replaced: it is open here, a device, a pipe or a socket."""
    if re.match(_OPEN, target):
        return True
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def goes_by(output: str | None) -> bool:
    """Tell whether what is written is gone at once: into standard output, a pipe or a device."""
    with suppress(OSError, ValueError):  # which is told when it is written
        return output is None or is_stream(resolved(output))
    return False


def refuse_unwritable(path: str) -> None:
    """Raise UsageError for a file in a folder that there is not: told before minutes go by."""
    try:
        if not os.path.isdir(os.path.dirname(resolved(path))):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None


def put_in_place(temporary: str, target: str) -> None:
    """Rename a finished file to *target*, with the mode and the owner of what stood there. Raises OSError."""
    with open(temporary, "r+b") as file:
        if not _made_like(file.fileno(), target):
            _copy(file, target)
            os.unlink(temporary)
            return
    os.replace(temporary, target)


def cannot_write(path: str, error: Exception, help: str = "nothing was written") -> UsageError:
    """Return the error for a file that the system does not let us write."""
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return usage_error(f"cannot write `{path}`: {reason}", help=help)


@contextmanager
def _stream(target: str) -> Iterator[BinaryIO]:
    """Yield a device, a pipe, or a stream that is open here, which goes on where it is."""
    found = re.match(_OPEN, target)
    if not found:
        with open(os.open(target, os.O_WRONLY), "wb") as file:
            yield file
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    number = int(found[1]) if found[1] else {"out": 1, "err": 2}[found[2]]
    with open(os.dup(number), "wb") as file:
        yield file


@contextmanager
def replacing(target: str) -> Iterator[BinaryIO]:
    """Yield a new file, which replaces what is at *target* when the block ends. Raises OSError."""
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    descriptor, temporary = _nameless(os.path.dirname(target)) or _named(os.path.dirname(target))
    try:
        with open(descriptor, "w+b") as file:
            yield file
            file.flush()
            if not _made_like(descriptor, target):
                _copy(file, target)
            elif temporary:
                os.replace(temporary, target)
            else:
                _link(descriptor, target)
    finally:
        if temporary:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _nameless(folder: str) -> tuple[int, str] | None:
    """Return an open file without a name, which no killed process leaves behind; None where the system has none."""
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError as error:
        if error.errno in _NAMELESS_UNKNOWN:
            return None
        raise
    if os.path.exists(_path_of(descriptor)):
        return descriptor, ""
    os.close(descriptor)
    return None


def _named(folder: str) -> tuple[int, str]:
    path = os.path.join(folder, _fresh_name())
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), path


def _link(descriptor: int, target: str) -> None:
    """Give a file without a name that of *target*."""
    source = _path_of(descriptor)
    try:
        # A folder to count from makes Python follow the link to the file; the path counts from nowhere.
        os.link(source, target, src_dir_fd=descriptor)
    except FileExistsError:
        beside = os.path.join(os.path.dirname(target), _fresh_name())
        os.link(source, beside, src_dir_fd=descriptor)
        try:
            os.replace(beside, target)
        except OSError:
            os.unlink(beside)
            raise


def _made_like(descriptor: int, target: str) -> bool:
    """Give an open file the mode and the owner of what is at *target*; tell whether that was allowed."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return True
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except PermissionError:
            return False
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    return True


def _copy(file: BinaryIO, target: str) -> None:
    """Write what a finished file holds into another one, which stays its owner's."""
    import shutil

    file.seek(0)
    with open(target, "r+b") as old:
        old.truncate()
        shutil.copyfileobj(file, old)


def _path_of(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _fresh_name() -> str:
    return f".archprof-{os.urandom(8).hex()}"

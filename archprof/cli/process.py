"""The process that a command line runs in: standard streams that fail in one way, and sizes of a terminal that are
sizes."""

import errno
import io
import os
import sys
from _thread import interrupt_main
from threading import Event, Thread
from typing import TYPE_CHECKING, TextIO

from archprof.errors import InputError, usage_error

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# More columns than any terminal has; Python reads no number of thousands of digits.
_MAX_DIGITS = 9
# Seconds in which a deletion is over.
_SOON = 0.05
# Set when the command is over, whatever comes of it.
_LEFT = Event()


def prepare() -> None:
    """Open the standard streams that the process started without, and let each of them fail in one way; forget sizes of
    a terminal that are none; let no interrupt be lost."""
    sys.unraisablehook = _interrupt_again
    # A stream that is missing leaves its number to the next file that is opened, for others to write into: this order
    # gives each its own.
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    sys.stdout = _text(_Output, sys.stdout, os.O_RDONLY, "replace")  # a closed one must fail
    sys.stderr = _text(_Messages, sys.stderr, os.O_WRONLY, "backslashreplace")
    for name in ("COLUMNS", "LINES"):
        if terminal_size(name) is None:
            os.environ.pop(name, None)


def _interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Interrupt once more where an interrupt came while an object was being deleted, or a module's lock as it is
    imported: Python ignores what rises there, and the command would run on."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    Thread(target=_interrupt_until_left, daemon=True).start()


def _interrupt_until_left() -> None:
    """Interrupt the command, ever less often, until it is left: any interrupt may come where it is ignored, in a
    deletion or in code of torch that clears what rises."""
    wait = _SOON
    while not _LEFT.wait(wait):
        interrupt_main()
        wait *= 10


def terminal_size(name: str) -> int | None:
    """Return the number of columns or lines that an environment variable asks for; None for what is no such number."""
    text = os.environ.get(name, "")
    return int(text) or None if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def finish(code: int) -> int:
    """Write what standard output still holds, and return the exit code to leave with."""
    _LEFT.set()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return code or error.exit_code
    return code


class _StandardStream(io.FileIO):
    """A standard stream; of one that failed once, nothing more is asked."""

    _failed = False

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some bytes, and return how many were taken."""
        if not self._failed:
            try:
                return self._written(data)
            except OSError as error:
                self._failed = True
                self.report(error)
        return memoryview(data).nbytes

    def report(self, error: OSError) -> None:
        """Raise what a failure means, if anything."""

    def _written(self, data: "ReadableBuffer") -> int:
        """Write to what may be a pipe that does not block; then its reader is waited for."""
        while (count := super().write(data)) is None:
            import select

            select.select([], [self], [])
        return count


class _Output(_StandardStream):
    """Standard output: an answer that does not arrive is an error, unless its reader has enough of it."""

    def report(self, error: OSError) -> None:
        """Raise UsageError, or BrokenPipeError where the reader is gone."""
        if isinstance(error, BrokenPipeError):
            # Without its number: by that, click would leave with exit code 1.
            raise BrokenPipeError("the reader of standard output is gone") from None
        reason = "it is closed" if error.errno == errno.EBADF else (error.strerror or str(error)).lower()
        raise usage_error(f"cannot write to standard output: {reason}", note="the answer is not whole") from None


class _Messages(_StandardStream):
    """Standard error: of its own failure nobody can be told."""


def _text(kind: type[_StandardStream], stream: TextIO | None, flags: int, errors: str) -> TextIO:
    """Return a standard stream as text, for one that is missing on the null device, opened with *flags*."""
    number = os.open(os.devnull, flags) if stream is None else stream.fileno()
    raw = kind(number, "w", closefd=False)
    encoding = "utf-8" if stream is None else stream.encoding
    # Messages come when they are said, also where nothing is to be buffered (`python -u`, `PYTHONUNBUFFERED`).
    by_line = kind is _Messages or bool(stream and stream.line_buffering)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=by_line)

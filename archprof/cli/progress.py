"""How far long work has come, and how it is interrupted."""

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from archprof.errors import printable

if TYPE_CHECKING:
    from archprof.progress import Told
    from archprof.sweep.run import Tally

_REDRAW = 0.2


# What a process is asked to end with, and the exit code that tells of it: Ctrl-C, or from outside.
_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}


class Interrupt:
    """Ctrl-C or a wish from outside to end, noted: the stretch at hand is still taken. A second one stops at once.

    What the process was told to ignore (as `nohup` does) it ignores.
    """

    def __init__(self) -> None:
        self.code = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupt":
        for number in _CODES:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        if self.code:
            raise KeyboardInterrupt
        self.code = _CODES[signal.Signals(number)]


class Steps:
    """A line on a terminal's standard error for work of so many steps: which is waited for, and how long all still
    take."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._shows = sys.stderr.isatty()
        self._start = time.monotonic()

    def show(self, done: int, name: str) -> None:
        """Draw the line anew: *name* is the step behind those that are *done*."""
        if not self._shows:
            return
        from shutil import get_terminal_size

        left = (time.monotonic() - self._start) / done * (self._size - done) if done else 0
        rest = f" · {left:,.0f} s left" if done else ""
        said = f"{done + 1:,} of {self._size:,}{rest} · {printable(name)}"
        print(f"\r\x1b[K{said[: get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave the line empty."""
        _clear(self._shows)


def progress_of(name: str) -> "Told":
    """Return what is told how far work has come that is called so, and shows it on a terminal's standard error."""
    shown: dict[int, Steps] = {}

    def told(done: int, size: int, step: str) -> None:
        if not done or size not in shown:
            shown[size] = Steps(size)
        shown[size].show(done, f"{name}: {step}")

    return told


def clear_progress() -> None:
    """Leave the line of progress empty."""
    _clear(sys.stderr.isatty())


def _clear(shows: bool) -> None:
    if shows:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


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
        _clear(self._shows)

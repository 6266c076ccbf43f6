"""How far long work has come, and how it is interrupted."""

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archprof.sweep.run import Tally

_REDRAW = 0.2


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

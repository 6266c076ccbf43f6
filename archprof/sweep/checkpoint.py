"""How far a sweep has come, on the disk: its rows beside the output, and a note of what of them is proven.

Rows are flushed first, then the note takes the place of the one before; so a process may be killed at any moment, and
what the note tells is there. Names: `sweep.csv.part` and `sweep.csv.progress`, gone when `sweep.csv` is in its place.
"""

import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from archprof.errors import UsageError, usage_error
from archprof.outputs import refuse_input, resolved
from archprof.sweep.compute import Invalid
from archprof.sweep.held import Even
from archprof.sweep.plan import Plan
from archprof.sweep.run import Tally, VariantRows
from archprof.sweep.spool import Spool, Written

# Seconds between notes: at least so many, and so much of the time that one took is spent on sweeping.
_PAUSE = 0.25
_SHARE = 20
_AGAIN = "start the sweep without `--resume`"


class Checkpoint:
    """The rows and the note of a sweep; only the same sweep, written in the same format by the same version, goes on
    from them.

    *drawn* are the points of its plot, where there will be one. Raises UsageError where another process writes the same
    output, and OSError where it cannot be written.
    """

    def __init__(self, output: str, plans: Sequence[Plan], format: str, version: str, drawn: Even | None) -> None:
        self.target = resolved(output)
        if os.path.isdir(self.target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for place in (self.target, self.part, f"{self.target}.progress"):
            refuse_input(output, place)
        # As it was typed, where that is where it stands.
        self._name = output if self.target == os.path.abspath(output) else self.target
        self.complete = False  # whether all rows are there
        self._note = Path(f"{self.target}.progress")
        self._drawn = drawn
        sweep = repr((list(plans), format, version, plans[0].names, drawn is not None))
        self._sweep = hashlib.sha256(sweep.encode("utf-8", "backslashreplace")).hexdigest()
        self._due = time.monotonic() + _PAUSE
        self.rows: Spool

    @property
    def part(self) -> str:
        """The file of the rows."""
        return f"{self.target}.part"

    def start(self, tally: Tally, header: bytes) -> None:
        """Begin with no rows."""
        self.rows = Spool(self.part, f"{self._name}.part")
        self._note.unlink(missing_ok=True)
        self.rows.clear()
        self.rows.write(header)
        self.save(tally)

    def restore(self, tally: Tally) -> bool:
        """Bring a tally to what is proven, and go on behind those rows; False where the output is finished already.

        Raises UsageError where nothing is noted, or what is noted does not fit the sweep or its rows.
        """
        state = self._read()
        self.complete = state["complete"]
        if not os.path.exists(self.part):
            if self.complete and os.path.exists(self.target):
                self._forget()
                return False
            raise usage_error(f"`{self._name}.part` is gone, which held the rows", help=_AGAIN)
        self.rows = Spool(self.part, f"{self._name}.part")
        try:
            self.rows.go_on(Written(*state["rows"]))
        except UsageError:
            self.rows.close()
            raise
        tally.done, tally.fitting = state["done"], state["fitting"]
        tally.invalid = [[Invalid(*one) for one in found] for found in state["invalid"]]
        names = len(tally.kept.costs)
        tally.kept = _variants(state["kept"], names)
        if self._drawn is not None:
            self._drawn.stride, self._drawn.seen, kept = state["drawn"]
            self._drawn.kept = _variants(kept, names)
        return True

    def save(self, tally: Tally, *, complete: bool = False) -> None:
        """Note that everything up to here is written; *complete*: that nothing is missing."""
        begin = time.monotonic()
        self.complete = complete
        state = {
            "sweep": self._sweep,
            "rows": self.rows.prove(),
            "complete": complete,
            "done": tally.done,
            "fitting": tally.fitting,
            "invalid": tally.invalid,
            "kept": _numbers(tally.kept),
            "drawn": self._drawn and [self._drawn.stride, self._drawn.seen, _numbers(self._drawn.kept)],
        }
        new = self._note.with_name(f"{self._note.name}.new")
        with new.open("w", encoding="utf-8") as file:
            file.write(_sealed(state))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._note)
        now = time.monotonic()
        self._due = now + max(_PAUSE, _SHARE * (now - begin))

    def save_if_due(self, tally: Tally) -> None:
        """Note it where the last note is old."""
        if time.monotonic() >= self._due:
            self.save(tally)

    def finish(self, put: Callable[[str, str], None]) -> None:
        """Let *put* make the output of the rows, from one path to the other, and forget that they were on the way."""
        self.rows.prove()
        put(self.part, self.target)
        self.discard()

    def discard(self) -> None:
        """Leave neither rows nor a note."""
        self.rows.close()
        with suppress(FileNotFoundError):
            os.unlink(self.part)
        self._forget()

    def _forget(self) -> None:
        self._note.with_name(f"{self._note.name}.new").unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        name = self._name
        try:
            text = self._note.read_text(encoding="utf-8") if self._note.is_file() else None
            state = None if text is None else _unsealed(text)
        except (OSError, ValueError):
            raise usage_error(f"`{name}.progress` is not as archprof left it", help=_AGAIN) from None
        if state is None:
            finished = os.path.exists(self.target)
            advice = "it is finished, or was never interrupted" if finished else _AGAIN
            raise usage_error(f"`{name}` has nothing to resume", help=advice)
        if state["sweep"] != self._sweep:
            advice = "resume with the models, axes and options it was started with"
            raise usage_error(f"`{name}` is of another sweep", help=advice)
        return state


def _sealed(state: dict[str, Any]) -> str:
    """Return a note as text, under a hash that shows whether it was changed."""
    return _seal(json.dumps(state))


def _seal(text: str) -> str:
    return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def _unsealed(text: str) -> dict[str, Any]:
    """Return what a note says. Raises ValueError for one that was changed."""
    _, _, written = text.partition("\n")
    if _seal(written) != text:
        raise ValueError(text)
    state: dict[str, Any] = json.loads(written)
    return state


def _numbers(kept: VariantRows) -> list[Any]:
    return [part.tolist() for part in kept]


def _variants(numbers: Sequence[Any], names: int) -> VariantRows:
    plans, ranks, costs = (np.array(part, np.int64) for part in numbers)
    return VariantRows(plans, ranks, costs.reshape(names, -1))

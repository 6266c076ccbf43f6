"""How far an interrupted sweep has come: noted beside its file, and read when it goes on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from archprof.costs.metrics import NAMES
from archprof.errors import usage_error
from archprof.sweep.compute import Invalid
from archprof.sweep.plan import Plan
from archprof.sweep.run import Tally, VariantRows


class Checkpoint:
    """The note beside a sweep's file; only the same sweep, written in the same format, goes on from it."""

    def __init__(self, output: str, plans: Sequence[Plan], format: str) -> None:
        self._output = output
        self._note = Path(f"{output}.progress")
        self._digest = hashlib.sha256(repr((list(plans), format)).encode()).hexdigest()

    def save(self, tally: Tally) -> None:
        """Note how far a sweep has come."""
        kept = tally.kept
        state = {
            "sweep": self._digest,
            "done": tally.done,
            "fitting": tally.fitting,
            "invalid": tally.invalid,
            "kept": [part.tolist() for part in (kept.plans, kept.numbers, kept.costs)],
        }
        self._note.write_text(json.dumps(state), encoding="utf-8")

    def remove(self) -> None:
        """Forget it: the file is finished."""
        self._note.unlink(missing_ok=True)

    def restore(self, tally: Tally) -> None:
        """Bring a tally to where the sweep was interrupted. Raises UsageError where nothing is noted, or of another
        sweep."""
        state = self._read()
        tally.done = state["done"]
        tally.fitting = state["fitting"]
        tally.invalid = [[Invalid(*one) for one in found] for found in state["invalid"]]
        plans, numbers, costs = (np.array(part, np.int64) for part in state["kept"])
        tally.kept = VariantRows(plans, numbers, costs.reshape(len(NAMES), -1))

    def _read(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            finished = Path(self._output).exists()
            advice = "it is finished, or was never interrupted" if finished else "start it without `--resume`"
            raise usage_error(f"`{self._output}` has nothing to resume", help=advice) from None
        if state.get("sweep") != self._digest:
            advice = "resume with the models, axes and filters it was started with"
            raise usage_error(f"`{self._output}` is of another sweep", help=advice)
        return state

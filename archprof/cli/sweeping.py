"""A sweep from its options to its file: who computes, where it goes, how far it has come."""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.cli.output import cannot_write, umask, write
from archprof.cli.work import Interrupt, Progress, executor_of
from archprof.errors import Problem, UsageError
from archprof.spec.axis import parse_axis
from archprof.spec.printed import parse_printed
from archprof.spec.variant import Setting

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from archprof.analysis.plan import Plan, Wanted
    from archprof.analysis.sweep import Kept, Tally
    from archprof.render.sweep import Writer

# What a table and a plot draw from; a plot of more says nothing more.
_HELD = 4_000
INTERRUPTED = 130


class Request(NamedTuple):
    """What was asked for."""

    models: tuple[str, ...]
    settings: tuple[Setting, ...]
    limits: tuple[tuple[str, bool, str], ...]
    pareto: tuple[str, ...]
    sort: str
    top: int | None
    sample: int | None
    seed: int
    jobs: int | None
    scheduler: str | None
    resume: bool
    plot: str | None
    format: str
    output: str | None
    no_color: bool


def run_sweep(request: Request) -> int:
    """Carry out a sweep and return the exit code: 0, 1 where nothing is within the limits, 130 where it was
    interrupted."""
    plans, wanted = _planned(request)
    _check(request)
    if request.format in ("table", "markdown"):
        sink: _Sink = _Shown(request, wanted)
    else:
        sink = _Streamed(request, plans, wanted)
    tally = sink.tally(plans)
    try:
        with (
            Interrupt() as interrupt,
            executor_of(request.scheduler, request.jobs, tally.size - sum(tally.done)) as (executor, ahead),
        ):
            _collect(tally, sink, executor, ahead, interrupt)
    except BaseException:
        sink.discard()
        raise
    sink.finish(tally, interrupt.came)
    code = INTERRUPTED if interrupt.came else 0
    if interrupt.came:
        _say(f"interrupted after {sum(tally.done):,} of {tally.size:,} variants{sink.advice()}")
    elif not tally.fitting:
        _say(_nothing(tally, bool(wanted.limits)))
        code = 1
    return code


def _planned(request: Request) -> "tuple[list[Plan], Wanted]":
    axes = [parse_axis(setting) for setting in request.settings]
    try:
        import numpy  # noqa: F401
    except ModuleNotFoundError:
        raise UsageError(
            [Problem("`sweep` needs numpy, which is not installed", help="pip install 'archprof[sweep]'")]
        ) from None
    from archprof.analysis.plan import Limit, Wanted, check_wanted, plan_sweep

    bounds = ((count, most, parse_printed(text).value) for count, most, text in request.limits)
    limits = tuple(Limit(count, bound.__floor__() if most else bound.__ceil__(), most) for count, most, bound in bounds)
    shown = request.format in ("table", "markdown")
    top = request.top if request.top or not (shown and request.sort) else _HELD
    wanted = Wanted(limits, request.pareto, request.sort, top)
    check_wanted(wanted)
    return [plan_sweep(model, axes, wanted, request.sample, request.seed) for model in request.models], wanted


def _check(request: Request) -> None:
    """Raise UsageError for options that do not go together."""
    if request.format == "parquet" and request.output is None:
        raise UsageError([Problem("Parquet goes to a file", help="name it: `-o sweep.parquet`")])
    if request.resume and (request.output is None or request.format in ("table", "markdown")):
        raise UsageError(
            [
                Problem(
                    "`--resume` without a file to go on with",
                    help="the sweep as it was called, `-o` and all, with `--resume`",
                )
            ]
        )
    if request.sort and request.top is None and request.format not in ("table", "markdown"):
        raise UsageError(
            [
                Problem(
                    "`--sort` without `--top`: a file is written as variants come",
                    help="add `--top 1000`, or sort the file",
                )
            ]
        )


def _collect(tally: "Tally", sink: "_Sink", executor: "Executor | None", ahead: int, interrupt: Interrupt) -> None:
    from archprof.analysis.sweep import sweep

    progress = Progress(tally)
    try:
        for piece in sweep(tally.plans, executor, ahead, tuple(tally.done)):
            sink.take(tally, tally.add(piece))
            progress.show()
            if interrupt.came:
                break
    finally:
        progress.clear()


class _Sink:
    """Where variants go."""

    def tally(self, plans: "list[Plan]") -> "Tally":
        """Return the tally to start from."""
        from archprof.analysis.sweep import Tally

        return Tally(plans)

    def take(self, tally: "Tally", kept: "Kept") -> None:
        """Take the variants of one stretch."""

    def finish(self, tally: "Tally", interrupted: bool) -> None:
        """Write what is left to write."""

    def discard(self) -> None:
        """Leave nothing behind."""

    def advice(self) -> str:
        """Return what became of an interrupted sweep."""
        return ""


class _Points:
    """Variants to draw: all of them, or of many, evenly, some."""

    def __init__(self) -> None:
        from archprof.analysis.sweep import NOTHING

        self.kept = NOTHING
        self._stride = 1
        self._seen = 0

    def add(self, kept: "Kept") -> None:
        """Take note of more variants."""
        import numpy as np

        from archprof.analysis.sweep import Kept

        places = np.arange(-self._seen % self._stride, len(kept), self._stride)
        self._seen += len(kept)
        self.kept = Kept(*(np.concatenate(pair, axis=-1) for pair in zip(self.kept, kept.take(places), strict=True)))
        while len(self.kept) > _HELD:
            self._stride *= 2
            self.kept = self.kept.take(np.arange(0, len(self.kept), 2))


class _Shown(_Sink):
    """A table of the first variants, and a plot."""

    def __init__(self, request: Request, wanted: "Wanted") -> None:
        from archprof.analysis.sweep import NOTHING

        self._request = request
        self._wanted = wanted
        self._reduces = bool(wanted.pareto or wanted.top)
        self._first = NOTHING
        self._points = _Points()

    def take(self, tally: "Tally", kept: "Kept") -> None:
        """Keep what is shown."""
        import numpy as np

        from archprof.analysis.sweep import Kept

        if self._reduces:
            tally.hold(kept, self._wanted)
            return
        self._points.add(kept)
        if len(self._first) < _HELD:
            more = kept.take(np.arange(min(len(kept), _HELD)))
            self._first = Kept(*(np.concatenate(pair, axis=-1) for pair in zip(self._first, more, strict=True)))

    def finish(self, tally: "Tally", interrupted: bool) -> None:
        """Print the table, and draw the plot."""
        from archprof.analysis.conventions import ARCHPROF
        from archprof.analysis.sweep import NOTHING
        from archprof.render.sweep import sweep_table

        kept = tally.ordered(self._wanted) if self._reduces else self._first
        points = kept if self._reduces else self._points.kept
        _plot(self._request, tally, points)
        drawn = NOTHING if self._request.format == "markdown" else points
        table = sweep_table(tally, kept, drawn, bool(self._wanted.limits), f"{ARCHPROF}: {ARCHPROF.text}")
        write(self._request.format, self._request.output, lambda: table, str, no_color=self._request.no_color)


def _plot(request: Request, tally: "Tally", points: "Kept") -> None:
    if request.plot is not None:
        from archprof.render.plot import plot_sweep

        plot_sweep([plan.model for plan in tally.plans], points, request.plot)


class _Streamed(_Sink):
    """A file of all variants, written beside its place and put there whole; or standard output."""

    def __init__(self, request: Request, plans: "list[Plan]", wanted: "Wanted") -> None:
        from archprof.render.sweep import open_writer, text_writer

        self._request = request
        self._wanted = wanted
        self._reduces = bool(wanted.pareto or wanted.top)
        self._points = _Points()
        self._digest = hashlib.sha256(repr((plans, request.format)).encode()).hexdigest()
        self._state = _state(request, self._digest) if request.resume else None
        self._temporary = ""
        self._writer: Writer | None = None
        if request.output is None:
            self._writer = text_writer(request.format, sys.stdout, plans)
            return
        before = request.output if self._state is not None and not self._reduces else None
        target = Path(request.output)
        try:
            handle, self._temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            os.close(handle)
            os.chmod(self._temporary, 0o666 & ~umask())
            self._writer = open_writer(request.format, self._temporary, plans, before)
        except OSError as error:
            self.discard()
            raise cannot_write(request.output, error) from None
        except UsageError:
            self.discard()
            raise

    def tally(self, plans: "list[Plan]") -> "Tally":
        """Return an empty tally, or the one that an interrupted sweep has left."""
        tally = super().tally(plans)
        if self._state is not None:
            _restore(tally, self._state)
        return tally

    def take(self, tally: "Tally", kept: "Kept") -> None:
        """Write the variants, or keep what may still be wanted of them."""
        self._points.add(kept)
        if self._reduces:
            tally.hold(kept, self._wanted)
        elif len(kept) and self._writer is not None:
            self._writer.write(kept)

    def finish(self, tally: "Tally", interrupted: bool) -> None:
        """Put the file in its place; where it was interrupted, with a note beside it of how far it came."""
        assert self._writer is not None
        if self._reduces and len(tally.kept):
            self._writer.write(tally.ordered(self._wanted))
        self._writer.close()
        if self._request.output is not None:
            os.replace(self._temporary, self._request.output)
            note = _note(self._request.output)
            if interrupted:
                note.write_text(json.dumps({"sweep": self._digest, **_saved(tally)}), encoding="utf-8")
            else:
                note.unlink(missing_ok=True)
        _plot(self._request, tally, tally.kept if self._reduces else self._points.kept)
        self._report(tally)

    def _report(self, tally: "Tally") -> None:
        from archprof.render.sweep import impossible

        if self._request.output is not None and sys.stderr.isatty():
            _say(f"{tally.fitting:,} of {sum(tally.done):,} variants fit: {self._request.output}")
        for line in impossible(tally):
            _say(line)

    def discard(self) -> None:
        """Remove the unfinished file."""
        if self._temporary:
            if self._writer is not None:
                self._writer.close()
            Path(self._temporary).unlink(missing_ok=True)

    def advice(self) -> str:
        """Return that the file is whole, and how to go on."""
        return f"; `{self._request.output}` holds those, `--resume` goes on" if self._request.output else ""


def _note(output: str) -> Path:
    return Path(f"{output}.progress")


def _state(request: Request, digest: str) -> dict[str, Any]:
    """Return what an interrupted sweep has noted beside its file. Raises UsageError where there is none, or of another
    sweep."""
    note = _note(str(request.output))
    try:
        state: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        advice = (
            "it is finished, or was never interrupted"
            if Path(str(request.output)).exists()
            else "start it without `--resume`"
        )
        raise UsageError([Problem(f"`{request.output}` has nothing to resume", help=advice)]) from None
    if state.get("sweep") != digest:
        raise UsageError(
            [
                Problem(
                    f"`{request.output}` is of another sweep",
                    help="resume with the models, axes and filters it was started with",
                )
            ]
        )
    return state


def _saved(tally: "Tally") -> dict[str, Any]:
    kept = tally.kept
    return {
        "done": tally.done,
        "fitting": tally.fitting,
        "invalid": tally.invalid,
        "kept": [part.tolist() for part in (kept.plans, kept.numbers, kept.costs)],
    }


def _restore(tally: "Tally", state: dict[str, Any]) -> None:
    import numpy as np

    from archprof.analysis.batch import Invalid
    from archprof.analysis.sweep import Kept

    tally.done = state["done"]
    tally.fitting = state["fitting"]
    tally.invalid = [[Invalid(*one) for one in found] for found in state["invalid"]]
    plans, numbers, costs = (np.array(part, np.int64) for part in state["kept"])
    tally.kept = Kept(plans, numbers, costs.reshape(5, -1))


def _nothing(tally: "Tally", limited: bool) -> str:
    if limited and tally.impossible < sum(tally.done):
        return "no variant is within the limits"
    return "no variant is possible"


def _say(text: str) -> None:
    encoding = sys.stderr.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)

"""A sweep under way: who computes it, where its variants go, and what is said of it at the end."""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.cli.output import cannot_write, deliver, say, umask
from archprof.cli.progress import Interrupt, Progress
from archprof.cli.sweep_options import SHOWN, SweepRequest, planned
from archprof.errors import UsageError
from archprof.render.formats import Result

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from archprof.render.sweep_files import Writer
    from archprof.sweep.plan import Plan, Selection
    from archprof.sweep.run import Tally, VariantRows

INTERRUPTED = 130


def run_sweep(request: SweepRequest) -> int:
    """Carry out a sweep and return the exit code: 0, 1 where nothing is within the limits, 130 where it was
    interrupted."""
    plans, selection = planned(request)
    from archprof.sweep.executors import executor_of
    from archprof.sweep.run import Tally

    tally = Tally(plans)
    sink = (_Shown if request.format in SHOWN else _Streamed)(request, selection, tally)
    try:
        left = tally.size - sum(tally.done)
        with Interrupt() as interrupt, executor_of(request.scheduler, request.jobs, left) as (executor, ahead):
            _collect(tally, sink, executor, ahead, interrupt)
    except BaseException:
        sink.discard()
        raise
    sink.finish(interrupt.came)
    if interrupt.came:
        say(f"interrupted after {sum(tally.done):,} of {tally.size:,} variants{sink.advice()}")
        return INTERRUPTED
    if not tally.fitting:
        limited = selection.limits and tally.impossible < sum(tally.done)
        say("no variant is within the limits" if limited else "no variant is possible")
        return 1
    return 0


def _collect(tally: "Tally", sink: "_Sink", executor: "Executor | None", ahead: int, interrupt: Interrupt) -> None:
    from archprof.sweep.run import sweep

    progress = Progress(tally)
    try:
        for piece in sweep(tally.plans, executor, ahead, tuple(tally.done)):
            sink.take(tally.add(piece))
            progress.show()
            if interrupt.came:
                break
    finally:
        progress.clear()


class _Sink:
    """Where variants go: those of one stretch after the other, or, where only some of all are kept, into the tally."""

    def __init__(self, request: SweepRequest, selection: "Selection", tally: "Tally") -> None:
        from archprof.sweep.held import Even

        self._request = request
        self._selection = selection
        self._tally = tally
        self._points = Even()

    def take(self, kept: "VariantRows") -> None:
        """Take the variants of one stretch."""
        if self._selection.reduces:
            self._tally.hold(kept, self._selection)
        else:
            self._points.add(kept)
            self.pass_on(kept)

    def pass_on(self, kept: "VariantRows") -> None:
        """Do with variants what is done as they come."""

    def points(self) -> "VariantRows":
        """Return the variants to draw."""
        return self._tally.ordered(self._selection) if self._selection.reduces else self._points.kept

    def finish(self, interrupted: bool) -> None:
        """Do what is done once all variants are there."""
        if self._request.plot is not None:
            from archprof.render.plot import plot_sweep

            plot_sweep([plan.model for plan in self._tally.plans], self.points(), self._request.plot)

    def discard(self) -> None:
        """Leave nothing behind."""

    def advice(self) -> str:
        """Return what became of an interrupted sweep."""
        return ""


class _Shown(_Sink):
    """A table of the first variants, and a plot."""

    def __init__(self, request: SweepRequest, selection: "Selection", tally: "Tally") -> None:
        from archprof.sweep.held import First

        super().__init__(request, selection, tally)
        self._first = First()

    def pass_on(self, kept: "VariantRows") -> None:
        """Keep what is shown."""
        self._first.add(kept)

    def finish(self, interrupted: bool) -> None:
        """Print the table, and draw the plot."""
        from archprof.render.sweep import sweep_table
        from archprof.sweep.outcome import outcome

        super().finish(interrupted)
        kept = self.points() if self._selection.reduces else self._first.kept
        found = outcome(self._tally, kept, self.points(), limited=bool(self._selection.limits))
        result = Result(found, lambda: sweep_table(found))
        deliver(result, self._request.format, self._request.output, no_color=self._request.no_color)


class _Streamed(_Sink):
    """A file of all variants, written beside its place and put there whole; or standard output."""

    def __init__(self, request: SweepRequest, selection: "Selection", tally: "Tally") -> None:
        super().__init__(request, selection, tally)
        self._temporary = ""
        self._writer: Writer | None = None
        if request.output is None:
            from archprof.render.sweep_files import text_writer

            self._writer = text_writer(request.format, sys.stdout, tally.plans)
            return
        from archprof.sweep.checkpoint import Checkpoint

        self._checkpoint = Checkpoint(request.output, tally.plans, request.format)
        if request.resume:
            self._checkpoint.restore(tally)
        self._open(request.output, list(tally.plans))

    def _open(self, output: str, plans: "list[Plan]") -> None:
        from archprof.render.sweep_files import open_writer

        before = output if self._request.resume and not self._selection.reduces else None
        target = Path(output)
        try:
            handle, self._temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            os.close(handle)
            os.chmod(self._temporary, 0o666 & ~umask())
            self._writer = open_writer(self._request.format, self._temporary, plans, before)
        except OSError as error:
            self.discard()
            raise cannot_write(output, error) from None
        except UsageError:
            self.discard()
            raise

    def pass_on(self, kept: "VariantRows") -> None:
        """Write the variants."""
        if len(kept) and self._writer is not None:
            self._writer.write(kept)

    def finish(self, interrupted: bool) -> None:
        """Put the file in its place; where it was interrupted, with a note beside it of how far it came."""
        assert self._writer is not None
        if self._selection.reduces and len(self._tally.kept):
            self._writer.write(self._tally.ordered(self._selection))
        self._writer.close()
        if self._request.output is not None:
            os.replace(self._temporary, self._request.output)
            if interrupted:
                self._checkpoint.save(self._tally)
            else:
                self._checkpoint.remove()
        super().finish(interrupted)
        self._tell()

    def _tell(self) -> None:
        from archprof.render.sweep import impossible_text
        from archprof.sweep.outcome import impossible

        tally, output = self._tally, self._request.output
        if output is not None and sys.stderr.isatty():
            say(f"{tally.fitting:,} of {sum(tally.done):,} variants fit: {output}")
        for one in impossible(tally):
            say(impossible_text(one))

    def discard(self) -> None:
        """Remove the unfinished file."""
        if self._temporary:
            if self._writer is not None:
                self._writer.close()
            Path(self._temporary).unlink(missing_ok=True)

    def advice(self) -> str:
        """Return that the file is whole, and how to go on."""
        return f"; `{self._request.output}` holds those, `--resume` goes on" if self._request.output else ""

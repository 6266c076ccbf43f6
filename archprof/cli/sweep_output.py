"""A sweep under way: who computes it, where its variants go, and what is said of it at the end."""

import errno
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from archprof.cli.output import deliver, plot_target, say
from archprof.cli.progress import Interrupt, Progress
from archprof.cli.sweep_options import SHOWN, SweepRequest, planned
from archprof.errors import printable
from archprof.outputs import cannot_write, goes_by, output_file
from archprof.render.formats import Result

if TYPE_CHECKING:
    from archprof.render.figure import Target
    from archprof.sweep.plan import Selection
    from archprof.sweep.run import Tally, VariantRows

# What the system answers where there is no room.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run_sweep(request: SweepRequest) -> int:
    """Carry out a sweep and return the exit code: 0, 1 where nothing is within the limits, 130 or 143 where it was
    interrupted."""
    plans, selection = planned(request)
    if request.plot is not None:
        from archprof.render.figure import new_figure

        new_figure(_plot_of(request))  # what cannot be drawn is told before hours go by
    from archprof.sweep.run import Tally

    tally = Tally(plans)
    with Interrupt() as interrupt:
        sink = _sink_of(request)(request, selection, tally)
        if sink.finished:
            say(f"`{printable(request.output or '')}` is finished")
            return 0
        try:
            _collect(request, tally, sink, interrupt)
            code = interrupt.code
            sink.finish(bool(code))
        except BaseException:
            sink.leave()
            raise
    if code:
        say(f"interrupted after {_how_far(tally)}{sink.advice()}")
        return code
    if not tally.fitting:
        limited = selection.limits and tally.impossible < sum(tally.done)
        say("no variant is within the limits" if limited else "no variant is possible")
        return 1
    return 0


def _sink_of(request: SweepRequest) -> "type[_Sink]":
    if request.format in SHOWN:
        return _ShownTable
    if goes_by(request.output):
        return _Streamed
    return _Document if request.format == "json" else _Kept


def _plot_of(request: SweepRequest) -> "Target":
    assert request.plot is not None
    return plot_target(request.plot, request.format, request.output, no_color=request.no_color)


def _how_far(tally: "Tally") -> str:
    return f"{sum(tally.done):,} of {tally.size:,} variants"


def _collect(request: SweepRequest, tally: "Tally", sink: "_Sink", interrupt: Interrupt) -> None:
    from archprof.sweep.executors import workers_of
    from archprof.sweep.run import sweep

    progress = Progress(tally)
    left = tally.size - sum(tally.done)
    try:
        with workers_of(request.scheduler, request.jobs, left, request.timeout) as workers:
            for piece in sweep(tally.plans, workers, tuple(tally.done)):
                sink.take(tally.add(piece))
                progress.show()
                if interrupt.code:
                    break
    finally:
        progress.clear()


class _Sink:
    """Where variants go: those of one stretch after the other, or, where only some of all are kept, into the tally."""

    finished = False  # whether all was there already

    def __init__(self, request: SweepRequest, selection: "Selection", tally: "Tally") -> None:
        from archprof.sweep.held import Even

        self._request = request
        self._selection = selection
        self._tally = tally
        self._points = Even(tally.plans)

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
        if (asked := self._request).plot is not None:
            from archprof.render.plot import plot_sweep

            plot_sweep(self._tally.plans, self.points(), _plot_of(asked))

    def leave(self) -> None:
        """Do what is left to do where something went wrong."""

    def advice(self) -> str:
        """Return what became of an interrupted sweep."""
        return ""


class _ShownTable(_Sink):
    """A table of the first variants, and a plot."""

    def __init__(self, request: SweepRequest, selection: "Selection", tally: "Tally") -> None:
        from archprof.sweep.held import First

        super().__init__(request, selection, tally)
        self._first = First(tally.plans)

    def pass_on(self, kept: "VariantRows") -> None:
        """Keep what is shown."""
        self._first.add(kept)

    def points(self) -> "VariantRows":
        """Return the variants to draw; where they are sorted, those of the first networks."""
        from archprof.sweep.outcome import first_networks

        rows = super().points()
        return first_networks(self._tally.plans, rows, self._request.top) if self._request.sort else rows

    def finish(self, interrupted: bool) -> None:
        """Print the table, and draw the plot."""
        from archprof.render.sweep import sweep_table
        from archprof.sweep.outcome import outcome

        super().finish(interrupted)
        kept = self.points() if self._selection.reduces else self._first.kept
        found = outcome(self._tally, self._selection, kept, self.points())
        result = Result(found, lambda: sweep_table(found))
        deliver(result, self._request.format, self._request.output, no_color=self._request.no_color)


class _Streamed(_Sink):
    """All variants as they come, into standard output, a pipe or a device."""

    def __init__(self, request: SweepRequest, selection: "Selection", tally: "Tally") -> None:
        from archprof.render.sweep_files import writer_for

        super().__init__(request, selection, tally)
        self._writer = writer_for(request.format, tally.plans)
        self._open = ExitStack()
        self._file = self._open.enter_context(output_file(request.output)) if request.output is not None else None
        self._write(self._writer.header())

    def _write(self, data: bytes) -> None:
        if self._file is None:
            sys.stdout.write(data.decode())  # a reader that has enough ends the sweep
        else:
            self._file.write(data)

    def pass_on(self, kept: "VariantRows") -> None:
        """Write the variants."""
        for data in self._writer.rows(kept):
            self._write(data)

    def finish(self, interrupted: bool) -> None:
        """Write what is known at the end alone."""
        if self._selection.reduces:
            self.pass_on(self._tally.ordered(self._selection))
        if not interrupted:  # a document that lacks something is left without its end
            self._write(self._writer.end(self._tally))
        self._open.close()
        with suppress(BrokenPipeError):  # all is counted: that the reader has enough does not change the answer
            sys.stdout.flush()
        super().finish(interrupted)
        _tell_impossible(self._tally)

    def leave(self) -> None:
        """Let go of what is open."""
        error = sys.exception() or KeyboardInterrupt()
        self._open.__exit__(type(error), error, error.__traceback__)


class _Document(_Streamed):
    """All variants as they come, into a file that is there once it is whole."""

    def finish(self, interrupted: bool) -> None:
        """Put the file in its place; where it was interrupted, leave none."""
        if interrupted:
            self.leave()
        else:
            super().finish(interrupted)

    def advice(self) -> str:
        """Return that nothing is left, and what would be."""
        return "; nothing was written: what goes to `.jsonl`, `.csv` or `.parquet` can be resumed"


class _Kept(_Sink):
    """All variants as they come, into a file that grows beside its place, with a note of how far it came, and is put
    there when it is whole."""

    def __init__(self, request: SweepRequest, selection: "Selection", tally: "Tally") -> None:
        from archprof import __version__
        from archprof.render.sweep_files import writer_for
        from archprof.sweep.checkpoint import Checkpoint

        super().__init__(request, selection, tally)
        self._output = request.output or ""
        self._writer = writer_for(request.format, tally.plans)
        self._consistent = True  # whether the rows are those of the tally
        drawn = self._points if request.plot is not None else None
        with self._told():
            self._checkpoint = Checkpoint(self._output, tally.plans, request.format, __version__, drawn)
            if request.resume:
                self.finished = not self._checkpoint.restore(tally)
            else:
                self._checkpoint.start(tally, self._writer.header())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what the system does not let us write, and what is to be done."""
        try:
            yield
        except OSError as error:
            advice = "make room, then go on with `--resume`" if error.errno in _FULL else "nothing was written"
            raise cannot_write(self._output, error, advice) from None

    def take(self, kept: "VariantRows") -> None:
        """Take the variants of one stretch, and note on the disk now and then how far it came."""
        self._consistent = False
        with self._told():
            super().take(kept)
            self._consistent = True
            self._checkpoint.save_if_due(self._tally)

    def pass_on(self, kept: "VariantRows") -> None:
        """Write the variants."""
        if len(kept):
            for data in self._writer.rows(kept):
                self._checkpoint.rows.write(data)

    def finish(self, interrupted: bool) -> None:
        """Put the file in its place; where it was interrupted, leave it beside it with a note."""
        with self._told():
            if interrupted:
                self._checkpoint.save(self._tally)
                self._checkpoint.rows.close()
            else:
                self._complete()
                self._checkpoint.finish(self._writer.put)
        super().finish(interrupted)
        self._tell()

    def _complete(self) -> None:
        if self._checkpoint.complete:
            return
        self._consistent = False
        if self._selection.reduces:
            self.pass_on(self._tally.ordered(self._selection))
        self._checkpoint.save(self._tally, complete=True)

    def _tell(self) -> None:
        tally = self._tally
        if sys.stderr is not None and sys.stderr.isatty():
            say(f"{tally.fitting:,} of {sum(tally.done):,} variants fit: {self._output}")
        _tell_impossible(tally)

    def leave(self) -> None:
        """Keep what was computed; where that is nothing, leave nothing."""
        if not sum(self._tally.done):
            self._checkpoint.discard()
            return
        with suppress(OSError):
            if self._consistent:
                self._checkpoint.save(self._tally)
        self._checkpoint.rows.close()
        say(f"stopped after {_how_far(self._tally)}{self.advice()}")

    def advice(self) -> str:
        """Return where the variants are, and how to go on."""
        return f"; `{printable(self._output)}.part` holds those, `--resume` goes on"


def _tell_impossible(tally: "Tally") -> None:
    from archprof.render.sweep import impossible_text
    from archprof.sweep.outcome import impossible

    for one in impossible(tally):
        say(impossible_text(one))

"""Where a result goes: standard output or a file, in the format that was asked for."""

import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from archprof.cli.process import terminal_size
from archprof.errors import printable_lines, suggest, usage_error
from archprof.inputs import real_path, repository_root
from archprof.outputs import write_file
from archprof.render.formats import Page, Result, formats_of, rendered

if TYPE_CHECKING:
    from archprof.render.figure import Target

# The suffixes of pages.
PAGES = (".html", ".htm")


def choose_format(command: str, given: str | None, output: str | None) -> str:
    """Return the format of a command's result: as given, else by the file's suffix, else a table.

    Raises UsageError for a format that there is not, or a suffix that names none.
    """
    formats = formats_of(command)
    names = [format.name for format in formats]
    if given is not None:
        if given not in names:
            raise usage_error(f"unknown format `{given}`", help=suggest(given, names, "formats"))
        return given
    suffixes = {suffix: format.name for format in formats for suffix in format.suffixes}
    suffix = Path(output).suffix.lower() if output else ""
    if suffix and suffix not in suffixes:
        advice = f"suffixes: {', '.join(suffixes)}; or say `--format`"
        if suffix in PAGES:
            advice = f"`archprof report NETWORK -o {output}` writes a page"
        raise usage_error(f"the suffix of `{output}` names no format", help=advice)
    return suffixes[suffix] if suffix else names[0]


def deliver(result: Result, format: str, output: str | None, *, no_color: bool = False) -> None:
    """Write a result to standard output, or to a file whole or not at all, and leave with its exit code where that is
    not 0."""
    write(rendered(result, format, page(output, no_color)), output)
    leave(result)


def leave(result: Result) -> None:
    """Say what is to be said of a result, and leave with its exit code where that is not 0."""
    if result.message:
        say(result.message)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def write(text: str, output: str | None) -> None:
    """Write a text to standard output, or to a file whole or not at all."""
    if output is None:
        write_stdout(text)
    else:
        write_file(output, text)


def write_stdout(text: str) -> None:
    """Write text to standard output. A reader that has enough of it changes nothing: the answer is what it is.

    Raises UsageError where it cannot be written.
    """
    with suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()


def say(text: str) -> None:
    """Write a message to standard error, whatever it quotes."""
    print(printable_lines(text), file=sys.stderr)


def page(output: str | None, no_color: bool) -> Page:
    """Return what a result is printed on: a terminal has a width and colours; a pipe or a file takes lines of any
    length."""
    stdout = sys.stdout
    terminal = output is None and stdout.isatty()
    # COLUMNS is honoured in a pipe too; without it a pipe has no width.
    width = terminal_size("COLUMNS") if output is None else None
    if width is None and terminal:
        width = os.get_terminal_size(stdout.fileno()).columns or None
    color = terminal and _wants_color(no_color)
    encoding = "utf-8" if output else (stdout.encoding or "ascii")
    # Code hosts count paths from their checkout.
    checkout = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    root = real_path(checkout) if checkout else repository_root(Path())
    return Page(width, color, not _takes(encoding), Path(root))


def plot_target(plot: str, format: str, output: str | None, *, no_color: bool) -> "Target":
    """Return where `--plot` draws: a file, or for `-` a screen: standard output below a table that people read, or
    where a file takes the result, else standard error."""
    if plot != "-":
        return plot
    from archprof.render.figure import Screen

    free = output is not None or format in ("table", "markdown")
    stream = sys.stdout if free else sys.stderr
    terminal = stream.isatty()
    width = terminal_size("COLUMNS") or (os.get_terminal_size(stream.fileno()).columns if terminal else 0) or 80
    color = terminal and _wants_color(no_color)
    write = write_stdout if free else partial(print, end="", file=sys.stderr, flush=True)
    return Screen(width, color, not _takes(stream.encoding or "ascii"), write)


def plot_name(plot: str) -> str:
    """Return what messages call a plot: its file."""
    return "the plot" if plot == "-" else f"`{plot}`"


def _wants_color(no_color: bool) -> bool:
    return not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _takes(encoding: str) -> bool:
    try:
        "×█▏…─✓".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True

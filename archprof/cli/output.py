"""Where a result goes: standard output or a file, in the format that was asked for, whole or not at all."""

import os
import sys
from pathlib import Path

import typer

from archprof.errors import UsageError, printable_lines, suggest, usage_error
from archprof.render.formats import Page, Result, formats_of, rendered


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
        raise usage_error(f"the suffix of `{output}` names no format", help=advice)
    return suffixes[suffix] if suffix else names[0]


def deliver(result: Result, format: str, output: str | None, *, no_color: bool = False) -> None:
    """Write a result to standard output, or to a file whole or not at all, and leave with its exit code where that is
    not 0."""
    write(rendered(result, format, page(output, no_color)), output)
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
    """Write text to standard output, whatever its encoding takes."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def say(text: str) -> None:
    """Write a message to standard error, whatever it quotes, and whatever the encoding takes."""
    encoding = sys.stderr.encoding or "ascii"
    print(printable_lines(text).encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)


def write_file(path: str, text: str) -> None:
    """Write a file whole or not at all: beside it first, then in its place.

    Raises UsageError when it cannot be written; an old file stays as it was.
    """
    import tempfile

    target = Path(path)
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~umask()
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise cannot_write(path, error) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def umask() -> int:
    """Return the permissions that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def cannot_write(path: str, error: OSError) -> UsageError:
    """Return the error for a file that the system does not let us write."""
    return usage_error(f"cannot write `{path}`: {(error.strerror or str(error)).lower()}", help="nothing was written")


def page(output: str | None, no_color: bool) -> Page:
    """Return what a result is printed on: a terminal has a width and colours; a pipe or a file takes lines of any
    length."""
    stdout = sys.stdout
    terminal = output is None and stdout.isatty()
    columns = os.environ.get("COLUMNS", "")
    # COLUMNS is honoured in a pipe too; without it a pipe has no width.
    width = int(columns) if output is None and columns.isascii() and columns.isdigit() and int(columns) > 0 else None
    if width is None and terminal:
        width = os.get_terminal_size(stdout.fileno()).columns or None
    color = terminal and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    encoding = "utf-8" if output else (stdout.encoding or "ascii")
    # Code hosts count paths from their checkout.
    root = Path(os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or ".")
    return Page(width, color, not _takes(encoding), root)


def _takes(encoding: str) -> bool:
    try:
        "×█▏…─✓".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True

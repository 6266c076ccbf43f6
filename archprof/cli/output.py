"""Where a result goes: standard output or a file, in the format that was asked for, whole or not at all."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from archprof.errors import UsageError, suggest, usage_error
from archprof.render.table import Table, to_csv, to_markdown, to_text

SUFFIXES = {
    ".json": "json",
    ".jsonl": "json",
    ".parquet": "parquet",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
}
FORMATS = ("table", "markdown", "csv", "json")


def choose_format(given: str | None, output: str | None, formats: tuple[str, ...] = FORMATS) -> str:
    """Return the format: as given, else by the file's suffix, else a table.

    Raises UsageError for a format that there is not, or a suffix that names none.
    """
    if given is None:
        suffix = Path(output).suffix.lower() if output else ""
        by_suffix = SUFFIXES.get(suffix, "") if suffix else formats[0]
        if by_suffix not in formats:
            known = ", ".join(ending for ending, format in SUFFIXES.items() if format in formats)
            raise usage_error(f"the suffix of `{output}` names no format", help=f"suffixes: {known}; or say `--format`")
        return by_suffix
    if given not in formats:
        raise usage_error(f"unknown format `{given}`", help=suggest(given, formats, "formats"))
    return given


def write(
    format: str, output: str | None, table: Callable[[], Table], json: Callable[[], str], *, no_color: bool = False
) -> None:
    """Render a result in *format* and write it to standard output, or to a file whole or not at all."""
    renderings: Mapping[str, Callable[[], str]] = {
        "markdown": lambda: to_markdown(table()),
        "csv": lambda: to_csv(table()),
        "json": json,
        "table": lambda: to_text(table(), **_room(output, no_color)),  # type: ignore[arg-type]
    }
    text = renderings[format]()
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
    """Write a message to standard error, whatever its encoding takes."""
    encoding = sys.stderr.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)


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


def _room(output: str | None, no_color: bool) -> dict[str, object]:
    """Return what a terminal leaves room for: its width and colour; a pipe or a file takes lines of any length."""
    stdout = sys.stdout
    terminal = output is None and stdout.isatty()
    columns = os.environ.get("COLUMNS", "")
    # COLUMNS is honoured in a pipe too; without it a pipe has no width.
    width = int(columns) if output is None and columns.isascii() and columns.isdigit() and int(columns) > 0 else None
    if width is None and terminal:
        width = os.get_terminal_size(stdout.fileno()).columns or None
    color = terminal and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    encoding = "utf-8" if output else (stdout.encoding or "ascii")
    return {"width": width, "color": color, "ascii_only": not _takes(encoding)}


def _takes(encoding: str) -> bool:
    try:
        "×█▏…─✓".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True

"""How results are printed: one row a format. A renderer makes text of a result's table, or of its document."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from archprof.errors import unobeyed
from archprof.named_tuple import NamedTuple
from archprof.render.table import Table, printable_table


class Result(NamedTuple):
    """What a command has found: a tree of records, which is its JSON, how that looks as a table, and the exit code,
    with what is said of it on standard error."""

    document: Any
    table: Callable[[], Table]
    exit_code: int = 0
    message: str = ""


class Page(NamedTuple):
    """What a result is printed on: how wide, whether in colour, whether in ASCII alone; and the folder that code hosts
    count paths from."""

    width: int | None = None
    color: bool = False
    ascii_only: bool = False
    root: Path = Path()


class Format(NamedTuple):
    """A format: its name, the suffixes of its files, its renderer (`module:function` in this folder) and what that
    takes (`lines` are the table, or what stands for it where machines read), the commands that have it, where those are
    not all, and what writes the variants of a sweep as they come."""

    name: str
    suffixes: tuple[str, ...]
    renderer: str
    takes: Literal["table", "lines", "document", ""]
    commands: tuple[str, ...] = ()
    writer: str = ""


FORMATS = (
    Format("table", (".txt",), "table:to_text", "table"),
    Format("markdown", (".md", ".markdown"), "table:to_markdown", "table"),
    Format("csv", (".csv",), "table:to_csv", "lines", writer="sweep_files:CsvWriter"),
    Format("json", (".json",), "json:to_json", "document", writer="sweep_files:JsonWriter"),
    Format("jsonl", (".jsonl",), "", "", ("sweep",), writer="sweep_files:JsonLinesWriter"),
    Format("github", (), "github:to_github", "document", ("check",)),
    Format("gitlab", (), "gitlab:to_gitlab", "document", ("check",)),
    Format("openmetrics", (), "openmetrics:to_openmetrics", "document", ("check",)),
    Format("junit", (), "junit:to_junit", "document", ("check",)),
    Format("sarif", (".sarif",), "sarif:to_sarif", "document", ("check",)),
    Format("html", (".html", ".htm"), "page:to_budget_page", "document", ("check",)),
    Format("parquet", (".parquet",), "", "", ("sweep",), writer="sweep_files:ParquetWriter"),
)


def formats_of(command: str) -> tuple[Format, ...]:
    """Return the formats that a command has."""
    return tuple(format for format in FORMATS if not format.commands or command in format.commands)


def writer_of(name: str) -> Any:
    """Return what writes the variants of a sweep in the format of that name."""
    return _found(_format(name).writer)


def rendered(result: Result, name: str, page: Page) -> str:
    """Return a result in the format of that name."""
    format = _format(name)
    renderer: Callable[[Any, Page], str] = _found(format.renderer)
    if format.takes == "document":
        return renderer(result.document, page)
    table = None
    if format.takes == "lines":
        from archprof.render.lines import lines

        table = lines(result.document)
    return unobeyed(renderer(printable_table(table or result.table()), page))


def _format(name: str) -> Format:
    return next(format for format in FORMATS if format.name == name)


def _found(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"archprof.render.{module}"), name)

"""Pages: the command that asks for one, and the browser that shows it."""

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from archprof.cli.output import write_stdout

if TYPE_CHECKING:
    from archprof.analysis.report_page import ReportPage

# Without one of these a browser would take over the terminal, or there is none.
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def given(ctx: typer.Context) -> Iterator[tuple[Any, Any]]:
    """Yield the parameters of a call that stand in its command line, with their values."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(str(param.name))
        if source is not None and source.name == "COMMANDLINE":
            yield param, ctx.params[str(param.name)]


def typed(ctx: typer.Context) -> str:
    """Return the command line of a call, as a shell takes it."""
    from shlex import join

    words = ["archprof", str(ctx.info_name)]
    for param, value in given(ctx):
        values = value if isinstance(value, list) else [value]
        if param.param_type_name == "argument":
            words += map(str, values)
        elif value is True:
            words.append(param.opts[0])
        else:
            words += [word for one in values for word in (param.opts[0], str(one))]
    return join(words)


def open_page(found: "ReportPage") -> None:
    """Write a page to a file of its own and open that in the browser; where there is none, print its path. Raises
    UsageError without Jinja2."""
    from tempfile import mkstemp

    from archprof.render.page import to_page

    text = to_page(found)
    descriptor, path = mkstemp(prefix="archprof-", suffix=".html")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if not _opened(path):
        write_stdout(f"{path}\n")


def _opened(path: str) -> bool:
    if sys.platform not in ("darwin", "win32") and not any(map(os.environ.get, _SCREENS)):
        return False
    import webbrowser
    from pathlib import Path

    return webbrowser.open(Path(path).as_uri())

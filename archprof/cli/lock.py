"""archprof lock: a torch module as a file that needs no torch, for git and CI."""

from typing import Annotated

import typer

from archprof.cli import options
from archprof.cli.output import write
from archprof.errors import usage_error


def command(
    code: Annotated[
        str,
        typer.Argument(
            help="Code that makes a torch module: `torchvision:resnet50`, `timm:…`, `net.py:Net`,"
            " `pkg.models:make(width=0.5)`.",
            metavar="CODE",
        ),
    ],
    input: options.Input = None,
    check: Annotated[
        str | None,
        typer.Option("--check", help="Compare with a lock instead of writing one.", metavar="FILE"),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The lock to write: `net.lock.json`.", metavar="FILE")
    ] = None,
) -> None:
    """A torch module's graph as a file, from which everything is counted without torch.

    The module's code runs, without its weights being filled, at three batch sizes. `summary`, `compare`, `diff` and
    `check` take the file as they take specs.

    `--check` captures again, on the inputs that the lock names unless others are given, and says what differs; exit 1
    where anything does. A lock that is written anew keeps fields that archprof does not know, but for calls that
    changed.
    """
    from archprof import __version__
    from archprof.captures.lock_kept import write_lock
    from archprof.captures.source import lock
    from archprof.spec.catalog import check_lock_name, is_lock

    if not options.is_code(code):
        if is_lock(code):
            raise usage_error(f"`{code}` is a lock already", help="name the code that it was captured from")
        raise usage_error(f"`{code}` is no code that makes a module", help="as in `torchvision:resnet50`, `net.py:Net`")
    if check is not None:
        if output is not None:
            raise usage_error("`--check` and `-o` at once", help="a lock is written, or compared")
        check_lock_name(check)
        _compare(code, input, check)
        return
    if output is not None:
        check_lock_name(output)
    from archprof.captures.lock_text import lock_text

    text = lock_text(lock(code, input or (), __version__))
    if output is None:
        write(text, None)
    else:
        write_lock(output, text)


def _compare(code: str, input: list[str] | None, file: str) -> None:
    from archprof import __version__
    from archprof.captures.lock import read_lock
    from archprof.captures.lock_changes import changes, versions
    from archprof.captures.source import lock
    from archprof.render.lock import changes_text

    before = read_lock(file)
    now = lock(code, input or before.captured.inputs, __version__)
    found = changes(before, now)
    write(changes_text(file, code, len(now.graph.nodes), versions(before, now), found), None)
    if found:
        raise typer.Exit(1)

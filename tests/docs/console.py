"""What a page says that is printed, and what is printed: commands and Python sessions, run again.

A `console` block holds lines `$ archprof …`, each with its output below, standard error included. `$ echo $?` shows the
exit code of the command above it and is wanted wherever that is not 0. A line `…` stands for lines left out. A `pycon`
block is a Python session; those of a page are one. A block under `<!-- file: tiny.yaml -->` is written to that file,
for what is below it; one under `<!-- needs torch -->` is run only where torch is installed, and one under `<!-- needs
timm -->` only where timm is.
"""

import code
import io
import os
import shlex
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from doctest import DocTestParser
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from archprof.cli import run
from tests.docs.markdown import Block, blocks

COLUMNS = "120"
# A build's label (`+cpu`) differs from machine to machine, what it counts does not.
TORCH = version("torch") if find_spec("torch") else ""
FILE = "file: "
ELISION = "…\n"
EXIT_CODE = "$ echo $?\n"


class Step(NamedTuple):
    """A command of a block, and the output below it."""

    command: str
    output: str


def actual(page: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Yield the blocks of a page that print something, with the text that they should have, after running them in
    *folder*."""
    session = code.InteractiveConsole()
    with plain_terminal(folder):
        for block in blocks(page):
            if block.mark.startswith(FILE):
                write_file(block, folder)
            elif block.mark.startswith("needs ") and not find_spec(block.mark.removeprefix("needs ")):
                continue
            elif block.language == "console":
                yield block, _commands(block)
            elif block.language == "pycon":
                yield block, _session(block, session)


def write_file(block: Block, folder: Path) -> None:
    """Write a block that says which file it is."""
    written = folder / block.mark.removeprefix(FILE)
    written.parent.mkdir(exist_ok=True)
    written.write_text(block.text, encoding="utf-8")


def _commands(block: Block) -> str:
    """Return a console block as it should be."""
    lines, exit_code = [], 0
    for command, output in _steps(block):
        if command == EXIT_CODE:
            printed, exit_code = f"{exit_code}\n", 0
        else:
            assert exit_code == 0, (
                f"exit code {exit_code} before `{command.strip()}`: show it with `{EXIT_CODE.strip()}`"
            )
            printed, exit_code = execute(command)
        lines.append(command + _elide(printed, output))
    assert exit_code == 0, f"exit code {exit_code} at the end of a block: show it with `{EXIT_CODE.strip()}`"
    return "".join(lines)


def _steps(block: Block) -> list[Step]:
    found: list[Step] = []
    for line in block.text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(Step(line, ""))
        else:
            found[-1] = found[-1]._replace(output=found[-1].output + line)
    return found


def execute(command: str) -> tuple[str, int]:
    """Return what a command prints, and its exit code."""
    program, *arguments = shlex.split(command.removeprefix("$ "))
    assert program == "archprof", f"only archprof is run here, not `{program}`"
    with _captured() as out:
        exit_code = run(arguments)
    return _text(out).replace(f" on torch {TORCH}", f" on torch {TORCH.partition('+')[0]}"), exit_code


def _session(block: Block, session: code.InteractiveConsole) -> str:
    """Return a Python session as it should be; a page's sessions share their names."""
    lines = []
    for example in DocTestParser().get_examples(block.text):
        source = example.source.splitlines()
        with _captured() as out:
            for line in (*source, "") if len(source) > 1 else source:
                session.push(line)
        printed = _text(out)
        assert "Traceback" not in printed, printed
        prompts = [">>> ", *["... "] * (len(source) - 1)]
        lines += [f"{prompt}{line}".rstrip() + "\n" for prompt, line in zip(prompts, source, strict=True)]
        lines.append(_elide(printed, example.want))
    return "".join(lines)


def _elide(printed: str, shown: str) -> str:
    """Return what was printed, without the lines that the page leaves out. What stands between two gaps starts at the
    line of its first word."""
    parts: list[list[str]] = [[]]
    for line in shown.splitlines(keepends=True):
        if line == ELISION:
            parts.append([])
        else:
            parts[-1].append(line)
    if len(parts) == 1:
        return printed
    lines = printed.splitlines(keepends=True)
    starts = [0, *(_line_of(part[0], lines) for part in parts[1:-1]), len(lines) - len(parts[-1])]
    return ELISION.join("".join(lines[start : start + len(part)]) for start, part in zip(starts, parts, strict=True))


def _line_of(shown: str, lines: list[str]) -> int:
    """Return the index of the first line that begins with the same word."""
    word = shown.split()[0]
    return next(index for index, line in enumerate(lines) if line.split()[:1] == [word])


@contextmanager
def _captured() -> Iterator[io.TextIOWrapper]:
    """Standard output and error in one place, encoded as a terminal's."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(out), redirect_stderr(out):
        yield out


def _text(out: io.TextIOWrapper) -> str:
    out.seek(0)
    return out.read()


@contextmanager
def plain_terminal(folder: Path) -> Iterator[None]:
    """A folder of one's own, a known width, no colour."""
    with chdir(folder), mock.patch.dict(os.environ, COLUMNS=COLUMNS, NO_COLOR="1"):
        yield

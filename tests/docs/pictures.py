"""The pictures of the documentation: the title of each is the command that draws it."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.console import FILE, execute, plain_terminal, write_file
from tests.docs.markdown import ROOT, blocks

FOLDER = ROOT / "docs" / "images"


def titles(path: Path) -> list[tuple[Path, str]]:
    """Return the files of a page's pictures, each with the command that is its title."""
    shown = re.findall(r'!\[[^\]]+\]\((\S+) "([^"]+)"\)', path.read_text(encoding="utf-8"))
    return [((path.parent / target).resolve(), command) for target, command in shown]


def drawn(path: Path, folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the files of a page's pictures, with what they should hold, drawn in *folder* beside the page's own
    files."""
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.mark.startswith(FILE):
            write_file(block, folder)
    with plain_terminal(folder):
        for file, command in titles(path):
            printed, exit_code = execute(command)
            assert exit_code == 0, printed
            yield file, (folder / file.name).read_bytes()

"""The fenced blocks and the links of a Markdown page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Block(NamedTuple):
    """A fenced block: its language, its text, and the HTML comment on the line above, which says how to treat it."""

    language: str
    text: str
    mark: str
    start: int  # index of the first line of the text
    stop: int


def pages() -> list[Path]:
    """Return the README and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page from top to bottom."""
    lines = page.splitlines()
    opened = None
    for index, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = index
            continue
        above = re.fullmatch(r"<!-- (.*) -->", lines[opened - 1]) if opened else None
        text = "".join(f"{inside}\n" for inside in lines[opened + 1 : index])
        yield Block(lines[opened][3:], text, above[1] if above else "", opened + 1, index)
        opened = None


def links(page: str) -> list[str]:
    """Return the targets of a page's links, code left aside."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", prose)


def anchors(page: str) -> set[str]:
    """Return what a link may name in a page: its headings, as GitHub spells them."""
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}

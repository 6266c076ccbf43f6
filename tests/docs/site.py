"""`python -m tests.docs.site FOLDER`: check a built site. Every link leads to a page and a place on it, nothing is
loaded from elsewhere, and no Markdown is left unread."""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.docs.markdown import ROOT, blocks

# What a browser fetches by itself, and by which attribute; a link is followed by a reader.
LOADING = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("link", "href"),
    ("object", "data"),
}
MARKDOWN_LEFT = re.compile(r"^(- |\d+\. |\| |```|#+ )", re.MULTILINE)


class Page(HTMLParser):
    """What a page loads, links to, and can be linked to at; its paragraphs, and the number of its blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.blocks = 0
        self.inside = False  # a paragraph
        self.paragraphs: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.loaded += [value for name, value in found.items() if (tag, name) in LOADING]
        self.links += [found["href"]] if tag == "a" and "href" in found else []
        self.places |= {found["id"]} if "id" in found else set()
        self.blocks += tag == "div" and "highlight" in found.get("class", "").split()
        if tag == "p":
            self.paragraphs.append("")
        self.inside |= tag == "p"
        if tag == "code":
            self.handle_data("`")

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "p"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.paragraphs[-1] += data


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong with a site, in words."""
    found = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in found.items():
        name = path.relative_to(site)
        yield from (f"{name}: loads {url}" for url in page.loaded if urlsplit(url).netloc)
        # What is shown wherever nothing was found has links from the root.
        if path.name != "404.html":
            yield from (f"{name}: no {link}" for link in page.links if not _leads(found, path, link))
        yield from (f"{name}: Markdown left: {text}" for text in page.paragraphs if MARKDOWN_LEFT.search(text))
        yield from _lost(name, page)
    for sheet in site.rglob("*.css"):
        yield from (f"{sheet.relative_to(site)}: loads {url}" for url in _fetched(sheet.read_text(encoding="utf-8")))


def _lost(name: Path, page: Page) -> Iterator[str]:
    """Yield whether blocks of the Markdown are lost. Those that are only indented are more than are counted there."""
    source = (ROOT / "docs" / name).with_suffix(".md")
    wanted = len([*blocks(source.read_text(encoding="utf-8"))]) if source.exists() else 0
    if page.blocks < wanted:
        yield f"{name}: {page.blocks} blocks, {wanted} in the Markdown"


def _fetched(sheet: str) -> list[str]:
    found = re.findall(r"""url\(["']?((?:https?:)?//[^)"']*)|@import\s+["']([^"']+)""", sheet)
    return ["".join(url) for url in found]


def _leads(found: dict[Path, Page], path: Path, link: str) -> bool:
    """Whether a link of a page leads to another, or out of the site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    page = found.get(target)
    return page is not None and (not parts.fragment or unquote(parts.fragment) in page.places)


if __name__ == "__main__":
    (folder,) = sys.argv[1:]
    sys.exit("\n".join(faults(Path(folder).resolve())) or 0)

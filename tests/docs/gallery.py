"""The gallery of the catalog: a page, and a strip of each network, read off the code."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from archprof.analysis.models import read_data
from archprof.analysis.summary import Summary, summarize
from archprof.costs.report import analyze_graph
from archprof.ir.origin import Source
from archprof.render.drawing.strip import thumbnail
from archprof.spec import catalog
from archprof.units import exact
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "gallery.md"
STRIPS = ROOT / "docs" / "gallery"
TEXT = """<!-- Read off the code. `python -m tests.docs.rewrite` writes this page anew. -->

# Gallery

Every network of the catalog. In its strip a stretch is a block: as wide as its part of the MACs, as high as the
logarithm of the side of the map that it returns. Blue are blocks of convolutions, vermilion those with depthwise and
green those with grouped convolutions, orange are linear layers. `archprof draw NAME` draws the blocks themselves, as
[Drawings](how-to/draw.md) shows; `archprof list` prints the names with these numbers.
"""


def files() -> Mapping[Path, str]:
    """Return the files of the gallery, with what is in them."""
    networks = [(Path(file).parent.name, name) for name, file in catalog.paths().items()]
    found = {name: summarize(analyze_graph(read_data(name))) for _, name in networks}
    sections = [TEXT]
    for family, group in groupby(sorted(networks), lambda one: one[0]):
        rows = "\n".join(_row(name, found[name]) for _, name in group)
        sections.append(f"## {family}\n\n| strip | network | params | MACs | source |\n|---|---|--:|--:|---|\n{rows}\n")
    strips = {STRIPS / f"{name}.svg": thumbnail(one) for name, one in found.items()}
    return {PAGE: "\n".join(sections), **strips}


def rewrite() -> None:
    """Write the gallery anew, without strips of networks that there are no more."""
    STRIPS.mkdir(parents=True, exist_ok=True)
    for old in STRIPS.iterdir():
        old.unlink()
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


def _row(name: str, found: Summary) -> str:
    totals = found.head.totals
    strip = f"![{found.head.title}](gallery/{name}.svg)"
    return f"| {strip} | `{name}` | {exact(totals.params)} | {exact(totals.macs)} | {_source(found.head.source)} |"


def _source(source: Source) -> str:
    if not source.arxiv:
        return str(source)
    return str(source).replace(f"arXiv {source.arxiv}", f"[{source.arxiv}](https://arxiv.org/abs/{source.arxiv})")

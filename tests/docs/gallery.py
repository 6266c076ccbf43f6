"""The gallery of the catalog, read off the code: a page that lists its families, a page of each with its networks,
their sources and what is known to differ, and a strip of each network."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import archprof
from archprof.analysis.document import Head
from archprof.analysis.models import read_data
from archprof.analysis.summary import summarize
from archprof.analysis.verify import verify
from archprof.costs.report import analyze_graph
from archprof.ir.origin import Source
from archprof.render.drawing.strip import thumbnail
from archprof.spec import catalog
from archprof.spec.types import Spec
from archprof.spec.variant import settings_text
from archprof.units import exact, plural, short
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "gallery.md"
STRIPS = ROOT / "docs" / "gallery"
FAMILIES = ROOT / "docs" / "families"
NOTICE = "<!-- Read off the code. `python -m tests.docs.rewrite` writes this page anew. -->\n\n"
TEXT = f"""{NOTICE}# Gallery

Every network of the catalog, by families. In its strip a stretch is a block: as wide as its part of the MACs, as high
as the logarithm of the side of the map that it returns. Blue are blocks of convolutions, vermilion those with depthwise
and green those with grouped convolutions, orange are linear layers. `archprof draw NAME` draws the blocks themselves,
as [Drawings](how-to/draw.md) shows; `archprof list` prints the names with their numbers.

| family | first network | networks | params | MACs |
|---|---|--:|--:|--:|
"""
DIFFERS = """## Where printed numbers differ

| network | at | printed | counted | where | why |
|---|---|--:|--:|---|---|
"""


def families() -> Mapping[str, list[str]]:
    """Return the families of the catalog, in its order, with the networks of each."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, file in catalog.paths().items():
        found[Path(file).parent.name].append(name)
    return found


def of_family(family: str, names: list[str]) -> tuple[str, dict[Path, str]]:
    """Return a family's row in the gallery, and its files with what is in them: its page and the strips."""
    summaries = {name: summarize(analyze_graph(read_data(name))) for name in names}
    strips = {STRIPS / f"{name}.svg": thumbnail(summary) for name, summary in summaries.items()}
    found = {name: summary.head for name, summary in summaries.items()}
    return _listed(family, found), {FAMILIES / f"{family}.md": _family(family, found), **strips}


def files() -> Mapping[Path, str]:
    """Return the files of the gallery, with what is in them."""
    rows: list[str] = []
    found: dict[Path, str] = {}
    for family, names in families().items():
        row, written = of_family(family, names)
        rows.append(f"{row}\n")
        found |= written
    return {PAGE: TEXT + "".join(rows), **found}


def rewrite() -> None:
    """Write the gallery anew, without strips and pages of what there is no more."""
    for folder in (STRIPS, FAMILIES):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


def _listed(family: str, found: Mapping[str, Head]) -> str:
    name, first = next(iter(found.items()))
    strip = f"![{first.title}](gallery/{name}.svg)"
    sizes = [_range([getattr(one.totals, count) for one in found.values()]) for count in ("params", "macs")]
    return f"| [{family}](families/{family}.md) | {strip} | {len(found)} | {' | '.join(sizes)} |"


def _range(values: list[int]) -> str:
    low, high = short(min(values)), short(max(values))
    return low if low == high else f"{low} – {high}"


def _family(family: str, found: Mapping[str, Head]) -> str:
    specs = [archprof.load(name) for name in found]
    rows = "\n".join(map(_row, found.values(), specs))
    head = "| strip | network | params | MACs | top-1 | source |\n|---|---|--:|--:|--:|---|\n"
    differing = "\n".join(row for spec in specs for row in _differing(spec))
    notes = "\n".join(_notes(specs))
    parts = [f"{NOTICE}# {family}\n\n{plural(len(found), 'network')} of the catalog.\n\n{head}{rows}\n"]
    parts += [f"{DIFFERS}{differing}\n"] if differing else []
    parts += [f"## Notes\n\n{notes}\n"] if notes else []
    return "\n".join(parts)


def _row(found: Head, spec: Spec) -> str:
    totals = found.totals
    strip = f"![{found.title}](../gallery/{spec.name}.svg)"
    names = " ".join(f"`{name}`" for name in (spec.name, *spec.aliases))
    best = next((one.numbers["top1"] for one in spec.published if not one.at and "top1" in one.numbers), "")
    return f"| {strip} | {names} | {exact(totals.params)} | {exact(totals.macs)} | {best} | {_source(spec.source)} |"


def _source(source: Source) -> str:
    if not source.arxiv:
        return _cell(str(source))
    return _cell(str(source)).replace(
        f"arXiv {source.arxiv}", f"[{source.arxiv}](https://arxiv.org/abs/{source.arxiv})"
    )


def _differing(spec: Spec) -> Iterator[str]:
    """Yield a row for each printed number that is not the counted one, with the reason that the spec gives."""
    if not any(one.note for one in spec.published):
        return
    for proof in verify(spec.name):
        at = settings_text(tuple(proof.settings.items()))
        for check in proof.checks:
            if check.by == "published" and check.verdict == "noted":
                counted = f"{exact(check.counted)} {check.metric}"
                where = _cell(check.where)
                yield f"| `{spec.name}` | {at} | {_cell(check.text)} | {counted} | {where} | {_cell(check.note)} |"


def _notes(specs: list[Spec]) -> Iterator[str]:
    """Yield each note once, with the networks that have it."""
    notes: dict[str, list[str]] = defaultdict(list)
    for spec in specs:
        if spec.note:
            notes[spec.note].append(f"`{spec.name}`")
    return (f"- {', '.join(names)}: {_cell(note)}" for note, names in notes.items())


def _cell(text: str) -> str:
    """Return a text as Markdown prints it in a cell."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")

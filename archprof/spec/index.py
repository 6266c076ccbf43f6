"""What the catalog says of its networks without expanding them: name, aliases, source and expected numbers, read off
their heads."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from archprof.errors import Location
from archprof.ir.origin import Source
from archprof.limits import MAX_EXTENDS
from archprof.named_tuple import NamedTuple
from archprof.spec import catalog
from archprof.spec.head import ExpectedCounts, Head, read_head
from archprof.spec.variant import parse_reference


class ListedNetwork(NamedTuple):
    """One network of the catalog."""

    model: str
    family: str
    title: str
    aliases: tuple[str, ...]
    source: Source
    expect: tuple[ExpectedCounts, ...]
    kind: str = "network"  # or "space"

    @property
    def own(self) -> Mapping[str, int]:
        """The numbers expected at the spec's own settings; empty where there are none."""
        return next((expected.cost for expected in self.expect if not expected.settings), {})


def listed_networks() -> Iterator[ListedNetwork]:
    """Yield the networks of the catalog, by family and name. Raises SpecError for a file that is no spec."""
    heads: dict[str, Head] = {}
    sources: dict[str, Source] = {}
    for name, file in catalog.paths().items():
        source = _source(file, heads, sources)
        title, aliases, _, _, expect, is_space = heads[file]
        family = file.rsplit(os.sep, 2)[1]
        yield ListedNetwork(name, family, title or name, aliases, source, expect, "space" if is_space else "network")


def _source(file: str, heads: dict[str, Head], sources: dict[str, Source], deep: int = 1) -> Source:
    """Return a spec's source: what it says itself over what its parents do, as `extends` merges them; *heads* and
    *sources* are those of files seen before."""
    if file in sources:
        return sources[file]
    head = heads[file] = read_head(file)
    source = head.source
    if head.extends and deep < MAX_EXTENDS:
        above = _source(_parent(head.extends, file), heads, sources, deep + 1)
        source = Source(*[own or other for own, other in zip(source, above, strict=True)]) if any(source) else above
    sources[file] = source
    return source


def _parent(extends: str, file: str) -> str:
    """Return the file that another one extends."""
    target = parse_reference(extends).target
    known = catalog.paths().get(target)
    if known is not None:
        return known
    beside = catalog.is_path(target)
    return str(Path(file).parent / target if beside else catalog.find(target, Location(file, 0, 0)))

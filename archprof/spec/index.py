"""What the catalog says of its networks without expanding them: name, aliases, source and expected numbers, read off
their headers."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from archprof.ir.origin import Source
from archprof.limits import MAX_EXTENDS
from archprof.spec import catalog
from archprof.spec.header import read_expected, read_source
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.reader import parse, read_file
from archprof.spec.variant import parse_reference

# What the catalog does not tell of a spec, and a list of hundreds need not parse: all but these keys. Lines stay, so
# that places in messages do.
_UNTOLD = re.compile(
    r"^(?!(?:archprof|extends|title|aliases|source|expect|space):)[a-z_]+:.*\n(?:(?:[] #}-].*)?\n)*", re.MULTILINE
)


class ExpectedCounts(NamedTuple):
    """The settings at which a spec expects numbers, and those."""

    settings: Mapping[str, str]
    cost: Mapping[str, int]


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
    roots: dict[str, Map] = {}
    sources: dict[str, dict[str, tuple[Scalar, Node]]] = {}
    for name, file in catalog.paths().items():
        root = _root(file, roots)
        title = root.get("title")
        expect = root.get("expect")
        expected = read_expected(expect) if expect else ()
        yield ListedNetwork(
            name,
            os.path.basename(os.path.dirname(file)),
            title.text if isinstance(title, Scalar) else name,
            _aliases(root),
            _source(root, roots, sources),
            tuple(ExpectedCounts(dict(one.at), one.counts) for one in expected),
            "space" if "space" in root.entries else "network",
        )


def _aliases(root: Map) -> tuple[str, ...]:
    aliases = root.get("aliases")
    return tuple(one.text for one in aliases.items if isinstance(one, Scalar)) if isinstance(aliases, Seq) else ()


def _root(file: str, roots: dict[str, Map]) -> Map:
    if file not in roots:
        roots[file] = parse(_UNTOLD.sub(lambda part: "\n" * part[0].count("\n"), read_file(file)), file)
    return roots[file]


def _source(root: Map, roots: dict[str, Map], sources: dict[str, dict[str, tuple[Scalar, Node]]]) -> Source:
    """Return a spec's source: its own entries over those of its parents, as `extends` merges them; *sources* are those
    of files seen before."""
    chain: list[Map] = []
    found: dict[str, tuple[Scalar, Node]] = {}
    for _ in range(MAX_EXTENDS):
        if root.file in sources:
            found = sources[root.file]
            break
        chain.append(root)
        parent = root.get("extends")
        if not isinstance(parent, Scalar):
            break
        target = parse_reference(parent.text).target
        beside = catalog.is_path(target)
        file = Path(root.file).parent / target if beside else catalog.find(target, parent.location)
        root = _root(str(file), roots)
    for one in reversed(chain):
        source = one.get("source")
        found = {**found, **(source.entries if isinstance(source, Map) else {})}
        sources[one.file] = found
    return read_source(Map(found))

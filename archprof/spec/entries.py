"""What the catalog says of its networks without expanding them: name, aliases, source and expected numbers, read off
their headers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from archprof.ir.origin import Source
from archprof.limits import MAX_EXTENDS
from archprof.spec import catalog
from archprof.spec.header import read_expected, read_source
from archprof.spec.nodes import Map, Node, Scalar, Seq
from archprof.spec.reader import parse, read_file
from archprof.spec.types import Expected
from archprof.spec.variant import parse_reference

# What the catalog does not tell of a spec, and a list of hundreds need not parse. Lines stay, so that places in
# messages do.
_UNTOLD = re.compile(
    r"^(?:layers|published|defaults|knobs|note|set|insert|remove|outputs|stages|init|width|depth):.*\n(?:(?:[ #-].*)?\n)*",
    re.MULTILINE,
)


class Entry(NamedTuple):
    """One network of the catalog."""

    name: str
    family: str
    title: str
    aliases: tuple[str, ...]
    source: Source
    expect: tuple[Expected, ...]

    @property
    def own(self) -> Expected | None:
        """The numbers expected at the spec's own settings."""
        return next((expected for expected in self.expect if not expected.at), None)


def entries() -> Iterator[Entry]:
    """Yield the networks of the catalog, by family and name. Raises SpecError for a file that is no spec."""
    roots: dict[str, Map] = {}
    for name, path in catalog.files().items():
        root = _root(path, roots)
        aliases = root.get("aliases")
        title = root.get("title")
        expect = root.get("expect")
        yield Entry(
            name,
            path.parent.name,
            title.text if isinstance(title, Scalar) else name,
            tuple(alias.text for alias in aliases.items if isinstance(alias, Scalar))
            if isinstance(aliases, Seq)
            else (),
            _source(root, roots),
            read_expected(expect) if expect else (),
        )


def _root(path: Path, roots: dict[str, Map]) -> Map:
    key = str(path)
    if key not in roots:
        roots[key] = parse(_UNTOLD.sub(lambda part: "\n" * part[0].count("\n"), read_file(key)), key)
    return roots[key]


def _source(root: Map, roots: dict[str, Map]) -> Source:
    """Return a spec's source: its own entries over those of its parents, as `extends` merges them."""
    found: dict[str, tuple[Scalar, Node]] = {}
    for _ in range(MAX_EXTENDS):
        source, parent = root.get("source"), root.get("extends")
        found = {**(source.entries if isinstance(source, Map) else {}), **found}
        if not isinstance(parent, Scalar):
            break
        target = parse_reference(parent.text).target
        root = _root(
            Path(root.file).parent / target if catalog.is_path(target) else catalog.find(target, parent.location), roots
        )
    return read_source(Map(found))

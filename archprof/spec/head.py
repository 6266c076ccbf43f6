"""The head of a spec of the catalog, what a list tells of it: read off plain lines, or else by the parser of YAML."""

import re
from collections.abc import Mapping

from archprof.inputs import read_own
from archprof.ir.origin import Source
from archprof.limits import MAX_BYTES, MAX_ENTRIES
from archprof.named_tuple import NamedTuple
from archprof.spec.variant import parse_settings


class ExpectedCounts(NamedTuple):
    """The settings at which a spec expects numbers, and those."""

    settings: Mapping[str, str]
    cost: Mapping[str, int]


class Head(NamedTuple):
    """What a file says itself, without what it *extends*, if anything."""

    title: str = ""
    aliases: tuple[str, ...] = ()
    source: Source = Source()
    extends: str = ""
    expect: tuple[ExpectedCounts, ...] = ()
    is_space: bool = False


def read_head(file: str) -> Head:
    """Return the head of a file of the catalog. Raises SpecError for a file that is no spec."""
    return plain_head(read_own(file, MAX_BYTES)) or parsed_head(file)


# Words that YAML takes as they stand, alone in a line and between the commas of a mapping.
_WORDS = r"[\w(][\w().;+×'/@&-]*(?: [\w(&@][\w().;+×'/@&-]*)*"
_SAID = re.compile(rf'(paper|arxiv|table|url): (?:({_WORDS})|"([^"\\\n]+)")(?:, |\Z)')
_COUNT = "(?:params|trainable|macs|networks): [0-9]{1,30}"
_SETTING = r"[\w.\[\]]+=[\w.\[\]-]+"
_AT = rf'"{_SETTING}(?:,{_SETTING})*"|[\w.]+=[\w.]+'
_ENTRY = rf"\{{(?:at: (?:{_AT}), +)?{_COUNT}(?:, +{_COUNT})*\}}"
_COUNTS = re.compile(rf"\{{(?:at: ({_AT}), +)?([^{{]+)\}}")
# Lines that begin with a key in the form that it has in most specs, and are followed by another key; behind those, not
# named, such a key in any other form, and what begins neither with a key nor like what belongs to one.
_LINE = re.compile(
    "\n(?:"
    rf"title: (?P<title>{_WORDS}(?:, ?{_WORDS})*)(?=\n[a-z])"
    r"|aliases: \[(?P<aliases>\w[\w.-]*(?:, \w[\w.-]*)*)\](?=\n[a-z])"
    r"|source: \{(?P<source>[^\n]+)\}(?=\n[a-z])"
    r"|extends: (?P<extends>\w[\w./@=,-]*)(?: +#[^\n]*)?(?=\n[a-z])"
    r"|(?P<space>space):"
    rf"|expect:(?P<expect> \[{_ENTRY}\]|(?:\n  (?:#[^\n{{]*|- {_ENTRY}))+)(?=\n[a-z]|\n?\Z)"
    r"|(?:title|aliases|source|extends|space|expect):"
    r"|(?![a-z_]+:)[^\n #\]}-])"
)


def plain_head(data: bytes) -> Head | None:
    """Return the head of a spec whose lines are plain, so that nothing is to be known of YAML: what `parsed_head` does.
    None for any other spec, be it right or wrong."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    said: dict[str | None, str] = {}
    for line in _LINE.finditer(text):
        key = line.lastgroup
        if key is None or key in said:
            return None
        said[key] = line[key]
    source = _source(said["source"]) if "source" in said else Source()
    expect = _expect(said["expect"]) if "expect" in said else ()
    if not text.startswith("archprof: 1\nname: ") or source is None or expect is None:
        return None
    aliases = tuple(said["aliases"].split(", ")) if "aliases" in said else ()
    return Head(said.get("title", ""), aliases, source, said.get("extends", ""), expect, "space" in said)


def _source(line: str) -> Source | None:
    found: dict[str, str] = {}
    start = 0
    while said := _SAID.match(line, start):
        start, text = said.end(), said[2] or " ".join(said[3].split())
        if said[1] in found or not text or not text.isprintable():
            return None
        found[said[1]] = text
    return Source(**found) if start == len(line) and not line.endswith(", ") else None


def _expect(lines: str) -> tuple[ExpectedCounts, ...] | None:
    found: list[ExpectedCounts] = []
    for at, listed in _COUNTS.findall(lines):
        counts = listed.split(",")
        cost = {name.lstrip(): int(count) for name, _, count in [one.partition(":") for one in counts]}
        if len(cost) < len(counts):
            return None
        found.append(ExpectedCounts(dict(parse_settings(at.strip('"'))) if at else {}, cost))
    return tuple(found) if len(found) <= MAX_ENTRIES else None


# What the catalog does not tell of a spec, and a list of hundreds need not parse: all but these keys. Lines stay, so
# that places in messages do.
_UNTOLD = r"^(?!(?:archprof|extends|title|aliases|source|expect|space):)[a-z_]+:.*\n(?:(?:[] #}-].*)?\n)*"


def parsed_head(file: str) -> Head:
    """Return the head of a spec as its YAML has it. Raises SpecError for a file that is no spec."""
    from archprof.spec.header import read_expected, read_source
    from archprof.spec.nodes import Map, Scalar, Seq
    from archprof.spec.reader import parse, read_file

    told = re.sub(_UNTOLD, lambda part: "\n" * part[0].count("\n"), read_file(file), flags=re.MULTILINE)
    root = parse(told, file)
    title, aliases, source = root.get("title"), root.get("aliases"), root.get("source")
    extends, expect = root.get("extends"), root.get("expect")
    return Head(
        title.text if isinstance(title, Scalar) else "",
        tuple(one.text for one in aliases.items if isinstance(one, Scalar)) if isinstance(aliases, Seq) else (),
        read_source(source) if isinstance(source, Map) else Source(),
        extends.text if isinstance(extends, Scalar) else "",
        tuple(ExpectedCounts(dict(one.at), one.counts) for one in (read_expected(expect) if expect else ())),
        "space" in root.entries,
    )

"""The parsed form of a YAML text: scalars that stay text, lists and mappings, each with its place."""

from collections.abc import Iterator

from archprof.errors import Location
from archprof.named_tuple import NamedTuple


class Scalar(NamedTuple):
    """One value as typed. A sweep may put a *value* (an array of candidates) in the place of the text."""

    text: str
    file: str = ""
    line: int = 0
    column: int = 0
    value: object = None

    @property
    def location(self) -> Location:
        return tuple.__new__(Location, self[1:4])


class Seq(NamedTuple):
    """A list of nodes."""

    items: "tuple[Node, ...]"
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def location(self) -> Location:
        return tuple.__new__(Location, self[1:4])


class Map(NamedTuple):
    """A mapping, in the order of the file; keys are scalars with their own places."""

    entries: "dict[str, tuple[Scalar, Node]]"
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def location(self) -> Location:
        return tuple.__new__(Location, self[1:4])

    def get(self, key: str) -> "Node | None":
        entry = self.entries.get(key)
        return entry[1] if entry else None

    def pairs(self) -> "Iterator[tuple[str, Node]]":
        return ((key, value) for key, (_, value) in self.entries.items())

    def with_entry(self, key: str, value: "Node") -> "Map":
        """Return the mapping with *key* set to *value*, at its old position if it had one."""
        marker = self.entries[key][0] if key in self.entries else Scalar(key, *value[1:4])
        return self._replace(entries={**self.entries, key: (marker, value)})


Node = Scalar | Seq | Map


def is_blank(node: Node | None) -> bool:
    """Tell whether nothing stands there: no node, or a key without a value."""
    return node is None or (isinstance(node, Scalar) and node.text == "" and node.value is None)


def words(node: Node) -> Iterator[str]:
    """Yield every word in *node*, keys too."""
    if isinstance(node, Scalar):
        yield node.text
    elif isinstance(node, Seq):
        for item in node.items:
            yield from words(item)
    else:
        for key, value in node.pairs():
            yield key
            yield from words(value)


def describe(node: Node) -> str:
    """Return what a node is, for messages: `` `relu` ``, "a list", "a mapping"."""
    if isinstance(node, Scalar):
        return f"`{shorten(node.text)}`" if node.text else "nothing"
    return "a list" if isinstance(node, Seq) else "a mapping"


def shorten(text: str, limit: int = 60) -> str:
    """Return *text* as long as a message quotes, cut at *limit*."""
    return text if len(text) <= limit else text[: limit - 1] + "…"

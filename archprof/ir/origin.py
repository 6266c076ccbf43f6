"""Where a graph comes from: what specs, modules and files have in common; and the refusal of what only a table can."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from archprof.errors import usage_error
from archprof.named_tuple import NamedTuple


class Origin(Protocol):
    """What results say of a network besides its operators.

    `variant` is the name with the settings that were `asked` for; `source` tells where the network is described, as
    texts by name; `expect`, `published` and `budget` are what its numbers are held against; `is_table` says that it is
    a block table, which a width, a cell or a sweep can change, and which can be built. `remarks` are to be told of it,
    and `stored` says by name what the file holds that it was read from.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def variant(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def source(self) -> Any: ...
    @property
    def asked(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def settings(self) -> Mapping[str, object]: ...
    @property
    def expect(self) -> Sequence[Any]: ...
    @property
    def published(self) -> Sequence[Any]: ...
    @property
    def budget(self) -> Sequence[Any]: ...
    @property
    def remarks(self) -> tuple[str, ...]: ...
    @property
    def stored(self) -> Mapping[str, Any]: ...
    @property
    def is_table(self) -> bool: ...


class Source(NamedTuple):
    """Where a network is described."""

    paper: str = ""
    arxiv: str = ""
    table: str = ""
    url: str = ""

    def __str__(self) -> str:
        table = f"Table {self.table}" if self.table[:1].isdigit() else self.table
        said = ", ".join(filter(None, [self.paper, f"arXiv {self.arxiv}" if self.arxiv else "", table]))
        return said or self.url


class Unlisted(NamedTuple):
    """The origin of a graph that comes from no table: its name, and the file that it was read from, if any."""

    name: str
    title: str = ""
    file: str = ""
    note: str = ""
    source: Source = Source()
    aliases: tuple[str, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    settings: Mapping[str, object] = {}
    expect: tuple[Any, ...] = ()
    published: tuple[Any, ...] = ()
    budget: tuple[Any, ...] = ()
    remarks: tuple[str, ...] = ()
    stored: Mapping[str, Any] = {}

    @property
    def variant(self) -> str:
        """The name, with the sizes that were asked for."""
        return f"{self.name}@{','.join(f'{key}={value}' for key, value in self.asked)}" if self.asked else self.name

    @property
    def is_table(self) -> bool:
        """There is no table."""
        return False


def told_apart(origins: Sequence[Origin]) -> list[str]:
    """Return what networks are called: those that have one name in several files, as two revisions of one do, by their
    files."""
    files: dict[str, set[str]] = {}
    for origin in origins:
        files.setdefault(origin.variant, set()).add(origin.file)
    return [
        f"{origin.file}{origin.variant.removeprefix(origin.name)}"
        if origin.file and len(files[origin.variant]) > 1
        else origin.variant
        for origin in origins
    ]


def require_table(origin: Origin, what: str) -> None:
    """Raise UsageError, for *what* only a block table can answer, where the origin is none."""
    if not origin.is_table:
        message = f"{what} needs a block table, and `{origin.name}` has none"
        raise usage_error(message, help="name a network of the catalog, or a `.yaml` file")

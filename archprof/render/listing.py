"""The catalog as a table: `archprof list`."""

from collections.abc import Iterable
from typing import Any

from archprof.render.json import SCHEMA
from archprof.render.table import Column, Table
from archprof.spec.entries import Entry
from archprof.units import exact, plural


def list_table(entries: Iterable[Entry]) -> Table:
    """Return the table of catalog entries."""
    found = tuple(entries)
    columns = (
        Column("name", "name", left=True),
        Column("aliases", "aliases", left=True, drop=1),
        Column("title", "title", left=True, drop=2),
        Column("params", "params", _count),
        Column("MACs", "macs", _count),
        Column("source", "source", left=True, drop=3),
    )
    rows = tuple(
        (
            entry.name,
            ", ".join(entry.aliases),
            entry.title,
            _own(entry, "params"),
            _own(entry, "macs"),
            str(entry.source),
        )
        for entry in found
    )
    footer = f"{plural(len(found), 'network')}; params and MACs as each spec expects them at its own settings, tested"
    return Table("", columns, rows, (footer,))


def list_document(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return the catalog as a document; `expect` holds the settings (`at`) and the exact numbers there."""
    models = [
        {
            "name": entry.name,
            "family": entry.family,
            "title": entry.title,
            "aliases": list(entry.aliases),
            "source": {key: value for key, value in entry.source._asdict().items() if value},
            "expect": [{"at": dict(expected.at), **expected.counts} for expected in entry.expect],
        }
        for entry in entries
    ]
    return {"schema": SCHEMA, "models": models}


def _own(entry: Entry, count: str) -> int | None:
    return entry.own.counts.get(count) if entry.own else None


def _count(value: int | None) -> str:
    return "" if value is None else exact(value)

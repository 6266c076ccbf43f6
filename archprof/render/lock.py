"""A lock held against what is captured now, in lines."""

from collections.abc import Iterator, Sequence

from archprof.captures.lock_changes import Changed
from archprof.errors import printable

# So many lines, and so much of each field, tell what has happened.
_FEW = 20
_WIDE = 60


def changes_text(file: str, code: str, calls: str, versions: Sequence[str], found: Sequence[Changed]) -> str:
    """Return whether the lock in a file is what *code* is now, of so many *calls*; if not, by which versions either was
    captured, where they are others, and what differs."""
    return "".join(f"{printable(line)}\n" for line in _lines(file, code, calls, versions, found))


def _lines(file: str, code: str, calls: str, versions: Sequence[str], found: Sequence[Changed]) -> Iterator[str]:
    if not found:
        yield f"{file} is what {code} is now: {calls}"
        return
    yield f"{file} is not what {code} is now"
    if versions:
        yield f"captured with {'; '.join(versions)}"
    for change in found[:_FEW]:
        yield f"{change.status} {change.name}{_told(change)}"
    if len(found) > _FEW:
        yield f"and {len(found) - _FEW:,} more"


def _told(change: Changed) -> str:
    told = [f"{key} {_cut(was) or 'unset'}, now {_cut(now) or 'unset'}" for key, (was, now) in change.fields.items()]
    return f": {'; '.join(told)}" if told else ""


def _cut(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}…"

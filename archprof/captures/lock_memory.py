"""What a lock says of where a call puts what it returns: read, and none of it believed."""

from collections.abc import Mapping
from typing import Any

from archprof.captures.fields import element_type
from archprof.ir.graph import HELD, Memory, Place
from archprof.json_fields import MOST_COUNT, Refused, count, field, flag, integer, items, mapping, shown, text

KEYS = Memory._fields


def read_memory(record: Mapping[str, Any], reads: int, returns: int) -> Memory | None:
    """Return the storages of a node that reads and returns so much; None where its record says nothing of them. Raises
    Refused for what it may not say."""
    if not any(key in record for key in KEYS):
        return None
    return Memory(
        field(record, "aliases", lambda found: _aliases(found, reads, returns), ()),
        field(record, "aliases_of_many", lambda found: _aliases(found, reads, returns), None),
        field(record, "writes", lambda found: tuple([_place(one, reads) for one in items(found)]), ()),
        field(record, "dtypes", _dtypes, {}),
        field(record, "slots", lambda found: _slots(found, reads), None),
        field(record, "outlives", lambda found: _counts(found, returns), ()),
        field(record, "detached", flag, False),
        field(record, "checkpoint", count, 0),
        field(record, "reentrant", flag, False),
    )


def _aliases(found: Any, reads: int, returns: int) -> tuple[Place | None, ...]:
    """Return the places of a call's outputs: none lies where an output behind it does."""
    places = items(found, (0, returns))
    return tuple([None if one is None else _place(one, reads + number) for number, one in enumerate(places)])


def _place(found: Any, places: int) -> Place:
    if found == HELD:
        return HELD
    if not places:
        raise Refused(f"the call reads nothing, and nothing can lie at {shown(found)}")
    return integer(found, 0, places - 1)


def _counts(found: Any, returns: int) -> tuple[int, ...]:
    return tuple([count(one) for one in items(found, range(returns + 1))])


def _slots(found: Any, reads: int) -> tuple[int, ...]:
    """Return which tensors of its operator a call's inputs are, in their order."""
    slots = tuple([integer(one, 0, MOST_COUNT) for one in items(found, range(reads + 1))])
    if list(slots) != sorted(set(slots)):
        raise Refused(f"`slots` out of order: {shown(found)}")
    return slots


def _dtypes(found: Any) -> dict[str, str]:
    return {text(key): element_type(value) for key, value in mapping(found).items()}

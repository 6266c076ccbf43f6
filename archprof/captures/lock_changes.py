"""What differs between a lock and what is captured now, call by call."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archprof.captures.lock_text import Lock, class_records, edge_record, node_ids, node_records, tensor_record


class Changed(NamedTuple):
    """A call, or a part of the network, that is `added`, `removed`, `changed` or `moved`: its name, and the fields that
    differ, with what they were and are, as JSON; empty on the side that lacks them."""

    status: str
    name: str
    fields: Mapping[str, tuple[str, str]] = {}


def versions(before: Lock, now: Lock) -> list[str]:
    """Return whose versions are others: `torch 2.12.0, now 2.13.0`."""
    was, is_now = before.captured, now.captured
    found = []
    if was.library != is_now.library:
        found.append(_now(was.library or "no library", is_now.library or "no library"))
    for name in ("torch", "archprof"):
        old, new = getattr(was, name), getattr(is_now, name)
        if old != new:
            found.append(f"{name} {old}, now {new}")
    return found


def _now(was: str, is_now: str) -> str:
    """Return `timm 1.0.31, now 1.0.40`, the library once where it is the same one."""
    library = was.partition(" ")[0]
    return f"{was}, now {is_now.removeprefix(f'{library} ')}"


def changes(before: Lock, now: Lock) -> list[Changed]:
    """Return what differs, in the order of execution; how the two were captured is no part of it."""
    old, new = _parts(before), _parts(now)
    found = [Changed("removed", name) for name in old if name not in new]
    for name, record in new.items():
        if name not in old:
            found.append(Changed("added", name))
        elif fields := dict(_fields(old[name], record)):
            found.append(Changed("changed", name, fields))
    return found or list(_moved(before, now)) or list(_classes(before, now))


def _classes(before: Lock, now: Lock) -> Iterator[Changed]:
    """Yield the modules whose classes are others, of networks whose calls are the same."""
    fields = dict(_fields(dict(class_records(before.graph)), dict(class_records(now.graph))))
    if fields:
        yield Changed("changed", "the modules", fields)


def _moved(before: Lock, now: Lock) -> Iterator[Changed]:
    """Yield the first call that is another one, of networks that have the same ones."""
    for old, new in zip(node_ids(before.graph), node_ids(now.graph), strict=True):
        if old != new:
            yield Changed("moved", new)
            return


def _parts(lock: Lock) -> dict[str, dict[str, Any]]:
    graph = lock.graph
    ids = node_ids(graph)
    calls = dict(zip(ids, node_records(graph), strict=True))
    return {
        "the inputs": {name: tensor_record(value) for name, value in graph.inputs.items()},
        **{name: _flat(record) for name, record in calls.items()},
        "the outputs": {name: edge_record(edge, ids) for name, edge in graph.outputs.items()},
    }


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's fields with those of its operator among them."""
    inner = record.get("attributes") or record.get("recorded") or {}
    return {**{key: value for key, value in record.items() if key not in ("attributes", "recorded")}, **inner}


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    for key in dict.fromkeys((*old, *new)):
        both = (_text(old, key), _text(new, key))
        if both[0] != both[1]:
            yield key, both


def _text(record: Mapping[str, Any], key: str) -> str:
    return json.dumps(record[key], ensure_ascii=False) if key in record else ""
